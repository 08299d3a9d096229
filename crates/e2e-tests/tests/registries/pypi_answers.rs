//! The Python index's answers to an upload, row by row.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::publishing::{filename, package};
use registry_protocols::verdict::Refusal;
use release_types::Ecosystem;
use serde_json::{Value, json};

use crate::{
    rows::{End, rows},
    setting::{Setting, Shared},
};

/// Shared by all tests of this double.
pub static DOUBLE: Shared = LazyLock::new(|| Setting::make("pypi-double", Ecosystem::Pypi));

const DAY_S: u64 = 24 * 60 * 60;
const HTML: &str = "<!doctype html><title>Please wait</title>";
/// Longer than custody looks before it sends, shorter than it waits for an outcome.
const A_MINUTE_S: u64 = 60;

fn project() -> &'static str {
    package(Ecosystem::Pypi)
}

/// Changes the index.
fn index(setting: &Setting, changes: &Value) {
    setting.control().tell("index", changes);
}

/// Changes the project, or the account that owns it.
fn change(setting: &Setting, what: &str, field: &str, value: &Value) {
    let mut changes = match what {
        "project" => json!({"name": project(), "owner": "five"}),
        _ => json!({"name": "five"}),
    };
    changes[field] = value.clone();
    setting.control().tell(what, &changes);
}

/// Lets somebody else have uploaded a file of a version.
fn insert(setting: &Setting, version: &str, filename: &str, bytes: &[u8]) {
    let content = BASE64.encode(bytes);
    let inserted =
        json!({"project": project(), "version": version, "filename": filename, "content": content});
    setting.control().tell("insert", &inserted);
}

/// As [`insert`], and nobody sees it for a minute.
fn insert_unseen(setting: &Setting, version: &str, filename: &str, bytes: &[u8]) {
    index(setting, &json!({"visible_after_s": A_MINUTE_S}));
    insert(setting, version, filename, bytes);
}

fn wheel_name(version: &str) -> String {
    filename(Ecosystem::Pypi, version)
}

/// Answers the next upload with a reason, as the index does.
fn reason(setting: &Setting, status: u16, text: &str) {
    let body = json!({"message": text, "code": format!("{status} {text}"), "title": "x"}).to_string();
    setting.control().answer_write(status, &json!({"content-type": "application/json"}), &body, false);
}

/// Answers the next upload with a page.
fn html(setting: &Setting, status: u16, processed: bool) {
    setting.control().answer_write(status, &json!({"content-type": "text/html"}), HTML, processed);
}

rows! { &DOUBLE;
    should_verify_when_the_index_shows_the_file_at_once: End::Published, sends 1, |_, _, _| {};
    should_verify_when_the_index_shows_the_file_ten_minutes_later: End::Published, sends 1,
        |s, _, _| index(s, &json!({"visible_after_s": 600}));
    should_verify_without_sending_when_the_index_has_the_same_bytes: End::Published, sends 0,
        |s, version, bytes| insert(s, version, &wheel_name(version), bytes);
    should_raise_the_alarm_without_sending_when_the_index_has_other_bytes: End::Mismatch, sends 0,
        |s, version, _| insert(s, version, &wheel_name(version), b"other bytes");
    should_verify_when_200_means_that_the_same_bytes_were_there: End::Published, sends 1,
        |s, version, bytes| insert_unseen(s, version, &wheel_name(version), bytes);
    should_raise_the_alarm_when_the_file_exists_with_other_bytes: End::Mismatch, sends 1,
        |s, version, _| insert_unseen(s, version, &wheel_name(version), b"other bytes");
    should_leave_it_to_people_when_the_same_bytes_exist_under_another_name: End::Blocked, sends 1,
        |s, version, bytes| insert(s, "0.0.1", &format!("dao_demo-{version}-1-py3-none-any.whl"), bytes);
    should_name_the_remedy_when_the_filename_was_used_before: End::Refused(Refusal::FilenameUsedBefore), sends 1,
        |s, version, _| {
            s.control().tell("delete", &json!({"filename": wheel_name(version)}));
        };
    should_name_the_remedy_when_the_index_finds_the_archive_invalid: End::Refused(Refusal::InvalidDistribution),
        sends 1, |s, _, _| reason(s, 400, "Invalid distribution file. ZIP archive not accepted: duplicate filename.");
    should_name_the_remedy_when_the_index_computes_another_digest: End::Refused(Refusal::DigestMismatch),
        sends 1, |s, _, _| {
            reason(s, 400, "The digest supplied does not match a digest calculated from the uploaded file.");
        };
    should_name_the_remedy_when_the_index_wants_another_filename: End::Refused(Refusal::InvalidFilename),
        sends 1, |s, _, _| reason(s, 400, "Filename 'x-1.0.zip' is invalid, should be 'x-1.0.tar.gz'.");
    should_name_the_remedy_when_a_classifier_forbids_uploading: End::Refused(Refusal::InvalidClassifier),
        sends 1, |s, _, _| {
            reason(s, 400, "Invalid value for classifiers. Error: 'Private :: Do Not Upload' is not a valid classifier.");
        };
    should_name_the_remedy_when_the_file_is_too_large: End::Refused(Refusal::TooLarge), sends 1,
        |s, _, _| change(s, "project", "file_limit_bytes", &json!(100));
    should_name_the_remedy_when_metadata_is_invalid: End::Refused(Refusal::InvalidRequest), sends 1,
        |s, _, _| reason(s, 400, "Invalid value for summary. Error: Field cannot be longer than 512 characters.");
    should_name_the_remedy_when_tokens_were_deleted: End::Refused(Refusal::TokenInvalid), sends 1,
        |s, _, _| index(s, &json!({"are_tokens_deleted": true}));
    should_name_the_remedy_when_signatures_do_not_match: End::Refused(Refusal::TokenInvalid), sends 1,
        |s, _, _| reason(s, 403, "Invalid API Token: signatures do not match");
    should_name_the_remedy_when_the_token_is_expired: End::Refused(Refusal::TokenExpired), sends 1,
        |s, _, _| s.put_double_ahead(10 * 60);
    should_name_the_remedy_when_the_token_is_not_valid_yet: End::Refused(Refusal::TokenExpired), sends 1,
        |s, _, _| s.put_double_ahead(-10 * 60);
    should_name_the_remedy_when_the_token_is_for_another_project: End::Refused(Refusal::TokenForOtherProject),
        sends 1, |s, _, _| {
            reason(s, 403, "Invalid API Token: project-scoped token is not valid for project: 'dao-demo'");
        };
    should_name_the_remedy_when_the_project_does_not_exist: End::Refused(Refusal::ProjectMissing), sends 1,
        |s, _, _| {
            s.control().tell("remove", &json!({"project": project()}));
        };
    should_name_the_remedy_when_the_account_may_not_upload: End::Refused(Refusal::AccountNotAllowed), sends 1,
        |s, _, _| change(s, "project", "owner", &json!("somebody-else"));
    should_name_the_remedy_when_the_account_has_no_verified_address: End::Refused(Refusal::AccountIncomplete),
        sends 1, |s, _, _| change(s, "user", "has_verified_email", &json!(false));
    should_name_the_remedy_when_the_account_has_no_second_factor: End::Refused(Refusal::AccountIncomplete),
        sends 1, |s, _, _| change(s, "user", "has_two_factor", &json!(false));
    should_send_again_when_the_index_was_read_only: End::Published, sends 2,
        |s, _, _| reason(s, 403, "Read-only mode: Uploads are temporarily disabled.");
    should_send_again_when_uploads_were_disabled: End::Published, sends 2,
        |s, _, _| reason(s, 403, "New uploads are temporarily disabled.");
    should_send_again_when_too_many_projects_were_created: End::Published, sends 2,
        |s, _, _| reason(s, 429, "Too many new projects created");
    should_name_the_remedy_when_the_url_takes_no_uploads: End::Refused(Refusal::WrongEndpoint), sends 1,
        |s, _, _| reason(s, 410, "Project pre-registration is no longer required or supported");
    should_name_the_remedy_when_the_url_lacks_its_slash: End::Refused(Refusal::WrongEndpoint), sends 1,
        |s, _, _| s.control().answer_write(308, &json!({"location": "/legacy/"}), "", false);
    should_send_again_when_the_index_answers_503_without_storing: End::Published, sends 2,
        |s, _, _| html(s, 503, false);
    should_send_once_when_the_index_answers_500_after_storing: End::Published, sends 1, |s, _, _| html(s, 500, true);
    should_leave_it_to_people_when_the_index_answers_200_and_stores_nothing: End::Blocked, sends 1,
        |s, _, _| html(s, 200, false);
}

#[test]
fn should_name_the_remedy_when_the_release_is_older_than_14_days() {
    let mut setting = crate::setting::take(&DOUBLE);
    let (version, bytes) = setting.next_artifact();
    insert(&setting, &version, &format!("dao_demo-{version}-2-py3-none-any.whl"), b"an older file");
    let created_at_s = setting.world.replica.time_ns() / 1_000_000_000 - 15 * DAY_S;
    let release = json!({"project": project(), "version": version, "created_at_s": created_at_s});
    setting.control().tell("release", &release);
    let release = setting.adopt(&version, &bytes);
    let order = setting.settle(release.proposal);
    let state = format!("{:?}", order.artifacts[0].state);
    assert!(state.contains(Refusal::ReleaseClosed.advice()), "{state}");
    assert!(setting.stored(&version).is_none());
}
