//! npm's staging area, at the double: custody stages with a token that can do nothing else, a person approves.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::{archives::npm_tarball, publishing::package, world::NPM_TOKEN};
use registry_protocols::verdict::Refusal;
use release_types::{Ecosystem, PublicationState, PublishingMode};
use serde_json::json;

use crate::{
    npm_answers::DOUBLE,
    npm_peer::integrity,
    setting::{Release, Setting, take, text},
};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// What a person's authenticator shows.
const ONE_TIME_PASSWORD: &str = "123456";

fn name() -> &'static str {
    package(Ecosystem::Npm)
}

/// A token that may only stage, and a person with a second factor.
fn prepare(setting: &mut Setting) {
    setting.control().tell("registry", &json!({"one_time_password": ONE_TIME_PASSWORD}));
    setting.control().tell("token", &json!({"token": NPM_TOKEN, "standing": "stage-only"}));
    setting.use_staging_token(NPM_TOKEN);
}

/// What a person does with a stage, with a second factor; the status of the answer.
fn decide(setting: &Setting, method: &str, path: &str, one_time_password: &str) -> u16 {
    let url = format!("{}/-/stage/{path}", text(&setting.about, "url"));
    let sent = ureq::request(method, &url)
        .set("authorization", &format!("Bearer {NPM_TOKEN}"))
        .set("npm-otp", one_time_password);
    match sent.call() {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => answer.status(),
        Err(error) => panic!("the double does not answer: {error}"),
    }
}

/// Lets somebody else have staged a version, in the way in which npm does.
fn stage_by_hand(setting: &Setting, version: &str, bytes: &[u8]) -> u16 {
    let body = json!({
        "_id": name(), "name": name(), "dist-tags": {"latest": version}, "access": "public",
        "versions": {version: {"name": name(), "version": version, "dist": {"integrity": integrity(bytes)}}},
        "_attachments": {format!("{}-{version}.tgz", name()): {
            "content_type": "application/octet-stream", "data": BASE64.encode(bytes), "length": bytes.len(),
        }},
    });
    let url = format!("{}/-/stage/package/@dao%2fdemo", text(&setting.about, "url"));
    let sent = ureq::post(&url).set("authorization", &format!("Bearer {NPM_TOKEN}"));
    match sent.send_string(&body.to_string()) {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => answer.status(),
        Err(error) => panic!("the double does not answer: {error}"),
    }
}

/// Lets custody stage a new version until it says what is to be approved.
fn stage(setting: &mut Setting) -> (Release, String) {
    prepare(setting);
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt_as(PublishingMode::Staged, &version, &bytes);
    let stage = setting.stage_to_approve(&release);
    assert!(setting.stored(&version).is_none(), "staged is not published");
    (release, stage)
}

#[test]
fn should_stage_prove_and_verify_when_a_person_approves() {
    let mut setting = take(&DOUBLE);
    let (release, stage) = stage(&mut setting);
    assert_eq!(
        decide(&setting, "POST", &format!("{stage}/approve"), "999999"),
        401,
        "without a second factor"
    );
    assert_eq!(decide(&setting, "POST", &format!("{stage}/approve"), ONE_TIME_PASSWORD), 201);
    setting.assert_verified(&release);
    assert_eq!(setting.stored(&release.version), Some(release.bytes.clone()));
    assert_eq!(
        setting.control().writes().iter().filter(|write| !write.body.is_empty()).count(),
        1,
        "staged once"
    );
}

#[test]
fn should_verify_when_npm_scans_what_was_approved() {
    let mut setting = take(&DOUBLE);
    let (release, stage) = stage(&mut setting);
    setting.control().tell("registry", &json!({"scan_s": 20 * 60}));
    assert_eq!(decide(&setting, "POST", &format!("{stage}/approve"), ONE_TIME_PASSWORD), 201);
    setting.assert_verified(&release);
}

#[test]
fn should_say_so_when_a_person_rejects_the_stage() {
    let mut setting = take(&DOUBLE);
    let (release, stage) = stage(&mut setting);
    assert_eq!(decide(&setting, "DELETE", &stage, ONE_TIME_PASSWORD), 204);
    assert_not_published(&mut setting, &release);
}

#[test]
fn should_say_so_when_the_stage_expires() {
    let mut setting = take(&DOUBLE);
    prepare(&mut setting);
    setting.control().tell("registry", &json!({"stage_lifetime_s": 20 * 60}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt_as(PublishingMode::Staged, &version, &bytes);
    setting.stage_to_approve(&release);
    assert_not_published(&mut setting, &release);
}

/// Custody leaves the release to people, because an approved version may be shown late; nothing was published.
#[track_caller]
fn assert_not_published(setting: &mut Setting, release: &Release) {
    let order = setting.settle_within(release.proposal, 48 * HOUR);
    let state = format!("{:?}", order.artifacts[0].state);
    assert!(state.contains("the stage is gone and the registry does not show the version"), "{state}");
    assert!(setting.stored(&release.version).is_none());
    assert!(setting.world.receipt(release.proposal).is_none());
}

#[test]
fn should_prove_the_stage_of_somebody_else_when_409_says_that_it_is_there() {
    let mut setting = take(&DOUBLE);
    prepare(&mut setting);
    let (version, bytes) = setting.next_artifact();
    assert_eq!(stage_by_hand(&setting, &version, &bytes), 201);
    let release = setting.adopt_as(PublishingMode::Staged, &version, &bytes);
    let stage = setting.stage_to_approve(&release);
    assert_eq!(decide(&setting, "POST", &format!("{stage}/approve"), ONE_TIME_PASSWORD), 201);
    setting.assert_verified(&release);
}

#[test]
fn should_warn_of_the_stage_when_somebody_else_staged_other_bytes() {
    let mut setting = take(&DOUBLE);
    prepare(&mut setting);
    let (version, bytes) = setting.next_artifact();
    assert_eq!(stage_by_hand(&setting, &version, &npm_tarball(name(), &version, 7)), 201);
    let release = setting.adopt_as(PublishingMode::Staged, &version, &bytes);
    let order = setting.settle(release.proposal);
    let state = format!("{:?}", order.artifacts[0].state);
    assert!(state.contains("do NOT approve"), "{state}");
}

#[test]
fn should_prove_what_ci_staged_when_it_is_larger_than_one_answer() {
    for are_ranges_served in [true, false] {
        let mut setting = take(&DOUBLE);
        prepare(&mut setting);
        setting.control().tell("registry", &json!({"are_ranges_served": are_ranges_served}));
        let (version, _) = setting.next_artifact();
        let bytes = npm_tarball(name(), &version, 3_300_000);
        let release = setting.adopt_as(PublishingMode::StagedElsewhere, &version, &bytes);
        setting.pass(2 * Duration::from_secs(60));
        let order = setting.world.order(release.proposal).expect("custody has it");
        assert!(matches!(order.artifacts[0].state, PublicationState::AwaitingStage { .. }), "{order:?}");
        assert_eq!(stage_by_hand(&setting, &version, &bytes), 201);
        if are_ranges_served {
            let stage = setting.stage_to_approve(&release);
            assert_eq!(decide(&setting, "POST", &format!("{stage}/approve"), ONE_TIME_PASSWORD), 201);
            setting.assert_verified(&release);
        } else {
            let order = setting.settle_within(release.proposal, HOUR);
            assert!(
                !matches!(order.artifacts[0].state, PublicationState::Staged { .. }),
                "unproven: {order:?}"
            );
        }
    }
}

#[test]
fn should_name_the_remedy_when_the_token_expired_before_staging() {
    let mut setting = take(&DOUBLE);
    prepare(&mut setting);
    setting.control().tell("token", &json!({"token": NPM_TOKEN, "standing": "expired"}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt_as(PublishingMode::Staged, &version, &bytes);
    let order = setting.settle(release.proposal);
    let state = format!("{:?}", order.artifacts[0].state);
    assert!(state.contains(Refusal::NotFoundOrNotAllowed.advice()), "{state}");
}
