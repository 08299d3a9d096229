//! The examples of the COSE working group, with the values on the way.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use super::*;
use crate::{Curve, envelopes::ephemeral::EphemeralKey};

const EXAMPLES: [&str; 6] = [
    include_str!("../../../tests/vectors/cose/Appendix_C_3_1.json"),
    include_str!("../../../tests/vectors/cose/p256-hkdf-256-01.json"),
    include_str!("../../../tests/vectors/cose/p256-hkdf-256-02.json"),
    include_str!("../../../tests/vectors/cose/p256-wrap-256-01.json"),
    include_str!("../../../tests/vectors/cose/p256-wrap-256-02.json"),
    include_str!("../../../tests/vectors/cose/x25519-hkdf-256-direct.json"),
];
/// Static keys, HKDF-512, other key wraps, MACs.
const REFUSED: [&str; 6] = [
    include_str!("../../../tests/vectors/cose/p256-ss-hkdf-256-01.json"),
    include_str!("../../../tests/vectors/cose/p256-ss-wrap-256-02.json"),
    include_str!("../../../tests/vectors/cose/p256-hkdf-512-01.json"),
    include_str!("../../../tests/vectors/cose/p256-wrap-128-02.json"),
    include_str!("../../../tests/vectors/cose/p256-wrap-192-02.json"),
    include_str!("../../../tests/vectors/cose/p256-wrap-256-03.json"),
];

fn example(json: &str) -> Json {
    serde_json::from_str(json).expect("JSON")
}

fn bytes(value: &Json) -> Vec<u8> {
    hex::decode(value.as_str().expect("hex")).expect("hex")
}

fn message(example: &Json) -> Vec<u8> {
    bytes(&example["output"]["cbor"])
}

fn key(example: &Json) -> EphemeralKey {
    let key = &example["input"]["enveloped"]["recipients"][0]["key"];
    match key["d"].as_str() {
        Some(d) => {
            let d = BASE64_URL_SAFE_NO_PAD.decode(d).expect("base64url");
            EphemeralKey::P256(p256::SecretKey::from_slice(&d).expect("a scalar"))
        }
        None => EphemeralKey::X25519(Zeroizing::new(bytes(&key["d_hex"]).try_into().expect("32 bytes"))),
    }
}

#[test]
fn should_reach_every_value_of_the_examples() {
    for json in EXAMPLES {
        let example = example(json);
        let (key, envelope) = (key(&example), CoseEnvelope::parse(&message(&example)).expect("an envelope"));
        let recipient = &example["intermediates"]["recipients"][0];
        let secret = bytes(&recipient["Secret_hex"]);
        let shared = key.dh(&envelope.ephemeral_key()).expect("the same curve");
        assert_eq!(shared.expose().to_vec(), secret, "{}", example["title"]);
        let context = envelope.kdf_context(&Parties::default()).expect("no party is expected");
        assert_eq!(context, bytes(&recipient["Context_hex"]), "{}", example["title"]);
        let derived = if recipient["KEK_hex"].is_null() {
            &example["intermediates"]["CEK_hex"]
        } else {
            &recipient["KEK_hex"]
        };
        let mut found = vec![0; bytes(derived).len()];
        hkdf_sha256(&envelope.salt, &secret, &context, &mut found);
        assert_eq!(found, bytes(derived), "{}", example["title"]);
        let opened = envelope.open(&key, &Parties::default(), &[]).expect("opens");
        assert_eq!(opened.as_ref(), b"This is the content.");
    }
}

#[test]
fn should_refuse_the_examples_of_other_algorithms() {
    for json in REFUSED {
        let example = example(json);
        assert!(CoseEnvelope::parse(&message(&example)).is_err(), "{}", example["title"]);
    }
}

/// A recipient's protected header `{1: -31}`, whose only member is encoded with more bytes than needed.
const LONG_PROTECTED: [u8; 5] = [0xA1, 0x01, 0x39, 0x00, 0x1E];
const SHORT_PROTECTED: [u8; 4] = [0xA1, 0x01, 0x38, 0x1E];

/// What a writer derives its key over, and what the envelope then shows.
struct Written<'a> {
    bound_header: &'a [u8],
    shown_header: &'a [u8],
    bound_writer: Option<&'a [u8]>,
    shown_writer: Option<&'a [u8]>,
}

const PLAIN: Written = Written {
    bound_header: &SHORT_PROTECTED,
    shown_header: &SHORT_PROTECTED,
    bound_writer: None,
    shown_writer: None,
};

fn written(recipient: &EphemeralKey, envelope: &Written) -> Vec<u8> {
    let ephemeral = EphemeralKey::P256(p256::SecretKey::from_slice(&[7; 32]).expect("a scalar"));
    let identity = envelope.bound_writer.map_or(Value::Null, |writer| Value::Bytes(writer.to_vec()));
    let context = encoded(&Value::Array(vec![
        Value::from(-5),
        Value::Array(vec![identity, Value::Null, Value::Null]),
        Value::Array(vec![Value::Null; 3]),
        Value::Array(vec![Value::from(256), Value::Bytes(envelope.bound_header.to_vec())]),
    ]));
    let shared = ephemeral.dh(&recipient.public_key()).expect("the same curve");
    let mut wrapping_key = WrappingKey(Zeroizing::new([0; 32]));
    hkdf_sha256(&[], shared.expose(), &context, &mut *wrapping_key.0);
    let content_key = ContentKey::filled(Aead::Aes128Gcm, |key| key.fill(1));
    let content_header = vec![0xA1, 0x01, 0x01];
    let aad = Value::Array(vec![
        Value::from("Encrypt"),
        Value::Bytes(content_header.clone()),
        Value::Bytes(vec![]),
    ]);
    let mut parameters = vec![(
        Value::from(-1),
        ciborium::from_reader(ephemeral.public_key().to_cose_key().as_slice()).expect("CBOR"),
    )];
    parameters
        .extend(envelope.shown_writer.map(|identity| (Value::from(-21), Value::Bytes(identity.to_vec()))));
    encoded(&Value::Tag(
        96,
        Box::new(Value::Array(vec![
            Value::Bytes(content_header),
            Value::Map(vec![(Value::from(5), Value::Bytes(vec![0; 12]))]),
            Value::Bytes(content_key.seal(&[0; 12], &encoded(&aad), b"text")),
            Value::Array(vec![Value::Array(vec![
                Value::Bytes(envelope.shown_header.to_vec()),
                Value::Map(parameters),
                Value::Bytes(wrapping_key.wrap(&content_key)),
            ])]),
        ])),
    ))
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut cbor = Vec::new();
    ciborium::into_writer(value, &mut cbor).expect("memory takes every byte");
    cbor
}

fn open(recipient: &EphemeralKey, message: &[u8], parties: Parties) -> Result<(), OpenError> {
    CoseEnvelope::parse(message).expect("an envelope").open(recipient, &parties, &[]).map(drop)
}

#[test]
fn should_derive_from_the_received_header_never_from_one_encoded_anew() {
    let recipient = key(&example(EXAMPLES[0]));
    let opens = |bound_header: &[u8], shown_header: &[u8]| {
        let message = written(&recipient, &Written { bound_header, shown_header, ..PLAIN });
        open(&recipient, &message, Parties::default())
    };
    assert_eq!(opens(&SHORT_PROTECTED, &SHORT_PROTECTED), Ok(()));
    assert_eq!(opens(&LONG_PROTECTED, &LONG_PROTECTED), Ok(()));
    assert_eq!(opens(&SHORT_PROTECTED, &LONG_PROTECTED), Err(OpenError::CannotOpen));
    assert_eq!(opens(&LONG_PROTECTED, &SHORT_PROTECTED), Err(OpenError::CannotOpen));
}

#[test]
fn should_open_only_for_the_expected_writer() {
    let recipient = key(&example(EXAMPLES[0]));
    let opens = |bound_writer, shown_writer, expected: Option<&'static [u8]>| {
        let message = written(&recipient, &Written { bound_writer, shown_writer, ..PLAIN });
        open(&recipient, &message, Parties { writer: expected, reader: None })
    };
    let (alice, mallory): (Option<&[u8]>, Option<&[u8]>) = (Some(b"alice"), Some(b"mallory"));
    assert_eq!(opens(alice, alice, alice), Ok(()));
    assert_eq!(opens(alice, alice, None), Ok(()));
    assert_eq!(opens(alice, None, alice), Ok(()), "known to both sides");
    let refused = Err(OpenError::CannotOpen);
    assert_eq!(opens(mallory, mallory, alice), refused, "honestly another's");
    assert_eq!(opens(mallory, alice, alice), refused, "relabelled");
    assert_eq!(opens(None, None, alice), refused, "nobody's");
    assert_eq!(opens(None, alice, alice), refused, "labelled afterwards");
    assert_eq!(opens(mallory, None, alice), refused, "label removed");
}

/// What somebody in between can do without the key: the plaintext stays the same, the bytes do not.
#[test]
fn should_name_the_same_ephemeral_key_when_its_encoding_differs() {
    let example = example(EXAMPLES[1]);
    let full = message(&example);
    let compressed = message(&self::example(EXAMPLES[0]));
    assert_ne!(full, compressed);
    let key_of = |message: &[u8]| CoseEnvelope::parse(message).expect("an envelope").ephemeral_key();
    assert_eq!(key_of(&full).curve(), Curve::P256);
    let x = |message: &[u8]| key_of(message).to_bytes()[1..33].to_vec();
    assert_eq!(x(&full), x(&compressed));
}

#[test]
fn should_refuse_what_is_not_one_whole_envelope() {
    let good = message(&example(EXAMPLES[4]));
    let refused = |message: &[u8]| CoseEnvelope::parse(message).err().expect("refused").field;
    assert_eq!(refused(&[&good[..], &[0]].concat()), "message");
    assert_eq!(refused(&good[..good.len() - 1]), "message");
    let changed = |change: fn(&mut Vec<Value>)| {
        let Ok(Value::Tag(tag, inner)) = ciborium::from_reader(good.as_slice()) else { panic!("tagged") };
        let mut parts = inner.into_array().expect("an array");
        change(&mut parts);
        refused(&encoded(&Value::Tag(tag, Box::new(Value::Array(parts)))))
    };
    let twice = |parts: &mut Vec<Value>| {
        let recipients = parts[3].as_array_mut().expect("recipients");
        recipients.push(recipients[0].clone());
    };
    assert_eq!(changed(twice), "recipients");
    assert_eq!(changed(|parts| parts[3] = Value::Array(vec![])), "recipients");
    assert_eq!(changed(|parts| parts[2] = Value::Bytes(vec![0; 15])), "ciphertext");
    assert_eq!(changed(|parts| parts[2] = Value::Null), "ciphertext");
    assert_eq!(changed(|parts| parts[1] = Value::Map(vec![])), "label 5 (IV)");
    assert_eq!(
        changed(|parts| parts[1] = Value::Map(vec![(Value::from(5), Value::Bytes(vec![0; 13]))])),
        "label 5 (IV)"
    );
    assert_eq!(
        changed(|parts| parts[1] = Value::Map(vec![(Value::from(6), Value::Bytes(vec![0; 12]))])),
        "label 5 (IV)"
    );
    let critical = |parts: &mut Vec<Value>| {
        // {1: 3, 2: [-65537]}
        parts[0] = Value::Bytes(hex::decode("a2010302813a00010000").expect("hex"));
    };
    assert_eq!(changed(critical), "label 2 (crit)");
    let unprotected_algorithm = |parts: &mut Vec<Value>| {
        parts[0] = Value::Bytes(vec![]);
        parts[1].as_map_mut().expect("a map").push((Value::from(1), Value::from(3)));
    };
    assert_eq!(changed(unprotected_algorithm), "label 1 (alg) of the content");
    let short_key = |parts: &mut Vec<Value>| {
        parts[3].as_array_mut().expect("recipients")[0].as_array_mut().expect("a recipient")[2] =
            Value::Bytes(vec![0; 24])
    };
    assert_eq!(changed(short_key), "recipient ciphertext");
    let nested = |parts: &mut Vec<Value>| {
        let recipient = parts[3].as_array_mut().expect("recipients")[0].as_array_mut().expect("a recipient");
        recipient.push(Value::Array(vec![Value::Array(recipient.clone())]));
    };
    assert_eq!(changed(nested), "recipient ciphertext");
}
