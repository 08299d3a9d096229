//! Releases from the vote to the consumer's machine: what `npm install` and `pip download` fetch is what was voted.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use e2e_tests::archives;
use serde_json::{Value, json};

use crate::{
    clients::{npm, pip_download},
    setting::{PACKAGE, PROJECT, SETTING, sha256},
};

/// Version of both releases.
pub const VERSION: &str = "1.0.0";

/// A release that was published.
pub struct Release {
    /// The proposal's number.
    pub proposal: String,
    /// What the group proposed.
    pub files: Vec<PathBuf>,
    /// What `status` said when it was carried out.
    pub outcome: Value,
}

/// The npm release, published when the first test asks for it.
pub static NPM: LazyLock<Release> = LazyLock::new(|| {
    let source = SETTING.home.join("greeting");
    let manifest = json!({
        "name": PACKAGE, "version": VERSION, "description": "Greets whoever installs it", "license": "Apache-2.0",
        "main": "index.js", "bin": {"greeting": "greet.js"},
    });
    SETTING.write("greeting/package.json", manifest.to_string().as_bytes());
    SETTING.write("greeting/index.js", b"module.exports = (name) => `Hello, ${name}`;\n");
    SETTING.write("greeting/greet.js", b"#!/usr/bin/env node\nconsole.log(require('.')(process.argv[2]));\n");
    SETTING.write("greeting/README.md", b"# greeting\n");
    let packed = npm(&["pack", "--silent"], &source);
    release("npm", vec![source.join(packed.trim())])
});

/// The Python release: a wheel and a source distribution.
pub static PYPI: LazyLock<Release> = LazyLock::new(|| {
    let wheel = archives::wheel(PROJECT, VERSION, 20_000);
    let wheel = SETTING.write(&format!("dist/{PROJECT}-{VERSION}-py3-none-any.whl"), &wheel);
    let sdist = SETTING.write(&format!("dist/{PROJECT}-{VERSION}.tar.gz"), &sdist());
    release("pypi", vec![wheel, sdist])
});

/// A source distribution that pip can read: it asks the project's build back-end for the metadata.
fn sdist() -> Vec<u8> {
    let top = format!("{PROJECT}-{VERSION}");
    let metadata = format!("Metadata-Version: 2.1\nName: {PROJECT}\nVersion: {VERSION}\nSummary: Greets\n");
    let backend = format!(
        "import os, shutil\n\
         def prepare_metadata_for_build_wheel(directory, config_settings=None):\n    \
             info = '{top}.dist-info'\n    \
             os.mkdir(os.path.join(directory, info))\n    \
             shutil.copy('PKG-INFO', os.path.join(directory, info, 'METADATA'))\n    \
             return info\n"
    );
    archives::tar_gz(&[
        (&format!("{top}/PKG-INFO"), metadata.as_bytes()),
        (
            &format!("{top}/pyproject.toml"),
            b"[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
        ),
        (&format!("{top}/backend.py"), backend.as_bytes()),
        (&format!("{top}/{PROJECT}/__init__.py"), b"VALUE = 42\n"),
    ])
}

fn release(registry: &str, files: Vec<PathBuf>) -> Release {
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let proposal = SETTING.group.propose(registry, &paths);
    let outcome = SETTING.group.approve(&proposal);
    Release { proposal, files, outcome }
}

impl Release {
    /// The digest that was voted on for a file, as the order has it.
    #[track_caller]
    pub fn voted_sha256(&self, path: &Path) -> String {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let artifacts = self.outcome["order"]["artifacts"].as_array().expect("artifacts");
        let artifact = artifacts.iter().find(|artifact| artifact["filename"] == name);
        let artifact = artifact.unwrap_or_else(|| panic!("{name} was not voted on: {artifacts:?}"));
        artifact["sha256"].as_str().expect("a digest").to_string()
    }
}

#[test]
fn should_serve_the_voted_bytes_to_npm_when_the_group_approved() {
    let consumer = SETTING.home.join("npm-consumer");
    let registry = format!("--registry={}", SETTING.registries.npm_url);
    let wanted = format!("{PACKAGE}@{VERSION}");
    SETTING.write("npm-consumer/package.json", b"{\"private\": true}");
    // Made now, so that npm does not find the release before it is published.
    LazyLock::force(&NPM);
    npm(&["install", &registry, &wanted], &consumer);
    let installed =
        fs::read(consumer.join("node_modules").join(PACKAGE).join("index.js")).expect("installed");
    assert_eq!(installed, fs::read(SETTING.home.join("greeting/index.js")).expect("packed"));

    let fetched = consumer.join(npm(&["pack", "--silent", &registry, &wanted], &consumer).trim());
    let [packed] = &NPM.files[..] else { panic!("one tarball") };
    assert_eq!(sha256(&fetched), NPM.voted_sha256(packed), "fetched and voted");
    assert_eq!(sha256(&fetched), sha256(packed), "fetched and packed");

    let verdict = SETTING.group.json("alice", &["verify", fetched.to_str().expect("a path")]);
    assert_eq!(verdict["verdict"], "approved", "{verdict:#}");
}

#[test]
fn should_serve_the_voted_bytes_to_pip_when_the_group_approved() {
    LazyLock::force(&PYPI);
    let (index, wanted) = (&SETTING.registries.pypi_read_url, format!("{PROJECT}=={VERSION}"));
    let wheel = pip_download(index, &wanted, &["--only-binary=:all:"], &SETTING.home.join("wheel-consumer"));
    let sdist = pip_download(index, &wanted, &["--no-binary=:all:"], &SETTING.home.join("sdist-consumer"));
    for (fetched, built) in [&wheel, &sdist].into_iter().zip(&PYPI.files) {
        assert_eq!(fetched.file_name(), built.file_name());
        assert_eq!(sha256(fetched), PYPI.voted_sha256(fetched), "fetched and voted");
        assert_eq!(sha256(fetched), sha256(built), "fetched and built");
    }
    let [wheel, sdist] = [wheel, sdist].map(|path| path.display().to_string());
    let verdict = SETTING.group.json("alice", &["verify", &wheel, &sdist]);
    assert_eq!(verdict["verdict"], "approved", "{verdict:#}");
    assert_eq!(verdict["files"].as_array().map(Vec::len), Some(2), "{verdict:#}");
}
