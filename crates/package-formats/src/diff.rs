//! What changed from one version's artifact to the next one's.

use std::collections::BTreeMap;

use release_types::{FileEntry, proposal::ArtifactReview};

/// Differences between two reviews. Empty lists where nothing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewDiff {
    pub files_added: Vec<FileEntry>,
    pub files_removed: Vec<FileEntry>,
    /// Files with other content or another executable bit: before and after.
    pub files_changed: Vec<(FileEntry, FileEntry)>,
    pub dependencies: Vec<Change>,
    pub scripts: Vec<Change>,
    pub commands: Vec<Change>,
    /// Whether installing runs code now and did not before.
    pub starts_running_code_on_install: bool,
}

/// A named entry that was added (no `before`), removed (no `after`) or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Compares the reviews of two versions of the same kind of artifact.
pub fn diff(previous: &ArtifactReview, current: &ArtifactReview) -> ReviewDiff {
    let mut result = ReviewDiff {
        dependencies: changes(&previous.dependencies, &current.dependencies),
        scripts: changes(&previous.scripts, &current.scripts),
        commands: changes(&previous.commands, &current.commands),
        starts_running_code_on_install: current.runs_code_on_install && !previous.runs_code_on_install,
        ..ReviewDiff::default()
    };
    let mut before = by_stable_path(&previous.files);
    for (path, file) in by_stable_path(&current.files) {
        match before.remove(&path) {
            None => result.files_added.push(file.clone()),
            Some(old) if old.sha256 == file.sha256 && old.executable == file.executable => {}
            Some(old) => result.files_changed.push((old.clone(), file.clone())),
        }
    }
    result.files_removed = before.into_values().cloned().collect();
    result
}

fn by_stable_path(files: &[FileEntry]) -> BTreeMap<String, &FileEntry> {
    files.iter().map(|file| (stable_path(&file.path), file)).collect()
}

/// The path without a wheel's name and version in front of `.dist-info` and `.data`.
fn stable_path(path: &str) -> String {
    let Some((top, rest)) = path.split_once('/') else {
        return path.to_owned();
    };
    match top.rsplit_once('.') {
        Some((_, kind @ ("dist-info" | "data"))) if top.contains('-') => format!("*.{kind}/{rest}"),
        _ => path.to_owned(),
    }
}

fn changes(previous: &[(String, String)], current: &[(String, String)]) -> Vec<Change> {
    let before = by_name(previous);
    let after = by_name(current);
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changes = names.map(|name| Change {
        name: (*name).to_owned(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    });
    let mut changes: Vec<_> = changes.filter(|change| change.before != change.after).collect();
    changes.sort_by(|left, right| left.name.cmp(&right.name));
    changes
}

/// Values by name; several of one name (a Python project required under several conditions) joined.
fn by_name(entries: &[(String, String)]) -> BTreeMap<&str, String> {
    let mut by_name: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in entries {
        by_name
            .entry(name)
            .and_modify(|all| {
                all.push_str(" | ");
                all.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    by_name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ecosystem, Limits, Package, review, samples};

    fn npm_review(manifest: &str, files: &[(&str, &[u8])]) -> ArtifactReview {
        let tarball = samples::npm_tarball(manifest, files);
        review(&Package::open(Ecosystem::Npm, "", &tarball, &Limits::default()).expect("opens"))
    }

    #[test]
    fn should_find_nothing_when_nothing_but_the_version_changed() {
        let wheel = |version| {
            let bytes = samples::wheel("demo", version, &[("demo/__init__.py", b"x")]);
            let filename = format!("demo-{version}-py3-none-any.whl");
            review(&Package::open(Ecosystem::Pypi, &filename, &bytes, &Limits::default()).expect("opens"))
        };
        let result = diff(&wheel("1.0"), &wheel("1.1"));
        assert_eq!((&result.files_added, &result.files_removed), (&vec![], &vec![]));
        let changed: Vec<_> = result.files_changed.iter().map(|(_, after)| after.path.as_str()).collect();
        assert_eq!(changed, ["demo-1.1.dist-info/METADATA", "demo-1.1.dist-info/RECORD"]);
    }

    #[test]
    fn should_name_added_removed_and_changed_files_scripts_and_dependencies() {
        let before = npm_review(
            r#"{"name":"demo","version":"1.0.0","dependencies":{"a":"1","b":"1"}}"#,
            &[("old.js", b"1"), ("same.js", b"2"), ("changed.js", b"3")],
        );
        let after = npm_review(
            r#"{"name":"demo","version":"1.0.1","dependencies":{"b":"2","c":"1"},"scripts":{"install":"x"}}"#,
            &[("new.js", b"1"), ("same.js", b"2"), ("changed.js", b"4")],
        );
        let result = diff(&before, &after);
        let paths = |files: &[FileEntry]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&result.files_added), ["new.js"]);
        assert_eq!(paths(&result.files_removed), ["old.js"]);
        let changed: Vec<_> = result.files_changed.iter().map(|(_, after)| after.path.as_str()).collect();
        assert_eq!(changed, ["changed.js", "package.json"]);
        let change = |name: &str, before: Option<&str>, after: Option<&str>| Change {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            result.dependencies,
            [change("a", Some("1"), None), change("b", Some("1"), Some("2")), change("c", None, Some("1"))]
        );
        assert_eq!(result.scripts, [change("install", None, Some("x"))]);
        assert!(result.starts_running_code_on_install);
    }
}
