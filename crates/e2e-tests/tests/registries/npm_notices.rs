//! What npm says beside its answers to whoever owns the token: people see what it is about, and none of its text.

use candid::Principal;
use release_types::{
    Notice,
    credential::{CredentialView, ListCredentialsArgs},
};
use serde_json::json;

use crate::{
    npm_answers::DOUBLE,
    setting::{Setting, take},
};

/// What custody shows of the notice for the only credential.
fn notice(setting: &mut Setting) -> Option<Notice> {
    let (custody, everything) = (setting.world.custody, ListCredentialsArgs::default());
    let credentials: Vec<CredentialView> = setting
        .world
        .query(Principal::anonymous(), custody, "list_credentials", (everything,))
        .expect("answers");
    let [credential] = &credentials[..] else { panic!("one credential: {credentials:?}") };
    credential.notice.map(|seen| seen.notice)
}

#[test]
fn should_show_people_that_their_token_is_being_restricted_and_keep_no_text() {
    let mut setting = take(&DOUBLE);
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    assert_eq!(notice(&mut setting), None);

    let text = "Tokens that bypass 2FA are being restricted, dear Ada; see npm.registry.example/ada";
    setting.control().tell("registry", &json!({"npm_notice": text}));
    let (version, bytes) = setting.next_artifact();
    let release = setting.adopt(&version, &bytes);
    setting.assert_verified(&release);
    assert_eq!(notice(&mut setting), Some(Notice::TokenRestricted));
    let custody = setting.world.custody;
    let kept = [setting.world.replica.stable_memory(custody).to_vec()];
    assert!(kept.iter().all(|bytes| !bytes.windows(8).any(|part| part == b"dear Ada")), "its text is kept");
}
