//! What is in a holder's memory, and when.

use std::time::Duration;

use candid::Principal;
use e2e_tests::{
    canister_wasm::canister_wasm,
    holding::{EPOCH_S, HoldingWorld, freezer, no_arguments, owner},
    people::controller,
};
use ic_vetkeys::{DerivedPublicKey, EncryptedVetKey, TransportSecretKey};
use key_holders::interface::{HolderError, KeyCurve};
use local_replica::threshold::ShareFaults;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sealing::DerivationContext;
use secret_search::SecretSearch;

/// What only the nodes of the holder's subnet together know: the keys by which its shares are sealed and it signs.
fn secrets_of(world: &mut HoldingWorld, holder: Principal) -> SecretSearch {
    let transport = TransportSecretKey::from_seed(vec![42; 32]).expect("32 bytes are a seed");
    let context = DerivationContext::HolderShares.to_bytes();
    let vetkd = world.network.host(holder).vetkd_key();
    let public = vetkd.public_key(holder.as_slice(), &context);
    let encrypted = vetkd
        .derive_key(
            &mut ChaCha20Rng::from_seed([1; 32]),
            holder.as_slice(),
            &context,
            b"shares",
            &transport.public_key(),
            &ShareFaults::default(),
        )
        .expect("no node fails");
    let public = DerivedPublicKey::deserialize(&public).expect("a public key");
    let vetkey = EncryptedVetKey::deserialize(&encrypted)
        .expect("an encrypted key")
        .decrypt_and_verify(&transport, &public, b"shares")
        .expect("the holder's key");
    let mut search = SecretSearch::default();
    search.add("the sealing key", &vetkey.derive_symmetric_key("countersign holder sealing", 32));
    search.add("the identities' root", &vetkey.derive_symmetric_key("countersign holder identity", 32));
    search.add("the vetKey", vetkey.signature_bytes());
    search
}

fn has_secrets(world: &mut HoldingWorld, holder: Principal, search: &SecretSearch) -> bool {
    let replica = world.network.host(holder);
    assert_eq!(search.first_trace(replica.stable_memory(holder)), None, "never at rest");
    search.first_trace(replica.canister_memory(holder)).is_some()
}

#[test]
fn should_have_its_sealing_key_in_memory_only_within_an_epoch() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let holder = world.holders[0];
    let search = secrets_of(&mut world, holder);
    assert!(has_secrets(&mut world, holder, &search), "open, so that the search is known to find it");
    world.network.advance_time(Duration::from_secs(EPOCH_S));
    world.network.round();
    assert_eq!(world.holder_view(0).open_until_ns, None);
    assert!(!has_secrets(&mut world, holder, &search), "wiped when the epoch was over");

    let envelope = world.envelope(KeyCurve::P256, owner(0), b"content");
    world.open(KeyCurve::P256, owner(0), &envelope, true).expect("the combiner has it opened again");
    assert!(has_secrets(&mut world, holder, &search));
    let frozen: Result<(), HolderError> = world.call(freezer(), holder, "freeze", ()).expect("an answer");
    assert_eq!(frozen, Ok(()));
    assert!(!has_secrets(&mut world, holder, &search), "wiped by a freeze");
}

#[test]
fn should_have_its_shares_sealed_after_an_upgrade() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let holder = world.holders[0];
    let search = secrets_of(&mut world, holder);
    let replica = world.network.host(holder);
    replica.upgrade(holder, &canister_wasm("holder_canister"), no_arguments()).expect("upgrades");
    assert!(!has_secrets(&mut world, holder, &search));
    let opened: Result<u64, HolderError> = world.call(controller(), holder, "open", ()).expect("an answer");
    opened.expect("it opens");
    assert!(has_secrets(&mut world, holder, &search));
}

#[test]
fn should_write_down_a_derivation_before_it_is_asked_for_and_bound_how_often() {
    let mut world = HoldingWorld::new();
    let holder = world.holders[0];
    let open = |world: &mut HoldingWorld| {
        world.call::<Result<u64, HolderError>>(controller(), holder, "open", ()).expect("an answer")
    };
    let mut opened = 0;
    let refused = loop {
        match open(&mut world) {
            Ok(_) => opened += 1,
            Err(error) => break error,
        }
        assert!(open(&mut world).is_ok(), "open already: nothing is derived");
        let replica = world.network.host(holder);
        replica.upgrade(holder, &canister_wasm("holder_canister"), no_arguments()).expect("upgrades");
    };
    assert_eq!((opened, refused), (8, HolderError::QuotaUsedUp));
}
