//! What must not open, and what must not be told.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use content_types::{ContentError, CurveName, Format};
use e2e_tests::content_world::ContentWorld;

const CONTENT: &[u8] = b"a secret that only its owner reads";

/// Somebody who stores a copy of another owner's envelope as an own item has nothing of it.
#[test]
fn should_not_open_a_copied_envelope_for_another_owner() {
    let (mut world, [alice, mallory]) = ContentWorld::with_owners(["alice", "mallory"]);
    for curve in [CurveName::P256, CurveName::X25519] {
        let envelopes = [
            (Format::Age, world.age_for(&alice, curve, CONTENT)),
            (Format::Jwe, world.jwe_for(&alice, curve, CONTENT)),
        ];
        for (format, envelope) in envelopes {
            let copy = world.upload(&mallory, format, &envelope).expect("stored");
            assert_eq!(
                world.retrieve(&mallory, copy, None),
                Err(ContentError::CannotOpen),
                "{format:?} {curve:?}"
            );
            let own = world.upload(&alice, format, &envelope).expect("stored");
            assert_eq!(world.retrieve(&alice, own, None), Ok(CONTENT.to_vec()));
        }
    }
}

#[test]
fn should_say_the_same_of_every_envelope_that_does_not_open() {
    let (mut world, [alice, bob]) = ContentWorld::with_owners(["alice", "bob"]);
    let file = world.age_for(&alice, CurveName::X25519, CONTENT);
    let mac_line = file.windows(4).position(|window| window == b"\n---").expect("a footer");
    let message = String::from_utf8(world.jwe_for(&alice, CurveName::P256, CONTENT)).expect("text");
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    // A whole byte of each of the message's parts after the header.
    let flip_part = |part: usize| {
        let mut parts: Vec<String> = message.split('.').map(str::to_owned).collect();
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&parts[part]).expect("base64");
        bytes[0] ^= 1;
        parts[part] = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        parts.join(".").into_bytes()
    };
    // Another character of base64 in the header's MAC.
    let mut other_mac = file.clone();
    let character = &mut other_mac[mac_line + 10];
    *character = if *character == b'A' { b'B' } else { b'A' };
    let mut damaged: Vec<(Format, Vec<u8>)> =
        vec![(Format::Age, flip(&file, file.len() - 1)), (Format::Age, other_mac)];
    damaged.extend((1..5).map(|part| (Format::Jwe, flip_part(part))));
    damaged.push((Format::Age, world.age_for(&bob, CurveName::P256, CONTENT)));
    damaged.push((Format::Age, world.age_for(&bob, CurveName::X25519, CONTENT)));
    for (index, (format, envelope)) in damaged.iter().enumerate() {
        // A damaged header may already be no envelope; what is one fails without a word about why.
        match world.upload(&alice, *format, envelope) {
            Ok(item) => {
                assert_eq!(world.retrieve(&alice, item, None), Err(ContentError::CannotOpen), "{index}");
            }
            Err(error) => panic!("{index}: {error}"),
        }
    }
}

#[test]
fn should_not_store_what_is_no_envelope_of_its_format() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let message = String::from_utf8(world.jwe_for(&alice, CurveName::P256, CONTENT)).expect("text");
    let (header, rest) = message.split_once('.').expect("a header");
    let header = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON");
    let zipped = BASE64_URL_SAFE_NO_PAD.encode(header.replacen('{', r#"{"zip":"DEF","#, 1));
    let cases = [
        (Format::Jwe, format!("{zipped}.{rest}").into_bytes(), "zip"),
        (Format::Jwe, b"a.b.c.d".to_vec(), "envelope"),
        (Format::Cose, b"text".to_vec(), "envelope"),
        (Format::Age, b"age-encryption.org/v1\n--- x\n".to_vec(), "envelope"),
        (Format::Age, message.clone().into_bytes(), "header"),
    ];
    for (format, envelope, named) in cases {
        let refused = world.upload(&alice, format, &envelope);
        let Err(error @ ContentError::Invalid { .. }) = refused else { panic!("{named}: {refused:?}") };
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

#[test]
fn should_derive_nothing_when_cycles_run_low() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let envelope = world.age_for(&alice, CurveName::X25519, CONTENT);
    let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
    world.replica.set_cycles_balance(world.content, 60_000_000_000);
    assert_eq!(world.retrieve(&alice, item, None), Err(ContentError::Unavailable));
    world.replica.set_cycles_balance(world.content, 10_000_000_000_000);
    assert_eq!(world.retrieve(&alice, item, None), Ok(CONTENT.to_vec()));
}
