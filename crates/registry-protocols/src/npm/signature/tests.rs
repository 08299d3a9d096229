use p256::{
    ecdsa::{SigningKey, signature::Signer as _},
    pkcs8::EncodePublicKey as _,
};
use serde_json::{Value, json};

use super::*;
use crate::reading::MAX_REDUCED_BYTES;

/// The demonstration package with which npm's own client is tested, its signature, and the key that made it.
const NAME: &str = "kms-demo";
const VERSION: &str = "1.0.0";
const INTEGRITY: &str =
    "QqZ7VJ/8xPkS9s2IWB7Shj3qTJdcRyeXKbPQnsZjsPEwvutGv0EGeVchPcauoiDFJlGbZMFq5GDCurAGNSghJQ==";
const SIGNATURE: &str =
    "MEUCIDrLNspFeU5NZ6d55ycVBZIMXnPJi/XnI1Y2dlJvK8P1AiEAnXjn1IOMUd+U7YfPH+FNjwfLq+jCwfH8uaxocq+mpPk=";
const OLD_KEY: &str = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";
const NEW_KEY: &str = "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U";
/// In 2024, before the older key expired.
const THEN_S: u64 = 1_720_000_000;
/// After it.
const NOW_S: u64 = 1_795_000_000;

/// The keys as the registry with that package shows them.
fn keys_document() -> Value {
    json!({ "keys": [
        { "expires": null, "keyid": NEW_KEY, "keytype": SCHEME, "scheme": SCHEME,
          "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+HOKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==" },
        { "expires": "2025-01-29T00:00:00.000Z", "keyid": OLD_KEY, "keytype": SCHEME, "scheme": SCHEME,
          "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==" },
    ] })
}

fn answer(status: u16, body: &Value) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn keys(document: &Value) -> RegistryKeys {
    match read_keys(&answer(200, document)) {
        Reading::Present(keys) => keys,
        reading => panic!("not read: {reading:?}"),
    }
}

fn shown(keyid: &str, sig: &str) -> VersionSignature {
    let shown = ShownSignature { keyid: keyid.to_owned(), sig: sig.to_owned() };
    reduced(&[shown]).remove(0)
}

fn sha512() -> [u8; 64] {
    STANDARD.decode(INTEGRITY).expect("base64").try_into().expect("64 bytes")
}

fn check(keys: &RegistryKeys, signatures: &[VersionSignature], at_s: u64) -> SignatureCheck {
    keys.check(signatures, NAME, VERSION, &sha512(), at_s)
}

/// A key of the test's own, as a registry would show it, and its signature over the same version.
fn own_key(secret: u8, keyid: &str) -> (Value, String) {
    let key = SigningKey::from_slice(&[secret; 32]).expect("in range");
    let der = key.verifying_key().to_public_key_der().expect("encodes");
    let message = format!("{NAME}@{VERSION}:sha512-{INTEGRITY}");
    let signature: Signature = key.sign(message.as_bytes());
    let shown = json!({ "expires": null, "keyid": keyid, "keytype": SCHEME, "scheme": SCHEME, "key": STANDARD.encode(der) });
    (shown, STANDARD.encode(signature.to_der()))
}

fn own_keyid(byte: u8) -> String {
    KeyId([byte; 32]).to_string()
}

#[test]
fn should_verify_a_signature_that_a_real_registry_made() {
    let keys = keys(&keys_document());
    let key = KeyId::parse(OLD_KEY).expect("a key id");
    assert_eq!(check(&keys, &[shown(OLD_KEY, SIGNATURE)], THEN_S), SignatureCheck::Valid { key });
    assert_eq!(key.to_string(), OLD_KEY);
}

#[test]
fn should_refuse_the_signature_for_another_name_version_or_digest() {
    let (keys, signatures) = (keys(&keys_document()), [shown(OLD_KEY, SIGNATURE)]);
    let invalid = SignatureCheck::Invalid;
    assert_eq!(keys.check(&signatures, "kms-demp", VERSION, &sha512(), THEN_S), invalid);
    assert_eq!(keys.check(&signatures, NAME, "1.0.1", &sha512(), THEN_S), invalid);
    assert_eq!(keys.check(&signatures, NAME, VERSION, &[0; 64], THEN_S), invalid);
}

#[test]
fn should_count_no_signature_of_an_expired_key_and_not_call_it_false() {
    let keys = keys(&keys_document());
    assert_eq!(check(&keys, &[shown(OLD_KEY, SIGNATURE)], NOW_S), SignatureCheck::UnknownKey);
    let (_, another) = own_key(7, OLD_KEY);
    assert_eq!(check(&keys, &[shown(OLD_KEY, &another)], NOW_S), SignatureCheck::Invalid);
}

#[test]
fn should_be_content_with_one_valid_signature_while_keys_rotate() {
    let mut document = keys_document();
    let (key, signature) = own_key(7, &own_keyid(7));
    document["keys"].as_array_mut().expect("keys").push(key);
    let keys = keys(&document);
    let (old, new) = (shown(OLD_KEY, SIGNATURE), shown(&own_keyid(7), &signature));
    let stranger = shown(&own_keyid(9), &signature);
    let valid = SignatureCheck::Valid { key: KeyId([7; 32]) };
    assert_eq!(check(&keys, &[old.clone(), stranger.clone(), new.clone()], NOW_S), valid);
    assert_eq!(check(&keys, &[new, old], NOW_S), valid);
    assert_eq!(check(&keys, &[stranger], NOW_S), SignatureCheck::UnknownKey);
}

#[test]
fn should_not_take_another_keys_signature_for_a_known_one() {
    let (_, signature) = own_key(7, NEW_KEY);
    let keys = keys(&keys_document());
    assert_eq!(check(&keys, &[shown(NEW_KEY, &signature)], NOW_S), SignatureCheck::Invalid);
    for garbled in ["", "bogus", "AAAA", &signature[..40]] {
        assert_eq!(check(&keys, &[shown(NEW_KEY, garbled)], NOW_S), SignatureCheck::Invalid, "{garbled}");
    }
}

#[test]
fn should_tell_a_registry_without_keys_from_a_version_without_signature() {
    let none = RegistryKeys::default();
    assert_eq!(check(&none, &[shown(OLD_KEY, SIGNATURE)], NOW_S), SignatureCheck::NoKeys);
    assert_eq!(check(&keys(&keys_document()), &[], NOW_S), SignatureCheck::Unsigned);
    assert_eq!(read_keys(&answer(404, &json!({ "error": "Not found" }))), Reading::Absent);
}

#[test]
fn should_reduce_the_same_keys_to_the_same_bytes_and_pass_over_other_kinds() {
    let mut other = keys_document();
    other["keys"].as_array_mut().expect("keys").reverse();
    other["keys"][0]["comment"] = json!("x");
    let post_quantum =
        json!({ "expires": null, "keyid": "x", "keytype": "ml-dsa-65", "scheme": "ml-dsa-65", "key": "AA" });
    other["keys"].as_array_mut().expect("keys").push(post_quantum);
    let reading = read_keys(&answer(200, &keys_document()));
    assert_eq!(reading.reduced(), read_keys(&answer(200, &other)).reduced());
    assert_eq!(KeysReading::parse_reduced(&reading.reduced()), Ok(reading));
    let many: Vec<_> = (1..=MAX_KEYS as u8)
        .map(|n| {
            let mut key = own_key(n, &own_keyid(n)).0;
            key["expires"] = json!("2099-01-29T00:00:00.000Z");
            key
        })
        .collect();
    assert!(read_keys(&answer(200, &json!({ "keys": many }))).reduced().len() <= MAX_REDUCED_BYTES);
}

#[test]
fn should_believe_no_damaged_list_of_keys() {
    let damage = |change: &dyn Fn(&mut Value)| {
        let mut document = keys_document();
        change(&mut document["keys"][0]);
        read_keys(&answer(200, &document))
    };
    let unreadable = Reading::Unreadable { why: Unreadable::NotTheDocument };
    assert_eq!(damage(&|key| key["key"] = json!("AAAA")), unreadable);
    assert_eq!(damage(&|key| key["expires"] = json!("soon")), unreadable);
    assert_eq!(damage(&|key| key["keyid"] = json!("npm_secret")), unreadable);
    assert_eq!(read_keys(&answer(200, &json!([]))), unreadable);
    let many = json!({ "keys": vec![own_key(1, &own_keyid(1)).0; MAX_KEYS + 1] });
    assert_eq!(read_keys(&answer(200, &many)), Reading::Unreadable { why: Unreadable::TooMany });
}
