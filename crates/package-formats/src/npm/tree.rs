//! The files of an unpacked npm package, looked at the way npm's own steps look at a directory.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use release_types::FileEntry;

use super::inner_path;
use crate::{archive::Contents, limits::MAX_README_BYTES, report::Report};

/// The files below the archive's top directory.
pub(super) struct Tree {
    files: Vec<FileEntry>,
    /// Every file and every directory above one, in byte order.
    paths: BTreeSet<String>,
    file_paths: BTreeSet<String>,
    kept: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// Strips the top directory, as npm does when it unpacks, and reports if there is not exactly one.
    pub fn new(contents: Contents, report: &mut Report) -> Self {
        let mut tops = BTreeSet::new();
        let mut files = Vec::new();
        for mut file in contents.files {
            match file.path.split_once('/') {
                Some((top, inner)) => {
                    tops.insert(top.to_owned());
                    file.path = inner.to_owned();
                    files.push(file);
                }
                None => report.add(
                    "archive entry",
                    file.path,
                    "everything inside one top directory, usually `package/`",
                    "pack with `npm pack`; npm would not unpack this file",
                ),
            }
        }
        if tops.len() > 1 {
            report.add(
                "archive",
                format!("the top directories {}", tops.into_iter().collect::<Vec<_>>().join(", ")),
                "one top directory",
                "pack with `npm pack`; npm would merge them into one",
            );
        }
        let file_paths: BTreeSet<_> = files.iter().map(|file| file.path.clone()).collect();
        let mut paths = file_paths.clone();
        for path in &file_paths {
            paths.extend(path.match_indices('/').map(|(position, _)| path[..position].to_owned()));
        }
        let kept = contents.kept.into_iter();
        let kept = kept.filter_map(|(path, bytes)| Some((inner_path(&path)?.to_owned(), bytes))).collect();
        Self { files, paths, file_paths, kept }
    }

    pub fn into_files(self) -> Vec<FileEntry> {
        self.files
    }

    /// Whether a file or directory has this path.
    pub fn exists(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// The content of one of the kept files.
    pub fn text(&self, path: &str) -> Option<&[u8]> {
        self.kept.get(path).map(Vec::as_slice)
    }

    /// Whether there is a `*.gyp` in the top directory.
    pub fn has_gyp_file(&self) -> bool {
        let mut top = self.paths.iter().filter(|path| !path.contains('/'));
        top.any(|path| path.ends_with(".gyp") && !path.starts_with('.'))
    }

    /// Paths below a directory (`""` is the top), relative to it, leaving out whatever starts with a dot. In the order
    /// in which npm finds them: level by level, each from its last name to its first.
    pub fn visible_below(&self, directory: &str) -> Vec<&str> {
        let directory = directory.trim_end_matches('/');
        let mut found: Vec<_> = self.paths.iter().filter_map(|path| below(directory, path)).collect();
        found.retain(|path| !path.split('/').any(|part| part.starts_with('.')));
        found.sort_by_key(|path| (path.matches('/').count(), Reverse(*path)));
        found
    }

    /// The README that npm would take, and its text: the last Markdown one in byte order, else the first one without
    /// extension.
    pub fn readme(&self) -> Option<(&str, String)> {
        let candidates = || self.file_paths.iter().map(String::as_str).filter(|path| is_readme(path));
        let markdown = candidates().rfind(|path| has_markdown_extension(path));
        let filename = markdown.or_else(|| candidates().find(|path| path.ends_with("README")))?;
        Some((filename, readme_text(self.text(filename)?)))
    }
}

fn below<'a>(directory: &str, path: &'a str) -> Option<&'a str> {
    match directory {
        "" => Some(path),
        directory => path.strip_prefix(directory)?.strip_prefix('/'),
    }
}

/// Whether a file of the top directory is named `README` or `README.…`, in any case.
pub(super) fn is_readme(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    !path.contains('/')
        && lower.strip_prefix("readme").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Any extension made of the letters of "markdown" in their order, like `md`, `mkd` and `markdown`.
fn has_markdown_extension(path: &str) -> bool {
    let Some((_, extension)) = path.rsplit_once('.') else {
        return false;
    };
    let mut letters = "markdown".chars();
    extension.chars().all(|wanted| letters.any(|letter| letter.eq_ignore_ascii_case(&wanted)))
}

/// Text as node decodes it, without a character that the size limit cut in two.
fn readme_text(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if bytes.len() == MAX_README_BYTES && error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..whole]).into_owned()
}
