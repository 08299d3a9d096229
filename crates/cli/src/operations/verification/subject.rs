//! One argument of `verify`: a file on this machine, or a release for the user's client to fetch.

use std::{path::PathBuf, str::FromStr};

use super::release_name::{InvalidReleaseName, ReleaseName};

/// What is to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    File(PathBuf),
    Release(ReleaseName),
}

impl FromStr for Subject {
    type Err = InvalidReleaseName;

    /// What begins with `npm:` or `pypi:` is a release; `./npm:x` is a file of that name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("npm:") || text.starts_with("pypi:") {
            text.parse().map(Self::Release)
        } else {
            Ok(Self::File(PathBuf::from(text)))
        }
    }
}
