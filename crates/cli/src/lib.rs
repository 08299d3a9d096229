//! The command line tool of Countersign.
//!
//! Three layers: `commands` parse arguments and print, `operations` do the work and print nothing, and [`context`]
//! holds what they share.

mod commands;
mod context;
mod failure;
mod operations;
mod output;
pub mod outside;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{commands::Cli, failure::Failure, output::Output};

/// Runs the command that the process's arguments name.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error),
    };
    let output = Output::new(cli.options.json);
    let ran = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start: {error}")))
        .and_then(|runtime| runtime.block_on(cli.run()));
    match ran {
        Ok(exit) => exit.code().into(),
        Err(failure) => {
            output.failure(&failure);
            failure.kind.exit_code().into()
        }
    }
}

/// Prints help or what is wrong with the arguments; as JSON, if the arguments ask for it in vain.
fn refuse_arguments(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args().any(|argument| argument == "--json") {
        let failure = Failure::usage(error.to_string().trim().trim_start_matches("error: "));
        Output::new(true).failure(&failure);
        return failure.kind.exit_code().into();
    }
    // A closed pipe (`countersign --help | head`) is no failure of ours.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
