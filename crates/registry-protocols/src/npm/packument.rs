//! Packuments: the abbreviated one lists a package's versions, the full one is what a deprecation is written into.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, MAX_REQUEST_BYTES, Method, USER_AGENT, body_budget_bytes},
    listing::{DigestPrefix, Listing, ListingReading},
    npm::{InvalidNpmId, escaped_name, is_semver, read::single_sha512},
    reading::{Reading, Unreadable},
};

/// `GET {read}/{name}?t={nonce}`, asking for the abbreviated form, which is a tenth of the full one.
pub fn versions_request(read: &EndpointUrl, name: &str, nonce: u64) -> Result<HttpRequest, InvalidNpmId> {
    let headers = [("accept", "application/vnd.npm.install-v1+json"), ("user-agent", USER_AGENT)];
    let url = read.join(&format!("{}?t={nonce}", escaped_name(name)?));
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

#[derive(Deserialize)]
struct Packument {
    name: String,
    versions: HashMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    dist: Option<Dist>,
}

#[derive(Deserialize)]
struct Dist {
    integrity: Option<String>,
    shasum: Option<String>,
}

/// Reads the answer to [`versions_request`]: each version with the start of its SHA-512, old versions without one with
/// a digest of what the registry shows instead.
pub fn read_versions(answer: &HttpAnswer, name: &str) -> ListingReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    let Ok(packument) = serde_json::from_slice::<Packument>(&answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    if packument.name != name {
        return Reading::unreadable(Unreadable::OtherArtifact);
    }
    let shown = packument.versions.into_iter().map(|(version, shown)| (version, shown.digest()));
    Listing::reading(shown, is_semver)
}

impl Version {
    fn digest(&self) -> DigestPrefix {
        let Some(dist) = &self.dist else { return DigestPrefix::of_text("") };
        let sha512 = dist.integrity.as_deref().and_then(single_sha512);
        sha512.map_or_else(
            || DigestPrefix::of_text(&format!("{:?} {:?}", dist.integrity, dist.shasum)),
            |sha512| DigestPrefix::of(&sha512),
        )
    }
}

/// Why a packument cannot be written back with a deprecation.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum DeprecationError {
    /// The name cannot stand in a URL.
    #[error(transparent)]
    InvalidId(#[from] InvalidNpmId),
    /// Not a packument of this package.
    #[error("packument: found no document of this package; read it again")]
    NotThePackument,
    /// It shows no revision.
    #[error(
        "packument: found no `_rev`, with which a change overwrites no other; deprecate it with the npm client"
    )]
    NoRevision,
    /// It does not have the version.
    #[error("packument: the version is not in it; check the version")]
    NoSuchVersion,
    /// It does not fit one outcall.
    #[error(
        "packument: found {found_bytes} bytes, fewer than {MAX_REQUEST_BYTES} with the headers fit one outcall; deprecate it with the npm client"
    )]
    TooLarge {
        /// Size of the packument with the deprecation, in bytes.
        found_bytes: usize,
    },
}

/// `GET {endpoint}/{name}?write=true`: the full packument, past caches, for writing back.
pub fn full_packument_request(endpoint: &EndpointUrl, name: &str) -> Result<HttpRequest, InvalidNpmId> {
    let headers = [("accept", "application/json"), ("npm-command", "deprecate"), ("user-agent", USER_AGENT)];
    let url = endpoint.join(&format!("{}?write=true", escaped_name(name)?));
    Ok(HttpRequest::new(Method::Get, url, &headers, Vec::new()))
}

/// `PUT {endpoint}/{name}`: the packument as it was read, in which one version has this deprecation and nothing else is
/// changed. An empty message takes a deprecation back.
pub fn deprecation_request(
    endpoint: &EndpointUrl,
    name: &str,
    packument: &[u8],
    version: &str,
    message: &str,
) -> Result<HttpRequest, DeprecationError> {
    let url = endpoint.join(&escaped_name(name)?);
    let mut document: Value =
        serde_json::from_slice(packument).map_err(|_| DeprecationError::NotThePackument)?;
    if document.get("name").and_then(Value::as_str) != Some(name) {
        return Err(DeprecationError::NotThePackument);
    }
    if !document.get("_rev").is_some_and(Value::is_string) {
        return Err(DeprecationError::NoRevision);
    }
    let manifest = document
        .get_mut("versions")
        .and_then(|versions| versions.get_mut(version))
        .and_then(Value::as_object_mut)
        .ok_or(DeprecationError::NoSuchVersion)?;
    manifest.insert("deprecated".to_owned(), message.into());
    let headers = [
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("npm-command", "deprecate"),
        ("user-agent", USER_AGENT),
    ];
    let body = document.to_string().into_bytes();
    if body.len() > body_budget_bytes(&headers) {
        return Err(DeprecationError::TooLarge { found_bytes: body.len() });
    }
    Ok(HttpRequest::new(Method::Put, url, &headers, body))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::json;

    use super::*;

    fn endpoint() -> EndpointUrl {
        EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("good URL")
    }

    fn answer(body: &Value) -> HttpAnswer {
        HttpAnswer { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    fn packument() -> Value {
        json!({
            "_id": "@dao/st", "_rev": "3-abc", "name": "@dao/st", "dist-tags": { "latest": "1.1.0" },
            "versions": {
                "1.0.0": { "name": "@dao/st", "version": "1.0.0", "dist": {
                    "integrity": format!("sha512-{}", STANDARD.encode([7; 64])), "shasum": "00" } },
                "1.1.0": { "name": "@dao/st", "version": "1.1.0", "dist": { "shasum": "01" } },
            },
            "modified": "2026-11-21T07:17:49.140Z",
        })
    }

    fn listed(packument: &Value) -> Listing {
        match read_versions(&answer(packument), "@dao/st") {
            Reading::Present(listing) => listing,
            reading => panic!("not read: {reading:?}"),
        }
    }

    #[test]
    fn should_list_the_versions_of_an_abbreviated_packument() {
        let request = versions_request(&endpoint(), "@dao/st", 5).expect("valid");
        assert_eq!(request.url, "https://npm.registry.example/@dao%2fst?t=5");
        let listing = listed(&packument());
        assert_eq!(listing.entries.keys().collect::<Vec<_>>(), ["1.0.0", "1.1.0"]);
        assert_eq!(listing.entries["1.0.0"], DigestPrefix::of(&[7; 64]));
    }

    #[test]
    fn should_show_a_changed_digest_whatever_its_form() {
        let mut other = packument();
        other["versions"]["1.1.0"]["dist"]["shasum"] = json!("02");
        other["modified"] = json!("later");
        let (before, after) = (listed(&packument()), listed(&other));
        assert_eq!(before.entries["1.0.0"], after.entries["1.0.0"]);
        assert_ne!(before.entries["1.1.0"], after.entries["1.1.0"]);
    }

    #[test]
    fn should_take_no_other_document_for_the_list() {
        let unreadable = |why| Reading::Unreadable { why };
        assert_eq!(read_versions(&answer(&packument()), "st"), unreadable(Unreadable::OtherArtifact));
        assert_eq!(read_versions(&answer(&json!([])), "st"), unreadable(Unreadable::NotTheDocument));
    }

    #[test]
    fn should_change_one_field_when_deprecating() {
        let bytes = packument().to_string().into_bytes();
        let request =
            deprecation_request(&endpoint(), "@dao/st", &bytes, "1.0.0", "use \"1.1\"").expect("valid");
        assert_eq!(
            (request.method, request.url.as_str()),
            (Method::Put, "https://npm.registry.example/@dao%2fst")
        );
        let mut expected = packument();
        expected["versions"]["1.0.0"]["deprecated"] = json!("use \"1.1\"");
        assert_eq!(String::from_utf8(request.body).expect("JSON"), expected.to_string());
    }

    #[test]
    fn should_refuse_to_write_into_another_document() {
        let refused = |document: Value, version: &str| {
            deprecation_request(&endpoint(), "@dao/st", &document.to_string().into_bytes(), version, "m")
                .expect_err("refused")
        };
        assert_eq!(refused(packument(), "9.9.9"), DeprecationError::NoSuchVersion);
        for (field, error) in
            [("_rev", DeprecationError::NoRevision), ("name", DeprecationError::NotThePackument)]
        {
            let mut without = packument();
            without[field] = Value::Null;
            assert_eq!(refused(without, "1.0.0"), error);
        }
        let mut large = packument();
        large["readme"] = json!("x".repeat(MAX_REQUEST_BYTES));
        assert!(matches!(refused(large, "1.0.0"), DeprecationError::TooLarge { .. }));
    }
}
