//! Opens archives without trusting them: everything is streamed and hashed, only named small texts are kept.
//!
//! Each reader accepts one reading of the bytes only. Whatever two archive programs could understand differently
//! (duplicate names, data after the end, several headers naming one file, links) is a defect, because a vote must
//! mean the same files to everybody.

mod gzip;
mod path;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::collections::{BTreeMap, HashSet};

use release_types::{FileEntry, Sha256Digest};
use sha2::{Digest as _, Sha256};

use crate::{
    limits::{Limits, MAX_RATIO, RATIO_FREE_BYTES},
    report::Report,
};

pub(crate) use tar::read_tar_gz;
pub(crate) use zip::read_zip;

/// What an archive holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Regular files in archive order.
    pub files: Vec<FileEntry>,
    /// Bytes of the files that were asked for, by path.
    pub kept: BTreeMap<String, Vec<u8>>,
}

/// How much of a file to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    Nothing,
    /// All of it; a longer file is a defect.
    Whole {
        max_bytes: usize,
    },
    /// Its beginning.
    Start {
        max_bytes: usize,
    },
}

/// Chooses by path what is kept.
pub(crate) type KeepRule<'a> = &'a dyn Fn(&str) -> Keep;

/// Why reading stopped. Anything after this point of the archive was not looked at.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub field: String,
    pub found: String,
    pub allowed: String,
    pub hint: String,
}

impl Unreadable {
    fn new(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), found: found.into(), allowed: allowed.into(), hint: hint.into() }
    }

    pub fn add_to(self, report: &mut Report) {
        report.add(self.field, self.found, self.allowed, self.hint);
    }
}

/// Refuses an artifact that is too large to publish, or empty, before it is opened.
pub(crate) fn check_artifact_size(bytes: &[u8], limits: &Limits) -> Result<(), Unreadable> {
    let size_bytes = bytes.len() as u64;
    if size_bytes == 0 || size_bytes > limits.artifact_bytes {
        return Err(Unreadable::new(
            "artifact size",
            format!("{size_bytes} bytes"),
            format!("1 to {} bytes", limits.artifact_bytes),
            "publish fewer or smaller files, or use a publishing mode that does not send the bytes",
        ));
    }
    Ok(())
}

/// Gathers the entries of one archive and enforces what holds for all of them.
struct Collector<'a> {
    limits: &'a Limits,
    packed_bytes: u64,
    unpacked_bytes: u64,
    entries: usize,
    names: HashSet<String>,
    /// Every directory that some path implies.
    parents: HashSet<String>,
    keep: KeepRule<'a>,
    contents: Contents,
}

impl<'a> Collector<'a> {
    fn new(packed_bytes: u64, limits: &'a Limits, keep: KeepRule<'a>) -> Self {
        Self {
            limits,
            packed_bytes,
            unpacked_bytes: 0,
            entries: 0,
            names: HashSet::new(),
            parents: HashSet::new(),
            keep,
            contents: Contents::default(),
        }
    }

    /// Counts an entry of any kind.
    fn count_entry(&mut self) -> Result<(), Unreadable> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Unreadable::new(
                "archive entries",
                format!("more than {}", self.limits.entries),
                format!("at most {}", self.limits.entries),
                "leave generated files out of the package",
            ));
        }
        Ok(())
    }

    /// Claims a checked path for an entry; each may be used once, and a file cannot also be a directory.
    fn claim(&mut self, path: &str, is_directory: bool, report: &mut Report) {
        if !self.names.insert(path.to_owned()) || (!is_directory && self.parents.contains(path)) {
            report.add(
                "archive entry",
                format!("{path} twice"),
                "each path once",
                "pack it again; which of the two is installed depends on the program that unpacks it",
            );
        }
        for (position, _) in path.match_indices('/') {
            self.parents.insert(path[..position].to_owned());
        }
        if is_directory {
            self.parents.insert(path.to_owned());
        }
    }

    /// Starts a file whose archive says that it has `declared_bytes`.
    fn start_file(&mut self, path: &str, declared_bytes: u64) -> Result<FileReader, Unreadable> {
        let total = self.unpacked_bytes.saturating_add(declared_bytes);
        if total > self.limits.unpacked_bytes {
            return Err(Unreadable::new(
                "unpacked size",
                format!("more than {} bytes with {path}", self.limits.unpacked_bytes),
                format!("at most {} bytes", self.limits.unpacked_bytes),
                "leave large files out of the package",
            ));
        }
        if total > RATIO_FREE_BYTES && total / MAX_RATIO > self.packed_bytes {
            return Err(Unreadable::new(
                "compression ratio",
                format!("{total} bytes out of {}", self.packed_bytes),
                format!("at most {MAX_RATIO} to 1 above {RATIO_FREE_BYTES} bytes"),
                "leave out files that are mostly padding",
            ));
        }
        self.unpacked_bytes = total;
        Ok(FileReader { hash: Sha256::new(), size_bytes: 0, keep: (self.keep)(path), kept: Vec::new() })
    }

    fn finish_file(&mut self, path: String, executable: bool, file: FileReader, report: &mut Report) {
        if let Keep::Whole { max_bytes } = file.keep
            && file.size_bytes > max_bytes as u64
        {
            report.add(
                path.clone(),
                format!("{} bytes", file.size_bytes),
                format!("at most {max_bytes} bytes"),
                "shorten it; it is published as metadata too",
            );
        }
        if !matches!(file.keep, Keep::Nothing) {
            self.contents.kept.insert(path.clone(), file.kept);
        }
        let sha256 = Sha256Digest(file.hash.finalize().into());
        self.contents.files.push(FileEntry { path, size_bytes: file.size_bytes, sha256, executable });
    }

    /// What was gathered, once every entry was read.
    fn finish(self, report: &mut Report) -> Contents {
        for file in &self.contents.files {
            if self.parents.contains(&file.path) {
                report.add(
                    "archive entry",
                    format!("{} as a file and as a directory", file.path),
                    "one of them",
                    "pack it again",
                );
            }
        }
        self.contents
    }
}

/// Hashes one file while it streams by.
struct FileReader {
    hash: Sha256,
    size_bytes: u64,
    keep: Keep,
    kept: Vec<u8>,
}

impl FileReader {
    fn take(&mut self, chunk: &[u8]) {
        self.hash.update(chunk);
        self.size_bytes += chunk.len() as u64;
        let room = match self.keep {
            Keep::Nothing => 0,
            Keep::Whole { max_bytes } | Keep::Start { max_bytes } => max_bytes - self.kept.len(),
        };
        self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
}
