use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde::Serialize;
use serde_bytes::ByteBuf;

const PAYLOAD: &[u8] = b"\x0Aic-request, and an id";

/// An authenticator with one key: what it signs, and its key in COSE.
struct Authenticator {
    cose: Vec<u8>,
    sign: Box<dyn Fn(&[u8]) -> Vec<u8>>,
}

fn cose(fields: Vec<(i128, Value)>) -> Vec<u8> {
    let map: BTreeMap<Value, Value> =
        fields.into_iter().map(|(label, value)| (Value::Integer(label), value)).collect();
    serde_cbor::to_vec(&map).expect("encodes")
}

fn es256() -> Authenticator {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let point = key.public_key().as_ref().to_vec();
    Authenticator {
        cose: cose(vec![
            (cose::KEY_TYPE, Value::Integer(cose::ELLIPTIC_CURVE)),
            (cose::ALGORITHM, Value::Integer(cose::ES256)),
            (cose::CURVE_OR_MODULUS, Value::Integer(cose::P256)),
            (cose::X_OR_EXPONENT, Value::Bytes(point[1..33].to_vec())),
            (cose::Y, Value::Bytes(point[33..].to_vec())),
        ]),
        sign: Box::new(move |message| {
            key.sign(&SystemRandom::new(), message).expect("signs").as_ref().to_vec()
        }),
    }
}

fn eddsa() -> Authenticator {
    let key = Ed25519KeyPair::generate().expect("a key");
    Authenticator {
        cose: cose(vec![
            (cose::KEY_TYPE, Value::Integer(cose::OCTET_KEY_PAIR)),
            (cose::ALGORITHM, Value::Integer(cose::EDDSA)),
            (cose::CURVE_OR_MODULUS, Value::Integer(cose::ED25519)),
            (cose::X_OR_EXPONENT, Value::Bytes(key.public_key().as_ref().to_vec())),
        ]),
        sign: Box::new(move |message| key.sign(message).as_ref().to_vec()),
    }
}

fn rs256() -> Authenticator {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    // PKCS#1 in DER: the modulus of 256 bytes, preceded by a zero, and the exponent at the end.
    let public = key.public_key().as_ref().to_vec();
    Authenticator {
        cose: cose(vec![
            (cose::KEY_TYPE, Value::Integer(cose::RSA)),
            (cose::ALGORITHM, Value::Integer(cose::RS256)),
            (cose::CURVE_OR_MODULUS, Value::Bytes(public[9..265].to_vec())),
            (cose::X_OR_EXPONENT, Value::Bytes(public[267..].to_vec())),
        ]),
        sign: Box::new(move |message| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signs");
            signature
        }),
    }
}

#[derive(Serialize)]
struct Signed {
    authenticator_data: ByteBuf,
    client_data_json: String,
    signature: ByteBuf,
}

fn assertion(authenticator: &Authenticator, challenge: &[u8]) -> Signed {
    let client_data_json = format!(
        r#"{{"type":"webauthn.get","challenge":"{}","origin":"http://localhost"}}"#,
        URL_SAFE_NO_PAD.encode(challenge)
    );
    let authenticator_data = vec![7; 37];
    let signed = [&authenticator_data[..], &Sha256::digest(&client_data_json)[..]].concat();
    Signed {
        authenticator_data: ByteBuf::from(authenticator_data),
        client_data_json,
        signature: ByteBuf::from((authenticator.sign)(&signed)),
    }
}

fn verifies(authenticator: &Authenticator, assertion: &Signed) -> bool {
    let key = WebAuthnKey::from_cose(&authenticator.cose).expect("a key");
    key.verifies(PAYLOAD, &serde_cbor::to_vec(assertion).expect("encodes"))
}

#[test]
fn should_accept_an_assertion_of_each_scheme_and_refuse_it_changed() {
    for authenticator in [es256(), eddsa(), rs256()] {
        let good = || assertion(&authenticator, PAYLOAD);
        assert!(verifies(&authenticator, &good()));
        let mut flipped = good();
        flipped.signature[20] ^= 1;
        assert!(!verifies(&authenticator, &flipped));
        let mut other_data = good();
        other_data.authenticator_data[0] ^= 1;
        assert!(!verifies(&authenticator, &other_data));
        let mut other_origin = good();
        other_origin.client_data_json = other_origin.client_data_json.replace("localhost", "elsewhere");
        assert!(!verifies(&authenticator, &other_origin));
    }
}

#[test]
fn should_refuse_an_assertion_on_another_challenge_or_by_another_key() {
    let authenticator = es256();
    assert!(!verifies(&authenticator, &assertion(&authenticator, b"another request")));
    assert!(!verifies(&authenticator, &assertion(&es256(), PAYLOAD)));
}

#[test]
fn should_refuse_what_is_no_assertion() {
    let key = WebAuthnKey::from_cose(&eddsa().cose).expect("a key");
    assert!(!key.verifies(PAYLOAD, b"no cbor"));
    let mut no_json = assertion(&eddsa(), PAYLOAD);
    no_json.client_data_json = "{".to_owned();
    assert!(!key.verifies(PAYLOAD, &serde_cbor::to_vec(&no_json).expect("encodes")));
}

#[test]
fn should_refuse_keys_of_other_schemes() {
    let es384 = cose(vec![
        (cose::KEY_TYPE, Value::Integer(cose::ELLIPTIC_CURVE)),
        (cose::ALGORITHM, Value::Integer(-35)),
        (cose::CURVE_OR_MODULUS, Value::Integer(2)),
    ]);
    let short = cose(vec![
        (cose::KEY_TYPE, Value::Integer(cose::ELLIPTIC_CURVE)),
        (cose::ALGORITHM, Value::Integer(cose::ES256)),
        (cose::CURVE_OR_MODULUS, Value::Integer(cose::P256)),
        (cose::X_OR_EXPONENT, Value::Bytes(vec![1; 31])),
        (cose::Y, Value::Bytes(vec![1; 33])),
    ]);
    for key in [es384, short, b"no cbor".to_vec()] {
        assert_eq!(WebAuthnKey::from_cose(&key), None);
    }
}
