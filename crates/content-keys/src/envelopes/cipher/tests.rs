//! Wycheproof, through the functions that every format uses.

use serde_json::Value;

use super::*;

fn cases(json: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(json).expect("vectors");
    let groups = vectors["testGroups"].as_array().expect("groups");
    groups.iter().flat_map(|group| group["tests"].as_array().expect("tests")).cloned().collect()
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(case[name].as_str().expect("hex")).expect("hex")
}

#[test]
fn should_open_and_seal_every_valid_aes_gcm_case_and_refuse_the_others() {
    let cases = cases(include_str!("../../../tests/vectors/wycheproof/aes_gcm.json"));
    let (mut valid, mut refused) = (0, 0);
    for case in &cases {
        let aead = if bytes(case, "key").len() == 16 { Aead::Aes128Gcm } else { Aead::Aes256Gcm };
        let key = ContentKey::new(aead, Zeroizing::new(bytes(case, "key"))).expect("a key of its length");
        let nonce = bytes(case, "iv").try_into().expect("12 bytes");
        let sealed = [bytes(case, "ct"), bytes(case, "tag")].concat();
        let opened = key.open(&nonce, &bytes(case, "aad"), &sealed);
        if case["result"] == "valid" {
            assert_eq!(opened.expect("valid").as_ref(), bytes(case, "msg"), "{}", case["tcId"]);
            assert_eq!(key.seal(&nonce, &bytes(case, "aad"), &bytes(case, "msg")), sealed);
            valid += 1;
        } else {
            assert_eq!(opened.expect_err("invalid"), OpenError::CannotOpen, "{}", case["tcId"]);
            refused += 1;
        }
    }
    assert_eq!((valid, refused), (79, 54));
}

#[test]
fn should_unwrap_every_content_key_and_refuse_every_changed_one() {
    let cases = cases(include_str!("../../../tests/vectors/wycheproof/aes_wrap.json"));
    let (mut valid, mut refused) = (0, 0);
    for case in &cases {
        let wrapping_key = WrappingKey(Zeroizing::new(bytes(case, "key").try_into().expect("32 bytes")));
        let wrapped = bytes(case, "ct");
        let of_content = [Aead::Aes128Gcm, Aead::Aes256Gcm]
            .into_iter()
            .find(|aead| case["result"] == "valid" && aead.key_bytes() == bytes(case, "msg").len());
        if let Some(aead) = of_content {
            let key = wrapping_key.unwrap(aead, &wrapped).unwrap_or_else(|_| panic!("{}", case["tcId"]));
            assert_eq!(*key.bytes, bytes(case, "msg"));
            assert_eq!(wrapping_key.wrap(&key), wrapped);
            valid += 1;
        } else {
            // Not valid, or not as long as a content key.
            for aead in [Aead::Aes128Gcm, Aead::Aes256Gcm] {
                assert!(wrapping_key.unwrap(aead, &wrapped).is_err(), "{}", case["tcId"]);
            }
            refused += 1;
        }
    }
    assert_eq!((valid, refused), (8, 60));
}

#[test]
fn should_derive_every_hkdf_case() {
    let cases = cases(include_str!("../../../tests/vectors/wycheproof/hkdf_sha256.json"));
    let valid: Vec<&Value> = cases.iter().filter(|case| case["result"] == "valid").collect();
    for case in &valid {
        let mut out = vec![0; usize::try_from(case["size"].as_u64().expect("a size")).expect("small")];
        hkdf_sha256(&bytes(case, "salt"), &bytes(case, "ikm"), &bytes(case, "info"), &mut out);
        assert_eq!(out, bytes(case, "okm"), "{}", case["tcId"]);
    }
    assert_eq!(valid.len(), 83);
}

#[test]
fn should_refuse_a_key_of_another_length_and_print_no_plaintext() {
    for (aead, length) in [(Aead::Aes128Gcm, 32), (Aead::Aes256Gcm, 16), (Aead::ChaCha20Poly1305, 31)] {
        assert!(ContentKey::new(aead, Zeroizing::new(vec![0; length])).is_none());
    }
    let plaintext = Plaintext(Zeroizing::new(b"hidden".to_vec()));
    assert_eq!(format!("{plaintext:?}"), "Plaintext(6 bytes)");
}
