//! Tokens: macaroons, and what claims to be one, or a key to seal to.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fuzz_tests::Campaign;
use registry_protocols::{macaroon, secret::SecretToken};
use release_types::{CredentialMode, Ecosystem};
use sealing::{SealingKey, check_token};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    token: String,
    attenuated_token: String,
    raw_hex: String,
}

fn vectors() -> Vec<Vector> {
    const VECTORS: &str = include_str!("../../../registry-protocols/src/macaroon/vectors.json");
    serde_json::from_str(VECTORS).expect("the vectors are JSON")
}

fn narrow(text: &[u8]) {
    let Ok(token) = SecretToken::new(text.to_vec()) else { return };
    let _ = check_token(Ecosystem::Npm, CredentialMode::Direct, &token);
    let _ = check_token(Ecosystem::Pypi, CredentialMode::Direct, &token);
    let _ = check_token(Ecosystem::Pypi, CredentialMode::Read, &token);
    let _ = macaroon::restrictions(&token);
    if let Ok(narrowed) = macaroon::narrow(&token, "demo", 1_800_000_000, 1_800_000_300) {
        let restrictions = macaroon::restrictions(&narrowed).expect("a narrowed macaroon is one");
        let is_narrow = restrictions.expires_s.is_some_and(|expiry_s| expiry_s <= 1_800_000_300);
        assert!(is_narrow, "a narrowed token does not expire in time");
    }
}

#[test]
fn should_stand_any_text_as_a_token() {
    let texts = |vector: Vector| [vector.token.into_bytes(), vector.attenuated_token.into_bytes()];
    Campaign::new("macaroon-text", vectors().into_iter().flat_map(texts).collect()).run(narrow);
}

#[test]
fn should_stand_any_bytes_as_a_macaroon() {
    let bytes = |vector: Vector| {
        let issued = vector.token.strip_prefix("pypi-").expect("the vectors are tokens");
        let issued = URL_SAFE_NO_PAD.decode(issued).expect("the vectors are base64");
        [issued, hex::decode(vector.raw_hex).expect("the vectors are hexadecimal")]
    };
    Campaign::new("macaroon-bytes", vectors().into_iter().flat_map(bytes).collect())
        .run(|bytes| narrow(format!("pypi-{}", URL_SAFE_NO_PAD.encode(bytes)).as_bytes()));
}

#[test]
fn should_stand_any_bytes_as_a_key() {
    let points = [[0; 96], [0xc0; 96], [0xff; 96], [0x80; 96], [0xa1; 96]].map(Vec::from);
    Campaign::new("sealing-key", points.to_vec())
        .inputs(200)
        .run(|bytes| drop(SealingKey::from_bytes(bytes)));
}
