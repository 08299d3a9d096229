//! `credential`: the sealed tokens that custody publishes with.

mod list;
mod propose;
mod seal;
mod status;

use clap::Subcommand;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Encrypt a publish token on this machine and hand it to custody
    Seal(seal::Args),
    /// Propose to put a credential into use, or out of it
    Propose(propose::Args),
    /// Show all credentials
    List,
    /// Show one credential
    Status(status::Args),
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Seal(args) => seal::run(context, args).await,
        Command::Propose(args) => propose::run(context, args).await,
        Command::List => list::run(context).await,
        Command::Status(args) => status::run(context, args).await,
    }
}
