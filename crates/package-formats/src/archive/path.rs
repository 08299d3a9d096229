//! Which paths an archive may contain.

use crate::{
    limits::{MAX_PATH_BYTES, MAX_PATH_DEPTH},
    report::{Report, is_deceptive},
};

/// The path of an entry as text without a trailing slash, or nothing after reporting what is wrong with it.
pub(super) fn checked_path(raw: &[u8], report: &mut Report) -> Option<String> {
    let Ok(path) = std::str::from_utf8(raw) else {
        report.add(
            "archive entry",
            String::from_utf8_lossy(raw),
            "a path in UTF-8",
            "rename the file and pack again",
        );
        return None;
    };
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    match fault(path, trimmed) {
        None => Some(trimmed.to_owned()),
        Some((allowed, hint)) => {
            report.add("archive entry", path, allowed, hint);
            None
        }
    }
}

fn fault(path: &str, trimmed: &str) -> Option<(String, &'static str)> {
    const PACK_AGAIN: &str = "pack from inside the package's own directory";
    if trimmed.is_empty() {
        Some(("a path".into(), PACK_AGAIN))
    } else if path.len() > MAX_PATH_BYTES {
        Some((format!("a path of at most {MAX_PATH_BYTES} bytes"), "shorten directory and file names"))
    } else if path.starts_with('/') || has_drive_letter(path) {
        Some(("a relative path".into(), PACK_AGAIN))
    } else if path.contains('\\') {
        Some(("a path without backslashes".into(), "separate directories with slashes"))
    } else if path.chars().any(is_deceptive) {
        Some(("a path of visible characters".into(), "rename the file"))
    } else if trimmed.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some(("a path without empty parts, `.` and `..`".into(), PACK_AGAIN))
    } else if trimmed.split('/').count() > MAX_PATH_DEPTH {
        Some((format!("at most {MAX_PATH_DEPTH} directories deep"), "flatten the directories"))
    } else {
        None
    }
}

fn has_drive_letter(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}
