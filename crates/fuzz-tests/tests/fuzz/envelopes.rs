//! Envelopes and public keys that strangers write, opened with keys in plain memory.

use content_keys::{
    Curve, Dh, DhError, PublicKey, SharedSecret,
    envelopes::{
        Parties,
        age::{Header, Layout},
        cose::CoseEnvelope,
        hpke::EncapsulatedKey,
        jwe::Jwe,
        mdoc,
    },
};
use fuzz_tests::{Campaign, files_below};
use serde_json::Value;

const VECTORS: &str = "../content-keys/tests/vectors";

/// A key whose shared secrets are all the same: what counts here is what is read, not what is opened.
struct AnyKey(PublicKey);

impl Dh for AnyKey {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn dh(&self, _: &PublicKey) -> Result<SharedSecret, DhError> {
        Ok(SharedSecret::new([1; 32].into()))
    }
}

/// RFC 7748's base point; a point is as good as any other here.
fn any_key() -> AnyKey {
    let mut base_point = [0; 32];
    base_point[0] = 9;
    AnyKey(PublicKey::x25519(&base_point).expect("on the curve, of large order"))
}

/// Every string of this name in the JSON files of a folder.
fn strings(folder: &str, name: &str) -> Vec<String> {
    fn collect(value: &Value, name: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| match value {
                Value::String(text) if key == name => found.push(text.clone()),
                _ => collect(value, name, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| collect(item, name, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for file in files_below(&format!("{VECTORS}/{folder}"), ".json") {
        collect(&serde_json::from_slice(&file).expect("JSON"), name, &mut found);
    }
    found
}

fn bytes(hex: Vec<String>) -> Vec<Vec<u8>> {
    hex.iter().map(|text| hex::decode(text).expect("hex")).collect()
}

fn texts(strings: Vec<String>) -> Vec<Vec<u8>> {
    strings.into_iter().map(String::into_bytes).collect()
}

#[test]
fn should_stand_damaged_jwe() {
    let mut seeds = texts(strings("wycheproof", "jwe"));
    seeds.extend(files_below(VECTORS, ".json"));
    Campaign::new("jwe", seeds).run(|message| {
        if let Ok(message) = Jwe::parse(message) {
            drop(message.open(&any_key(), &Parties::default()));
        }
    });
}

#[test]
fn should_stand_damaged_cose() {
    Campaign::new("cose", bytes(strings("cose", "cbor"))).run(|message| {
        if let Ok(message) = CoseEnvelope::parse(message) {
            drop(message.open(&any_key(), &Parties::default(), &[]));
        }
    });
}

#[test]
fn should_stand_damaged_age_headers() {
    Campaign::new("age", files_below(&format!("{VECTORS}/age"), "")).run(|file| {
        // The kit's files begin with what is expected of them.
        let start = file.windows(2).position(|pair| pair == b"\n\n").map_or(0, |end| end + 2);
        if let Ok(header) = Header::parse(&file[start..]) {
            drop(header.open(&any_key()));
            drop(Layout::new(&header, file.len() as u64));
        }
    });
}

#[test]
fn should_stand_damaged_messages_of_mobile_documents() {
    let annex = |name| bytes(strings("iso18013-5", name));
    let names = [
        "SESSION_ESTABLISHMENT",
        "SESSION_DATA",
        "SESSION_TERMINATION",
        "SESSION_TRANSCRIPT_BYTES",
        "DEVICE_REQUEST",
    ];
    let seeds: Vec<Vec<u8>> = names.into_iter().flat_map(annex).collect();
    Campaign::new("mdoc", seeds).run(|message| {
        drop(mdoc::SessionEstablishment::parse(message));
        drop(mdoc::SessionData::parse(message));
        let authentication = mdoc::DeviceAuthentication {
            session_transcript_bytes: message,
            doc_type: "any",
            device_name_spaces_bytes: message,
        };
        drop(mdoc::device_mac(&any_key(), &any_key().0, &authentication));
        drop(mdoc::verify_device_mac(&any_key(), &any_key().0, &authentication, message));
    });
}

#[test]
fn should_stand_damaged_public_keys() {
    let raw = [strings("hpke", "pkRm"), strings("hpke", "enc")].concat();
    let mut seeds = Vec::new();
    for key in bytes(raw) {
        let key = PublicKey::p256(&key).or_else(|_| PublicKey::x25519(&key)).expect("a key");
        seeds.extend([
            key.to_jwk().into_bytes(),
            key.to_age_recipient().into_bytes(),
            key.to_cose_key(),
            key.to_bytes(),
        ]);
    }
    Campaign::new("public-key", seeds).run(|key| {
        drop(PublicKey::from_cose_key(key));
        drop(EncapsulatedKey::parse(Curve::P256, key));
        drop(EncapsulatedKey::parse(Curve::X25519, key));
        if let Ok(text) = str::from_utf8(key) {
            drop(PublicKey::from_jwk(text));
            drop(PublicKey::from_age_recipient(text));
        }
    });
}
