//! The upload request, built from the voted form and the voted bytes.

use release_types::Sha256Digest;
use thiserror::Error;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpRequest, Method, OversizeError, USER_AGENT, body_budget_bytes},
    pypi::multipart::{self, FilePart},
};

/// Longest filename, in bytes.
const MAX_FILENAME_BYTES: usize = 255;
/// Fields that only this module sets.
const RESERVED_FIELDS: [&str; 3] = [":action", "protocol_version", "content"];
const DIGEST_FIELD: &str = "sha256_digest";

/// A filename that would break out of its place in a form or a URL.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "filename: found `{found}`; allowed are up to 255 characters of A-Z a-z 0-9 . _ - + !, a letter or digit first"
)]
pub struct InvalidFilename {
    found: String,
}

/// Why no upload request can be made of a form.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PypiUploadError {
    /// The form sets a field that belongs to the protocol.
    #[error("form field `{field}`: found in the approved form, where it is not allowed; remove it")]
    ReservedField {
        /// Its name.
        field: String,
    },
    /// A field name that would break out of its quotes.
    #[error("form field `{field}`: allowed in names are a-z 0-9 _")]
    InvalidFieldName {
        /// Start of its name, printable.
        field: String,
    },
    /// The form declares the digest of other bytes.
    #[error("form field `sha256_digest`: found `{found}`, but the bytes have {computed}")]
    DigestDisagrees {
        /// Start of what the form says, printable.
        found: String,
        /// What the bytes say.
        computed: Sha256Digest,
    },
    /// A filename that would break out of its quotes or out of a directory.
    #[error(transparent)]
    InvalidFilename(#[from] InvalidFilename),
    /// Too large for one outcall.
    #[error(transparent)]
    Oversize(#[from] OversizeError),
}

/// The request that uploads one file: `POST {endpoint}` with the voted form fields in their order.
///
/// Adds `:action`, `protocol_version` and the file, and `sha256_digest` computed from the bytes.
pub fn upload_request(
    endpoint: &EndpointUrl,
    form: &[(String, String)],
    filename: &str,
    bytes: &[u8],
) -> Result<HttpRequest, PypiUploadError> {
    check(form, filename)?;
    let computed = Sha256Digest::of(bytes);
    if let Some((_, found)) = form
        .iter()
        .find(|(name, value)| name == DIGEST_FIELD && !value.eq_ignore_ascii_case(&computed.to_string()))
    {
        return Err(PypiUploadError::DigestDisagrees { found: excerpt(found), computed });
    }
    let largest_bytes = largest_file_bytes(form, filename)?;
    if bytes.len() > largest_bytes {
        return Err(OversizeError { found_bytes: bytes.len(), largest_bytes }.into());
    }
    let digest = computed.to_string();
    let fields = fields(form, &digest);
    let file = FilePart { name: "content", filename, bytes };
    let boundary = multipart::boundary(&fields, &file);
    let content_type = multipart::content_type(&boundary);
    let body = multipart::body(&boundary, &fields, &file);
    Ok(HttpRequest::new(Method::Post, endpoint.as_str().to_owned(), &headers(&content_type), body))
}

/// Exact size of the largest file that fits one outcall beside this form, in bytes; 0 when none does.
pub fn largest_file_bytes(form: &[(String, String)], filename: &str) -> Result<usize, PypiUploadError> {
    check(form, filename)?;
    let any_digest = "0".repeat(64);
    let fields = fields(form, &any_digest);
    let empty = FilePart { name: "content", filename, bytes: b"" };
    let content_type = multipart::content_type(&multipart::boundary(&fields, &empty));
    let overhead_bytes = multipart::overhead_bytes(&fields, &empty);
    Ok(body_budget_bytes(&headers(&content_type)).saturating_sub(overhead_bytes))
}

fn headers(content_type: &str) -> [(&str, &str); 3] {
    [("accept", "application/json"), ("content-type", content_type), ("user-agent", USER_AGENT)]
}

fn fields<'a>(form: &'a [(String, String)], digest: &'a str) -> Vec<(&'a str, &'a str)> {
    let ours = [(":action", "file_upload"), ("protocol_version", "1"), (DIGEST_FIELD, digest)];
    let voted = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    ours.into_iter().chain(voted.filter(|(name, _)| *name != DIGEST_FIELD)).collect()
}

fn check(form: &[(String, String)], filename: &str) -> Result<(), PypiUploadError> {
    for (name, _) in form {
        if RESERVED_FIELDS.contains(&name.as_str()) {
            return Err(PypiUploadError::ReservedField { field: name.clone() });
        }
        let is_name_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            return Err(PypiUploadError::InvalidFieldName { field: excerpt(name) });
        }
    }
    checked_filename(filename)?;
    Ok(())
}

pub(crate) fn checked_filename(filename: &str) -> Result<&str, InvalidFilename> {
    let valid = filename.starts_with(|first: char| first.is_ascii_alphanumeric())
        && filename.len() <= MAX_FILENAME_BYTES
        && filename.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+!".contains(&byte));
    valid.then_some(filename).ok_or_else(|| InvalidFilename { found: excerpt(filename) })
}

fn excerpt(text: &str) -> String {
    text.escape_default().take(60).collect()
}
