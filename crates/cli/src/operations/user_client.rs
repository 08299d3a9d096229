//! Running the registry clients on this machine, npm and pip, as their user set them up.

use std::process::{Command, Output, Stdio};

use crate::failure::{Failure, Outcome};

/// Takes the working directory out of Python's search path: what lies in it is perhaps what is being verified.
const WITHOUT_WORKING_DIRECTORY: &str = "import sys\nsys.path[:] = [place for place in sys.path if place]\n";

/// Lines of a client's complaint that are repeated to the user.
const SHOWN_LINES: usize = 12;

/// Python on this machine running this program, which finds pip where its user has it and imports nothing from the
/// working directory.
pub fn python(program: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", &format!("{WITHOUT_WORKING_DIRECTORY}{program}")]);
    command
}

/// Runs a client to its end, which has to be a good one; `what` is what it was to do, for the user:
/// `fetch npm:demo@1.0.0`.
///
/// # Errors
/// When it is not installed or fails; its last words are told.
pub fn run(command: &mut Command, what: &str) -> Outcome<Output> {
    let output = end_of(command, what)?;
    if output.status.success() { Ok(output) } else { Err(failed(command, &output, what)) }
}

/// Runs a client to its end, good or bad.
///
/// # Errors
/// When it is not installed.
pub fn end_of(command: &mut Command, what: &str) -> Outcome<Output> {
    command.stdin(Stdio::null()).output().map_err(|error| {
        let program = command.get_program().to_string_lossy();
        Failure::usage(format!("{program} does not run: {error}")).hint(format!("install it to {what}"))
    })
}

/// What to say of a client that ended badly: its last words.
pub fn failed(command: &Command, output: &Output, what: &str) -> Failure {
    let program = command.get_program().to_string_lossy();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = complaint.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    Failure::usage(format!("{program} did not {what}:\n{last}")).hint(
        "make it work for your client first: its registry, credentials and proxy are those of this machine",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn should_import_nothing_from_the_working_directory_when_python_is_asked() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("json.py"), "open('imported', 'w')").expect("writable");
        run(python("import json; json.dumps(1)").current_dir(directory.path()), "run").expect("Python runs");
        assert!(!directory.path().join("imported").exists());
    }
}
