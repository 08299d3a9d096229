//! Signed requests: which are let in, and which are not.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use candid::Principal;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::{InvalidRequest, Request, SignedRequest, authenticate};

const NOW_S: u64 = 1_790_000_000;
const URL: &str = "/content/7/retrieve";
const BODY: &[u8] = b"{}";

enum Key {
    P256(SigningKey),
    Ed25519(ic_ed25519::PrivateKey),
}

impl Key {
    fn both() -> [Self; 2] {
        let p256 = SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let ed25519 = ic_ed25519::PrivateKey::deserialize_raw_32(&[8; 32]);
        [Self::P256(p256), Self::Ed25519(ed25519)]
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn der(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let start = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
                let point = key.verifying_key().to_encoded_point(false);
                [&hex::decode(start).expect("hex"), point.as_bytes()].concat()
            }
            Self::Ed25519(key) => key.public_key().serialize_rfc8410_der(),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = match self {
            Self::P256(key) => {
                let signature: Signature = key.sign(signed.as_bytes());
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign_message(signed.as_bytes()).to_vec(),
        };
        format!("{signed}.{}", encode(&signature))
    }
}

fn canister() -> Principal {
    Principal::from_slice(&[7, 7, 7, 1])
}

fn claims() -> Value {
    json!({
        "iss": "alice", "aud": canister().to_text(), "htm": "POST", "htu": URL, "jti": "n", "exp": NOW_S + 300,
        "body_sha256": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(BODY)),
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[field] = value;
    claims
}

/// What comes of a request with these headers, when alice was registered with `key`.
fn judge(key: &Key, headers: &[(String, String)]) -> Result<SignedRequest, InvalidRequest> {
    let body = ByteBuf::from(BODY);
    let request = Request { method: "POST".into(), url: URL.into(), headers: headers.to_vec(), body };
    authenticate(&request, canister(), NOW_S, |owner| (owner.as_str() == "alice").then(|| key.der()))
}

fn bearer(token: &str) -> (String, String) {
    ("Authorization".into(), format!("Bearer {token}"))
}

fn judge_signed(key: &Key, header: &Value, claims: &Value) -> Result<SignedRequest, InvalidRequest> {
    judge(key, &[bearer(&key.sign(header, claims))])
}

#[test]
fn should_let_in_who_signed_with_the_registered_key_of_either_kind() {
    for key in Key::both() {
        let header = json!({ "alg": key.algorithm(), "typ": "JWT" });
        let signed = judge_signed(&key, &header, &claims()).expect("let in");
        assert_eq!((signed.owner.as_str(), signed.nonce.as_str()), ("alice", "n"));
        assert_eq!(signed.expires_at_s, NOW_S + 300);
    }
}

#[test]
fn should_refuse_what_was_signed_for_something_else() {
    for key in Key::both() {
        let header = json!({ "alg": key.algorithm() });
        for (field, value, expected) in [
            ("aud", json!(Principal::management_canister().to_text()), InvalidRequest::OtherCanister),
            ("htm", json!("DELETE"), InvalidRequest::OtherTarget),
            ("htu", json!("/content/8/retrieve"), InvalidRequest::OtherTarget),
            ("htu", json!("/content/7/retrieve?after=1"), InvalidRequest::OtherTarget),
            ("exp", json!(NOW_S), InvalidRequest::NotInTime),
            ("exp", json!(NOW_S + 301), InvalidRequest::NotInTime),
            ("exp", json!(u64::MAX), InvalidRequest::NotInTime),
            ("jti", json!(""), InvalidRequest::NoNonce),
            ("jti", json!("x".repeat(129)), InvalidRequest::NoNonce),
            ("jti", Value::Null, InvalidRequest::NotAToken),
            ("exp", json!("soon"), InvalidRequest::NotAToken),
            ("body_sha256", json!(""), InvalidRequest::OtherBody),
            ("iss", json!("bob"), InvalidRequest::NotSigned),
            ("iss", json!("Alice"), InvalidRequest::NotSigned),
        ] {
            let found = judge_signed(&key, &header, &with(field, value.clone()));
            assert_eq!(found, Err(expected), "{field}: {value}");
        }
    }
}

#[test]
fn should_refuse_other_keys_algorithms_and_forms() {
    let [p256, ed25519] = Key::both();
    let header = |algorithm: &str| json!({ "alg": algorithm });
    for algorithm in ["none", "HS256", "EdDSA", "es256"] {
        assert_eq!(judge_signed(&p256, &header(algorithm), &claims()), Err(InvalidRequest::NotSigned));
    }
    let critical = json!({ "alg": "ES256", "crit": ["exp"] });
    assert_eq!(judge_signed(&p256, &critical, &claims()), Err(InvalidRequest::NotSigned));
    let by_other = ed25519.sign(&header("ES256"), &claims());
    assert_eq!(judge(&p256, &[bearer(&by_other)]), Err(InvalidRequest::NotSigned));

    let good = p256.sign(&header("ES256"), &claims());
    assert!(judge(&p256, &[bearer(&good)]).is_ok());
    assert_eq!(judge(&p256, &[]), Err(InvalidRequest::NoToken));
    assert_eq!(judge(&p256, &[bearer(&good), bearer(&good)]), Err(InvalidRequest::NoToken));
    let basic = ("authorization".to_owned(), format!("Basic {good}"));
    assert_eq!(judge(&p256, &[basic]), Err(InvalidRequest::NoToken));
    for token in ["", "a.b", "a.b.c", &format!("{good}.x"), &"x".repeat(5_000)] {
        assert_eq!(judge(&p256, &[bearer(token)]), Err(InvalidRequest::NotAToken), "{token}");
    }
    let mut changed = good.clone();
    let last = if changed.pop() == Some('A') { 'Q' } else { 'A' };
    changed.push(last);
    assert!(judge(&p256, &[bearer(&changed)]).is_err());
}
