//! Wheels: a zip archive with a `.dist-info` directory that describes it.

use std::collections::HashSet;

use super::{DistributionFilename, Opened, entry_points, metadata::CoreMetadata, metadata_rules, record};
use crate::{
    archive::{self, Keep},
    limits::{Limits, MAX_METADATA_BYTES, MAX_RECORD_BYTES, MAX_SMALL_TEXT_BYTES},
    report::Report,
};

const REBUILD: &str = "build the wheel again with a current tool";

/// Opens a wheel; nothing after reporting what keeps it from being read.
pub(super) fn open(
    filename: &DistributionFilename,
    bytes: &[u8],
    limits: &Limits,
    report: &mut Report,
) -> Option<Opened> {
    let mut contents = match archive::read_zip(bytes, limits, &what_to_keep, report) {
        Ok(contents) => contents,
        Err(unreadable) => {
            unreadable.add_to(report);
            return None;
        }
    };
    let info = format!("{}-{}.dist-info", filename.name(), filename.version());
    check_info_directories(contents.files.iter().map(|file| file.path.as_str()), &info, report);
    let mut required = |name: &str| {
        let path = format!("{info}/{name}");
        let found = contents.kept.remove(&path);
        if found.is_none() {
            report.add(path, "nothing", "the file", REBUILD);
        }
        found
    };
    let wheel = required("WHEEL");
    let record = required("RECORD");
    let metadata = required("METADATA");
    if let Some(wheel) = wheel {
        check_wheel_version(&wheel, report);
    }
    if let Some(record) = record {
        record::check(&record, &format!("{info}/RECORD"), &contents.files, report);
    }
    let entry_points = contents.kept.remove(&format!("{info}/entry_points.txt"));
    let entry_points = entry_points.map(|bytes| entry_points::parse(&bytes, report)).unwrap_or_default();
    let metadata = CoreMetadata::parse(&metadata?, &format!("{info}/METADATA"), report)?;
    let paths: HashSet<&str> = contents.files.iter().map(|file| file.path.as_str()).collect();
    let directory = format!("{info}/licenses/");
    metadata_rules::check_license_files(&metadata, &directory, |path| paths.contains(path), report);
    let runs_code_on_install = paths.iter().any(|path| runs_at_start(path));
    Some(Opened { metadata, entry_points, runs_code_on_install, files: contents.files })
}

fn what_to_keep(path: &str) -> Keep {
    match path.split_once('/') {
        Some((directory, name)) if directory.ends_with(".dist-info") => match name {
            "METADATA" => Keep::Whole { max_bytes: MAX_METADATA_BYTES },
            "RECORD" => Keep::Whole { max_bytes: MAX_RECORD_BYTES },
            "WHEEL" | "entry_points.txt" => Keep::Whole { max_bytes: MAX_SMALL_TEXT_BYTES },
            _ => Keep::Nothing,
        },
        _ => Keep::Nothing,
    }
}

fn check_info_directories<'a>(paths: impl Iterator<Item = &'a str>, info: &str, report: &mut Report) {
    let tops: HashSet<&str> = paths.filter_map(|path| path.split_once('/')).map(|(top, _)| top).collect();
    for other in tops.iter().filter(|top| top.ends_with(".dist-info") && **top != info) {
        report.add("archive", format!("the directory {other}"), format!("only {info}"), REBUILD);
    }
}

fn check_wheel_version(wheel: &[u8], report: &mut Report) {
    let text = String::from_utf8_lossy(wheel);
    let version =
        text.lines().find_map(|line| line.strip_prefix("Wheel-Version:")).unwrap_or_default().trim();
    if !version.starts_with("1.") {
        report.add("WHEEL: Wheel-Version", version, "1.0 or a later 1.x", REBUILD);
    }
}

/// Files that Python runs by itself each time it starts, once they lie in its library directory.
fn runs_at_start(path: &str) -> bool {
    let in_library = match path.split_once(".data/") {
        Some((top, rest)) if !top.contains('/') => {
            rest.strip_prefix("purelib/").or_else(|| rest.strip_prefix("platlib/"))
        }
        _ => Some(path),
    };
    in_library.is_some_and(|path| {
        let module = path.split(['/', '.']).next().unwrap_or_default();
        matches!(module, "sitecustomize" | "usercustomize") || (path.ends_with(".pth") && !path.contains('/'))
    })
}
