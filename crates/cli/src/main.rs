//! `countersign`: runs the command line and exits with its documented code.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::run()
}
