//! pypiserver, an index that has not the JSON form of the simple API: nothing can be proven there.

use std::{fs, sync::LazyLock};

use e2e_tests::publishing::{filename, package};
use registry_protocols::{
    http::HttpAnswer,
    pypi::classify_pypi,
    verdict::{Refusal, Verdict},
};
use release_types::Ecosystem;

use crate::{
    npm_peer::sends,
    setting::{Setting, Shared, take, text},
    uploads::{narrowed, upload, wheel_of},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("pypiserver", Ecosystem::Pypi));

/// What is said of the answer to an upload by hand.
fn verdict(setting: &Setting, token: &str, version: &str, bytes: &[u8]) -> Verdict {
    let project = package(Ecosystem::Pypi);
    let now_s =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let token = narrowed(token, project, now_s - 60, now_s + 300);
    let (status, body) = upload(text(&setting.about, "url"), &token, project, version, bytes);
    classify_pypi(&HttpAnswer { status, headers: Vec::new(), body: body.into_bytes() })
}

#[test]
fn should_prove_nothing_and_send_no_more_when_the_index_shows_no_digests() {
    let mut setting = take(&SERVER);
    // Of a project that is new the index says that it is not there, which is as it should be.
    for sent_so_far in [1, 1] {
        let (version, bytes) = setting.next_artifact();
        let release = setting.adopt(&version, &bytes);
        let order = setting.settle(release.proposal);
        assert!(!order.is_verified(), "{order:?}");
        assert!(setting.world.receipt(release.proposal).is_none());
        assert_eq!(sends(&mut setting), sent_so_far, "{order:?}");
    }
}

#[test]
fn should_understand_its_answers_when_a_file_is_new_there_already_or_the_token_is_unknown() {
    let setting = take(&SERVER);
    let token = text(&setting.about, "token");
    let (bytes, other) = (wheel_of("dao-demo", "7.0.0"), wheel_of("dao-demo", "7.0.1"));
    assert_eq!(verdict(&setting, token, "7.0.0", &bytes), Verdict::Accepted);
    assert_eq!(verdict(&setting, token, "7.0.0", &bytes), Verdict::AlreadyExists);
    assert_eq!(verdict(&setting, token, "7.0.0", &other), Verdict::AlreadyExists);
    let stored = setting.home.join("registry/pypiserver/packages").join(filename(Ecosystem::Pypi, "7.0.0"));
    assert!(fs::read(stored).expect("stored") == bytes, "the first bytes stay");
    let unknown = e2e_tests::world::PYPI_TOKEN;
    assert!(matches!(
        verdict(&setting, unknown, "7.0.2", &other),
        Verdict::Refused(Refusal::Forbidden | Refusal::TokenInvalid)
    ));
}
