//! Using a key: who gets envelopes opened, in how many rounds, and what stops it.

use candid::{Encode, Principal};
use content_keys::threshold::{KeySet, P256, Recipient, Request};
use e2e_tests::holding::{HoldingWorld, QUOTA, bad_combiner, freezer, key, owner};
use e2e_tests::people::controller;
use key_holders::{
    encode,
    interface::{EvaluateArgs, HolderError, KeyCurve},
    service::ServiceError,
};
use serde_bytes::ByteBuf;

/// Asks a holder directly, as a compromised combiner would.
fn ask(
    world: &mut HoldingWorld,
    sender: Principal,
    holder: usize,
    recipient: Principal,
    count: usize,
) -> Result<Vec<ByteBuf>, HolderError> {
    let keys: KeySet<P256> = world.key_set(KeyCurve::P256);
    let ephemeral = world.recipient_key(KeyCurve::P256, owner(0));
    let request = |number: usize| {
        let recipient = Recipient { canister: recipient.as_slice().to_vec(), owner: b"anybody".to_vec() };
        Request { keys: keys.id(), recipient, ephemeral, id: [number as u8; 32] }
    };
    let requests = (0..count).map(|number| ByteBuf::from(encode(&request(number)))).collect();
    let args = EvaluateArgs { key: key(KeyCurve::P256), requests, proofs: true };
    let holder = world.holders[holder];
    world.call(sender, holder, "evaluate", (args,)).expect("an answer")
}

#[test]
fn should_open_envelopes_of_both_curves_with_holders_on_five_subnets() {
    for curve in [KeyCurve::P256, KeyCurve::X25519] {
        let mut world = HoldingWorld::with_key(curve);
        let envelope = world.envelope(curve, owner(0), b"for one only");
        for proofs in [false, true] {
            assert_eq!(world.open(curve, owner(0), &envelope, proofs).as_deref(), Ok(&b"for one only"[..]));
        }
        let before = world.network.rounds();
        world.open(curve, owner(0), &envelope, true).expect("it opens");
        // One to the combiner, two to the holders, two back: one inter-canister round trip.
        assert_eq!(world.network.rounds() - before, 5);
    }
}

#[test]
fn should_not_open_a_copied_envelope_for_somebody_else() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let envelope = world.envelope(KeyCurve::P256, owner(0), b"for one only");
    assert_eq!(
        world.open(KeyCurve::P256, owner(1), &envelope, false),
        Err(ServiceError::CannotOpen),
        "a copy"
    );
    let mut damaged = envelope.clone();
    let last = damaged.len() - 1;
    damaged[last] = if damaged[last] == b'A' { b'B' } else { b'A' };
    let damaged = world.open(KeyCurve::P256, owner(0), &damaged, false);
    assert!(matches!(damaged, Err(ServiceError::CannotOpen | ServiceError::Malformed { .. })), "{damaged:?}");
}

#[test]
fn should_open_with_any_three_holders_when_two_are_gone() {
    let mut world = HoldingWorld::with_key(KeyCurve::X25519);
    let envelope = world.envelope(KeyCurve::X25519, owner(0), b"content");
    for holder in [0, 3] {
        let canister = world.holders[holder];
        let settings = ic_management_canister_types::CanisterIdRecord { canister_id: canister };
        let arg = Encode!(&settings).expect("encodes");
        let management = Principal::management_canister();
        world.network.host(canister).call(controller(), management, "stop_canister", arg).expect("it stops");
    }
    assert_eq!(world.open(KeyCurve::X25519, owner(0), &envelope, true).as_deref(), Ok(&b"content"[..]));
    // Without proofs it asks the first three, and then all.
    assert_eq!(world.open(KeyCurve::X25519, owner(0), &envelope, false).as_deref(), Ok(&b"content"[..]));
}

#[test]
fn should_hold_a_compromised_combiner_to_its_quota_and_to_its_own_recipients() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let combiner = world.combiner;
    let stolen = ask(&mut world, bad_combiner(), 0, combiner, 1);
    assert_eq!(stolen, Err(HolderError::OtherRecipient), "another canister's content");
    let mut answered = 0;
    loop {
        match ask(&mut world, bad_combiner(), 0, bad_combiner(), 5) {
            Ok(answers) => answered += answers.len(),
            Err(error) => {
                assert_eq!(error, HolderError::QuotaUsedUp);
                break;
            }
        }
    }
    assert_eq!(answered, QUOTA as usize);
    assert_eq!(world.holder_view(0).used, QUOTA);
}

#[test]
fn should_stop_at_once_when_holders_are_frozen_and_go_on_when_controllers_lift_it() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let envelope = world.envelope(KeyCurve::P256, owner(0), b"content");
    for holder in world.holders.clone().into_iter().take(3) {
        let frozen: Result<(), HolderError> = world.call(freezer(), holder, "freeze", ()).expect("an answer");
        assert_eq!(frozen, Ok(()));
    }
    assert!(world.holder_view(0).frozen);
    assert_eq!(world.holder_view(0).open_until_ns, None, "wiped at once");
    assert_eq!(ask(&mut world, bad_combiner(), 0, bad_combiner(), 1), Err(HolderError::Frozen));
    let stopped = world.open(KeyCurve::P256, owner(0), &envelope, true);
    assert_eq!(stopped, Err(ServiceError::HoldersUnavailable));
    for holder in world.holders.clone().into_iter().take(3) {
        let refused = world.call::<Result<(), HolderError>>(freezer(), holder, "unfreeze", ());
        assert_eq!(refused.expect("an answer"), Err(HolderError::NotAllowed));
        let lifted: Result<(), HolderError> =
            world.call(controller(), holder, "unfreeze", ()).expect("an answer");
        assert_eq!(lifted, Ok(()));
    }
    assert_eq!(world.open(KeyCurve::P256, owner(0), &envelope, true).as_deref(), Ok(&b"content"[..]));
}

#[test]
fn should_refuse_too_many_requests_at_once() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let many = ask(&mut world, bad_combiner(), 0, bad_combiner(), 17);
    assert!(matches!(many, Err(HolderError::Malformed { .. })), "{many:?}");
}
