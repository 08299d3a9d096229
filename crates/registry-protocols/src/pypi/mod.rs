//! The Python index protocol: upload with POST, read the simple API (PEP 691) back.

mod answer;
mod multipart;
mod simple;
mod upload;
mod version_document;

#[cfg(test)]
mod tests;

pub use answer::classify_pypi;
pub use simple::{ProjectStatus, PypiReading, ShownProject, compare, project_request, read_file, read_files};
pub(crate) use upload::checked_filename;
pub use upload::{InvalidFilename, PypiUploadError, largest_file_bytes, upload_request};
pub use version_document::{
    DocumentReading, DocumentedFile, InvalidPypiId, compare_document, read_document, version_request,
};

use std::str::FromStr as _;

use pep440_rs::Version;
use thiserror::Error;

/// Longest project name, in bytes.
const MAX_PROJECT_BYTES: usize = 100;
/// Longest version, in bytes.
const MAX_VERSION_BYTES: usize = 256;

/// A text that is no project name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "project name: found `{found}`; allowed are up to 100 characters of A-Z a-z 0-9 - _ ., with a letter or digit first and last"
)]
pub struct InvalidProjectName {
    found: String,
}

/// The normalised form of a project name (PEP 503): lower case, with each run of `-`, `_` and `.` one `-`.
pub fn normalized_project(name: &str) -> Result<String, InvalidProjectName> {
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let valid = name.len() <= MAX_PROJECT_BYTES
        && ends_well(name.chars().next())
        && ends_well(name.chars().last())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !valid {
        return Err(InvalidProjectName { found: name.escape_default().take(60).collect() });
    }
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    Ok(parts.collect::<Vec<_>>().join("-").to_ascii_lowercase())
}

/// The normal form of a version (PEP 440), such as `1.0rc1` of `1.0-RC.1`; none if it is no version.
pub fn normalized_version(version: &str) -> Option<String> {
    let is_bounded = version.len() <= MAX_VERSION_BYTES;
    is_bounded.then(|| Version::from_str(version).ok()).flatten().map(|version| version.to_string())
}
