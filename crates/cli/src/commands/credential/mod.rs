//! `credential`: the sealed tokens that custody publishes with.

mod deposit;
mod list;
mod propose;
mod rotate;
mod seal;
mod slice;
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
    /// Replace a token by a new one: sealing, activation and revocation, step by step
    Rotate(rotate::Args),
    /// Cut a Python project's token into dated slices, each sealed to a while of its own
    Slice(slice::Args),
    /// Show all credentials
    List,
    /// Show one credential
    Status(status::Args),
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Seal(args) => seal::run(context, args).await,
        Command::Propose(args) => propose::run(context, args).await,
        Command::Rotate(args) => rotate::run(context, args).await,
        Command::Slice(args) => slice::run(context, args).await,
        Command::List => list::run(context).await,
        Command::Status(args) => status::run(context, args).await,
    }
}
