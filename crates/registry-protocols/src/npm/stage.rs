//! Staged publishing: a version waits at the registry until a person approves it with a second factor.
//!
//! Custody never approves or rejects; it stages, and reads the staging area. All of it needs a token, so nothing of an
//! answer is kept but what [`read_stages`] reduces it to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    bytes::{self, ByteRange},
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    npm::{
        InvalidNpmId, NpmPublication, NpmPublishError, escaped_name,
        publish::{self, Purpose},
    },
    reading::{Reading, Unreadable},
};

/// Entries in one page of the staging list, the most that the protocol allows.
pub const STAGES_PER_PAGE: u64 = 100;
/// Most entries of one version that are told apart; registries that allow a second stage of a version have few.
pub const MAX_STAGES: usize = 8;

/// Names a staged version: a UUID in lower case. No other text gets into a URL or onto a log.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct StageId(String);

/// A text that is no stage id.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "stage id: found {found_bytes} bytes that are no UUID; expected 8-4-4-4-12 hexadecimal digits, as `npm stage list` prints them"
)]
pub struct InvalidStageId {
    /// Length of what was found.
    pub found_bytes: usize,
}

impl FromStr for StageId {
    type Err = InvalidStageId;

    fn from_str(text: &str) -> Result<Self, InvalidStageId> {
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        is_uuid.then(|| Self(text.to_ascii_lowercase())).ok_or(InvalidStageId { found_bytes: text.len() })
    }
}

impl TryFrom<String> for StageId {
    type Error = InvalidStageId;

    fn try_from(text: String) -> Result<Self, InvalidStageId> {
        text.parse()
    }
}

impl From<StageId> for String {
    fn from(id: StageId) -> Self {
        id.0
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the registry says of a staged version, where it says anything.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageStatus {
    /// It waits for a person, or the registry does not say.
    Waiting,
    /// A person approved it; it is or will be published.
    Approved,
    /// A person rejected it.
    Rejected,
    /// Nobody decided in time.
    Expired,
}

/// One staged entry of the version that was asked for.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StagedVersion {
    /// Its name.
    pub id: StageId,
    /// SHA-1 of the staged tarball, where shown. It hints; only the staged bytes prove.
    pub shasum: Option<String>,
    /// Whether it carries the dist-tag that was voted; it cannot be changed any more.
    pub has_voted_tag: bool,
    /// What became of it.
    pub status: StageStatus,
}

/// One page of the staging list, reduced to one version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagedVersions {
    /// The version's entries, sorted by id.
    pub entries: Vec<StagedVersion>,
    /// Whether there are further pages.
    pub has_more: bool,
}

/// What a registry's staging list shows for a version. Absent: the registry has no staging area, or hides it.
pub type StagesReading = Reading<StagedVersions>;

/// The request that stages `tarball`: `POST {endpoint}/-/stage/package/{name}` with the document that publishes it.
///
/// The stage id in the answer is one node's word and is not read: the list names it, agreed by all nodes.
pub fn stage_request(
    endpoint: &EndpointUrl,
    publication: &NpmPublication<'_>,
    tarball: &[u8],
) -> Result<HttpRequest, NpmPublishError> {
    publish::request(Purpose::Stage, endpoint, publication, tarball)
}

/// `GET {endpoint}/-/stage?package={name}&page={page}&perPage=100`; pages count from 0.
pub fn stages_request(endpoint: &EndpointUrl, name: &str, page: u64) -> Result<HttpRequest, InvalidNpmId> {
    // In a query the whole name is one value: `@` is escaped as well.
    let name = escaped_name(name)?.replace('@', "%40");
    let url = endpoint.join(&format!("-/stage?package={name}&page={page}&perPage={STAGES_PER_PAGE}"));
    Ok(HttpRequest::new(Method::Get, url, HEADERS, Vec::new()))
}

/// `GET {endpoint}/-/stage/{id}/tarball`, whole or in part; [`bytes::read_file`] reads the answer.
pub fn stage_tarball_request(endpoint: &EndpointUrl, id: &StageId, range: Option<&ByteRange>) -> HttpRequest {
    bytes::file_request(endpoint.join(&format!("-/stage/{id}/tarball")), range)
}

const HEADERS: &[(&str, &str)] =
    &[("accept", "application/json"), ("npm-command", "stage"), ("user-agent", USER_AGENT)];

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    total: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: StageId,
    package_name: String,
    version: String,
    tag: Option<String>,
    shasum: Option<String>,
    status: Option<String>,
}

/// Reads the answer to [`stages_request`] for page `page` and one version.
pub fn read_stages(
    answer: &HttpAnswer,
    name: &str,
    version: &str,
    dist_tag: &str,
    page: u64,
) -> StagesReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    let Ok(list) = serde_json::from_slice::<Page>(&answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    // As the npm client ends its loop: at the total, or at a page that is not full.
    let seen = page.saturating_add(1).saturating_mul(STAGES_PER_PAGE);
    let has_more = seen < list.total && list.items.len() as u64 >= STAGES_PER_PAGE;
    let of_version =
        list.items.into_iter().filter(|item| item.package_name == name && item.version == version);
    let mut entries: Vec<_> = of_version.map(|item| item.reduced(dist_tag)).collect();
    if entries.len() > MAX_STAGES {
        return Reading::unreadable(Unreadable::TooMany);
    }
    entries.sort();
    Reading::Present(StagedVersions { entries, has_more })
}

impl Item {
    fn reduced(self, dist_tag: &str) -> StagedVersion {
        StagedVersion {
            has_voted_tag: self.tag.as_deref() == Some(dist_tag),
            status: status(self.status.as_deref()),
            shasum: self.shasum.filter(|sum| super::is_sha1(sum)),
            id: self.id,
        }
    }
}

/// The field is young and its values are not documented: whatever is not known counts as waiting, because a
/// listed version can still be approved.
fn status(shown: Option<&str>) -> StageStatus {
    match shown.map(str::to_ascii_lowercase).as_deref() {
        Some("approved" | "published") => StageStatus::Approved,
        Some("rejected" | "denied") => StageStatus::Rejected,
        Some("expired") => StageStatus::Expired,
        _ => StageStatus::Waiting,
    }
}

#[cfg(test)]
mod tests;
