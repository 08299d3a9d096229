//! The inputs that campaigns start from.

use std::{fs, path::Path};

/// The committed corpus of that name, sorted by file name.
///
/// # Panics
/// When there is none.
pub fn corpus(name: &str) -> Vec<Vec<u8>> {
    files_below(&format!("corpus/{name}"), "")
}

/// The content of every file in a directory (relative to this crate) whose name ends so, sorted by file name.
///
/// # Panics
/// When the directory cannot be read.
pub fn files_below(directory: &str, ending: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending)).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file")).collect()
}
