//! Published vectors, through the public interface. What they are and where they are from: `vectors/README.md`.
//! Those with values that the interface does not show are run by the unit tests.

use std::{fs, io::Read, path::PathBuf};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use content_keys::{
    Dh, PublicKey,
    envelopes::{OpenError, Parties, jwe::Jwe},
};
use flate2::read::ZlibDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::local_key::{LocalKey, Refused, open_age};

mod local_key;

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn wycheproof(name: &str) -> Vec<(Value, Value)> {
    let path = vectors().join("wycheproof").join(name);
    let file: Value = serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON");
    let groups = file["testGroups"].as_array().expect("groups");
    groups
        .iter()
        .flat_map(|group| {
            group["tests"].as_array().expect("tests").iter().map(|case| (group.clone(), case.clone()))
        })
        .collect()
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(case[name].as_str().expect("hex")).expect("hex")
}

/// Wycheproof writes scalars with a zero in front, or without the zeros they begin with.
fn scalar(case: &Value) -> Vec<u8> {
    let written = bytes(case, "private");
    let start = written.iter().position(|byte| *byte != 0).unwrap_or(0);
    [vec![0; 32 - (written.len() - start)], written[start..].to_vec()].concat()
}

#[test]
fn should_agree_with_every_valid_p256_case_and_refuse_the_others() {
    let (mut valid, mut refused) = (0, 0);
    for (_, case) in wycheproof("ecdh_secp256r1_ecpoint.json") {
        let peer = PublicKey::p256(&bytes(&case, "public"));
        if case["result"] == "invalid" {
            peer.expect_err("invalid");
            refused += 1;
        } else {
            let shared = LocalKey::p256(&scalar(&case)).dh(&peer.expect("a key")).expect("the same curve");
            assert_eq!(shared.expose().to_vec(), bytes(&case, "shared"), "{}", case["tcId"]);
            valid += 1;
        }
    }
    assert_eq!((valid, refused), (331, 24));
}

/// Refused are the twist and small orders alone, which Wycheproof leaves to the implementation.
#[test]
fn should_agree_with_every_x25519_case_on_the_curve() {
    let (mut exact, mut refused) = (0, 0);
    for (_, case) in wycheproof("x25519.json") {
        match PublicKey::x25519(&bytes(&case, "public")) {
            Ok(peer) => {
                let shared = LocalKey::x25519(&bytes(&case, "private")).dh(&peer).expect("the same curve");
                assert_eq!(shared.expose().to_vec(), bytes(&case, "shared"), "{}", case["tcId"]);
                exact += 1;
            }
            Err(_) => {
                assert_eq!(case["result"], "acceptable", "{}", case["tcId"]);
                refused += 1;
            }
        }
    }
    assert_eq!((exact, refused), (271, 247));
}

#[test]
fn should_open_every_admitted_jwe_and_refuse_the_others() {
    let (mut opened, mut other_algorithms, mut invalid) = (0, 0, 0);
    for (group, case) in wycheproof("json_web_encryption.json") {
        let d = BASE64_URL_SAFE_NO_PAD.decode(group["private"]["d"].as_str().expect("d")).expect("base64url");
        let key = LocalKey::p256(&d);
        let message = Jwe::parse(case["jwe"].as_str().expect("text").as_bytes());
        let admitted = ["ECDH-ES", "ECDH-ES+A256KW"].map(Value::from).contains(&group["private"]["alg"])
            && ["A128GCM", "A256GCM"].map(Value::from).contains(&case["enc"]);
        if case["result"] == "valid" && admitted {
            let plaintext = message.expect("a message").open(&key, &Parties::default()).expect("opens");
            assert_eq!(plaintext.as_ref(), bytes(&case, "pt"), "{}", case["comment"]);
            opened += 1;
        } else if case["result"] == "valid" {
            let field = message.err().expect("another algorithm").field;
            assert!(["alg", "enc"].contains(&field), "{field} {}", case["comment"]);
            other_algorithms += 1;
        } else {
            let failure = message.map(|message| message.open(&key, &Parties::default()));
            assert!(matches!(failure, Err(_) | Ok(Err(OpenError::CannotOpen))), "{}", case["comment"]);
            invalid += 1;
        }
    }
    assert_eq!((opened, other_algorithms, invalid), (4, 20, 19));
}

#[test]
fn should_open_a_flattened_jwe_of_another_tool_and_hold_its_aad() {
    let path = vectors().join("jwe-flattened.json");
    let mut message: Value = serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON");
    let open = |message: &Value| {
        let message = Jwe::parse(message.to_string().as_bytes()).expect("a message");
        message
            .open(&LocalKey::p256(&[1; 32]), &Parties::default())
            .map(|plaintext| plaintext.as_ref().to_vec())
    };
    assert_eq!(open(&message).as_deref(), Ok(&b"from jose flat"[..]));
    message["aad"] = Value::from("YWFl");
    assert_eq!(open(&message), Err(OpenError::CannotOpen));
}

/// A case of the age test kit: headings, an empty line, a file.
struct AgeCase {
    name: String,
    headings: Vec<(String, String)>,
    file: Vec<u8>,
}

impl AgeCase {
    fn read(path: &std::path::Path) -> Self {
        let bytes = fs::read(path).expect("a file");
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").expect("an empty line");
        let headings: Vec<(String, String)> = str::from_utf8(&bytes[..end])
            .expect("text")
            .lines()
            .map(|line| line.split_once(": ").expect("a heading"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut file = bytes[end + 2..].to_vec();
        if headings.iter().any(|(name, _)| name == "compressed") {
            let mut whole = Vec::new();
            ZlibDecoder::new(file.as_slice()).read_to_end(&mut whole).expect("zlib");
            file = whole;
        }
        Self { name: path.file_name().expect("a name").to_string_lossy().into_owned(), headings, file }
    }

    fn heading(&self, name: &str) -> Option<&str> {
        self.headings.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    fn open(&self) -> Result<Vec<u8>, Refused> {
        let scalar = self.heading("identity").map(|identity| bech32::decode(identity).expect("bech32").1);
        open_age(&self.file, &LocalKey::x25519(&scalar.unwrap_or(vec![1; 32])))
    }
}

#[test]
fn should_treat_every_file_of_the_age_test_kit_as_it_says() {
    let mut counted = 0;
    for entry in fs::read_dir(vectors().join("age")).expect("a folder") {
        let case = AgeCase::read(&entry.expect("an entry").path());
        let result = case.open();
        let name = &case.name;
        match case.heading("expect").expect("an expectation") {
            "success" => {
                let content = result.unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
                assert_eq!(
                    hex::encode(Sha256::digest(&content)),
                    case.heading("payload").expect("a digest"),
                    "{name}"
                );
            }
            // The kit counts the payload's nonce to the header.
            "header failure" => {
                assert!(matches!(result, Err(Refused::Header(_) | Refused::Layout(_))), "{name}: {result:?}");
            }
            "no match" | "HMAC failure" => {
                assert_eq!(result, Err(Refused::FileKey(OpenError::CannotOpen)), "{name}");
            }
            "payload failure" => {
                assert!(
                    matches!(result, Err(Refused::Layout(_) | Refused::Payload(_))),
                    "{name}: {result:?}"
                );
            }
            other => panic!("{name} expects {other}"),
        }
        counted += 1;
    }
    assert_eq!(counted, 65);
}
