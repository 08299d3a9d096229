//! The version document, an index's second view of a file: made from its database, where the simple API is a page.

use std::borrow::Cow;

use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    pypi::{InvalidProjectName, normalized_project},
    reading::{Comparison, Reading, Unreadable},
};

/// Longest version, in bytes.
const MAX_VERSION_BYTES: usize = 128;

/// A project or version that cannot stand in a URL.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidPypiId {
    /// Not a project name.
    #[error(transparent)]
    Project(#[from] InvalidProjectName),
    /// Not a version.
    #[error(
        "version: found `{found}`; allowed are up to 128 characters of a-z 0-9 . ! - _ +, a digit or letter first"
    )]
    Version {
        /// Start of what was found, printable.
        found: String,
    },
}

/// The digests that a version document shows for a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DocumentedFile {
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// BLAKE2b-256 of the file, where shown; it names the path under which the file lies.
    pub blake2b_256: Option<Sha256Digest>,
}

/// What a version document shows for a file. Absent: there is no such version, or the file is not in it.
pub type DocumentReading = Reading<DocumentedFile>;

/// `GET {base}/{project}/{version}/json?t={nonce}`.
pub fn version_request(
    base: &EndpointUrl,
    project: &str,
    version: &str,
    nonce: u64,
) -> Result<HttpRequest, InvalidPypiId> {
    let project = normalized_project(project)?;
    let is_version_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".!-_+".contains(&byte);
    let is_version = version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && version.len() <= MAX_VERSION_BYTES
        && version.bytes().all(is_version_byte);
    if !is_version {
        return Err(InvalidPypiId::Version { found: version.escape_default().take(60).collect() });
    }
    let version = version.replace('+', "%2B");
    let url = base.join(&format!("{project}/{version}/json?t={nonce}"));
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    info: Info<'a>,
    #[serde(borrow)]
    urls: Vec<File<'a>>,
}

#[derive(Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    filename: Cow<'a, str>,
    digests: Digests<'a>,
}

#[derive(Deserialize)]
struct Digests<'a> {
    #[serde(borrow)]
    sha256: Option<Cow<'a, str>>,
    #[serde(borrow)]
    blake2b_256: Option<Cow<'a, str>>,
}

/// Reads the answer to [`version_request`] for one filename.
pub fn read_document(answer: &HttpAnswer, project: &str, filename: &str) -> DocumentReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    let Ok(document) = serde_json::from_slice::<Document<'_>>(&answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    match (normalized_project(&document.info.name), normalized_project(project)) {
        (Ok(found), Ok(expected)) if found == expected => {}
        _ => return Reading::unreadable(Unreadable::OtherArtifact),
    }
    let mut listed = document.urls.iter().filter(|file| file.filename == filename);
    let Some(file) = listed.next() else { return Reading::Absent };
    let digest = |hex: &Option<Cow<'_, str>>| hex.as_deref().and_then(|hex| hex.parse().ok());
    match digest(&file.digests.sha256) {
        Some(sha256) if listed.next().is_none() => {
            Reading::Present(DocumentedFile { sha256, blake2b_256: digest(&file.digests.blake2b_256) })
        }
        _ => Reading::unreadable(Unreadable::NoSingleDigest),
    }
}

/// Compares with the voted file's SHA-256.
pub fn compare_document(reading: &DocumentReading, sha256: &Sha256Digest) -> Comparison {
    reading.compare_by(|shown| shown.sha256 == *sha256)
}

#[cfg(test)]
mod tests;
