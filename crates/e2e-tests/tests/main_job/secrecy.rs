//! The tokens leave no trace on the machine that sealed them, nor in what the network writes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use crate::{
    releases::{NPM, PYPI},
    setting::SETTING,
};

/// Every file below a directory.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let below = entries.flat_map(|entry| match entry.path() {
        // A link inside a package that npm installed; its target is searched where it is.
        path if path.is_symlink() => Vec::new(),
        path if path.is_dir() => files_below(&path),
        path => vec![path],
    });
    below.collect()
}

#[test]
fn should_leave_no_trace_of_a_token_in_any_file_when_releases_were_published() {
    LazyLock::force(&NPM);
    LazyLock::force(&PYPI);
    let countersign = &SETTING.group.countersign;
    let planted = format!("a line with {} in it", SETTING.registries.npm_token);
    assert!(countersign.secret_in(planted.as_bytes()).is_some(), "the search finds what is there");

    // The registries issued the tokens and keep them; compiled modules are code.
    let not_ours = [SETTING.home.join("registries"), SETTING.home.join("network/modules")];
    let mut searched = Vec::new();
    for path in files_below(&SETTING.home) {
        if not_ours.iter().any(|directory| path.starts_with(directory)) {
            continue;
        }
        // Other tests replace files meanwhile; those that are gone hold nothing.
        let Ok(bytes) = fs::read(&path) else { continue };
        countersign.assert_no_secret(&path.display().to_string(), &bytes);
        searched.push(path);
    }
    let was_searched = |name: &str| searched.iter().any(|path| path.ends_with(name));
    assert!(was_searched("deployment.json"), "{searched:?}");
    if SETTING.network.is_own() {
        assert!(was_searched("network/network.log") && was_searched("network/trace.jsonl"), "{searched:?}");
    }
}
