//! devpi, an index that shows digests and takes the same bytes twice, as the public one does.

use std::{fs, sync::LazyLock};

use e2e_tests::publishing::package;
use registry_protocols::verdict::Refusal;
use release_types::{Ecosystem, PublicationState};

use crate::{
    clients,
    npm_peer::{assert_refused, sends},
    setting::{Setting, Shared, take, text},
    uploads::{narrowed, upload, wheel_of},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("pypi", Ecosystem::Pypi));

/// Uploads a wheel as another member of the project would.
fn upload_by_hand(setting: &Setting, version: &str, bytes: &[u8]) -> u16 {
    let project = package(Ecosystem::Pypi);
    let now_s =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let token = narrowed(text(&setting.about, "token"), project, now_s - 60, now_s + 300);
    upload(text(&setting.about, "url"), &token, project, version, bytes).0
}

#[test]
fn should_publish_what_pip_downloads() {
    let mut setting = take(&SERVER);
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    let directory = setting.home.join("consumer");
    let _ = fs::remove_dir_all(&directory);
    let wanted = format!("{}=={version}", package(Ecosystem::Pypi));
    let file = clients::pip_download(text(&setting.about, "read_url"), &wanted, &[], &directory);
    assert!(fs::read(file).expect("downloaded") == bytes, "pip downloads other bytes");
}

#[test]
fn should_verify_without_sending_when_the_same_bytes_are_there() {
    let mut setting = take(&SERVER);
    let (version, bytes) = setting.next_artifact();
    assert_eq!(upload_by_hand(&setting, &version, &bytes), 200);
    assert_eq!(upload_by_hand(&setting, &version, &bytes), 200, "the same bytes again are no error");
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    assert_eq!(sends(&mut setting), 0);
}

#[test]
fn should_raise_the_alarm_without_sending_when_other_bytes_are_there() {
    let mut setting = take(&SERVER);
    let (version, bytes) = setting.next_artifact();
    let other = wheel_of(package(Ecosystem::Pypi), &version);
    assert_eq!(upload_by_hand(&setting, &version, &other), 200);
    assert_eq!(upload_by_hand(&setting, &version, &bytes), 409, "not over other bytes");
    let release = setting.adopt(&version, &bytes);
    let order = setting.settle(release.proposal);
    assert!(matches!(order.artifacts[0].state, PublicationState::Mismatch { .. }), "{order:?}");
    assert_eq!(sends(&mut setting), 0);
}

#[test]
fn should_name_the_remedy_when_the_index_does_not_know_the_token() {
    let mut setting = take(&SERVER);
    setting.use_unknown_token();
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    assert_refused(&mut setting, release.proposal, Refusal::TokenInvalid);
}
