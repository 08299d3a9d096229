//! Signed requests that strangers send to a content canister.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use candid::Principal;
use content_canister::http::{Request, authenticate};
use fuzz_tests::Campaign;
use ic_ed25519::PrivateKey;
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};

const NOW_S: u64 = 1_790_000_000;
const URL: &str = "/content/7/retrieve";
const BODY: &[u8] = b"{}";

fn token(key: &PrivateKey, header: &str, claims: &str) -> Vec<u8> {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = encode(&key.sign_message(signed.as_bytes()));
    format!("{signed}.{signature}").into_bytes()
}

fn judge(key: &PrivateKey, token: &[u8]) -> bool {
    let headers = vec![("authorization".into(), format!("Bearer {}", String::from_utf8_lossy(token)))];
    let body = ByteBuf::from(BODY);
    let request = Request { method: "POST".into(), url: URL.into(), headers, body };
    let der = key.public_key().serialize_rfc8410_der();
    authenticate(&request, Principal::management_canister(), NOW_S, |_| Some(der.clone())).is_ok()
}

#[test]
fn should_stand_damaged_signed_requests() {
    let key = PrivateKey::deserialize_raw_32(&[7; 32]);
    let body = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(BODY));
    let claims = format!(
        r#"{{"iss":"alice","aud":"aaaaa-aa","htm":"POST","htu":"{URL}","jti":"n","exp":{},"body_sha256":"{body}"}}"#,
        NOW_S + 300
    );
    let good = token(&key, r#"{"alg":"EdDSA"}"#, &claims);
    assert!(judge(&key, &good));
    let unread =
        [token(&key, r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#, &claims), token(&key, "{}", "[]")];
    // Cut short, and with more parts than a token has.
    let (cut, long) = (good[..good.len() / 2].to_vec(), [&good[..], b".", &good].concat());
    let seeds = [vec![good, cut, long], unread.to_vec()].concat();
    Campaign::new("signed-requests", seeds).run(|token| {
        judge(&key, token);
    });
}
