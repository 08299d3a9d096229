//! The tokens that reach the Python index: narrowed to one project and a few minutes, and worth nothing beyond.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::archives;
use registry_protocols::{endpoint::EndpointUrl, macaroon, pypi::upload_request, secret::SecretToken};
use serde_json::{Value, json};

use crate::{
    releases::PYPI,
    setting::{PROJECT, SETTING},
};

/// How long a token may be valid when it is used.
const MAX_LIFETIME_S: u64 = 5 * 60;
/// A project of the same account that the group has nothing to do with.
const OTHER_PROJECT: &str = "unrelated";

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Uploads a wheel of a project to the index, with the token in an `authorization` header; returns the status.
fn upload(authorization: &str, project: &str, version: &str) -> u16 {
    let form = [("name", project), ("version", version), ("filetype", "bdist_wheel"), ("pyversion", "py3")]
        .into_iter()
        .chain([("metadata_version", "2.1")])
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let form: Vec<_> = form.collect();
    let filename = format!("{project}-{version}-py3-none-any.whl");
    let endpoint = EndpointUrl::check("upload_url", &SETTING.pypi.0).expect("the voted endpoint");
    let wheel = archives::wheel(project, version, 0);
    let request = upload_request(&endpoint, &form, &filename, &wheel).expect("an upload");
    let mut sent = ureq::post(&SETTING.registries.pypi_upload_url);
    for (name, value) in &request.headers {
        sent = sent.set(name, value);
    }
    match sent.set("authorization", authorization).send_bytes(&request.body) {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => answer.status(),
        Err(error) => panic!("the index does not answer: {error}"),
    }
}

fn basic(token: &[u8]) -> String {
    format!("Basic {}", BASE64.encode([b"__token__:", token].concat()))
}

fn account_token() -> SecretToken {
    SecretToken::new(SETTING.registries.pypi_token.clone().into_bytes()).expect("a token")
}

/// The account's token, narrowed by us to a project, until a moment.
fn narrowed(project: &str, expires_s: u64) -> String {
    let token = macaroon::narrow(&account_token(), project, now_s() - 60, expires_s).expect("a macaroon");
    basic(token.expose())
}

#[test]
fn should_use_tokens_of_one_project_and_five_minutes_when_publishing() {
    LazyLock::force(&PYPI);
    let Some(judgements) = SETTING.registries.judgements() else {
        return eprintln!("left out: the log of another index cannot be read from here");
    };
    let accepted: Vec<&Value> = judgements
        .iter()
        .filter(|judgement| judgement["outcome"] == "accepted" && judgement["project"] == PROJECT)
        .collect();
    assert_eq!(accepted.len(), PYPI.files.len(), "one upload a file: {judgements:#?}");
    for judgement in accepted {
        let used_at_s = judgement["time"].as_u64().expect("seconds");
        let caveats = judgement["caveats"].as_array().expect("caveats");
        assert!(caveats.contains(&json!([1, [PROJECT]])), "{judgement:#}");
        let expiries =
            caveats.iter().filter(|caveat| caveat[0] == 0).map(|caveat| caveat[1].as_u64().expect("seconds"));
        let expires_s = expiries.min().unwrap_or_else(|| panic!("no expiry: {judgement:#}"));
        assert!(expires_s <= used_at_s + MAX_LIFETIME_S, "valid too long: {judgement:#}");
    }
}

#[test]
fn should_be_refused_by_the_index_when_a_token_is_not_narrowed() {
    if SETTING.tap.is_none() {
        return eprintln!("left out: only our own index takes narrowed tokens alone");
    }
    let soon_s = now_s() + MAX_LIFETIME_S;
    assert_eq!(upload(&narrowed("control", soon_s), "control", "1.0.0"), 200, "the request itself is good");
    assert_eq!(upload(&basic(account_token().expose()), "control", "2.0.0"), 403, "as the account has it");
    assert_eq!(upload(&narrowed(OTHER_PROJECT, soon_s), "control", "2.0.0"), 403, "for another project");
    let brief = narrowed("control", now_s() + 1);
    std::thread::sleep(Duration::from_millis(2_100));
    assert_eq!(upload(&brief, "control", "2.0.0"), 403, "after its time");
}

#[test]
fn should_be_worth_nothing_for_another_project_when_a_token_is_taken_from_the_wire() {
    let Some(tap) = &SETTING.tap else {
        return eprintln!("left out: the wire of another network cannot be tapped");
    };
    LazyLock::force(&PYPI);
    let sent = tap.authorizations();
    assert_eq!(sent.len(), PYPI.files.len(), "one upload a file");
    for authorization in sent {
        let decoded = BASE64.decode(authorization.strip_prefix("Basic ").expect("basic")).expect("base64");
        let token = decoded.strip_prefix(b"__token__:").expect("a token's user").to_vec();
        let restrictions =
            macaroon::restrictions(&SecretToken::new(token).expect("a token")).expect("a macaroon");
        assert_eq!(restrictions.projects, Some(vec![PROJECT.to_string()]));
        assert!(restrictions.expires_s.is_some_and(|expires_s| expires_s <= now_s() + MAX_LIFETIME_S));
        assert_eq!(upload(&authorization, OTHER_PROJECT, "1.0.0"), 403);
    }
}
