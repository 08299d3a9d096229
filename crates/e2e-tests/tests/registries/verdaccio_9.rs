//! A preview of Verdaccio 9, which has staging and one-time passwords.

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, Mac as _};
use registry_protocols::verdict::Refusal;
use release_types::{Ecosystem, PublishingMode};
use sha1::Sha1;

use crate::{
    npm_amendments::assert_deprecates,
    npm_peer::{assert_refused, npm_peer_tests},
    setting::{Setting, Shared, take, text},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("verdaccio-9", Ecosystem::Npm));

npm_peer_tests!(&SERVER);

#[test]
fn should_deprecate_and_take_that_back() {
    assert_deprecates(&SERVER);
}

#[test]
fn should_name_the_remedy_when_the_account_has_a_second_factor() {
    let mut setting = take(&SERVER);
    let token = setting.about["enrolled"]["token"].as_str().expect("a token").to_string();
    setting.credential = setting.add_credential(&token, 2);
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    assert_refused(&mut setting, release.proposal, Refusal::OneTimePasswordRequired);
}

/// The code that an authenticator shows for a secret (RFC 6238): six digits, HMAC-SHA-1, steps of 30 seconds.
fn one_time_password(secret: &[u8]) -> String {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("keys of any length");
    mac.update(&(now_s / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let start = usize::from(digest[19] & 0x0f);
    let word = u32::from_be_bytes(digest[start..start + 4].try_into().expect("four bytes"));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

#[test]
fn should_stage_prove_and_verify_when_a_person_approves_with_a_one_time_password() {
    let mut setting = take(&SERVER);
    let token = text(&setting.about["enrolled"], "token").to_string();
    let secret = hex::decode(text(&setting.about["enrolled"], "secret_hex")).expect("hexadecimal");
    // A person has published the name before.
    let (first, bytes) = setting.next_artifact();
    let release = setting.adopt(&first, &bytes);
    setting.assert_verified(&release);

    setting.use_staging_token(&token);
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt_as(PublishingMode::Staged, &version, &bytes);
    let stage = setting.stage_to_approve(&release);
    let url = format!("{}/-/stage/{stage}/approve", text(&setting.about, "url"));
    let approve = || ureq::post(&url).set("authorization", &format!("Bearer {token}"));
    let Err(ureq::Error::Status(status, answer)) = approve().call() else {
        panic!("approved without a code")
    };
    assert_eq!((status, answer.header("www-authenticate")), (401, Some("otp")));
    let answer = approve().set("npm-otp", &one_time_password(&secret)).call().expect("approves");
    assert_eq!(answer.status(), 201);
    setting.assert_verified(&release);
}
