//! What every npm server is tried with.

use std::{fs, path::Path};

use e2e_tests::{archives::tar_gz, publishing::package};
use registry_protocols::verdict::Refusal;
use release_types::{Ecosystem, PublicationState};
use serde_json::json;

use crate::{
    clients,
    setting::{Setting, Shared, take, text},
};

/// Publishes a package without dependencies, and installs it with npm.
pub fn assert_installable(shared: &'static Shared) {
    let mut setting = take(shared);
    let name = package(Ecosystem::Npm);
    let (version, _) = setting.next_artifact();
    let tarball = installable(name, &version);
    let release = setting.adopt(&version, &tarball);
    setting.assert_verified(&release);
    let directory = fresh(&setting, "consumer");
    let registry = format!("--registry={}", text(&setting.about, "url"));
    let wanted = format!("{name}@{version}");
    fs::write(directory.join("package.json"), "{\"private\": true}").expect("a file");
    clients::npm(&["install", "--prefer-online", &registry, &wanted], &directory);
    let lock = fs::read_to_string(directory.join("package-lock.json")).expect("npm writes it");
    let lock: serde_json::Value = serde_json::from_str(&lock).expect("JSON");
    let installed = &lock["packages"][format!("node_modules/{name}")]["integrity"];
    assert_eq!(*installed, json!(integrity(&tarball)));
    let index = directory.join("node_modules").join(name).join("index.js");
    assert_eq!(fs::read_to_string(index).expect("installed"), "module.exports = 42;\n");
}

/// Verifies what npm itself has published, without sending anything.
pub fn assert_verifies_what_npm_published(shared: &'static Shared) {
    let mut setting = take(shared);
    let (version, bytes) = setting.next_artifact();
    npm_publish(&setting, &version, &bytes);
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    assert_eq!(sends(&mut setting), 0);
}

/// Raises the alarm when npm has published other bytes under the voted version.
pub fn assert_alarmed_by_other_bytes(shared: &'static Shared) {
    let mut setting = take(shared);
    let (version, bytes) = setting.next_artifact();
    npm_publish(&setting, &version, &installable(package(Ecosystem::Npm), &version));
    let release = setting.adopt(&version, &bytes);
    let order = setting.settle(release.proposal);
    let state = &order.artifacts[0].state;
    assert!(matches!(state, PublicationState::Mismatch { .. }), "{state:?}");
    assert_eq!(sends(&mut setting), 0);
}

/// Says what is the matter when the server does not know the token.
pub fn assert_refused_without_a_known_token(shared: &'static Shared) {
    let mut setting = take(shared);
    setting.use_unknown_token();
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    assert_refused(&mut setting, release.proposal, Refusal::TokenInvalid);
}

/// Panics unless people are told that the registry refused the release for this reason.
#[track_caller]
pub fn assert_refused(setting: &mut Setting, proposal: release_types::ProposalId, refusal: Refusal) {
    let order = setting.settle(proposal);
    let PublicationState::Blocked { reason } = &order.artifacts[0].state else { panic!("{order:?}") };
    assert!(reason.contains(refusal.advice()), "{refusal:?} expected: {reason}");
}

/// How often custody has sent something, by its own log.
pub fn sends(setting: &mut Setting) -> usize {
    let custody = setting.world.custody;
    let log = setting.world.download_log(custody);
    log.iter().filter(|block| format!("{block:?}").contains("1countersign.sent_artifact")).count()
}

/// A package that npm installs from one server alone.
fn installable(name: &str, version: &str) -> Vec<u8> {
    let manifest = json!({"name": name, "version": version, "main": "index.js"}).to_string();
    tar_gz(&[("package/package.json", manifest.as_bytes()), ("package/index.js", b"module.exports = 42;\n")])
}

/// What npm compares a tarball with.
pub fn integrity(tarball: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::{Digest as _, Sha512};
    format!("sha512-{}", STANDARD.encode(Sha512::digest(tarball)))
}

/// Publishes a tarball with npm itself.
fn npm_publish(setting: &Setting, version: &str, tarball: &[u8]) {
    let directory = fresh(setting, "publisher");
    let file = directory.join(format!("demo-{version}.tgz"));
    fs::write(&file, tarball).expect("a file");
    let url = text(&setting.about, "url");
    let host = url.strip_prefix("http:").expect("plain HTTP on loopback");
    let token = format!("{host}/:_authToken={}\n", text(&setting.about, "token"));
    fs::write(directory.join(".npmrc"), token).expect("a file");
    let registry = format!("--registry={url}");
    clients::npm(&["publish", &registry, "--access=public", file.to_str().expect("a path")], &directory);
}

/// An empty directory.
fn fresh(setting: &Setting, name: &str) -> std::path::PathBuf {
    let directory = Path::new(&setting.home).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// The tests of one server.
macro_rules! npm_peer_tests {
    ($shared:expr) => {
        #[test]
        fn should_publish_what_npm_installs() {
            $crate::npm_peer::assert_installable($shared);
        }

        #[test]
        fn should_verify_without_sending_when_npm_published_the_same_bytes() {
            $crate::npm_peer::assert_verifies_what_npm_published($shared);
        }

        #[test]
        fn should_raise_the_alarm_without_sending_when_npm_published_other_bytes() {
            $crate::npm_peer::assert_alarmed_by_other_bytes($shared);
        }

        #[test]
        fn should_move_a_tag_and_take_that_back() {
            $crate::npm_amendments::assert_moves_tags($shared);
        }

        #[test]
        fn should_name_the_remedy_when_the_server_does_not_know_the_token() {
            $crate::npm_peer::assert_refused_without_a_known_token($shared);
        }
    };
}
pub(crate) use npm_peer_tests;
