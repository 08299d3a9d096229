//! Processes that end with the test program, whatever ends it: each watches its standard input, which ends when the
//! test program does. Values kept in statics are never dropped, so dropping alone would not do.

use std::{
    ffi::OsStr,
    fs::File,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// A process that ends when its standard input does, or when this value is dropped.
pub struct Supervised {
    child: Child,
}

impl Supervised {
    /// Starts a program that watches its standard input by itself, and returns the first line that it prints; what
    /// it says on stderr goes to `log`.
    ///
    /// # Panics
    /// When it ends before it prints a line.
    pub fn start_watching(mut command: Command, log: File) -> (Self, String) {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        let output = child.stdout.take().expect("standard output is piped");
        BufReader::new(output).read_line(&mut line).expect("prints text");
        assert!(!line.is_empty(), "{command:?} ended with {:?}; see its log", child.wait());
        (Self { child }, line)
    }

    /// Starts any program, ended with SIGTERM by a shell that watches standard input in its place; what it prints
    /// goes to `log`.
    pub fn start(program: &OsStr, arguments: &[&OsStr], log: File) -> Self {
        const WATCH: &str = r#""$@" & child=$!; read -r _; kill -TERM "$child"; wait "$child""#;
        let errors = log.try_clone().expect("a file");
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "sh"]).arg(program).args(arguments);
        command.stdin(Stdio::piped()).stdout(log).stderr(errors);
        Self { child: command.spawn().expect("every Unix has sh") }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
