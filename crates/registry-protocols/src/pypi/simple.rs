//! The simple API's JSON form (PEP 691, 700, 792): one file's digest, the project's status, the release's age.

use std::borrow::Cow;

use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    listing::{DigestPrefix, Listing, ListingReading},
    pypi::{InvalidProjectName, checked_filename, normalized_project},
    reading::{Comparison, Reading, Unreadable},
    timestamp,
};

/// Whether a project takes new files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectStatus {
    /// It does, or the index does not say.
    Active,
    /// It does; people are told to use another.
    Deprecated,
    /// It takes no files until an owner unarchives it.
    Archived,
    /// The index's staff took it out of circulation; files would be taken and shown to nobody.
    Quarantined,
    /// A status that is not known here.
    Unknown,
}

impl ProjectStatus {
    /// Whether a file may be sent.
    pub fn takes_files(self) -> bool {
        match self {
            Self::Active | Self::Deprecated => true,
            Self::Archived | Self::Quarantined | Self::Unknown => false,
        }
    }
}

/// What an index shows of a project, for one file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ShownProject {
    /// Whether it takes new files.
    pub status: ProjectStatus,
    /// When the first of the release's files was uploaded, in seconds since 1970; none: no file of it, or no dates.
    pub release_since_s: Option<u64>,
    /// The file's SHA-256, which installers check; none: the file is not there.
    pub sha256: Option<Sha256Digest>,
}

/// What an index shows of a project, for one file. Absent: it does not know the project.
pub type PypiReading = Reading<ShownProject>;

/// `GET {read}/{project}/`, asking for JSON. The answer lists every file of the project and may be large.
pub fn project_request(read: &EndpointUrl, project: &str) -> Result<HttpRequest, InvalidProjectName> {
    let url = read.join(&format!("{}/", normalized_project(project)?));
    let headers = [("accept", "application/vnd.pypi.simple.v1+json"), ("user-agent", USER_AGENT)];
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Project<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    files: Vec<File<'a>>,
    #[serde(borrow)]
    project_status: Option<Status<'a>>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    #[serde(borrow)]
    filename: Cow<'a, str>,
    hashes: Hashes<'a>,
    #[serde(borrow)]
    upload_time: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Hashes<'a> {
    #[serde(borrow)]
    sha256: Option<Cow<'a, str>>,
}

impl File<'_> {
    fn sha256(&self) -> Option<Sha256Digest> {
        self.hashes.sha256.as_deref()?.parse().ok()
    }
}

/// Reads the answer to [`project_request`] for one filename.
pub fn read_file(answer: &HttpAnswer, project: &str, filename: &str) -> PypiReading {
    let index = match parse(answer, project) {
        Ok(index) => index,
        Err(reading) => return reading,
    };
    let of_release = index.files.iter().filter(|file| is_of_one_release(&file.filename, filename));
    let release_since_s =
        of_release.filter_map(|file| timestamp::seconds(file.upload_time.as_deref()?)).min();
    let mut listed = index.files.iter().filter(|file| file.filename == filename);
    let sha256 = match (listed.next(), listed.next()) {
        (None, _) => None,
        (Some(file), None) if file.sha256().is_some() => file.sha256(),
        _ => return Reading::unreadable(Unreadable::NoSingleDigest),
    };
    Reading::Present(ShownProject { status: index.status(), release_since_s, sha256 })
}

/// Reads the answer to [`project_request`] for a list of all files, each with the start of its SHA-256.
pub fn read_files(answer: &HttpAnswer, project: &str) -> ListingReading {
    let index = match parse(answer, project) {
        Ok(index) => index,
        Err(reading) => return reading,
    };
    let shown = index.files.iter().map(|file| {
        let digest = file
            .sha256()
            .map_or_else(|| DigestPrefix::of_text("no digest"), |sha256| DigestPrefix::of(&sha256.0));
        (file.filename.clone().into_owned(), digest)
    });
    Listing::reading(shown, |name| checked_filename(name).is_ok() && name.contains(['-', '.']))
}

fn parse<'a, D>(answer: &'a HttpAnswer, project: &str) -> Result<Project<'a>, Reading<D>> {
    if let Some(reading) = Reading::from_status(answer) {
        return Err(reading);
    }
    let Ok(index) = serde_json::from_slice::<Project<'_>>(&answer.body) else {
        return Err(Reading::unreadable(Unreadable::NotTheDocument));
    };
    match (normalized_project(&index.name), normalized_project(project)) {
        (Ok(found), Ok(expected)) if found == expected => Ok(index),
        _ => Err(Reading::unreadable(Unreadable::OtherArtifact)),
    }
}

impl Project<'_> {
    fn status(&self) -> ProjectStatus {
        match self.project_status.as_ref().and_then(|shown| shown.status.as_deref()) {
            None | Some("active") => ProjectStatus::Active,
            Some("deprecated") => ProjectStatus::Deprecated,
            Some("archived") => ProjectStatus::Archived,
            Some("quarantined") => ProjectStatus::Quarantined,
            Some(_) => ProjectStatus::Unknown,
        }
    }
}

/// Whether two filenames are of one version: what stands before the tags of a wheel or the ending of an sdist.
fn is_of_one_release(one: &str, other: &str) -> bool {
    release(one).is_some_and(|release_of_one| Some(release_of_one) == release(other))
}

fn release(filename: &str) -> Option<(String, &str)> {
    let (name, version) = match filename.strip_suffix(".tar.gz").or_else(|| filename.strip_suffix(".zip")) {
        Some(sdist) => sdist.rsplit_once('-')?,
        None => {
            let (name, rest) = filename.strip_suffix(".whl")?.split_once('-')?;
            (name, rest.split_once('-')?.0)
        }
    };
    Some((normalized_project(name).ok()?, version))
}

/// Compares with the voted file's SHA-256.
pub fn compare(reading: &PypiReading, sha256: &Sha256Digest) -> Comparison {
    match reading {
        Reading::Present(ShownProject { sha256: None, .. }) => Comparison::Absent,
        _ => reading.compare_by(|shown| shown.sha256 == Some(*sha256)),
    }
}
