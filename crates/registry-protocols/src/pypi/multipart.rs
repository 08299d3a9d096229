//! A multipart/form-data body (RFC 7578) with one file.
//!
//! Own code, because the crates for this draw the boundary from the operating system's randomness, which a
//! canister has not, and trust it not to occur in the content. Here it is derived from the content's digest
//! and then looked for in everything that is sent.

use sha2::{Digest as _, Sha256};

/// The one file of a form.
pub(super) struct FilePart<'a> {
    /// Field name.
    pub name: &'a str,
    /// File name, without quotes and line ends.
    pub filename: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Length of every boundary, in bytes.
const BOUNDARY_BYTES: usize = 12 + 32;

/// A boundary that occurs in none of the parts. The same parts give the same boundary.
pub(super) fn boundary(fields: &[(&str, &str)], file: &FilePart<'_>) -> String {
    // Comparing the first byte by itself keeps the search of 2 MB cheap.
    let occurs_in = |content: &[u8], boundary: &str| {
        let boundary = boundary.as_bytes();
        content.windows(BOUNDARY_BYTES).any(|window| window[0] == boundary[0] && window == boundary)
    };
    let digest = Sha256::digest(file.bytes);
    let candidate = |counter: u32| {
        let seed = Sha256::new().chain_update(digest).chain_update(counter.to_be_bytes()).finalize();
        format!("countersign-{}", hex::encode(&seed[..16]))
    };
    (0..=u32::MAX)
        .map(candidate)
        .find(|boundary| {
            !occurs_in(file.bytes, boundary)
                && fields.iter().all(|(_, value)| !occurs_in(value.as_bytes(), boundary))
        })
        .expect("2 MB cannot contain four billion different boundaries")
}

/// The body with its parts in order, the file last, in one allocation.
pub(super) fn body(boundary: &str, fields: &[(&str, &str)], file: &FilePart<'_>) -> Vec<u8> {
    let size_bytes = overhead_bytes(fields, file) + file.bytes.len();
    let mut body = Vec::with_capacity(size_bytes);
    for (name, value) in fields {
        body.extend_from_slice(field_head(boundary, name).as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(file_head(boundary, file).as_bytes());
    body.extend_from_slice(file.bytes);
    body.extend_from_slice(end(boundary).as_bytes());
    body
}

/// Bytes of the body besides the file's own.
pub(super) fn overhead_bytes(fields: &[(&str, &str)], file: &FilePart<'_>) -> usize {
    let boundary = "-".repeat(BOUNDARY_BYTES);
    let fields_bytes: usize =
        fields.iter().map(|(name, value)| field_head(&boundary, name).len() + value.len() + 2).sum();
    fields_bytes + file_head(&boundary, file).len() + end(&boundary).len()
}

/// The value of the content-type header.
pub(super) fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}

fn field_head(boundary: &str, name: &str) -> String {
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n")
}

fn file_head(boundary: &str, FilePart { name, filename, .. }: &FilePart<'_>) -> String {
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
}

fn end(boundary: &str) -> String {
    format!("\r\n--{boundary}--\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_choose_another_boundary_when_one_occurs_in_a_field() {
        let file = FilePart { name: "content", filename: "a", bytes: b"bytes" };
        let first = boundary(&[], &file);
        assert_eq!(first.len(), BOUNDARY_BYTES);
        let value = format!("x{first}x");
        let fields = [("summary", value.as_str())];
        let second = boundary(&fields, &file);
        assert_ne!(first, second);
        assert_eq!(second, boundary(&fields, &file));
    }

    #[test]
    fn should_write_the_parts_as_rfc_7578_wants_them() {
        let file = FilePart { name: "content", filename: "a.whl", bytes: b"\0\r\n" };
        let body = body("b", &[(":action", "file_upload")], &file);
        let expected = b"--b\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a.whl\"\r\nContent-Type: application/octet-stream\r\n\r\n\0\r\n\r\n--b--\r\n";
        assert_eq!(String::from_utf8_lossy(&body), String::from_utf8_lossy(expected));
    }
}
