//! Files as registries serve them, whole or in ranges, reduced to digests by which the nodes agree on every byte.
//!
//! Paths are derived from what was voted; a URL that a registry names is never followed.

use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    npm::{InvalidNpmId, checked_version, escaped_name},
    pypi::{InvalidFilename, checked_filename},
    reading::{Reading, Unreadable},
};

/// Most bytes that one answer is asked for: what an HTTPS outcall carries less generous headers.
pub const MAX_PIECE_BYTES: u64 = 1_900_000;

/// A part of a file: from `start` on, `len` bytes, of `total`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ByteRange {
    /// Position of the first byte.
    pub start: u64,
    /// Number of bytes, at least 1.
    pub len: u64,
    /// Size of the whole file.
    pub total: u64,
}

impl ByteRange {
    fn last(&self) -> u64 {
        self.start + self.len.saturating_sub(1)
    }
}

/// What was served, by its digests.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServedBytes {
    /// SHA-256 of the bytes.
    pub sha256: Sha256Digest,
    /// SHA-512 of the bytes.
    #[serde(with = "hex::serde")]
    pub sha512: [u8; 64],
    /// How many they are.
    pub size_bytes: u64,
}

impl ServedBytes {
    /// The digests of these bytes, for comparison with those that were voted.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: Sha256Digest::of(bytes),
            sha512: Sha512::digest(bytes).into(),
            size_bytes: bytes.len() as u64,
        }
    }
}

/// What a registry serves under a path.
pub type BytesReading = Reading<ServedBytes>;

/// Asks for a file, or for a part of it.
pub(crate) fn file_request(url: String, range: Option<&ByteRange>) -> HttpRequest {
    // Compression on the way would change what a range and a digest mean.
    let mut headers = vec![
        ("accept".to_owned(), "application/octet-stream, */*".to_owned()),
        ("accept-encoding".to_owned(), "identity".to_owned()),
        ("user-agent".to_owned(), USER_AGENT.to_owned()),
    ];
    if let Some(range) = range {
        headers.push(("range".to_owned(), format!("bytes={}-{}", range.start, range.last())));
    }
    HttpRequest { method: Method::Get, url, headers, body: Vec::new() }
}

/// Asks for a published npm tarball: `GET {read}/{name}/-/{basename}-{version}.tgz`.
pub fn tarball_request(
    read: &EndpointUrl,
    name: &str,
    version: &str,
    range: Option<&ByteRange>,
) -> Result<HttpRequest, InvalidNpmId> {
    escaped_name(name)?;
    let version = checked_version(version)?.replace('+', "%2B");
    let basename = name.rsplit('/').next().unwrap_or(name);
    Ok(file_request(read.join(&format!("{name}/-/{basename}-{version}.tgz")), range))
}

/// Asks for a published Python file, which lies under its BLAKE2b-256 digest:
/// `GET {files}/{aa}/{bb}/{rest}/{filename}`.
pub fn pypi_file_request(
    files: &EndpointUrl,
    blake2b_256: &[u8; 32],
    filename: &str,
    range: Option<&ByteRange>,
) -> Result<HttpRequest, InvalidFilename> {
    let filename = checked_filename(filename)?.replace('+', "%2B");
    let hex = hex::encode(blake2b_256);
    let path = format!("{}/{}/{}/{filename}", &hex[..2], &hex[2..4], &hex[4..]);
    Ok(file_request(files.join(&path), range))
}

/// Reads the answer to a request for a file, or for that part of it.
///
/// A part counts only with status 206 and exactly the range and the size that were asked for: a registry that ignores
/// ranges is reported as such, and a file of another size is another file.
pub fn read_file(answer: &HttpAnswer, range: Option<&ByteRange>) -> BytesReading {
    let encoding = answer.header("content-encoding").unwrap_or("identity");
    if !encoding.trim().eq_ignore_ascii_case("identity") {
        return Reading::unreadable(Unreadable::NotTheDocument);
    }
    let Some(range) = range else {
        return Reading::from_status(answer)
            .unwrap_or_else(|| Reading::Present(ServedBytes::of(&answer.body)));
    };
    match answer.status {
        206 => read_part(answer, range),
        200 => Reading::unreadable(Unreadable::NoRanges),
        // The file ends before the range begins.
        416 => Reading::unreadable(Unreadable::OtherArtifact),
        _ => Reading::from_status(answer).unwrap_or(Reading::unreadable(Unreadable::UnexpectedStatus)),
    }
}

fn read_part(answer: &HttpAnswer, range: &ByteRange) -> BytesReading {
    let shown = answer.header("content-range").and_then(parse_content_range);
    match shown {
        Some((_, _, total)) if total != range.total => Reading::unreadable(Unreadable::OtherArtifact),
        Some((start, last, _))
            if (start, last) == (range.start, range.last()) && answer.body.len() as u64 == range.len =>
        {
            Reading::Present(ServedBytes::of(&answer.body))
        }
        _ => Reading::unreadable(Unreadable::NoRanges),
    }
}

/// `bytes FIRST-LAST/TOTAL`.
fn parse_content_range(value: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    Some((number(first)?, number(last)?, number(total)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::MAX_REDUCED_BYTES;

    const RANGE: ByteRange = ByteRange { start: 10, len: 5, total: 20 };

    fn endpoint(url: &str) -> EndpointUrl {
        EndpointUrl::check("files_url", url).expect("good URL")
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> HttpAnswer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HttpAnswer { status, headers, body: body.to_vec() }
    }

    fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        request.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn should_derive_the_path_of_a_tarball_from_what_was_voted() {
        let read = endpoint("https://npm.registry.example/group/");
        let url = |name, version| tarball_request(&read, name, version, None).expect("valid").url;
        assert_eq!(url("demo", "1.0.0"), "https://npm.registry.example/group/demo/-/demo-1.0.0.tgz");
        assert_eq!(
            url("@dao/st", "1.1.0+a"),
            "https://npm.registry.example/group/@dao/st/-/st-1.1.0%2Ba.tgz"
        );
        assert!(tarball_request(&read, "../x", "1.0.0", None).is_err());
        assert!(tarball_request(&read, "demo", "../1", None).is_err());
    }

    #[test]
    fn should_derive_the_path_of_a_python_file_from_its_digest() {
        let files = endpoint("https://files.registry.example/packages");
        let request =
            pypi_file_request(&files, &[0xab; 32], "demo-1.0-py3-none-any.whl", None).expect("valid");
        assert_eq!(
            request.url,
            format!(
                "https://files.registry.example/packages/ab/ab/{}/demo-1.0-py3-none-any.whl",
                "ab".repeat(30)
            )
        );
        assert!(pypi_file_request(&files, &[0; 32], "../demo.whl", None).is_err());
    }

    #[test]
    fn should_ask_for_the_exact_range_uncompressed() {
        let request = file_request("https://npm.registry.example/x".into(), Some(&RANGE));
        assert_eq!(header(&request, "range"), Some("bytes=10-14"));
        assert_eq!(header(&request, "accept-encoding"), Some("identity"));
        let whole = file_request("https://npm.registry.example/x".into(), None);
        assert_eq!(header(&whole, "range"), None);
    }

    #[test]
    fn should_reduce_what_is_served_to_its_digests() {
        let reading = read_file(&answer(200, &[("etag", "x")], b"bytes"), None);
        assert_eq!(reading, Reading::Present(ServedBytes::of(b"bytes")));
        let reduced = reading.reduced();
        assert!(reduced.len() <= MAX_REDUCED_BYTES);
        assert_eq!(BytesReading::parse_reduced(&reduced), Ok(reading));
        let part = answer(206, &[("Content-Range", "bytes 10-14/20")], b"bytes");
        assert_eq!(read_file(&part, Some(&RANGE)), Reading::Present(ServedBytes::of(b"bytes")));
    }

    #[test]
    fn should_take_no_other_bytes_for_the_range_that_was_asked_for() {
        let part = |range: &str, body: &[u8]| answer(206, &[("content-range", range)], body);
        let cases = [
            (answer(200, &[], b"bytes"), Unreadable::NoRanges),
            (answer(206, &[], b"bytes"), Unreadable::NoRanges),
            (part("bytes 10-14/*", b"bytes"), Unreadable::NoRanges),
            (part("bytes +10-14/20", b"bytes"), Unreadable::NoRanges),
            (part("bytes 0-4/20", b"bytes"), Unreadable::NoRanges),
            (part("bytes 10-14/20", b"byte"), Unreadable::NoRanges),
            (part("bytes 10-14/21", b"bytes"), Unreadable::OtherArtifact),
            (answer(416, &[("content-range", "bytes */9")], b""), Unreadable::OtherArtifact),
            (answer(403, &[], b""), Unreadable::NotPublic),
            (answer(302, &[], b""), Unreadable::Redirected),
            (answer(206, &[("content-encoding", "gzip")], b""), Unreadable::NotTheDocument),
        ];
        for (answer, why) in cases {
            assert_eq!(read_file(&answer, Some(&RANGE)), Reading::Unreadable { why }, "{answer:?}");
        }
        assert_eq!(read_file(&answer(404, &[], b""), Some(&RANGE)), Reading::Absent);
        let unasked = answer(206, &[("content-range", "bytes 0-4/9")], b"bytes");
        assert_eq!(read_file(&unasked, None), Reading::Unreadable { why: Unreadable::UnexpectedStatus });
    }
}
