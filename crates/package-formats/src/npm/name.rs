//! What npm and its registry accept as a package name, a version and a dist-tag.

use release_types::Defect;
use semver::Version;
use serde_json::{Map, Value};

use super::normalise::encode_uri_component;
use crate::report::Report;

const NAME_FIELD: &str = "package.json: name";
const VERSION_FIELD: &str = "package.json: version";
const MAX_NAME_CHARS: usize = 214;
const MAX_VERSION_CHARS: usize = 256;
/// Largest number that JavaScript, and so npm's semver, holds exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Everything that keeps `name` from being an npm package name.
pub fn package_name_defects(name: &str) -> Vec<Defect> {
    let mut report = Report::default();
    check_name(name, &mut report);
    report.into_defects()
}

fn check_name(name: &str, report: &mut Report) {
    let mut refuse = |allowed: &str| {
        report.add(NAME_FIELD, name, allowed, "choose a name like `demo` or `@scope/demo`");
    };
    let is_encoded = |part: &str| !part.is_empty() && encode_uri_component(part) == part;
    let unscoped = match name.strip_prefix('@') {
        Some(rest) => match rest.split_once('/') {
            Some((scope, unscoped)) if is_encoded(scope) && is_encoded(unscoped) => unscoped,
            _ => return refuse("`@scope/name` of letters, digits, `-`, `_` and `.`"),
        },
        None if is_encoded(name) => name,
        None => return refuse("letters, digits, `-`, `_` and `.`"),
    };
    if name.to_lowercase() != name {
        refuse("lower-case letters");
    }
    if name.chars().count() > MAX_NAME_CHARS {
        refuse("at most 214 characters");
    }
    if unscoped.starts_with(['.', '_', '-']) {
        refuse("a letter or digit at the start");
    }
    if unscoped.contains(['~', '\'', '!', '(', ')', '*']) {
        refuse("a name without any of ~'!()*");
    }
    if ["node_modules", "favicon.ico"].contains(&name) {
        refuse("a name that npm does not reserve");
    }
}

/// The manifest's name, or nothing after reporting why it is none.
pub(super) fn checked_name(manifest: &Map<String, Value>, report: &mut Report) -> Option<String> {
    match manifest.get("name") {
        Some(Value::String(name)) => {
            check_name(name, report);
            Some(name.clone())
        }
        other => {
            let found = other.map_or("nothing".to_owned(), Value::to_string);
            report.add(NAME_FIELD, found, "a text", "name the package");
            None
        }
    }
}

/// The manifest's version, already cleaned, or nothing after reporting why it is none.
pub(super) fn checked_version(manifest: &Map<String, Value>, report: &mut Report) -> Option<String> {
    let text = manifest.get("version").and_then(Value::as_str).unwrap_or_default();
    if clean_version(text).is_none() {
        let found = manifest.get("version").map_or("nothing".to_owned(), Value::to_string);
        report.add(
            VERSION_FIELD,
            found,
            "a version after semver.org 2.0.0",
            "write it as MAJOR.MINOR.PATCH with an optional -prerelease",
        );
        return None;
    }
    Some(text.to_owned())
}

/// A strict semantic version without its build metadata, which npm drops.
pub(super) fn clean_version(text: &str) -> Option<String> {
    let mut version = Version::parse(text).ok()?;
    version.build = semver::BuildMetadata::EMPTY;
    let numbers = [version.major, version.minor, version.patch];
    let fits = text.len() <= MAX_VERSION_CHARS && numbers.iter().all(|number| *number <= MAX_SAFE_INTEGER);
    fits.then(|| version.to_string())
}

/// Everything that keeps `version` from being one as npm keeps it: strict, and without build metadata.
pub fn version_defects(field: &str, version: &str) -> Vec<Defect> {
    let mut report = Report::default();
    if clean_version(version).as_deref() != Some(version) {
        report.add(
            field,
            version.chars().take(60).collect::<String>(),
            "a version after semver.org 2.0.0 without build metadata",
            "write it as the registry shows it",
        );
    }
    report.into_defects()
}

/// The tag that npm installs by.
const LATEST: &str = "latest";
const FIELD: &str = "dist-tag";

/// Everything that keeps `tag` from being a dist-tag.
pub fn dist_tag_defects(tag: &str) -> Vec<Defect> {
    let mut report = Report::default();
    if tag.is_empty() || encode_uri_component(tag) != tag {
        report.add(FIELD, tag, "letters, digits, `-`, `_` and `.`", "use a word such as `latest` or `next`");
    } else if is_version_range(tag) {
        report.add(
            FIELD,
            tag,
            "a tag that is not a version or a range of versions",
            "use a word such as `latest` or `next`",
        );
    }
    report.into_defects()
}

/// What keeps `version` from being published under `tag`: a release never puts a pre-release under `latest`, where
/// people would get it unasked. A vote of its own may still move `latest` to one.
pub fn prerelease_defects(tag: &str, version: &str) -> Vec<Defect> {
    let mut report = Report::default();
    let is_prerelease = Version::parse(version).is_ok_and(|version| !version.pre.is_empty());
    if tag == LATEST && is_prerelease {
        report.add(
            FIELD,
            format!("latest for {version}"),
            "another tag for a pre-release",
            "publish it under a tag such as `next`; if latest is to name it, have that voted afterwards with `countersign propose dist-tag`",
        );
    }
    report.into_defects()
}

/// Whether npm's semver takes `tag`, which holds only characters that URLs leave alone, for a range.
fn is_version_range(tag: &str) -> bool {
    let plain = tag.strip_prefix('~').unwrap_or(tag).trim_start_matches('v');
    let (numbers, has_prerelease) = match plain.split_once('-') {
        Some((numbers, _)) => (numbers, true),
        None => (plain, false),
    };
    let parts: Vec<_> = numbers.split('.').collect();
    let is_wildcard = |part: &str| matches!(part, "x" | "X" | "*");
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() <= 3
        && (!has_prerelease || parts.len() == 3)
        && parts.iter().all(|part| is_wildcard(part) || is_number(part))
}
