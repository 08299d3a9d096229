//! `identity`: make an identity, or say whom one speaks as.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
    operations::identity,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new Ed25519 identity in a PEM file
    New {
        /// The file to make; an existing one is never replaced
        file: PathBuf,
    },
    /// Print the principal of --identity, or of a file
    Principal { file: Option<PathBuf> },
}

pub fn run(context: &Context, command: Command) -> Outcome<Exit> {
    let principal = match command {
        Command::New { file } => {
            let principal = identity::create(&file)?;
            context.output.note(format!("wrote {}; whoever has this file is you", file.display()));
            principal
        }
        Command::Principal { file: Some(file) } => identity::principal(identity::load(&file)?.as_ref())?,
        Command::Principal { file: None } => identity::principal(context.identity()?.as_ref())?,
    };
    context.output.result(json!({ "principal": principal }), principal.to_text());
    Ok(Exit::Done)
}
