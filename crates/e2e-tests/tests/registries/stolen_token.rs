//! What a token is worth that was taken from the wire, judged by the libraries of the public index.

use crate::{
    pypi_answers::DOUBLE,
    setting::{take, text},
    uploads::{basic, token_of, upload, wheel_of},
};
use e2e_tests::publishing::package;
use registry_protocols::macaroon;
use release_types::Ecosystem;
use serde_json::json;

/// How long a token may be used after it was sent, in seconds.
const LIFETIME_S: u64 = 5 * 60;
/// How long before it was sent; clocks differ.
const TOLERANCE_S: u64 = 60;

#[test]
fn should_be_refused_elsewhere_later_and_earlier_when_a_token_is_taken_from_the_wire() {
    let mut setting = take(&DOUBLE);
    let project = package(Ecosystem::Pypi);
    setting.control().tell("project", &json!({"name": "unrelated", "owner": "five"}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    let [write] = setting.control().writes().try_into().unwrap_or_else(|_| panic!("sent once"));
    let (caught, sent_at_s) = (write.header("authorization").to_string(), write.at_s);
    let url = format!("{}/legacy/", text(&setting.about, "url"));
    let at = |now_s: u64, project: &str, version: &str| {
        setting.control().tell("clock", &json!({"now_s": now_s}));
        upload(&url, &caught, project, version, &wheel_of(project, version))
    };
    let expired = "Invalid API Token: token is expired";
    for (now_s, project, expected) in [
        (sent_at_s, "unrelated", "project-scoped token is not valid for project: 'unrelated'"),
        (sent_at_s, "never-heard-of", "project-scoped token used outside of a project context"),
        (sent_at_s + LIFETIME_S + TOLERANCE_S, project, expired),
        (sent_at_s - 2 * TOLERANCE_S, project, expired),
    ] {
        let (status, told) = at(now_s, project, "9.0.0");
        assert_eq!(status, 403, "{told}");
        assert!(told.contains(expected), "{expected}: {told}");
    }
    // It is the time and the project that make the difference, nothing else about these requests.
    assert_eq!(at(sent_at_s, project, "9.0.0").0, 200);
    let restrictions = macaroon::restrictions(&token_of(&caught)).expect("a macaroon");
    assert_eq!(restrictions.projects, Some(vec![project.to_string()]));
}

#[test]
fn should_be_refused_when_a_restriction_is_cut_from_a_caught_token() {
    let mut setting = take(&DOUBLE);
    setting.control().tell("project", &json!({"name": "unrelated", "owner": "five"}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    let write = setting.control().writes().remove(0);
    setting.control().tell("clock", &json!({"now_s": write.at_s}));
    let token = token_of(write.header("authorization"));
    let widened = without_last_caveat(token.expose());
    let url = format!("{}/legacy/", text(&setting.about, "url"));
    let (status, told) =
        upload(&url, &basic(&widened), "unrelated", "1.0.0", &wheel_of("unrelated", "1.0.0"));
    assert_eq!(status, 403);
    assert!(told.contains("Invalid API Token: signatures do not match"), "{told}");
}

/// A macaroon from which the last caveat was cut, its signature left as it was.
fn without_last_caveat(token: &[u8]) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    /// End of the caveats, and the signature's header: its type and its length of 32.
    const TAIL: usize = 1 + 2 + 32;
    let raw = URL_SAFE_NO_PAD.decode(token.strip_prefix(b"pypi-").expect("a token")).expect("base64");
    let (caveats, tail) = raw.split_at(raw.len() - TAIL);
    // A caveat is its type (2), its length, a JSON array, and the end of its section (0).
    let last = caveats.windows(3).rposition(|bytes| bytes[0] == 2 && bytes[2] == b'[').expect("a caveat");
    let cut = [&caveats[..last], tail].concat();
    [b"pypi-".as_slice(), URL_SAFE_NO_PAD.encode(cut).as_bytes()].concat()
}
