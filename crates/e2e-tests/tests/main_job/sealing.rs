//! A token is sealed only to the key that the pinned master key gives for the custody canister that is meant.

use std::{fs, sync::LazyLock};

use candid::{Encode, Principal};
use e2e_tests::canister_wasm::canister_wasm;
use release_types::custody::CustodyInfo;
use sealing::{MasterKey, custody_public_key};
use serde_bytes::ByteBuf;
use serde_json::Value;

use crate::{
    group::Group,
    setting::{PACKAGE, SETTING},
};

/// A group whose custody canister has other code: it answers as custody does, with a sealing key of its maker's.
static IMPOSTOR: LazyLock<Group> = LazyLock::new(|| {
    let wasm = SETTING.home.join("impostor");
    fs::create_dir_all(&wasm).expect("a directory");
    fs::write(wasm.join("dao_canister.wasm.gz"), canister_wasm("dao_canister")).expect("written");
    fs::write(wasm.join("custody_canister.wasm.gz"), impostor()).expect("written");
    Group::deploy(SETTING.group.countersign.with_deployment("impostor.json"), &wasm)
});

fn principal(text: &str) -> Principal {
    Principal::from_text(text).expect("a principal")
}

fn master_key() -> MasterKey {
    let network = SETTING.network.read_file();
    let text = network["vetkd_master_public_key"].as_str().expect("a pinned key").to_string();
    MasterKey::from_bytes(&hex::decode(text).expect("hexadecimal")).expect("a key")
}

/// The key that a custody canister's tokens are to be sealed to.
fn expected_key(custody: &str) -> Vec<u8> {
    custody_public_key(&master_key(), principal(custody)).to_bytes().to_vec()
}

/// The key that the impostor reports: a good one, of another canister.
fn reported_key() -> Vec<u8> {
    custody_public_key(&master_key(), Principal::from_slice(&[0xBA, 0xD0])).to_bytes().to_vec()
}

/// A module with custody's first answers, as constants.
fn impostor() -> Vec<u8> {
    let info = CustodyInfo {
        authority: principal(&SETTING.group.dao),
        key_name: "key_1".into(),
        sealing_key: Some(ByteBuf::from(reported_key())),
        receipt_key: Some(ByteBuf::from(vec![7; 32])),
    };
    let info = Encode!(&info).expect("encodes");
    let none = Encode!(&Vec::<u8>::new()).expect("encodes");
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let text = format!(
        r#"(module
          (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
          (import "ic0" "msg_reply" (func $reply))
          (memory 1)
          (data (i32.const 0) "{}")
          (data (i32.const 1024) "{}")
          (func (export "canister_query custody_info")
            (call $append (i32.const 0) (i32.const {})) (call $reply))
          (func (export "canister_query list_credentials")
            (call $append (i32.const 1024) (i32.const {})) (call $reply)))"#,
        escaped(&info),
        escaped(&none),
        info.len(),
        none.len()
    );
    wat::parse_str(text).expect("a module")
}

/// Tries to seal a token with further options, and checks that it is refused, naming both keys.
#[track_caller]
fn assert_refused(group: &Group, options: &[&str], expected: &[u8], reported: &[u8]) {
    let arguments = [options, &["credential", "seal", "--registry", "npm", "--package", PACKAGE]].concat();
    let token = format!("{}\n", SETTING.registries.npm_token);
    let (code, object) = group.countersign.run_json(Some("alice"), &arguments, &token);
    assert_eq!(code, 1, "{object:#}");
    let message = object["error"]["message"].as_str().expect("a message");
    assert!(message.contains("nothing was sealed"), "{message}");
    for key in [expected, reported] {
        assert!(message.contains(&hex::encode(key)), "{} is not named: {message}", hex::encode(key));
    }
}

/// All credentials of the first group.
fn credentials() -> Value {
    SETTING.group.json("alice", &["credential", "list"])
}

#[test]
fn should_seal_nothing_when_custody_reports_a_key_of_its_own() {
    let (before, log_before) = (credentials(), IMPOSTOR.json("alice", &["log", "--canister", "dao"]));
    let expected = expected_key(&IMPOSTOR.custody);
    assert_refused(&IMPOSTOR, &[], &expected, &reported_key());
    // The same when a user of the honest group is talked into another custody canister.
    assert_refused(&SETTING.group, &["--custody", &IMPOSTOR.custody], &expected, &reported_key());
    assert_eq!(credentials(), before, "nothing was deposited");
    assert_eq!(IMPOSTOR.json("alice", &["log", "--canister", "dao"]), log_before, "nothing was deposited");
}

#[test]
fn should_seal_nothing_when_the_pinned_master_key_is_another() {
    let before = credentials();
    let mut network = SETTING.network.read_file();
    let altered = reported_key();
    network["vetkd_master_public_key"] = hex::encode(&altered).into();
    let file = SETTING.write("altered/network.json", network.to_string().as_bytes());
    let custody = &SETTING.group.custody;
    let altered = MasterKey::from_bytes(&altered).expect("a key");
    let expected = custody_public_key(&altered, principal(custody)).to_bytes().to_vec();
    let file = file.to_str().expect("a path");
    assert_refused(&SETTING.group, &["--network", file], &expected, &expected_key(custody));
    assert_eq!(credentials(), before, "nothing was deposited");
}
