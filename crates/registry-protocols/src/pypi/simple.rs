//! Reading one file's digest back from the simple API's JSON form (PEP 691).

use std::borrow::Cow;

use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    pypi::{InvalidProjectName, normalized_project},
    reading::{Comparison, Reading, Unreadable},
};

/// The digest that an index shows for a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PublishedPypi {
    /// SHA-256, which installers check.
    pub sha256: Sha256Digest,
}

/// What an index shows for a file.
pub type PypiReading = Reading<PublishedPypi>;

/// `GET {read}/{project}/`, asking for JSON. The answer lists every file of the project and may be large.
pub fn project_request(read: &EndpointUrl, project: &str) -> Result<HttpRequest, InvalidProjectName> {
    let url = read.join(&format!("{}/", normalized_project(project)?));
    let headers = [("accept", "application/vnd.pypi.simple.v1+json"), ("user-agent", USER_AGENT)];
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

#[derive(Deserialize)]
struct Project<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    files: Vec<File<'a>>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    filename: Cow<'a, str>,
    hashes: Hashes<'a>,
}

#[derive(Deserialize)]
struct Hashes<'a> {
    #[serde(borrow)]
    sha256: Option<Cow<'a, str>>,
}

/// Reads the answer to [`project_request`] for one filename.
pub fn read_file(answer: &HttpAnswer, project: &str, filename: &str) -> PypiReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    let Ok(index) = serde_json::from_slice::<Project<'_>>(&answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    match (normalized_project(&index.name), normalized_project(project)) {
        (Ok(found), Ok(expected)) if found == expected => {}
        _ => return Reading::unreadable(Unreadable::OtherArtifact),
    }
    let mut listed = index.files.iter().filter(|file| file.filename == filename);
    let Some(file) = listed.next() else {
        return Reading::Absent;
    };
    let sha256 = file.hashes.sha256.as_deref().and_then(|hex| hex.parse().ok());
    match sha256 {
        Some(sha256) if listed.next().is_none() => Reading::Present(PublishedPypi { sha256 }),
        _ => Reading::unreadable(Unreadable::NoSingleDigest),
    }
}

/// Compares with the voted file's SHA-256.
pub fn compare(reading: &PypiReading, sha256: &Sha256Digest) -> Comparison {
    reading.compare_by(|published| published.sha256 == *sha256)
}
