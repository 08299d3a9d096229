//! Receipts under verifiers that others wrote: `securesystemslib` for the envelope, `in-toto-attestation` for the
//! statement. They are found where `scripts/clients` puts them; without them these tests fail, so run
//! `scripts/clients install attestation` first.

use std::{path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::{canister_wasm::repository_root, publishing::Publisher};
use registry_protocols::receipt::Envelope;
use release_types::{Ecosystem, Sha256Digest};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

/// A receipt of the shipped canisters, the key that it is to be judged under, and the bytes it is about.
struct Receipt {
    envelope: Envelope,
    key: [u8; 32],
    filename: &'static str,
    bytes: Vec<u8>,
}

fn receipt(ecosystem: Ecosystem, filename: &'static str) -> Receipt {
    let mut publisher = Publisher::new(ecosystem);
    let release = publisher.adopt_next();
    publisher.world.settle(release.proposal);
    let world = &mut publisher.world;
    let envelope = world.receipt(release.proposal).expect("a receipt");
    Receipt { envelope, key: world.receipt_key(world.custody), filename, bytes: release.bytes }
}

/// What the outside libraries say of an envelope under a key.
#[track_caller]
fn judge(envelope: &Envelope, key: &[u8; 32]) -> Value {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), serde_json::to_vec(envelope).expect("JSON")).expect("written");
    let check = repository_root().join("crates/e2e-tests/tests/outside_verifiers/check.py");
    let mut command = Command::new(python());
    command.arg(check).arg(file.path()).arg(hex::encode(key));
    let done = command.output().expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("JSON")
}

fn python() -> PathBuf {
    let mut script = Command::new(repository_root().join("scripts/clients"));
    let done = script.args(["path", "attestation"]).output().expect("the script runs");
    assert!(done.status.success(), "run scripts/clients install attestation");
    PathBuf::from(String::from_utf8(done.stdout).expect("a path").trim())
}

#[test]
fn should_be_accepted_by_an_outside_dsse_and_in_toto_library() {
    let npm = receipt(Ecosystem::Npm, "demo-1.0.1.tgz");
    let sha512 = hex::encode(Sha512::digest(&npm.bytes));
    let python = receipt(Ecosystem::Pypi, "dao_demo-1.0.1-py3-none-any.whl");
    for (receipt, sha512) in [(npm, Some(sha512)), (python, None)] {
        let judged = judge(&receipt.envelope, &receipt.key);
        let mut digests = json!({"sha256": Sha256Digest::of(&receipt.bytes)});
        if let Some(sha512) = sha512 {
            digests["sha512"] = sha512.into();
        }
        let expected = json!({
            "verdict": "accepted",
            "subjects": {receipt.filename: digests},
            "predicate_type": "https://countersign.example/release/v1",
        });
        assert_eq!(judged, expected);
    }
}

#[test]
fn should_be_refused_by_the_outside_library_when_anything_is_changed() {
    let Receipt { envelope, key, .. } = receipt(Ecosystem::Npm, "demo-1.0.1.tgz");
    let flipped = |text: &str, at: usize| {
        let mut bytes = BASE64.decode(text).expect("base64");
        bytes[at] ^= 1;
        BASE64.encode(bytes)
    };
    let payload = Envelope { payload: flipped(&envelope.payload, 40), ..envelope.clone() };
    let payload_type = Envelope { payload_type: "application/json".into(), ..envelope.clone() };
    let mut signature = envelope.clone();
    signature.signatures[0].sig = flipped(&envelope.signatures[0].sig, 0);
    for changed in [payload, payload_type, signature] {
        assert_eq!(judge(&changed, &key), json!({"verdict": "not signed"}), "{changed:?}");
    }
    let mut other = key;
    other[0] ^= 1;
    assert_eq!(judge(&envelope, &other), json!({"verdict": "not signed"}), "under another key");
    assert_eq!(judge(&envelope, &key)["verdict"], "accepted", "unchanged");
}
