//! Uploading, listing, sharing, retrieving and deleting, by calls.

use std::time::Duration;

use candid::{Encode, Principal};
use content_keys::{Dh, envelopes::age};
use content_types::{
    AnswerFormat, BeginUploadArgs, ContentError, CurveName, Format, Grant, ItemView, OwnerView, Part,
    Retrieval, Retrieved,
};
use e2e_tests::{
    canister_wasm::canister_wasm,
    content_world::{ContentWorld, Owner, administrator},
};

const CONTENT: &[u8] = b"a secret that only its owner reads";
const CURVES: [CurveName; 2] = [CurveName::P256, CurveName::X25519];

fn part(offset_bytes: u64, length_bytes: u64) -> Part {
    Part { offset_bytes, length_bytes }
}

#[test]
fn should_open_what_ordinary_tools_encrypted_on_either_curve_for_its_owner() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    for curve in CURVES {
        let envelopes = [
            (Format::Age, world.age_for(&alice, curve, CONTENT)),
            (Format::Jwe, world.jwe_for(&alice, curve, CONTENT)),
        ];
        for (format, envelope) in envelopes {
            let item = world.upload(&alice, format, &envelope).expect("stored");
            assert_eq!(world.retrieve(&alice, item, None), Ok(CONTENT.to_vec()), "{format:?} {curve:?}");
            assert_eq!(world.retrieve(&alice, item, Some(part(2, 6))), Ok(b"secret".to_vec()));
            let beyond = world.retrieve(&alice, item, Some(part(30, 10)));
            assert!(matches!(beyond, Err(ContentError::Invalid { .. })), "{beyond:?}");
        }
    }
}

#[test]
fn should_answer_with_age_when_asked() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let envelope = world.age_for(&alice, CurveName::X25519, CONTENT);
    let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
    let reader = alice.reader.public_key().to_age_recipient();
    let retrieval = Retrieval { part: None, reader, answer: AnswerFormat::Age };
    let answer: Result<Retrieved, ContentError> =
        world.update(alice.principal(), "retrieve", (item, retrieval)).expect("answers");
    let file = answer.expect("opened").answer;
    let header = age::Header::parse(&file).expect("an age file");
    let layout = age::Layout::new(&header, file.len() as u64).expect("whole");
    let read = |range: std::ops::Range<u64>| &file[range.start as usize..range.end as usize];
    let file_key = header.open(&alice.reader).expect("for the reader");
    let payload =
        age::Payload::open(file_key, layout, read(layout.nonce()), read(layout.chunk(0))).expect("whole");
    assert_eq!(payload.chunk(0, read(layout.chunk(0))).expect("opens").as_ref(), CONTENT);
}

/// 100 MB on the way in and at rest; a part costs what the part costs.
#[test]
fn should_open_a_part_of_a_large_item_at_the_cost_of_a_small_one() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let content = |length: usize| (0..length).map(|i| (i / 251) as u8).collect::<Vec<u8>>();
    let asked = part(500_000, 65_536);
    let cost_cycles = |world: &mut ContentWorld, length: usize| {
        let content = content(length);
        let envelope = world.age_for(&alice, CurveName::X25519, &content);
        let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
        let before = world.replica.cycles_balance(world.content);
        let opened = world.retrieve(&alice, item, Some(asked)).expect("opened");
        assert_eq!(opened, content[500_000..565_536]);
        before - world.replica.cycles_balance(world.content)
    };
    let small = cost_cycles(&mut world, 1_000_000);
    let large = cost_cycles(&mut world, 100_000_000);
    assert!(large.abs_diff(small) * 1_000 < small, "1 MB: {small} cycles, 100 MB: {large} cycles");
}

#[test]
fn should_let_others_read_what_was_shared_and_for_as_long() {
    let (mut world, [alice, bob, carol]) = ContentWorld::with_owners(["alice", "bob", "carol"]);
    let envelope = world.age_for(&alice, CurveName::X25519, CONTENT);
    let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
    let hidden = Err(ContentError::NoSuchItem { item });
    assert_eq!(world.retrieve(&bob, item, None), hidden);
    let until_ns = world.replica.time_ns() + 3_600_000_000_000;
    let grant = Grant { reader: bob.name.clone(), until_ns: Some(until_ns), part: Some(part(2, 6)) };
    let shared: Result<ItemView, ContentError> =
        world.update(alice.principal(), "share_content", (item, grant.clone())).expect("answers");
    assert_eq!(shared.expect("shared").grants, [grant.clone()]);

    assert_eq!(world.retrieve(&bob, item, Some(part(2, 6))), Ok(b"secret".to_vec()));
    assert_eq!(world.retrieve(&bob, item, Some(part(2, 7))), hidden);
    assert_eq!(world.retrieve(&bob, item, None), hidden);
    assert_eq!(world.retrieve(&carol, item, Some(part(2, 6))), hidden);
    let listed: Result<Vec<ItemView>, ContentError> =
        world.query(bob.principal(), "list_content", (0_u64,)).expect("answers");
    assert_eq!(listed.expect("an owner").iter().map(|view| &view.grants).collect::<Vec<_>>(), [&vec![grant]]);
    // A reader cannot pass it on, nor delete it.
    let grant = Grant { reader: carol.name.clone(), until_ns: None, part: None };
    let shared: Result<ItemView, ContentError> =
        world.update(bob.principal(), "share_content", (item, grant)).expect("answers");
    assert_eq!(shared, Err(ContentError::NoSuchItem { item }));
    let deleted: Result<(), ContentError> =
        world.update(bob.principal(), "delete_content", (item,)).expect("answers");
    assert_eq!(deleted, Err(ContentError::NoSuchItem { item }));

    world.pass(Duration::from_secs(3_601));
    assert_eq!(world.retrieve(&bob, item, Some(part(2, 6))), hidden, "the time is over");
    let grant = Grant { reader: bob.name.clone(), until_ns: None, part: None };
    let shared: Result<ItemView, ContentError> =
        world.update(alice.principal(), "share_content", (item, grant)).expect("answers");
    shared.expect("shared again");
    assert_eq!(world.retrieve(&bob, item, None), Ok(CONTENT.to_vec()));
    let unshared: Result<ItemView, ContentError> =
        world.update(alice.principal(), "unshare_content", (item, bob.name.clone())).expect("answers");
    assert_eq!(unshared.expect("taken back").grants, []);
    assert_eq!(world.retrieve(&bob, item, None), hidden);
}

#[test]
fn should_refuse_more_than_the_quota_and_free_it_by_deleting() {
    let mut world = ContentWorld::new();
    let alice = Owner::new("alice");
    let mut args = alice.registration();
    (args.quota_bytes, args.openings_per_day) = (600, 2);
    let registered: Result<OwnerView, ContentError> =
        world.update(administrator(), "register_owner", (args,)).expect("answers");
    assert_eq!(registered.expect("registered").recipient_keys.len(), 2);
    let envelope = world.age_for(&alice, CurveName::X25519, CONTENT);
    let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
    let args = BeginUploadArgs { title: String::new(), format: Format::Age, size_bytes: 600 };
    let refused: Result<ItemView, ContentError> =
        world.update(alice.principal(), "begin_upload", (args,)).expect("answers");
    assert!(refused.expect_err("too much").to_string().contains("quota_bytes"));

    for _ in 0..2 {
        assert_eq!(world.retrieve(&alice, item, None), Ok(CONTENT.to_vec()));
    }
    let busy = world.retrieve(&alice, item, None);
    assert!(matches!(busy, Err(ContentError::Busy { .. })), "{busy:?}");
    world.pass(Duration::from_secs(24 * 3_600));
    assert_eq!(world.retrieve(&alice, item, None), Ok(CONTENT.to_vec()), "another day");

    let deleted: Result<(), ContentError> =
        world.update(alice.principal(), "delete_content", (item,)).expect("answers");
    assert_eq!(deleted, Ok(()));
    assert_eq!(world.retrieve(&alice, item, None), Err(ContentError::NoSuchItem { item }));
    assert_eq!(world.upload(&alice, Format::Age, &envelope), Ok(item + 1), "numbers are not used again");
}

#[test]
fn should_go_on_after_an_upgrade_with_the_same_keys_state_and_certificate() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let envelope = world.age_for(&alice, CurveName::P256, CONTENT);
    let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
    let digest = |world: &mut ContentWorld| -> Result<serde_bytes::ByteBuf, ContentError> {
        world.query(Principal::anonymous(), "state_digest", ()).expect("answers")
    };
    let key = world.recipient_key(&alice, CurveName::P256);
    let before = (digest(&mut world), world.replica.certified_data(world.content).to_vec());
    world
        .replica
        .upgrade(world.content, &canister_wasm("content_canister"), Encode!().expect("encodes"))
        .expect("upgrades");
    let after = (digest(&mut world), world.replica.certified_data(world.content).to_vec());
    assert_eq!(before, after);
    assert_eq!(world.recipient_key(&alice, CurveName::P256), key);
    assert_eq!(world.retrieve(&alice, item, None), Ok(CONTENT.to_vec()));
}

#[test]
fn should_register_a_name_and_a_key_once() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let blocks = |world: &ContentWorld| world.replica.stable_memory(world.content).to_vec();
    let before = blocks(&world);
    assert_eq!(world.register(&alice).owner, alice.name, "the same again is no new registration");
    assert_eq!(blocks(&world), before);
    let bob = Owner::new("bob");
    let mut same_name = bob.registration();
    same_name.owner = alice.name.clone();
    let mut same_key = alice.registration();
    same_key.owner = bob.name.clone();
    let mut no_key = bob.registration();
    no_key.public_key_der.truncate(20);
    for args in [same_name, same_key, no_key] {
        let refused: Result<OwnerView, ContentError> =
            world.update(administrator(), "register_owner", (args.clone(),)).expect("answers");
        assert!(matches!(refused, Err(ContentError::Invalid { .. })), "{args:?}: {refused:?}");
    }
}
