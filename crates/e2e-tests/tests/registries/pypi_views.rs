//! What a Python index shows in two places, and what it says of a project before anything is sent to it.

use registry_protocols::receipt::Confirmation;
use release_types::{Ecosystem, PublicationState, Waiting};
use serde_json::json;

use e2e_tests::publishing::{filename, package};

use crate::{
    npm_peer::sends,
    pypi_answers::DOUBLE,
    setting::{NODES, Release, Setting, take},
};

const MINUTE_S: usize = 60;

fn project() -> &'static str {
    package(Ecosystem::Pypi)
}

/// Lets the version document be answered so, as often as all nodes read it in so many looks.
fn answer_document(setting: &Setting, version: &str, status: u16, body: &str, looks: usize) {
    let path = format!("/pypi/{}/{version}/json", project());
    let answer = json!({"methods": ["GET"], "path": path, "status": status, "body": body,
                        "headers": {"content-type": "application/json"}, "times": looks * NODES});
    setting.control().tell("answer", &answer);
}

fn adopt(setting: &mut Setting, arrange: impl Fn(&Setting, &str)) -> Release {
    let (version, bytes) = setting.next_artifact();
    arrange(setting, &version);
    setting.adopt(&version, &bytes)
}

#[test]
fn should_say_on_the_receipt_that_both_views_showed_the_voted_digest() {
    let mut setting = take(&DOUBLE);
    let release = adopt(&mut setting, |_, _| {});
    setting.assert_verified(&release);
    assert_eq!(setting.confirmation(&release), Confirmation::SecondView);
    let document = format!("/pypi/{}/{}/json", project(), release.version);
    assert_eq!(setting.control().reads(&document), NODES, "each node reads the second view once");
}

#[test]
fn should_raise_the_alarm_and_sign_nothing_when_the_second_view_shows_another_digest() {
    let mut setting = take(&DOUBLE);
    let release = adopt(&mut setting, |setting, version| {
        let file = json!({"filename": filename(Ecosystem::Pypi, version), "packagetype": "bdist_wheel",
                          "digests": {"sha256": "ab".repeat(32)}, "size": 1, "url": "elsewhere"});
        let document = json!({"info": {"name": project(), "version": version}, "urls": [file]}).to_string();
        answer_document(setting, version, 200, &document, 1);
    });
    let order = setting.settle(release.proposal);
    let PublicationState::Mismatch { shown } = &order.artifacts[0].state else { panic!("{order:?}") };
    assert!(shown.contains("in the other") && shown.contains(&"ab".repeat(32)), "{shown}");
    assert!(setting.world.receipt(release.proposal).is_none());
}

#[test]
fn should_wait_and_send_once_when_the_second_view_lags_behind() {
    let mut setting = take(&DOUBLE);
    let release = adopt(&mut setting, |setting, version| answer_document(setting, version, 404, "{}", 12));
    for _ in 0..2 * MINUTE_S / 5 {
        setting.pass(std::time::Duration::from_secs(5));
    }
    let order = setting.world.order(release.proposal).expect("custody took it");
    assert_eq!(order.artifacts[0].state, PublicationState::Shown, "one view alone proves nothing");
    assert_eq!(order.waiting.expect("it waits").reason, Waiting::Bytes);
    assert!(setting.world.receipt(release.proposal).is_none());
    setting.assert_verified(&release);
    assert_eq!(setting.confirmation(&release), Confirmation::SecondView);
    assert_eq!(setting.control().writes().len(), 1);
}

#[test]
fn should_leave_it_to_people_when_the_second_view_never_shows_the_file() {
    let mut setting = take(&DOUBLE);
    let release =
        adopt(&mut setting, |setting, version| answer_document(setting, version, 404, "{}", 10_000));
    let order = setting.settle(release.proposal);
    let PublicationState::Blocked { reason } = &order.artifacts[0].state else { panic!("{order:?}") };
    assert!(reason.contains("second view"), "{reason}");
    assert!(setting.world.receipt(release.proposal).is_none());
}

/// How many keys custody has asked for.
fn derivations(setting: &mut Setting) -> usize {
    let custody = setting.world.custody;
    let log = setting.world.download_log(custody);
    log.iter().filter(|block| format!("{block:?}").contains("1countersign.bound_derivation")).count()
}

#[test]
fn should_derive_and_send_nothing_when_the_project_takes_no_files() {
    for status in ["archived", "quarantined"] {
        let mut setting = take(&DOUBLE);
        // A project that has files already.
        let earlier = adopt(&mut setting, |_, _| {});
        setting.assert_verified(&earlier);
        setting.control().tell("project", &json!({"name": project(), "owner": "five", "status": status}));
        let (derived, sent) = (derivations(&mut setting), sends(&mut setting));
        let release = adopt(&mut setting, |_, _| {});
        let order = setting.settle(release.proposal);
        let PublicationState::Refused { reason } = &order.artifacts[0].state else { panic!("{order:?}") };
        assert!(reason.contains("the project takes no files"), "{status}: {reason}");
        assert_eq!(derivations(&mut setting), derived, "{status}: no key for what cannot be sent");
        assert_eq!((sends(&mut setting), setting.control().writes().len()), (sent, 1), "{status}");
    }
}
