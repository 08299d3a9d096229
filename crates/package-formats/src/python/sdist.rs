//! Source distributions: a gzip-compressed tar archive of one directory with `PKG-INFO` in it.

use std::collections::HashSet;

use super::{Opened, metadata::CoreMetadata, metadata_rules};
use crate::{
    archive::{self, Keep},
    limits::{Limits, MAX_METADATA_BYTES},
    report::Report,
};

/// Opens a source distribution; nothing after reporting what keeps it from being read.
pub(super) fn open(bytes: &[u8], limits: &Limits, report: &mut Report) -> Option<Opened> {
    let mut contents = match archive::read_tar_gz(bytes, limits, &what_to_keep, report) {
        Ok(contents) => contents,
        Err(unreadable) => {
            unreadable.add_to(report);
            return None;
        }
    };
    let tops: HashSet<_> =
        contents.files.iter().map(|file| file.path.split('/').next().map(str::to_owned)).collect();
    let has_top_files = contents.files.iter().any(|file| !file.path.contains('/'));
    if tops.len() > 1 || has_top_files {
        report.add(
            "archive",
            format!("{} entries at the top", tops.len()),
            "one top directory",
            "build it again, for example with `python -m build --sdist`",
        );
    }
    let Some((source, bytes)) = contents.kept.pop_first() else {
        report.add(
            "PKG-INFO",
            "nothing",
            "the file PKG-INFO in the top directory",
            "build it again, for example with `python -m build --sdist`",
        );
        return None;
    };
    let metadata = CoreMetadata::parse(&bytes, &source, report)?;
    for file in &mut contents.files {
        if let Some((_, inner)) = file.path.split_once('/') {
            file.path = inner.to_owned();
        }
    }
    let paths: HashSet<&str> = contents.files.iter().map(|file| file.path.as_str()).collect();
    metadata_rules::check_license_files(&metadata, "", |path| paths.contains(path), report);
    Some(Opened { metadata, entry_points: Vec::new(), runs_code_on_install: true, files: contents.files })
}

fn what_to_keep(path: &str) -> Keep {
    match path.split_once('/') {
        Some((_, "PKG-INFO")) => Keep::Whole { max_bytes: MAX_METADATA_BYTES },
        _ => Keep::Nothing,
    }
}
