//! `watch`: the packages that custody looks at from time to time, freezing when something unapproved appears.

mod list;
mod propose;

use clap::Subcommand;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Propose to watch a package, or to stop
    Propose(propose::Args),
    /// Show what is watched, and what was found
    List,
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Propose(args) => propose::run(context, args).await,
        Command::List => list::run(context).await,
    }
}
