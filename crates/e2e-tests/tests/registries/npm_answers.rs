//! npm's answers to a direct publish, row by row.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::{publishing::package, world::NPM_TOKEN};
use registry_protocols::verdict::Refusal;
use release_types::Ecosystem;
use serde_json::{Value, json};

use crate::{
    rows::{End, rows},
    setting::{NODES, Setting, Shared, take},
};

/// Shared by all tests of this double.
pub static DOUBLE: Shared = LazyLock::new(|| Setting::make("npm-double", Ecosystem::Npm));

const MINUTE_S: u32 = 60;
const HTML: &str = "<!doctype html><title>Please wait</title>";

fn name() -> &'static str {
    package(Ecosystem::Npm)
}

/// Brings the token into a standing.
fn token(setting: &Setting, standing: &str) {
    setting.control().tell("token", &json!({"token": NPM_TOKEN, "standing": standing}));
}

/// Changes the registry.
fn registry(setting: &Setting, changes: &Value) {
    setting.control().tell("registry", changes);
}

/// Lets somebody else have published a version.
fn insert(setting: &Setting, version: &str, bytes: &[u8]) {
    let inserted = json!({"package": name(), "version": version, "tarball": BASE64.encode(bytes)});
    setting.control().tell("insert", &inserted);
}

/// Lets a cache answer "not found" to every node's first look.
fn hide_from_first_look(setting: &Setting, version: &str) {
    let path = format!("/{}/{version}", name());
    setting
        .control()
        .tell("answer", &json!({"methods": ["GET"], "path": path, "status": 404, "times": NODES}));
}

/// Answers the next publish with an error.
fn error(setting: &Setting, status: u16, text: &str, processed: bool) {
    let body = json!({"error": text}).to_string();
    setting.control().answer_write(status, &json!({"content-type": "application/json"}), &body, processed);
}

/// Answers the next publish with a page.
fn html(setting: &Setting, status: u16, processed: bool) {
    setting.control().answer_write(status, &json!({"content-type": "text/html"}), HTML, processed);
}

const PACKUMENT_CONFLICT: &str = "Failed to save packument. A common cause is if you try to publish a new package \
     before the previous package has been fully processed.";

rows! { &DOUBLE;
    should_verify_when_npm_shows_the_version_at_once: End::Published, sends 1, |_, _, _| {};
    should_wait_and_send_once_when_npm_scans_for_a_quarter_of_an_hour: End::Published, sends 1,
        |s, _, _| registry(s, &json!({"scan_s": 15 * MINUTE_S}));
    should_wait_and_send_once_when_npm_scans_for_two_hours: End::Published, sends 1,
        |s, _, _| registry(s, &json!({"scan_s": 120 * MINUTE_S}));
    should_verify_without_sending_when_the_same_bytes_are_shown: End::Published, sends 0,
        |s, version, bytes| insert(s, version, bytes);
    should_raise_the_alarm_without_sending_when_other_bytes_are_shown: End::Mismatch, sends 0,
        |s, version, _| insert(s, version, b"other bytes");
    should_verify_when_npm_answers_403_published_before_with_the_same_bytes: End::Published, sends 1,
        |s, version, bytes| { insert(s, version, bytes); hide_from_first_look(s, version); };
    should_raise_the_alarm_when_npm_answers_403_published_before_with_other_bytes: End::Mismatch, sends 1,
        |s, version, _| { insert(s, version, b"other bytes"); hide_from_first_look(s, version); };
    should_wait_and_never_send_again_when_npm_answers_409_previously_staged: End::Published, sends 1,
        |s, version, bytes| { registry(s, &json!({"scan_s": 20 * MINUTE_S})); insert(s, version, bytes); };
    should_leave_it_to_people_when_409_previously_staged_never_appears: End::Blocked, sends 1,
        |s, version, bytes| {
            insert(s, version, bytes);
            s.control().tell("version", &json!({"package": name(), "version": version, "is_blocked": true}));
        };
    should_leave_it_to_people_when_npm_answers_400_for_an_unpublished_version: End::Blocked, sends 1,
        |s, version, bytes| {
            insert(s, version, bytes);
            s.control().tell("version", &json!({"package": name(), "version": version, "is_unpublished": true}));
        };
    should_send_again_when_409_failed_to_save_the_packument_and_did_not_land: End::Published, sends 2,
        |s, _, _| error(s, 409, PACKUMENT_CONFLICT, false);
    should_verify_when_409_failed_to_save_the_packument_and_landed_all_the_same: End::Published, sends 1,
        |s, _, _| error(s, 409, PACKUMENT_CONFLICT, true);
    should_name_the_remedy_when_npm_wants_a_one_time_password: End::Refused(Refusal::OneTimePasswordRequired),
        sends 1, |s, _, _| token(s, "one-time-password");
    should_name_the_remedy_when_the_package_disallows_tokens: End::Refused(Refusal::OneTimePasswordRequired),
        sends 1, |s, _, _| {
            s.control().tell("package", &json!({"name": name(), "disallows_tokens": true}));
        };
    should_name_the_remedy_when_the_name_is_new: End::Refused(Refusal::OneTimePasswordRequired), sends 1,
        |s, _, _| {
            s.control().tell("remove", &json!({"name": name()}));
        };
    should_name_the_remedy_when_npm_allows_other_addresses_only: End::Refused(Refusal::AddressNotAllowed),
        sends 1, |s, _, _| token(s, "other-address");
    should_name_the_remedy_when_npm_does_not_know_the_token: End::Refused(Refusal::TokenInvalid),
        sends 1, |s, _, _| error(s, 401, "Unauthorized", false);
    should_name_the_remedy_when_npm_answers_404_to_an_expired_token: End::Refused(Refusal::NotFoundOrNotAllowed),
        sends 1, |s, _, _| token(s, "expired");
    should_name_the_remedy_when_npm_answers_404_to_a_token_for_other_packages:
        End::Refused(Refusal::NotFoundOrNotAllowed), sends 1, |s, _, _| token(s, "other-packages");
    should_name_the_remedy_when_npm_takes_the_package_for_private: End::Refused(Refusal::PaymentRequired),
        sends 1, |s, _, _| error(s, 402, "You must sign up for private packages", false);
    should_name_the_remedy_when_the_token_lacks_the_bypass: End::Refused(Refusal::TwoFactorBypassRequired),
        sends 1, |s, _, _| token(s, "without-bypass");
    should_name_the_remedy_when_the_token_may_only_stage: End::Refused(Refusal::StageOnlyToken),
        sends 1, |s, _, _| token(s, "stage-only");
    should_name_the_remedy_when_the_name_is_too_similar: End::Refused(Refusal::NameTooSimilar),
        sends 1, |s, _, _| error(s, 403, "Package name too similar to existing package demos", false);
    should_name_the_remedy_when_the_scanner_refuses: End::Refused(Refusal::Forbidden),
        sends 1, |s, _, _| registry(s, &json!({"names_refused_by_scanner": [name()]}));
    should_name_the_remedy_when_npm_finds_the_document_malformed: End::Refused(Refusal::InvalidRequest),
        sends 1, |s, _, _| error(s, 400, "Invalid package document", false);
    should_name_the_remedy_when_npm_finds_it_too_large: End::Refused(Refusal::TooLarge),
        sends 1, |s, _, _| s.control().answer_write(413, &json!({}), "Payload Too Large", false);
    should_name_the_remedy_when_provenance_disagrees: End::Refused(Refusal::ProvenanceMismatch),
        sends 1, |s, _, _| error(s, 422, "Failed to validate: \"repository.url\" is \"\"", false);
    should_name_the_remedy_when_npm_redirects: End::Refused(Refusal::WrongEndpoint),
        sends 1, |s, _, _| s.control().answer_write(307, &json!({"location": "/elsewhere"}), "", false);
    should_send_again_when_npm_answers_500_without_storing: End::Published, sends 2,
        |s, _, _| error(s, 500, "Internal Server Error", false);
    should_send_once_when_npm_answers_503_after_storing: End::Published, sends 1,
        |s, _, _| html(s, 503, true);
    should_send_again_when_npm_answers_502_with_a_page: End::Published, sends 2, |s, _, _| html(s, 502, false);
    should_leave_it_to_people_when_npm_answers_200_with_a_page_and_stores_nothing: End::Blocked, sends 1,
        |s, _, _| html(s, 200, false);
}

/// What a rate limit says, and how long custody waits then, at least and at most.
struct RateLimit {
    headers: Value,
    body: &'static str,
    at_least_s: u64,
}

#[test]
fn should_wait_as_long_as_npm_says_when_it_answers_429_with_seconds() {
    let headers = json!({"retry-after": "1934"});
    assert_obeyed(&RateLimit { headers, body: "rate limited exceeded", at_least_s: 1_934 });
}

#[test]
fn should_wait_as_long_as_npm_says_when_it_answers_429_with_a_page() {
    let headers = json!({"retry-after": "1934", "content-type": "text/html"});
    assert_obeyed(&RateLimit { headers, body: HTML, at_least_s: 1_934 });
}

#[test]
fn should_wait_as_long_as_npm_says_when_it_answers_429_with_a_date() {
    // By the registry's own clock, whatever that is.
    let headers =
        json!({"date": "Fri, 15 Jan 2027 08:00:00 GMT", "retry-after": "Fri, 15 Jan 2027 09:00:00 GMT"});
    assert_obeyed(&RateLimit { headers, body: "rate limited exceeded", at_least_s: 60 * 60 });
}

#[test]
fn should_wait_minutes_when_npm_answers_429_without_saying_how_long() {
    let headers = json!({});
    assert_obeyed(&RateLimit { headers, body: "{}", at_least_s: 5 * 60 });
}

#[track_caller]
fn assert_obeyed(limit: &RateLimit) {
    let mut setting = take(&DOUBLE);
    let (version, bytes) = setting.next_artifact();
    setting.control().answer_write(429, &limit.headers, limit.body, false);
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    let writes = setting.control().writes();
    assert_eq!(writes.len(), 2, "sent again once");
    let waited_s = writes[1].at_s - writes[0].at_s;
    assert!((limit.at_least_s..limit.at_least_s + 15 * 60).contains(&waited_s), "{waited_s} s");
    assert!(writes[0].body == writes[1].body, "the same document");
}

#[test]
fn should_send_what_npm_can_answer_without_a_page_when_it_wants_a_one_time_password() {
    let mut setting = take(&DOUBLE);
    token(&setting, "one-time-password");
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.settle(release.proposal);
    let writes = setting.control().writes();
    assert_eq!(writes[0].header("npm-auth-type"), "", "a canister opens no pages");
    assert_eq!(writes[0].header("content-type"), "application/json");
}
