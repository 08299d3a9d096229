//! A preview of Verdaccio 9, which has staging and one-time passwords.

use std::sync::LazyLock;

use registry_protocols::verdict::Refusal;
use release_types::Ecosystem;

use crate::{
    npm_peer::{assert_refused, npm_peer_tests},
    setting::{Setting, Shared, take},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("verdaccio-9", Ecosystem::Npm));

npm_peer_tests!(&SERVER);

#[test]
fn should_name_the_remedy_when_the_account_has_a_second_factor() {
    let mut setting = take(&SERVER);
    let token = setting.about["enrolled"]["token"].as_str().expect("a token").to_string();
    setting.credential = setting.add_credential(&token, 2);
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    assert_refused(&mut setting, release.proposal, Refusal::OneTimePasswordRequired);
}
