//! Reading one version document back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    npm::{
        InstallFacts, InvalidNpmId, checked_version,
        deprecated::message_sha256,
        escaped_name, is_sha1,
        signature::{self, ShownSignature, VersionSignature},
    },
    reading::{Comparison, Reading, Unreadable},
};

/// The digests that a registry shows for a version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PublishedNpm {
    /// SHA-512 from `dist.integrity`, which installers check.
    #[serde(with = "hex::serde")]
    pub sha512: [u8; 64],
    /// SHA-1 from `dist.shasum`, where the registry shows one.
    pub shasum: Option<String>,
    /// Whether it makes npm fetch, run or link anything that was not voted.
    pub installs_more: bool,
    /// The registry's signatures, sorted; not checked yet.
    pub signatures: Vec<VersionSignature>,
    /// SHA-256 of the deprecation's text, where the version is deprecated.
    pub deprecation: Option<Sha256Digest>,
}

/// What a registry shows for a version.
pub type NpmReading = Reading<PublishedNpm>;

/// `GET {read}/{name}/{version}?t={nonce}`: the nonce keeps caches from answering with an earlier absence.
pub fn version_request(
    read: &EndpointUrl,
    name: &str,
    version: &str,
    nonce: u64,
) -> Result<HttpRequest, InvalidNpmId> {
    let name = escaped_name(name)?;
    let version = checked_version(version)?.replace('+', "%2B");
    let url = read.join(&format!("{name}/{version}?t={nonce}"));
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

#[derive(Deserialize)]
struct VersionDocument {
    name: String,
    version: String,
    dist: Option<Dist>,
    deprecated: Option<Value>,
}

#[derive(Deserialize)]
struct Dist {
    integrity: Option<String>,
    shasum: Option<String>,
    #[serde(default)]
    signatures: Vec<ShownSignature>,
}

/// Reads the answer to [`version_request`]; `voted` is what the voted document makes npm do.
pub fn read_version(answer: &HttpAnswer, name: &str, version: &str, voted: &InstallFacts) -> NpmReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    let Ok(document) = serde_json::from_slice::<VersionDocument>(&answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    if document.name != name || document.version != version {
        return Reading::unreadable(Unreadable::OtherArtifact);
    }
    let Some(dist) = document.dist else {
        return Reading::unreadable(Unreadable::NoSingleDigest);
    };
    let Some(shown) = InstallFacts::of(name, &answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    match dist.integrity.as_deref().and_then(single_sha512) {
        Some(sha512) => Reading::Present(PublishedNpm {
            sha512,
            shasum: dist.shasum.filter(|sum| is_sha1(sum)),
            installs_more: shown.differ_from(voted),
            signatures: signature::reduced(&dist.signatures),
            deprecation: message_sha256(document.deprecated.as_ref()),
        }),
        None => Reading::unreadable(Unreadable::NoSingleDigest),
    }
}

/// Compares with the voted tarball's SHA-512. The voted bytes under a document that adds to what was voted are not what
/// was voted: npm follows the document.
pub fn compare(reading: &NpmReading, sha512: &[u8; 64]) -> Comparison {
    reading.compare_by(|published| published.sha512 == *sha512 && !published.installs_more)
}

/// The one SHA-512 of a subresource-integrity text. Of several, installers would take any, so none proves
/// the bytes.
pub(super) fn single_sha512(integrity: &str) -> Option<[u8; 64]> {
    let mut digests = integrity.split_ascii_whitespace().filter_map(|hash| hash.strip_prefix("sha512-"));
    let (first, second) = (digests.next()?, digests.next());
    if second.is_some() {
        return None;
    }
    // Options may follow behind a question mark.
    let base64 = first.split('?').next().unwrap_or(first);
    STANDARD.decode(base64).ok()?.try_into().ok()
}
