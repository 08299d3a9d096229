//! `registry`: the registries that releases go to.

mod list;
mod propose;

use clap::Subcommand;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the registries in place
    List,
    /// Propose to put a registry in place, or to replace it
    Propose(propose::Args),
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::List => list::run(context).await,
        Command::Propose(args) => propose::run(context, args).await,
    }
}
