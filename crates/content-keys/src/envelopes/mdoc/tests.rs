//! ISO/IEC 18013-5, Annex D: every value of the session and of the device's MAC.

use ciborium::Value;
use serde_json::Value as Json;

use super::*;
use crate::{
    Dh, PublicKey,
    envelopes::{OpenError, cipher::hkdf_sha256, ephemeral::EphemeralKey},
};

/// Beginning and end of the values that the annex states and the vectors do not carry.
const SHARED_SECRET: [&str; 2] = ["6423502f", "2589"];
const READER_SESSION_KEY: [&str; 2] = ["58d277d8", "dfc9"];
const DEVICE_SESSION_KEY: [&str; 2] = ["81d170e0", "f409"];
const MAC_KEY: [&str; 2] = ["dc2b9566", "35dd"];

struct AnnexD(Json);

impl AnnexD {
    fn new() -> Self {
        Self(
            serde_json::from_str(include_str!("../../../tests/vectors/iso18013-5/annex-d.json"))
                .expect("JSON"),
        )
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.0[name].as_str().unwrap_or_else(|| panic!("{name}"))).expect("hex")
    }

    fn key(&self, name: &str) -> EphemeralKey {
        let key = p256::SecretKey::from_slice(&self.bytes(&format!("{name}_KEY_D"))).expect("a scalar");
        let key = EphemeralKey::P256(key);
        let published =
            [vec![4], self.bytes(&format!("{name}_KEY_X")), self.bytes(&format!("{name}_KEY_Y"))].concat();
        assert_eq!(key.public_key().to_bytes(), published);
        key
    }

    /// What the device's response says about its authentication.
    fn device_signed(&self) -> (String, Vec<u8>, Vec<u8>) {
        let response: Value = ciborium::from_reader(self.bytes("DEVICE_RESPONSE").as_slice()).expect("CBOR");
        let document = &member(&response, "documents").as_array().expect("documents")[0];
        let signed = member(document, "deviceSigned");
        let encoded = |value: &Value| {
            let mut cbor = Vec::new();
            ciborium::into_writer(value, &mut cbor).expect("memory takes every byte");
            cbor
        };
        (
            member(document, "docType").as_text().expect("text").to_owned(),
            encoded(member(signed, "nameSpaces")),
            encoded(member(member(signed, "deviceAuth"), "deviceMac")),
        )
    }
}

fn member<'a>(map: &'a Value, name: &str) -> &'a Value {
    let members = map.as_map().expect("a map");
    &members.iter().find(|(key, _)| key.as_text() == Some(name)).unwrap_or_else(|| panic!("{name}")).1
}

#[test]
fn should_derive_the_keys_of_annex_d() {
    let annex = AnnexD::new();
    let (reader, device) = (annex.key("EPHEMERAL_READER"), annex.key("EPHEMERAL_DEVICE"));
    let shared = device.dh(&reader.public_key()).expect("the same curve");
    let salt = salt(&annex.bytes("SESSION_TRANSCRIPT_BYTES"));
    let same = |found: &[u8], expected: [&str; 2]| {
        assert_eq!([hex::encode(&found[..4]), hex::encode(&found[30..])], expected);
    };
    same(shared.expose(), SHARED_SECRET);
    let derived = |secret: &[u8], info: &[u8], expected| {
        let mut key = [0; 32];
        hkdf_sha256(&salt, secret, info, &mut key);
        same(&key, expected);
    };
    derived(shared.expose(), b"SKReader", READER_SESSION_KEY);
    derived(shared.expose(), b"SKDevice", DEVICE_SESSION_KEY);
    let for_mac = annex.key("STATIC_DEVICE").dh(&reader.public_key()).expect("the same curve");
    derived(for_mac.expose(), b"EMacKey", MAC_KEY);
}

#[test]
fn should_carry_the_session_of_annex_d_in_both_roles() {
    let annex = AnnexD::new();
    let (reader_key, device_key) = (annex.key("EPHEMERAL_READER"), annex.key("EPHEMERAL_DEVICE"));
    let transcript = annex.bytes("SESSION_TRANSCRIPT_BYTES");
    let mut reader =
        Session::new(Role::Reader, &reader_key, &device_key.public_key(), &transcript).expect("a key");
    let mut device =
        Session::new(Role::Device, &device_key, &reader_key.public_key(), &transcript).expect("a key");

    let establishment = SessionEstablishment {
        reader_key: reader_key.public_key(),
        data: reader.encrypt(&annex.bytes("DEVICE_REQUEST")),
    };
    assert_eq!(establishment.to_cbor(), annex.bytes("SESSION_ESTABLISHMENT"));
    let received = SessionEstablishment::parse(&annex.bytes("SESSION_ESTABLISHMENT")).expect("a message");
    assert_eq!(received, establishment);
    assert_eq!(device.decrypt(&received.data).expect("opens").as_ref(), annex.bytes("DEVICE_REQUEST"));

    let answer = SessionData { data: Some(device.encrypt(&annex.bytes("DEVICE_RESPONSE"))), status: None };
    assert_eq!(answer.to_cbor(), annex.bytes("SESSION_DATA"));
    let received = SessionData::parse(&annex.bytes("SESSION_DATA")).expect("a message");
    let opened = reader.decrypt(&received.data.expect("data")).expect("opens");
    assert_eq!(opened.as_ref(), annex.bytes("DEVICE_RESPONSE"));

    let end = SessionData { data: None, status: Some(20) };
    assert_eq!(SessionData::parse(&annex.bytes("SESSION_TERMINATION")), Ok(end.clone()));
    assert_eq!(end.to_cbor(), annex.bytes("SESSION_TERMINATION"));
}

#[test]
fn should_refuse_a_repeated_a_reflected_and_a_foreign_message() {
    let annex = AnnexD::new();
    let (reader_key, device_key) = (annex.key("EPHEMERAL_READER"), annex.key("EPHEMERAL_DEVICE"));
    let device = |transcript: &[u8]| {
        Session::new(Role::Device, &device_key, &reader_key.public_key(), transcript).expect("a key")
    };
    let transcript = annex.bytes("SESSION_TRANSCRIPT_BYTES");
    let request = SessionEstablishment::parse(&annex.bytes("SESSION_ESTABLISHMENT")).expect("a message").data;
    let mut session = device(&transcript);
    session.decrypt(&request).expect("opens");
    assert_eq!(session.decrypt(&request).expect_err("again"), OpenError::CannotOpen);
    let own = session.encrypt(b"response");
    assert_eq!(session.decrypt(&own).expect_err("reflected"), OpenError::CannotOpen);
    let mut elsewhere = device(b"another transcript");
    assert_eq!(elsewhere.decrypt(&request).expect_err("another session"), OpenError::CannotOpen);
    let mut own_messages = [b"same".as_slice(), b"same"].map(|text| session.encrypt(text));
    own_messages.sort_unstable();
    assert_ne!(own_messages[0], own_messages[1], "two messages under one nonce");
}

#[test]
fn should_make_and_verify_the_device_mac_of_annex_d() {
    let annex = AnnexD::new();
    let (reader_key, device_key) = (annex.key("EPHEMERAL_READER"), annex.key("STATIC_DEVICE"));
    let transcript = annex.bytes("SESSION_TRANSCRIPT_BYTES");
    let (doc_type, name_spaces, published) = annex.device_signed();
    let authentication = DeviceAuthentication {
        session_transcript_bytes: &transcript,
        doc_type: &doc_type,
        device_name_spaces_bytes: &name_spaces,
    };
    let made = device_mac(&device_key, &reader_key.public_key(), &authentication).expect("a MAC");
    assert_eq!(hex::encode(&made), hex::encode(&published));
    let verify = |authentication: &DeviceAuthentication, mac: &[u8]| {
        verify_device_mac(&reader_key, &device_key.public_key(), authentication, mac)
    };
    assert_eq!(verify(&authentication, &made), Ok(()));

    let refused = Err(DeviceMacError::Open(OpenError::CannotOpen));
    let other = DeviceAuthentication { doc_type: "org.example.other", ..authentication };
    assert_eq!(verify(&other, &made), refused);
    let mut changed = made.clone();
    *changed.last_mut().expect("a tag") ^= 1;
    assert_eq!(verify(&authentication, &changed), refused);
    assert_eq!(verify_device_mac(&reader_key, &reader_key.public_key(), &authentication, &made), refused);
    let shorter = [&made[..made.len() - 34], &[0x41, made[made.len() - 32]]].concat();
    assert_eq!(verify(&authentication, &shorter), refused, "a cut tag");
}

#[test]
fn should_refuse_what_is_no_session_message_or_transcript() {
    let parse = |hex: &str| {
        SessionData::parse(&hex::decode(hex).expect("hex")).map(drop).map_err(|error| error.field)
    };
    let refused = Err("session message");
    assert_eq!(parse("a0"), refused, "an empty map");
    assert_eq!(parse("a1667374617475733801"), refused, "a status below 0");
    assert_eq!(parse("a2667374617475731466737461747573146473"), refused, "bytes after it");
    assert_eq!(parse("a266737461747573146673746174757314"), refused, "a member twice");
    assert_eq!(parse("a16673746174757314"), Ok(()));
    assert_eq!(parse("a96673746174757314000102030405060708090a0b0c0d0e0f"), refused, "too many");

    let key = EphemeralKey::P256(p256::SecretKey::from_slice(&[7; 32]).expect("a scalar"));
    let reader: PublicKey = key.public_key();
    for (transcript, name_spaces) in [("80", "d81841a0"), ("d81841a0", "a0"), ("d81842a0a0", "d81841a0")] {
        let (transcript, name_spaces) =
            (hex::decode(transcript).expect("hex"), hex::decode(name_spaces).expect("hex"));
        let authentication = DeviceAuthentication {
            session_transcript_bytes: &transcript,
            doc_type: "any",
            device_name_spaces_bytes: &name_spaces,
        };
        let refused = device_mac(&key, &reader, &authentication);
        assert!(matches!(refused, Err(DeviceMacError::Malformed(_))), "{refused:?}");
    }
}
