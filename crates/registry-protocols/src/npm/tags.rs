//! Dist-tags: which version each names, and moving one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    listing::{DigestPrefix, Listing, ListingReading},
    npm::{InvalidNpmId, checked_version, escaped_name, excerpt, is_semver},
    reading::{Reading, Unreadable},
};

/// Longest tag, in bytes.
const MAX_TAG_BYTES: usize = 128;

/// Why a tag cannot be moved.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidTag {
    /// It cannot stand in a URL.
    #[error(
        "dist-tag: found `{found}`; allowed are up to 128 characters of A-Z a-z 0-9 - _ . such as `latest`"
    )]
    Tag {
        /// Start of what was found, printable.
        found: String,
    },
    /// Name or version cannot.
    #[error(transparent)]
    Id(#[from] InvalidNpmId),
}

/// The version that a tag names.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TaggedVersion {
    /// None: the tag does not exist, or names no version.
    pub version: Option<String>,
}

/// What a registry shows for one tag. Absent: it does not know the package.
pub type TagReading = Reading<TaggedVersion>;

/// `GET {read}/-/package/{name}/dist-tags?t={nonce}`.
pub fn tags_request(read: &EndpointUrl, name: &str, nonce: u64) -> Result<HttpRequest, InvalidNpmId> {
    let url = read.join(&format!("-/package/{}/dist-tags?t={nonce}", escaped_name(name)?));
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

/// `PUT {endpoint}/-/package/{name}/dist-tags/{tag}` with the version: the tag names it from then on.
pub fn move_tag_request(
    endpoint: &EndpointUrl,
    name: &str,
    tag: &str,
    version: &str,
) -> Result<HttpRequest, InvalidTag> {
    let is_tag_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_tag = tag.starts_with(|first: char| first.is_ascii_alphanumeric())
        && tag.len() <= MAX_TAG_BYTES
        && tag.bytes().all(is_tag_byte);
    if !is_tag {
        return Err(InvalidTag::Tag { found: excerpt(tag) });
    }
    let url = endpoint.join(&format!("-/package/{}/dist-tags/{tag}", escaped_name(name)?));
    let headers = [
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("npm-command", "dist-tag"),
        ("user-agent", USER_AGENT),
    ];
    // A JSON text; a version has no character that JSON escapes.
    let body = format!("\"{}\"", checked_version(version)?).into_bytes();
    Ok(HttpRequest::new(Method::Put, url, &headers, body))
}

/// Reads the answer to [`tags_request`] for one tag.
pub fn read_tag(answer: &HttpAnswer, tag: &str) -> TagReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    match serde_json::from_slice::<BTreeMap<String, String>>(&answer.body) {
        Ok(mut tags) => {
            let version = tags.remove(tag).filter(|version| is_semver(version));
            Reading::Present(TaggedVersion { version })
        }
        Err(_) => Reading::unreadable(Unreadable::NotTheDocument),
    }
}

/// Reads the answer to [`tags_request`] for a list of the versions that have a tag, without digests.
pub fn read_tagged_versions(answer: &HttpAnswer) -> ListingReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    match serde_json::from_slice::<BTreeMap<String, String>>(&answer.body) {
        Ok(tags) => {
            let versions: BTreeSet<_> = tags.into_values().collect();
            Listing::reading(versions.into_iter().map(|version| (version, DigestPrefix::none())), is_semver)
        }
        Err(_) => Reading::unreadable(Unreadable::NotTheDocument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> EndpointUrl {
        EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("good URL")
    }

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn should_move_a_tag_as_the_npm_client_does() {
        let request = move_tag_request(&endpoint(), "@dao/demo", "stable", "1.0.0").expect("valid");
        assert_eq!(request.method, Method::Put);
        assert_eq!(request.url, "https://npm.registry.example/-/package/@dao%2fdemo/dist-tags/stable");
        assert_eq!(request.body, b"\"1.0.0\"");
        let read = tags_request(&endpoint(), "@dao/demo", 7).expect("valid");
        assert_eq!(read.url, "https://npm.registry.example/-/package/@dao%2fdemo/dist-tags?t=7");
    }

    #[test]
    fn should_refuse_a_tag_or_version_that_would_leave_its_place() {
        for tag in ["", "../x", "a/b", "a?b", "a b", ".x", "é", &"a".repeat(129)] {
            assert!(move_tag_request(&endpoint(), "demo", tag, "1.0.0").is_err(), "{tag}");
        }
        assert!(move_tag_request(&endpoint(), "demo", "latest", "1.0.0\"").is_err());
    }

    #[test]
    fn should_read_the_version_of_one_tag_and_no_other_text() {
        let tags = answer(200, r#"{"latest":"1.0.1","next":"npm_secret"}"#);
        let named = |version: &str| Reading::Present(TaggedVersion { version: Some(version.to_owned()) });
        let none = Reading::Present(TaggedVersion { version: None });
        assert_eq!(read_tag(&tags, "latest"), named("1.0.1"));
        assert_eq!(read_tag(&tags, "next"), none);
        assert_eq!(read_tag(&tags, "beta"), none);
        let reading = read_tag(&tags, "latest");
        assert_eq!(TagReading::parse_reduced(&reading.reduced()), Ok(reading));
        assert_eq!(read_tag(&answer(404, ""), "latest"), Reading::Absent);
        let Reading::Present(tagged) =
            read_tagged_versions(&answer(200, r#"{"latest":"1.0.1","old":"1.0.1"}"#))
        else {
            panic!("not read")
        };
        assert_eq!(tagged.entries.keys().collect::<Vec<_>>(), ["1.0.1"]);
        assert_eq!(
            read_tag(&answer(200, "[]"), "latest"),
            Reading::Unreadable { why: Unreadable::NotTheDocument }
        );
    }
}
