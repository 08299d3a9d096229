//! A wheel's `RECORD`: every file with its digest and size.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use release_types::FileEntry;

use crate::report::Report;

const REBUILD: &str = "build the wheel again; it was changed after it was built";

/// Compares `RECORD` at `record_path` with the files of the archive, both ways.
pub(super) fn check(record: &[u8], record_path: &str, files: &[FileEntry], report: &mut Report) {
    let Ok(text) = std::str::from_utf8(record) else {
        report.add("RECORD", "bytes that are not UTF-8", "text in UTF-8", "build the wheel again");
        return;
    };
    let mut unlisted: HashMap<&str, &FileEntry> =
        files.iter().map(|file| (file.path.as_str(), file)).collect();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Some([path, digest, size]) = columns(line) else {
            report.add("RECORD", line, "path, digest and size", "build the wheel again");
            continue;
        };
        match unlisted.remove(path.as_str()) {
            None => report.add("RECORD", path, "each file of the wheel once", REBUILD),
            Some(_) if is_exempt(&path, record_path) => {}
            Some(file) => check_line(file, &digest, &size, report),
        }
    }
    for path in unlisted.into_keys().filter(|path| !is_exempt(path, record_path)) {
        report.add("RECORD", format!("nothing about {path}"), "every file of the wheel", REBUILD);
    }
}

/// `RECORD` cannot hold its own digest, nor those of its signatures.
fn is_exempt(path: &str, record_path: &str) -> bool {
    path.strip_prefix(record_path).is_some_and(|rest| ["", ".jws", ".p7s"].contains(&rest))
}

fn check_line(file: &FileEntry, digest: &str, size: &str, report: &mut Report) {
    let actual = format!("sha256={}", URL_SAFE_NO_PAD.encode(file.sha256.as_bytes()));
    if digest.trim_end_matches('=') != actual {
        report.add(format!("RECORD: {}", file.path), digest, format!("{actual} (SHA-256)"), REBUILD);
    }
    if !size.is_empty() && size != file.size_bytes.to_string() {
        report.add(format!("RECORD: {}", file.path), size, format!("{} bytes", file.size_bytes), REBUILD);
    }
}

/// The three columns of a line of comma-separated values.
fn columns(line: &str) -> Option<[String; 3]> {
    let mut columns = Vec::new();
    let mut rest = line;
    loop {
        let (column, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        columns.push(column);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    columns.try_into().ok()
}

/// The text up to the closing quote, with doubled quotes as one, and what comes after it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = quoted;
    loop {
        let (piece, after) = rest.split_once('"')?;
        text.push_str(piece);
        match after.strip_prefix('"') {
            Some(next) => {
                text.push('"');
                rest = next;
            }
            None => return Some((text, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_split_columns_as_comma_separated_values() {
        let split = |line| columns(line).map(|columns| columns.join("|"));
        assert_eq!(split("a.py,sha256=x,1").as_deref(), Some("a.py|sha256=x|1"));
        assert_eq!(split("\"a,\"\"b\"\".py\",,").as_deref(), Some("a,\"b\".py||"));
        assert_eq!(split("a,b"), None);
        assert_eq!(split("\"a,b,c"), None);
        assert_eq!(split("\"a\"b,c,d"), None);
    }
}
