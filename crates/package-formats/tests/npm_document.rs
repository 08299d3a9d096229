//! The version documents derived here equal those that npm's own libraries publish for the same tarballs.

use std::{fs, path::PathBuf};

use package_formats::{Limits, NpmPackage};
use serde_json::Value;

fn fixtures() -> Vec<(String, PathBuf)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/npm");
    let entries = fs::read_dir(directory).expect("the fixtures are there");
    let tarballs = entries.map(|entry| entry.expect("is readable").path());
    let tarballs = tarballs.filter(|path| path.extension().is_some_and(|extension| extension == "tgz"));
    let mut cases: Vec<_> = tarballs
        .map(|path| (path.file_stem().expect("has a name").to_string_lossy().into_owned(), path))
        .collect();
    cases.sort();
    cases
}

#[test]
fn should_derive_the_document_that_npm_publishes() {
    let cases = fixtures();
    assert!(cases.len() >= 40, "only {} fixtures found", cases.len());
    let mut failures = Vec::new();
    for (name, path) in cases {
        let expected =
            fs::read_to_string(path.with_extension("json")).expect("each tarball has its document");
        let expected: Value = serde_json::from_str(&expected).expect("is JSON");
        let tarball = fs::read(&path).expect("is readable");
        match NpmPackage::open(&tarball, &Limits::default()) {
            // Compared as text, so that the order of keys counts too.
            Ok(package) => {
                let actual = Value::Object(package.manifest).to_string();
                if actual != expected.to_string() {
                    failures.push(format!("{name}:\n  npm:  {expected}\n  here: {actual}"));
                }
            }
            Err(defects) => failures.push(format!("{name}: {defects:?}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
