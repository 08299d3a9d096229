//! `verify` of releases that it has npm and pip fetch, and of lockfiles, as a consumer calls it.

use std::{fs, path::Path, process::Command, sync::LazyLock};

use e2e_tests::{archives, canister_wasm::repository_root, countersign_command::Countersign};
use serde_json::{Value, json};

use crate::{
    clients::npm,
    releases::{NPM, PYPI, VERSION},
    setting::{PACKAGE, PROJECT, SETTING, sha256},
};

/// A version that somebody published past the group.
pub const UNAPPROVED: &str = "6.6.6";

/// A consumer whose npm and pip are set up for the registries, with a package that nobody governs in a directory
/// of their own.
pub static CONSUMER: LazyLock<Countersign> = LazyLock::new(|| {
    LazyLock::force(&NPM);
    LazyLock::force(&PYPI);
    publish_past_the_group();
    let directory = SETTING.home.join("verifying-consumer");
    fs::create_dir_all(directory.join("wheels")).expect("a directory");
    let npmrc = SETTING.write("verifying-consumer/.npmrc-of-user", b"update-notifier=false\n");
    let path = |path: &Path| path.to_str().expect("a path").to_string();
    let python = path(&repository_root().join(".build/peers/python/bin"));
    SETTING.group.countersign.with_clients(&[
        ("npm_config_registry", &SETTING.registries.npm_url),
        ("npm_config_cache", &path(&directory.join("cache"))),
        ("npm_config_userconfig", &path(&npmrc)),
        ("PIP_INDEX_URL", &SETTING.registries.pypi_read_url),
        ("PIP_FIND_LINKS", &path(&directory.join("wheels"))),
        ("PIP_NO_CACHE_DIR", "1"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PATH", &format!("{python}:{}", std::env::var("PATH").expect("a path"))),
    ])
});

/// Somebody with a token of their own publishes another version.
fn publish_past_the_group() {
    let manifest = json!({"name": PACKAGE, "version": UNAPPROVED}).to_string();
    let bytes = archives::tar_gz(&[("package/package.json", manifest.as_bytes())]);
    let tarball = SETTING.write("past-the-group/package.tgz", &bytes);
    let url = &SETTING.registries.npm_url;
    let (_, host) = url.trim_end_matches('/').split_once(':').expect("a URL");
    let npmrc = format!("registry={url}\n{host}/:_authToken={}\n", SETTING.registries.npm_token);
    let directory = tarball.parent().expect("a directory");
    let user = tempfile::tempdir().expect("a directory");
    // The token is removed at once: a later test searches every file for it.
    let userconfig = user.path().join("npmrc");
    fs::write(&userconfig, npmrc).expect("written");
    let userconfig = format!("--userconfig={}", userconfig.display());
    npm(&["publish", &userconfig, "--tag=past", tarball.to_str().expect("a path")], directory);
}

/// Runs `verify` as the consumer, without an identity; returns the exit code and the object printed.
#[track_caller]
fn verify(arguments: &[&str]) -> (i32, Value) {
    CONSUMER.run_json(None, &[&["verify"], arguments].concat(), "")
}

fn npm_release(version: &str) -> String {
    format!("npm:{PACKAGE}@{version}")
}

#[test]
fn should_approve_releases_when_the_users_own_clients_fetch_the_voted_bytes() {
    let (npm, pypi) = (npm_release(VERSION), format!("pypi:{PROJECT}=={VERSION}"));
    let (code, object) = verify(&[&npm, &pypi]);
    assert_eq!((code, &object["verdict"]), (0, &json!("approved")), "{object:#}");
    let files = object["files"].as_array().expect("files");
    assert_eq!(files.len(), 2, "the tarball, and of the Python release what pip would install: {object:#}");
    assert_eq!(files[0]["sha256"], sha256(&NPM.files[0]));
    assert!(files[1]["file"].as_str().expect("a name").ends_with(".whl"), "{object:#}");

    let (code, object) = verify(&["--all", &pypi]);
    assert_eq!(code, 0, "{object:#}");
    assert_eq!(object["files"].as_array().map(Vec::len), Some(2), "wheel and sdist: {object:#}");
}

#[test]
fn should_not_approve_a_release_that_was_published_past_the_group() {
    let (code, object) = verify(&[&npm_release(VERSION), &npm_release(UNAPPROVED)]);
    assert_eq!((code, &object["verdict"]), (1, &json!("not_approved")), "{object:#}");
    let verdicts: Vec<_> =
        object["files"].as_array().expect("files").iter().map(|file| &file["result"]["verdict"]).collect();
    assert_eq!(verdicts, ["approved", "not_approved"]);
}

#[test]
fn should_not_tell_when_the_clients_find_no_such_release() {
    for release in [npm_release("99.0.0"), format!("pypi:{PROJECT}==99.0"), "pypi:nowhere==1.0".into()] {
        let (code, object) = verify(&[&release]);
        assert_eq!(code, 2, "{release}: {object:#}");
        let message = object["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with("cannot tell: "), "{message}");
    }
}

#[test]
fn should_run_nothing_of_a_source_distribution_that_it_verifies() {
    let marker = SETTING.home.join("verifying-consumer/was-run");
    let code = format!("open({:?}, 'w')\n", marker.display().to_string());
    let top = "eager-1.0";
    let sdist = archives::tar_gz(&[
        (&format!("{top}/PKG-INFO"), b"Metadata-Version: 2.1\nName: eager\nVersion: 1.0\n"),
        (
            &format!("{top}/pyproject.toml"),
            b"[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
        ),
        (&format!("{top}/backend.py"), code.as_bytes()),
    ]);
    LazyLock::force(&CONSUMER);
    SETTING.write("verifying-consumer/wheels/eager-1.0.tar.gz", &sdist);
    let (code, object) = verify(&["pypi:eager==1.0"]);
    assert_eq!(code, 1, "fetched and judged: {object:#}");
    assert!(!marker.exists(), "the build back-end was run");

    // pip itself runs it, so the trap works.
    let directory = SETTING.home.join("verifying-consumer/trap");
    let python = repository_root().join(".build/peers/python/bin/python");
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation", "-d"]).arg(&directory);
    pip.arg("eager==1.0").envs(CONSUMER.clients.iter().map(|(name, value)| (name, value)));
    drop(pip.output().expect("pip runs"));
    assert!(marker.exists(), "the trap of this test does not work");
}

#[test]
fn should_judge_a_lockfile_by_the_digests_in_it() {
    LazyLock::force(&CONSUMER);
    let consumer = SETTING.home.join("verifying-consumer/project");
    let registry = format!("--registry={}", SETTING.registries.npm_url);
    SETTING.write("verifying-consumer/project/package.json", b"{\"private\": true}");
    npm(&["install", "--package-lock-only", &registry, &format!("{PACKAGE}@{VERSION}")], &consumer);
    let lockfile = consumer.join("package-lock.json");
    let path = lockfile.to_str().expect("a path");
    let (code, object) = verify(&["--lockfile", path]);
    assert_eq!((code, object["files"].as_array().map(Vec::len)), (0, Some(1)), "{object:#}");

    let mut content: Value = serde_json::from_slice(&fs::read(&lockfile).expect("written")).expect("JSON");
    let other = json!({"version": "1.0.0", "integrity": format!("sha512-{}==", "A".repeat(86))});
    content["packages"]["node_modules/unrelated"] = other.clone();
    let write = |content: &Value| fs::write(&lockfile, content.to_string()).expect("written");
    write(&content);
    let (code, object) = verify(&["--lockfile", path]);
    assert_eq!((code, &object["not_governed"]), (0, &json!(1)), "{object:#}");
    assert_eq!(verify(&["--lockfile", path, "--strict"]).0, 1);
    assert_eq!(verify(&["--lockfile", path, "--governed", "npm:unrelated"]).0, 1);

    content["packages"][format!("node_modules/{PACKAGE}")]["integrity"] = other["integrity"].clone();
    write(&content);
    let (code, object) = verify(&["--lockfile", path]);
    assert_eq!((code, &object["verdict"]), (1, &json!("not_approved")), "{object:#}");

    content["packages"][format!("node_modules/{PACKAGE}")]["integrity"] = Value::Null;
    write(&content);
    let (code, object) = verify(&["--lockfile", path]);
    assert_eq!((code, &object["verdict"]), (2, &json!("cannot_tell")), "{object:#}");
}

#[test]
fn should_judge_a_requirements_file_by_the_hashes_in_it() {
    LazyLock::force(&CONSUMER);
    let hashes: Vec<_> = PYPI.files.iter().map(|file| format!("--hash=sha256:{}", sha256(file))).collect();
    let judged = |text: String| {
        let file = SETTING.write("verifying-consumer/requirements.txt", text.as_bytes());
        verify(&["--requirements", file.to_str().expect("a path")]).0
    };
    let approved = format!("{PROJECT}=={VERSION} \\\n    {}", hashes.join(" \\\n    "));
    assert_eq!(judged(format!("unrelated==2.0 --hash=sha256:{}\n{approved}\n", "0".repeat(64))), 0);
    assert_eq!(judged(format!("{approved} --hash=sha256:{}\n", "0".repeat(64))), 1, "pip may take the other");
    assert_eq!(judged(format!("{PROJECT}==9.9 {}\n", hashes.join(" "))), 1, "as another version");
    assert_eq!(judged(format!("{PROJECT}=={VERSION}\n")), 2, "no hash");
    assert_eq!(judged(format!("{PROJECT}>={VERSION}\n")), 2, "no pin");
}
