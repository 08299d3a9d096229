//! What `verify` says of files and receipts that are right, of another group, tampered with, or not to be had.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::{archives, canister_wasm::repository_root};
use serde_json::Value;

use crate::{
    group::Group,
    releases::NPM,
    setting::{PACKAGE, SETTING},
};

/// A second group on the same network, which published the first one's package under its own name.
struct OtherGroup {
    group: Group,
    file: PathBuf,
    receipt: PathBuf,
}

static OTHER: LazyLock<OtherGroup> = LazyLock::new(|| {
    let countersign = SETTING.group.countersign.with_deployment("other.json");
    let group = Group::deploy(countersign, &repository_root().join("target/wasm"));
    group.add_registry("npm", &SETTING.npm.0, &SETTING.npm.1);
    group.add_credential("npm", &[PACKAGE], &SETTING.registries.npm_token);
    let bytes = archives::npm_tarball(PACKAGE, "9.9.9", 1_000);
    let file = SETTING.write("other/five-maintainers-greeting-9.9.9.tgz", &bytes);
    let proposal = group.propose("npm", &[&file]);
    group.approve(&proposal);
    let receipt = receipt_of(&group, &proposal, "other/receipt.json");
    OtherGroup { group, file, receipt }
});

/// Writes the receipt of a release to a file.
fn receipt_of(group: &Group, proposal: &str, name: &str) -> PathBuf {
    let path = SETTING.home.join(name);
    group.json("alice", &["receipt", proposal, "--out", path.to_str().expect("a path")]);
    path
}

/// Runs `verify` on a file with further options; returns the exit code, the verdict and the reason.
#[track_caller]
fn verify(group: &Group, file: &Path, options: &[&str]) -> (i32, String, String) {
    let arguments = [&["verify", file.to_str().expect("a path")], options].concat();
    // Anyone may verify: no identity is given.
    let (code, object) = group.countersign.run_json(None, &arguments, "");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    (code, text(&object["verdict"]), text(&object["files"][0]["result"]["reason"]))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn should_not_approve_when_a_valid_receipt_is_of_another_custody_canister() {
    let first = &SETTING.group.custody;
    let (other, receipt) = (&*OTHER, text(&OTHER.receipt));
    let (code, verdict, _) = verify(&other.group, &other.file, &["--receipt", receipt]);
    assert_eq!((code, verdict.as_str()), (0, "approved"), "under its own custody");

    for group in [&SETTING.group, &other.group] {
        let (code, verdict, reason) = verify(group, &other.file, &["--receipt", receipt, "--custody", first]);
        assert_eq!((code, verdict.as_str()), (1, "not_approved"), "{reason}");
        assert!(reason.contains(first), "{reason}");
    }
    let (code, verdict, _) = verify(&SETTING.group, &other.file, &[]);
    assert_eq!((code, verdict.as_str()), (1, "not_approved"), "by all receipts of the first custody");
    let spoken =
        SETTING.group.countersign.run(None, &["verify", text(&other.file), "--receipt", receipt], "");
    assert!(spoken.ended_with(1).stdout.starts_with("not approved"));
}

#[test]
fn should_not_approve_when_file_or_receipt_was_tampered_with() {
    let file = &NPM.files[0];
    let receipt = receipt_of(&SETTING.group, &NPM.proposal, "receipt.json");
    let (code, verdict, _) = verify(&SETTING.group, file, &["--receipt", text(&receipt)]);
    assert_eq!((code, verdict.as_str()), (0, "approved"));

    let mut bytes = fs::read(file).expect("packed");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let tampered = SETTING.write("tampered/five-maintainers-greeting-1.0.0.tgz", &bytes);
    for options in [&["--receipt", text(&receipt)][..], &[]] {
        let (code, verdict, _) = verify(&SETTING.group, &tampered, options);
        assert_eq!((code, verdict.as_str()), (1, "not_approved"), "one bit of the file, {options:?}");
    }

    let mut envelope: Value = serde_json::from_slice(&fs::read(&receipt).expect("written")).expect("JSON");
    let payload = BASE64.decode(envelope["payload"].as_str().expect("a payload")).expect("base64");
    let [honest, forged] = [file, &tampered].map(|path| crate::setting::sha256(path));
    let payload = String::from_utf8(payload).expect("text").replace(&honest, &forged);
    assert!(payload.contains(&forged), "the forgery names the other bytes");
    envelope["payload"] = BASE64.encode(payload).into();
    let forged = SETTING.write("tampered/receipt.json", envelope.to_string().as_bytes());
    for path in [file, &tampered] {
        let (code, verdict, reason) = verify(&SETTING.group, path, &["--receipt", text(&forged)]);
        assert_eq!((code, verdict.as_str()), (1, "not_approved"), "a changed receipt");
        assert!(reason.contains("not signed"), "{reason}");
    }
}

#[test]
fn should_not_tell_when_no_receipt_can_be_had() {
    let group = &SETTING.group;
    let file = text(&NPM.files[0]);
    let canisters = ["--dao", &group.dao, "--custody", &group.custody];
    let mut network = SETTING.network.read_file();
    // Nobody listens on the discard port.
    network["url"] = "http://127.0.0.1:9".into();
    let network = SETTING.write("unreachable/network.json", network.to_string().as_bytes());
    let arguments = [&["verify", file, "--network", text(&network)], &canisters[..]].concat();
    let (code, object) = group.countersign.run_json(None, &arguments, "");
    assert_eq!(code, 2, "{object:#}");
    let message = object["error"]["message"].as_str().expect("a message");
    assert!(message.contains("cannot tell") && !message.contains("approved"), "{message}");

    let receipt = SETTING.write("unreachable/receipt.json", b"no receipt");
    let (code, verdict, _) = verify(group, &NPM.files[0], &["--receipt", text(&receipt)]);
    assert_eq!((code, verdict.as_str()), (2, "cannot_tell"));
}
