//! npm's own signature over what it shows, at the double, which signs with real P-256 keys and rotates them.

use std::time::Duration;

use registry_protocols::receipt::Confirmation;
use release_types::PublicationState;
use serde_json::{Value, json};

use crate::{
    npm_answers::DOUBLE,
    setting::{NODES, Setting, take, text},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys that the double publishes, oldest first; the last one signs.
fn published_keys(setting: &Setting) -> Vec<String> {
    let url = format!("{}/-/npm/v1/keys", text(&setting.about, "url"));
    let keys = ureq::get(&url).call().expect("keys").into_string().expect("text");
    let keys: Value = serde_json::from_str(&keys).expect("JSON");
    let keys = keys["keys"].as_array().expect("a list").iter();
    keys.map(|key| key["keyid"].as_str().expect("a name").to_string()).collect()
}

/// How often all nodes together have read the registry's keys.
fn key_reads(setting: &Setting) -> usize {
    setting.control().reads("/-/npm/v1/keys") / NODES
}

/// Releases a new version, and returns what the receipt says of its confirmation.
#[track_caller]
fn released(setting: &mut Setting) -> Confirmation {
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    setting.confirmation(&release)
}

fn signed_with(key: &str) -> Confirmation {
    serde_json::from_value(json!({"registry-signature": {"key": key}})).expect("a confirmation")
}

#[test]
fn should_name_on_the_receipt_the_key_that_signed_and_follow_when_npm_rotates_its_keys() {
    let mut setting = take(&DOUBLE);
    let first = published_keys(&setting).pop().expect("a key");
    assert_eq!(released(&mut setting), signed_with(&first));
    assert_eq!(released(&mut setting), signed_with(&first));
    assert_eq!(key_reads(&setting), 1, "the keys are believed for a day");

    setting.control().tell("rotate", &json!({"expires": "2020-01-01T00:00:00.000Z"}));
    let second = published_keys(&setting).pop().expect("a key");
    assert_ne!(second, first);
    let reads = key_reads(&setting);
    assert_eq!(released(&mut setting), signed_with(&second));
    assert_eq!(key_reads(&setting), reads + 1, "an unknown key sends custody to the registry's keys");

    setting.pass(DAY);
    assert_eq!(released(&mut setting), signed_with(&second));
    assert_eq!(key_reads(&setting), reads + 2, "a day later they are read anew");
}

#[test]
fn should_raise_the_alarm_and_sign_nothing_when_npm_shows_a_signature_of_something_else() {
    let mut setting = take(&DOUBLE);
    setting.control().tell("registry", &json!({"signing": "falsely"}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    let order = setting.settle(release.proposal);
    let PublicationState::Mismatch { shown } = &order.artifacts[0].state else { panic!("{order:?}") };
    assert!(shown.contains("invalid signature"), "{shown}");
    assert!(setting.world.receipt(release.proposal).is_none());
}

#[test]
fn should_leave_it_to_people_when_the_key_expired_before_the_version_was_shown() {
    let mut setting = take(&DOUBLE);
    setting.control().tell("registry", &json!({"scan_s": 60 * 60}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.pass(Duration::from_secs(60));
    setting.control().tell("rotate", &json!({"expires": "2020-01-01T00:00:00.000Z"}));
    let order = setting.settle(release.proposal);
    let PublicationState::Blocked { reason } = &order.artifacts[0].state else { panic!("{order:?}") };
    assert!(reason.contains("signature"), "no false alarm, and no receipt either: {reason}");
    assert!(setting.world.receipt(release.proposal).is_none());
}

#[test]
fn should_say_on_the_receipt_that_npm_did_not_sign_the_version() {
    let mut setting = take(&DOUBLE);
    setting.control().tell("registry", &json!({"signing": "not"}));
    assert_eq!(released(&mut setting), Confirmation::Unsigned);
}

#[test]
fn should_wait_for_the_keys_and_then_verify_when_they_cannot_be_read() {
    let mut setting = take(&DOUBLE);
    let unavailable = json!({"methods": ["GET"], "path": "/-/npm/v1/keys", "status": 503,
                             "times": 5 * NODES});
    setting.control().tell("answer", &unavailable);
    released(&mut setting);
    assert_eq!(setting.control().writes().len(), 1, "sent once");
}
