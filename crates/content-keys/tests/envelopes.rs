//! What an envelope must withstand, and answers that open again.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use content_keys::{
    Dh, DhError, PublicKey, SharedSecret,
    envelopes::{
        Malformed, OpenError, Parties, SealingSeed,
        age::{self, CHUNK_BYTES, Header, Layout, Payload},
        jwe::{self, Jwe},
    },
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::local_key::{LocalKey, Refused, open_age};

mod local_key;

const ANYBODY: Parties = Parties { writer: None, reader: None };

/// One key on each curve.
fn both(byte: u8) -> [LocalKey; 2] {
    [LocalKey::p256(&[byte; 32]), LocalKey::x25519(&[byte; 32])]
}

fn seed(byte: u8) -> SealingSeed {
    SealingSeed::new(Zeroizing::new([byte; 32]))
}

fn sealed_jwe(reader: &LocalKey, byte: u8) -> String {
    jwe::seal(&reader.public_key(), b"content", &ANYBODY, seed(byte))
}

fn open_jwe(message: &str, key: &dyn Dh, parties: &Parties) -> Result<Vec<u8>, OpenError> {
    let message = Jwe::parse(message.as_bytes()).expect("a message");
    message.open(key, parties).map(|plaintext| plaintext.as_ref().to_vec())
}

fn refused_jwe(message: &str) -> Malformed {
    Jwe::parse(message.as_bytes()).err().unwrap_or_else(|| panic!("{message} was read"))
}

/// A message with its header changed, and nothing else.
fn with_header(message: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, rest) = message.split_once('.').expect("parts");
    let mut header: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON");
    change(&mut header);
    format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()))
}

mod jwe_messages {
    use super::*;

    #[test]
    fn should_open_an_answer_with_the_readers_key_and_with_no_other() {
        for (reader, other) in both(1).iter().zip(&both(2)) {
            let message = sealed_jwe(reader, 3);
            assert_eq!(open_jwe(&message, reader, &ANYBODY).as_deref(), Ok(&b"content"[..]));
            assert_eq!(open_jwe(&message, other, &ANYBODY), Err(OpenError::CannotOpen));
        }
    }

    #[test]
    fn should_share_no_key_and_no_nonce_between_answers() {
        let [reader, _] = both(1);
        let parts = |byte| sealed_jwe(&reader, byte).split('.').map(str::to_owned).collect::<Vec<_>>();
        let (one, two) = (parts(3), parts(4));
        for (part, other) in one.iter().zip(&two) {
            assert_ne!(part, other);
        }
        assert_eq!(one, parts(3), "all of an answer comes from its seed");
    }

    #[test]
    fn should_open_only_for_the_parties_that_are_expected() {
        let [reader, _] = both(1);
        let alice = Parties { writer: Some(b"alice"), reader: Some(b"vault") };
        let message = jwe::seal(&reader.public_key(), b"content", &alice, seed(3));
        let opens = |parties: Parties| open_jwe(&message, &reader, &parties).is_ok();
        assert!(opens(alice) && opens(ANYBODY));
        assert!(!opens(Parties { writer: Some(b"mallory"), ..alice }));
        assert!(!opens(Parties { reader: Some(b"another vault"), ..alice }));
        let anonymous = sealed_jwe(&reader, 3);
        assert_eq!(open_jwe(&anonymous, &reader, &alice), Err(OpenError::CannotOpen));
        let renamed =
            with_header(&anonymous, |header| header["apu"] = json!(BASE64_URL_SAFE_NO_PAD.encode("alice")));
        let claimed = Parties { writer: Some(b"alice"), reader: None };
        assert_eq!(open_jwe(&renamed, &reader, &claimed), Err(OpenError::CannotOpen));
    }

    #[test]
    fn should_refuse_headers_that_are_not_admitted() {
        let [reader, _] = both(1);
        let message = sealed_jwe(&reader, 3);
        let field = |change: fn(&mut Value)| refused_jwe(&with_header(&message, change)).field;
        assert_eq!(field(|header| header["zip"] = json!("DEF")), "zip");
        assert_eq!(field(|header| header["zip"] = Value::Null), "zip");
        assert_eq!(field(|header| header["crit"] = json!(["exp"])), "crit");
        assert_eq!(field(|header| header["crit"] = Value::Null), "crit");
        assert_eq!(field(|header| header["alg"] = json!("dir")), "alg");
        assert_eq!(field(|header| header["alg"] = json!("ECDH-ES")), "encrypted_key");
        assert_eq!(field(|header| header["enc"] = json!("A128CBC-HS256")), "enc");
        assert_eq!(field(|header| header["enc"] = json!("A128GCM")), "encrypted_key");
        assert_eq!(field(|header| header["epk"]["x"] = json!("AAAA")), "key.x");
        assert_eq!(field(|header| header["epk"]["y"] = header["epk"]["x"].clone()), "key");
        assert_eq!(field(|header| header["epk"]["d"] = json!("AAAA")), "key.d");
        assert_eq!(field(|header| header["epk"] = Value::Null), "epk");
        assert_eq!(field(|header| drop(header.as_object_mut().expect("an object").remove("epk"))), "epk");
        let twice = r#"{"alg":"ECDH-ES","alg":"ECDH-ES+A256KW"}"#;
        let (_, rest) = message.split_once('.').expect("parts");
        assert_eq!(
            refused_jwe(&format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(twice))).field,
            "protected"
        );
    }

    #[test]
    fn should_refuse_parts_of_other_lengths() {
        let [reader, _] = both(1);
        let message = sealed_jwe(&reader, 3);
        let parts: Vec<&str> = message.split('.').collect();
        let field = |index: usize, part: &str| {
            let mut parts = parts.clone();
            parts[index] = part;
            refused_jwe(&parts.join(".")).field
        };
        assert_eq!(field(1, ""), "encrypted_key");
        assert_eq!(field(2, &parts[2][..15]), "iv");
        assert_eq!(field(2, &BASE64_URL_SAFE_NO_PAD.encode([0; 16])), "iv");
        assert_eq!(field(4, &parts[4][..20]), "tag");
        assert_eq!(field(4, &format!("{}=", parts[4])), "tag");
        assert_eq!(refused_jwe(&parts[..4].join(".")).field, "message");
        assert_eq!(refused_jwe(&format!("{message}.AA")).field, "message");
    }

    #[test]
    fn should_show_little_of_what_it_refuses() {
        let header = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"\u0007{}"}}"#, "a".repeat(500)));
        let error = refused_jwe(&format!("{header}....")).to_string();
        assert!(error.starts_with(r"alg: found \u{7}aaa") && error.len() < 200, "{error}");
    }

    #[test]
    fn should_read_the_flattened_form_wherever_the_header_is() {
        let [reader, _] = both(1);
        let message = sealed_jwe(&reader, 3);
        let [protected, encrypted_key, iv, ciphertext, tag]: [&str; 5] =
            message.split('.').collect::<Vec<_>>().try_into().expect("five parts");
        let flattened = json!({
            "protected": protected, "encrypted_key": encrypted_key, "iv": iv, "ciphertext": ciphertext, "tag": tag,
            "header": {"kid": "any"},
        });
        assert_eq!(open_jwe(&flattened.to_string(), &reader, &ANYBODY).as_deref(), Ok(&b"content"[..]));
        let changed = |change: fn(&mut Value)| {
            let mut message = flattened.clone();
            change(&mut message);
            message.to_string()
        };
        let with_aad = changed(|message| message["aad"] = json!("AAAA"));
        assert_eq!(open_jwe(&with_aad, &reader, &ANYBODY), Err(OpenError::CannotOpen));
        let field = |change: fn(&mut Value)| refused_jwe(&changed(change)).field;
        assert_eq!(field(|message| message["header"]["enc"] = json!("A256GCM")), "enc");
        assert_eq!(field(|message| message["header"]["zip"] = json!("DEF")), "zip");
        assert_eq!(field(|message| message["recipients"] = json!([])), "recipients");
        assert_eq!(
            field(|message| drop(message.as_object_mut().expect("an object").remove("tag"))),
            "message"
        );
    }
}

/// The same words, whatever was wrong; and only an absent holder is another case.
#[test]
fn should_say_the_same_for_every_failed_opening() {
    struct Absent(LocalKey);
    impl Dh for Absent {
        fn public_key(&self) -> PublicKey {
            self.0.public_key()
        }
        fn dh(&self, _: &PublicKey) -> Result<SharedSecret, DhError> {
            Err(DhError::Unavailable)
        }
    }
    let [reader, other_curve] = both(1);
    let [other, _] = both(2);
    let message = sealed_jwe(&reader, 3);
    let parts: Vec<&str> = message.split('.').collect();
    let changed = |index: usize| {
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(parts[index]).expect("base64url");
        bytes[0] ^= 1;
        let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        parts[index] = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        parts.join(".")
    };
    let mut texts: Vec<String> = [1, 2, 3, 4]
        .map(|index| open_jwe(&changed(index), &reader, &ANYBODY))
        .to_vec()
        .into_iter()
        .chain([
            open_jwe(&message, &other, &ANYBODY),
            open_jwe(&message, &other_curve, &ANYBODY),
            open_jwe(&message, &reader, &Parties { writer: Some(b"alice"), reader: None }),
            open_jwe(&with_header(&message, |header| header["kid"] = json!("any")), &reader, &ANYBODY),
        ])
        .map(|result| result.expect_err("nothing opens").to_string())
        .collect();
    let file = age::seal(&reader.public_key(), b"content", seed(3));
    let header = Header::parse(&file).expect("a header").length_bytes();
    let lines: Vec<usize> = (0..header).filter(|index| file[*index] == b'\n').collect();
    let (wrapped_key, mac) = (lines[1] + 1, lines[2] + "--- ".len() + 1);
    for index in [wrapped_key, mac, header, file.len() - 20, file.len() - 1] {
        let mut changed = file.clone();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        match open_age(&changed, &reader).expect_err("nothing opens") {
            Refused::FileKey(error) | Refused::Payload(error) => texts.push(error.to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts.len(), 13);
    assert!(texts.iter().all(|text| text == "the envelope cannot be opened"), "{texts:?}");
    assert_eq!(open_jwe(&message, &Absent(reader), &ANYBODY), Err(OpenError::Unavailable));
}

mod age_files {
    use super::*;

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index / 251 + index) as u8).collect()
    }

    #[test]
    fn should_open_an_answer_of_every_length_with_the_readers_key_and_with_no_other() {
        let chunk = CHUNK_BYTES as usize;
        for (reader, other) in both(1).iter().zip(&both(2)) {
            for length in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 5] {
                let file = age::seal(&reader.public_key(), &content(length), seed(3));
                assert_eq!(open_age(&file, reader), Ok(content(length)), "{length}");
                assert_eq!(open_age(&file, other), Err(Refused::FileKey(OpenError::CannotOpen)));
            }
        }
    }

    /// Three chunks and a bit, and everything needed to open them one by one.
    struct File {
        bytes: Vec<u8>,
        layout: Layout,
        key: LocalKey,
    }

    impl File {
        fn new() -> Self {
            let [_, key] = both(1);
            let bytes = age::seal(&key.public_key(), &content(3 * CHUNK_BYTES as usize + 5), seed(3));
            let layout =
                Layout::new(&Header::parse(&bytes).expect("a header"), bytes.len() as u64).expect("a layout");
            Self { bytes, layout, key }
        }

        fn slice(&self, range: std::ops::Range<u64>) -> &[u8] {
            &self.bytes[range.start as usize..range.end as usize]
        }

        fn payload(&self, layout: Layout, last: u64) -> Result<Payload, OpenError> {
            let file_key = Header::parse(&self.bytes).expect("a header").open(&self.key).expect("a file key");
            Payload::open(file_key, layout, self.slice(layout.nonce()), self.slice(self.layout.chunk(last)))
        }
    }

    #[test]
    fn should_open_a_part_from_the_chunks_that_hold_it() {
        let file = File::new();
        let payload = file.payload(file.layout, 3).expect("whole");
        let part = CHUNK_BYTES - 10..2 * CHUNK_BYTES + 7;
        assert_eq!(file.layout.chunks_of(&part), Some(0..=2));
        let mut found = Vec::new();
        for number in file.layout.chunks_of(&part).expect("inside") {
            let chunk = payload.chunk(number, file.slice(file.layout.chunk(number))).expect("opens");
            found.extend_from_slice(&chunk.as_ref()[file.layout.within_chunk(number, &part)]);
        }
        assert_eq!(found, content(3 * CHUNK_BYTES as usize + 5)[part.start as usize..part.end as usize]);
        assert_eq!(file.layout.plaintext_bytes(), 3 * CHUNK_BYTES + 5);
        for outside in [5..5, 3 * CHUNK_BYTES..3 * CHUNK_BYTES + 6, 9..3, 0..u64::MAX] {
            assert_eq!(file.layout.chunks_of(&outside), None, "{outside:?}");
        }
    }

    #[test]
    fn should_refuse_a_chunk_in_anothers_place() {
        let file = File::new();
        let payload = file.payload(file.layout, 3).expect("whole");
        for number in 0..5 {
            for other in (0..4).filter(|other| *other != number) {
                let moved = payload.chunk(number, file.slice(file.layout.chunk(other)));
                assert_eq!(moved.expect_err("moved"), OpenError::CannotOpen, "{other} in place of {number}");
            }
        }
        let beyond = payload.chunk(u64::MAX, file.slice(file.layout.chunk(3)));
        assert_eq!(beyond.expect_err("beyond the end"), OpenError::CannotOpen);
        assert!(file.layout.chunk(u64::MAX).is_empty());
    }

    /// However much is cut off, and wherever: the last chunk does not say that it is the last.
    #[test]
    fn should_refuse_a_file_that_was_cut_or_prolonged() {
        let file = File::new();
        let header = Header::parse(&file.bytes).expect("a header");
        for last in 0..3 {
            let cut = Layout::new(&header, file.layout.chunk(last).end).expect("chunks of the right length");
            assert_eq!(file.payload(cut, last).err(), Some(OpenError::CannotOpen), "cut after chunk {last}");
        }
        let length = file.bytes.len();
        for (from, to) in
            [(length - 1, length), (length - 5, length), (file.layout.nonce().end as usize, length)]
        {
            let mut shorter = file.bytes.clone();
            shorter.drain(from..to);
            open_age(&shorter, &file.key).expect_err("cut");
        }
        for more in [vec![0], file.slice(file.layout.chunk(3)).to_vec()] {
            open_age(&[&file.bytes[..], &more].concat(), &file.key).expect_err("prolonged");
        }
    }

    #[test]
    fn should_refuse_two_chunks_exchanged_and_one_repeated() {
        let file = File::new();
        let [one, two] = [0, 1].map(|number| file.layout.chunk(number));
        let put = |place: &std::ops::Range<u64>, chunk: &[u8], bytes: &mut Vec<u8>| {
            bytes[place.start as usize..place.end as usize].copy_from_slice(chunk);
        };
        let mut repeated = file.bytes.clone();
        put(&two, file.slice(one.clone()), &mut repeated);
        assert_eq!(open_age(&repeated, &file.key), Err(Refused::Payload(OpenError::CannotOpen)));
        let mut exchanged = repeated;
        put(&one, file.slice(two.clone()), &mut exchanged);
        assert_eq!(open_age(&exchanged, &file.key), Err(Refused::Payload(OpenError::CannotOpen)));
    }

    #[test]
    fn should_share_no_chunk_and_no_share_between_answers() {
        for reader in both(1) {
            let [one, two] = [3, 4].map(|byte| age::seal(&reader.public_key(), &[0; 64], seed(byte)));
            let header = Header::parse(&one).expect("a header").length_bytes();
            let other = Header::parse(&two).expect("a header").ephemeral_keys(&reader.public_key());
            assert_ne!(Header::parse(&one).expect("a header").ephemeral_keys(&reader.public_key()), other);
            assert!(one[header..].windows(16).all(|window| !two.windows(16).any(|found| found == window)));
        }
    }

    /// Every recipient line that could be the key's costs an ECDH.
    #[test]
    fn should_ask_for_no_more_than_eight_x25519_keys_and_for_tagged_ones_by_their_tag() {
        let [p256, x25519] = both(1);
        let [other_p256, _] = both(2);
        let tagged = age::seal(&p256.public_key(), b"", seed(3));
        let header = Header::parse(&tagged).expect("a header");
        assert_eq!(header.ephemeral_keys(&p256.public_key()).len(), 1);
        assert_eq!(header.ephemeral_keys(&other_p256.public_key()), []);
        assert_eq!(header.ephemeral_keys(&x25519.public_key()), []);

        let file = age::seal(&x25519.public_key(), b"", seed(3));
        let text = String::from_utf8_lossy(&file).into_owned();
        let stanza = &text[text.find("-> ").expect("a recipient")..text.find("---").expect("a footer")];
        let with = |count: usize| text.replacen(stanza, &stanza.repeat(count), 1).into_bytes();
        let header = Header::parse(&with(8)).expect("a header");
        assert_eq!(header.ephemeral_keys(&x25519.public_key()).len(), 8);
        assert_eq!(Header::parse(&with(9)).expect_err("too many").field, "recipients");
        assert_eq!(
            open_age(&with(2), &x25519),
            Err(Refused::FileKey(OpenError::CannotOpen)),
            "the MAC covers them"
        );
    }

    #[test]
    fn should_say_what_to_do_about_armor_and_passphrases() {
        let found = |file: &str| Header::parse(file.as_bytes()).expect_err("refused").to_string();
        assert!(found("-----BEGIN AGE ENCRYPTED FILE-----\n").contains("encrypt without -a"));
        let body = BASE64_STANDARD_NO_PAD.encode([0; 32]);
        let passphrase = format!("age-encryption.org/v1\n-> scrypt AAAA 18\n{body}\n--- {body}\n");
        assert!(found(&passphrase).contains("encrypt with age -r"));
    }
}

mod recipients {
    use super::*;

    #[test]
    fn should_read_every_form_that_it_writes() {
        for key in both(1).map(|key| key.public_key()) {
            assert_eq!(PublicKey::from_jwk(&key.to_jwk()), Ok(key));
            assert_eq!(PublicKey::from_cose_key(&key.to_cose_key()), Ok(key));
            assert_eq!(PublicKey::from_age_recipient(&key.to_age_recipient()), Ok(key));
        }
    }

    /// The kit's identity and its recipient, as `age-keygen -y` prints it.
    #[test]
    fn should_write_keys_as_other_tools_do() {
        let (_, scalar) =
            bech32::decode("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0")
                .expect("bech32");
        let key = LocalKey::x25519(&scalar).public_key();
        assert_eq!(key.to_age_recipient(), "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef");
        // The tagged recipient of rage's own tests.
        let tagged = "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e";
        assert_eq!(PublicKey::from_age_recipient(tagged).expect("a key").to_age_recipient(), tagged);
        // RFC 8037, Appendix A.6: Bob's key.
        let bob =
            hex::decode("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f").expect("hex");
        let bob = PublicKey::x25519(&bob).expect("a key");
        assert_eq!(
            bob.to_jwk(),
            r#"{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}"#
        );
    }

    #[test]
    fn should_refuse_private_keys_other_curves_and_other_kinds() {
        let [p256, x25519] = both(1).map(|key| key.public_key());
        let jwk = |change: fn(&mut Value)| {
            let mut jwk: Value = serde_json::from_str(&p256.to_jwk()).expect("JSON");
            change(&mut jwk);
            PublicKey::from_jwk(&jwk.to_string()).expect_err("refused").field
        };
        assert_eq!(jwk(|jwk| jwk["d"] = json!("AAAA")), "key.d");
        assert_eq!(jwk(|jwk| jwk["crv"] = json!("P-384")), "key.kty and key.crv");
        assert_eq!(jwk(|jwk| jwk["kty"] = json!("OKP")), "key.kty and key.crv");
        assert_eq!(jwk(|jwk| jwk["y"] = jwk["x"].clone()), "key");

        let mut with_private = p256.to_cose_key();
        with_private[0] += 1;
        with_private.extend([0x23, 0x41, 0x01]);
        assert_eq!(PublicKey::from_cose_key(&with_private).expect_err("a private key").field, "key label -4");

        let recipient = x25519.to_age_recipient();
        let refused = |text: &str| PublicKey::from_age_recipient(text).expect_err("refused").field;
        assert_eq!(refused(&recipient.to_uppercase()), "recipient");
        assert_eq!(refused(&recipient.replacen("age1", "age1tag1", 1)), "recipient");
        assert_eq!(refused(&format!("{}q", &recipient[..recipient.len() - 1])), "recipient");
        assert_eq!(refused("age1yubikey1q"), "recipient");

        let shown = |error: Malformed| error.to_string();
        let identity = PublicKey::from_age_recipient("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MM");
        assert!(!shown(identity.expect_err("a private key")).contains("EGTZ"));
        let broken = PublicKey::from_jwk(r#"{"d":"c2VjcmV0","kty":"EC""#);
        assert!(!shown(broken.expect_err("no JSON")).contains("c2VjcmV0"));
    }
}
