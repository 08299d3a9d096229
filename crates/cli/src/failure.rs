//! How a command fails: what happened, what to do next, and the exit code that scripts rely on.

use std::fmt;

use release_types::Defect;

/// Why a command did not do what was asked; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Somebody with a say (a canister, a check, a signature) said no. Exit code 1.
    Refused,
    /// The command was asked wrongly, or cannot tell from what it has. Exit code 2.
    Usage,
    /// The network, or a program it needs, did not answer. Trying again is safe. Exit code 3.
    Network,
}

impl FailureKind {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Network => 3,
        }
    }
}

/// A command's failure, as its user reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What happened: the thing, what was found, what is allowed.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Each single thing that is wrong, where there are several.
    pub defects: Vec<Defect>,
}

/// What operations return.
pub type Outcome<T> = Result<T, Failure>;

/// How a command that did run to its end exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or approved. Exit code 0.
    Done,
    /// It cannot be told from what is there. Exit code 2.
    CannotTell,
    /// The answer is no. Exit code 1.
    No,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => FailureKind::Refused.exit_code(),
            Self::CannotTell => FailureKind::Usage.exit_code(),
        }
    }
}

impl Failure {
    /// A "no" from somebody with a say.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, message)
    }

    /// A wrong or insufficient request.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// No answer.
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Network, message)
    }

    /// A file that cannot be read or written.
    pub fn file(action: &str, path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::usage(format!("cannot {action} {}: {error}", path.display()))
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds each single thing that is wrong.
    pub fn with_defects(mut self, defects: Vec<Defect>) -> Self {
        self.defects = defects;
        self
    }

    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, defects: Vec::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
