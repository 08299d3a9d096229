//! The publish request, built from the voted document and the voted bytes.
//!
//! Registries store the document they are sent without comparing it with the tarball. So everything that
//! depends on the bytes (digests, length, content) is computed here from them, and never taken from outside.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use release_types::proposal::{NpmAccess, NpmOptions};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};
use thiserror::Error;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpRequest, Method, OversizeError, USER_AGENT, body_budget_bytes},
    npm::{InvalidNpmId, checked_version, escaped_name, excerpt},
};

/// What the document is sent for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Publish,
    Stage,
}

impl Purpose {
    fn method_and_path(self, escaped_name: &str) -> (Method, String) {
        match self {
            Self::Publish => (Method::Put, escaped_name.to_owned()),
            Self::Stage => (Method::Post, format!("-/stage/package/{escaped_name}")),
        }
    }

    fn headers(self) -> [(&'static str, &'static str); 4] {
        let command = match self {
            Self::Publish => "publish",
            Self::Stage => "stage",
        };
        [
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("npm-command", command),
            ("user-agent", USER_AGENT),
        ]
    }
}

/// What a vote approved about an npm release, besides the tarball's bytes.
#[derive(Clone, Copy, Debug)]
pub struct NpmPublication<'a> {
    /// Full name, `demo` or `@scope/demo`.
    pub name: &'a str,
    /// The one version.
    pub version: &'a str,
    /// The normalised version document as a JSON object, readme included, without `dist`.
    pub manifest_json: &'a str,
    /// Dist-tag and access.
    pub options: &'a NpmOptions,
}

/// Why no publish request can be made of a publication.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NpmPublishError {
    /// Name or version cannot stand in a URL.
    #[error(transparent)]
    InvalidId(#[from] InvalidNpmId),
    /// The document is no JSON object.
    #[error("manifest: found no JSON object; expected the normalised version document")]
    ManifestNotAnObject,
    /// The document names another package or version.
    #[error("manifest, {field}: found `{found}`, expected `{expected}` as approved")]
    ManifestDisagrees {
        /// `name` or `version`.
        field: &'static str,
        /// Start of what the document says.
        found: String,
        /// What was approved.
        expected: String,
    },
    /// An unusable tag.
    #[error("dist-tag: found nothing; give a tag such as `latest`")]
    EmptyDistTag,
    /// Too large for one outcall.
    #[error(transparent)]
    Oversize(#[from] OversizeError),
}

/// The request that publishes `tarball`: `PUT {endpoint}/{name}`.
///
/// Computes SHA-512, SHA-1 and base64 of the tarball, each in one pass, the body in one allocation.
pub fn publish_request(
    endpoint: &EndpointUrl,
    publication: &NpmPublication<'_>,
    tarball: &[u8],
) -> Result<HttpRequest, NpmPublishError> {
    request(Purpose::Publish, endpoint, publication, tarball)
}

pub(super) fn request(
    purpose: Purpose,
    endpoint: &EndpointUrl,
    publication: &NpmPublication<'_>,
    tarball: &[u8],
) -> Result<HttpRequest, NpmPublishError> {
    check_size(endpoint, publication, tarball.len())?;
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(tarball)));
    let shasum = hex::encode(Sha1::digest(tarball));
    let frame = Frame::new(endpoint, publication, &integrity, &shasum)?;
    let (method, path) = purpose.method_and_path(&escaped_name(publication.name)?);
    Ok(HttpRequest::new(method, endpoint.join(&path), &purpose.headers(), frame.fill(tarball)))
}

/// Size of the body that [`publish_request`] makes for a tarball of that size, in bytes.
pub fn npm_body_bytes(
    endpoint: &EndpointUrl,
    publication: &NpmPublication<'_>,
    tarball_bytes: usize,
) -> Result<usize, NpmPublishError> {
    Ok(Frame::of_any_tarball(endpoint, publication)?.body_bytes(tarball_bytes))
}

/// Exact size of the largest tarball that fits one outcall beside this document, in bytes; 0 when none does.
pub fn largest_tarball_bytes(
    endpoint: &EndpointUrl,
    publication: &NpmPublication<'_>,
) -> Result<usize, NpmPublishError> {
    Ok(Frame::of_any_tarball(endpoint, publication)?.largest_tarball_bytes())
}

fn check_size(
    endpoint: &EndpointUrl,
    publication: &NpmPublication<'_>,
    found_bytes: usize,
) -> Result<(), NpmPublishError> {
    let largest_bytes = largest_tarball_bytes(endpoint, publication)?;
    if found_bytes > largest_bytes {
        return Err(OversizeError { found_bytes, largest_bytes }.into());
    }
    Ok(())
}

/// The body around the tarball's base64: `{…"data":"` and `","length":N}}}`.
struct Frame {
    head: String,
}

impl Frame {
    /// Digests have fixed lengths, so that the frame's size is known before they are.
    fn of_any_tarball(
        endpoint: &EndpointUrl,
        publication: &NpmPublication<'_>,
    ) -> Result<Self, NpmPublishError> {
        let integrity = format!("sha512-{}", STANDARD.encode([0; 64]));
        Self::new(endpoint, publication, &integrity, &"0".repeat(40))
    }

    fn new(
        endpoint: &EndpointUrl,
        publication: &NpmPublication<'_>,
        integrity: &str,
        shasum: &str,
    ) -> Result<Self, NpmPublishError> {
        let NpmPublication { name, version, manifest_json, options } = *publication;
        escaped_name(name)?;
        checked_version(version)?;
        if options.dist_tag.is_empty() {
            return Err(NpmPublishError::EmptyDistTag);
        }
        let mut manifest: Map<String, Value> =
            serde_json::from_str(manifest_json).map_err(|_| NpmPublishError::ManifestNotAnObject)?;
        expect_field(&manifest, "name", name)?;
        expect_field(&manifest, "version", version)?;

        let file = format!("{name}-{version}.tgz");
        let description = manifest.get("description").cloned();
        manifest.insert("_id".to_owned(), format!("{name}@{version}").into());
        let dist = json!({
            "integrity": integrity,
            "shasum": shasum,
            "tarball": endpoint.join(&format!("{name}/-/{file}")),
        });
        manifest.insert("dist".to_owned(), dist);

        let mut document = Map::new();
        document.insert("_id".to_owned(), name.into());
        document.insert("name".to_owned(), name.into());
        if let Some(description) = description {
            document.insert("description".to_owned(), description);
        }
        document.insert("dist-tags".to_owned(), json!({ options.dist_tag.as_str(): version }));
        document.insert("versions".to_owned(), json!({ version: manifest }));
        let access = match options.access {
            NpmAccess::Public => "public",
            NpmAccess::Restricted => "restricted",
        };
        document.insert("access".to_owned(), access.into());
        let attachment = json!({ "content_type": "application/octet-stream", "data": "" });
        document.insert("_attachments".to_owned(), json!({ file: attachment }));

        let mut head = Value::Object(document).to_string();
        // The document ends `…"data":""}}}`: cut behind the quote that opens the data.
        head.truncate(head.len() - "\"}}}".len());
        Ok(Self { head })
    }

    fn body_bytes(&self, tarball_bytes: usize) -> usize {
        self.head.len() + base64_bytes(tarball_bytes) + tail(tarball_bytes).len()
    }

    fn largest_tarball_bytes(&self) -> usize {
        // The headers of the purpose with the longer name, so that what may be published may be staged and back.
        let budget_bytes = body_budget_bytes(&Purpose::Publish.headers());
        let at_most = budget_bytes / 4 * 3;
        (1..=at_most.saturating_sub(self.head.len() / 4 * 3))
            .rev()
            .find(|tarball_bytes| self.body_bytes(*tarball_bytes) <= budget_bytes)
            .unwrap_or(0)
    }

    fn fill(self, tarball: &[u8]) -> Vec<u8> {
        let tail = tail(tarball.len());
        let mut body = vec![0; self.body_bytes(tarball.len())];
        let (head, rest) = body.split_at_mut(self.head.len());
        let (data, end) = rest.split_at_mut(base64_bytes(tarball.len()));
        head.copy_from_slice(self.head.as_bytes());
        STANDARD.encode_slice(tarball, data).expect("the slice has the encoding's exact length");
        end.copy_from_slice(tail.as_bytes());
        body
    }
}

fn tail(tarball_bytes: usize) -> String {
    format!("\",\"length\":{tarball_bytes}}}}}}}")
}

fn base64_bytes(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

fn expect_field(
    manifest: &Map<String, Value>,
    field: &'static str,
    expected: &str,
) -> Result<(), NpmPublishError> {
    let found = manifest.get(field).and_then(Value::as_str).unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    Err(NpmPublishError::ManifestDisagrees { field, found: excerpt(found), expected: expected.to_owned() })
}
