//! Ceremonies across subnets: keys made, renewed and repaired, whatever happens to holders meanwhile.

use candid::{Encode, Principal};
use content_keys::threshold::{KeySet, P256, Recipient, Request, X25519};
use e2e_tests::{
    canister_wasm::canister_wasm,
    forwarder::forwarder_wasm,
    holding::{HoldingWorld, bad_combiner, key, no_arguments, owner},
    people::controller,
};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, InstallCodeArgs, LoadCanisterSnapshotArgs, Snapshot,
    TakeCanisterSnapshotArgs,
};
use key_holders::{
    encode,
    interface::{EvaluateArgs, HolderError, KeyCurve},
    service::{CeremonyPurpose, CeremonyStatus},
};
use serde_bytes::ByteBuf;

fn manage(
    world: &mut HoldingWorld,
    canister: Principal,
    method: &str,
    arg: impl candid::CandidType,
) -> Vec<u8> {
    let management = Principal::management_canister();
    let arg = Encode!(&arg).expect("encodes");
    world.network.host(canister).call(controller(), management, method, arg).expect("it is done")
}

#[test]
fn should_keep_the_public_key_and_make_old_shares_useless_when_refreshed() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let envelope = world.envelope(KeyCurve::P256, owner(0), b"content");
    let before: KeySet<P256> = world.key_set(KeyCurve::P256);
    let view = world.hold(KeyCurve::P256, CeremonyPurpose::Refresh);
    assert_eq!(view.status, CeremonyStatus::Completed, "{:?}", view.faults);
    let after: KeySet<P256> = world.key_set(KeyCurve::P256);
    assert_eq!(after.key(), before.key());
    assert_eq!(after.epoch().0, before.epoch().0 + 1);
    assert_ne!(after.polynomial().coefficients()[1..], before.polynomial().coefficients()[1..]);
    assert_eq!(world.open(KeyCurve::P256, owner(0), &envelope, true).as_deref(), Ok(&b"content"[..]));

    let recipient = Recipient { canister: bad_combiner().as_slice().to_vec(), owner: Vec::new() };
    let ephemeral = world.recipient_key(KeyCurve::P256, owner(0));
    let old = Request { keys: before.id(), recipient, ephemeral, id: [1; 32] };
    let args =
        EvaluateArgs { key: key(KeyCurve::P256), requests: vec![ByteBuf::from(encode(&old))], proofs: false };
    for holder in world.holders.clone() {
        let answer: Result<Vec<ByteBuf>, HolderError> =
            world.call(bad_combiner(), holder, "evaluate", (args.clone(),)).expect("an answer");
        assert!(matches!(answer, Err(HolderError::Declined(_))), "{answer:?}");
    }
}

#[test]
fn should_give_a_holder_that_lost_everything_its_share_back() {
    let mut world = HoldingWorld::with_key(KeyCurve::X25519);
    let envelope = world.envelope(KeyCurve::X25519, owner(0), b"content");
    let lost = world.holders[2];
    let init = Encode!(&world.holder_init()).expect("encodes");
    let args = InstallCodeArgs {
        mode: CanisterInstallMode::Reinstall,
        canister_id: lost,
        wasm_module: canister_wasm("holder_canister"),
        arg: init,
        sender_canister_version: None,
    };
    manage(&mut world, lost, "install_code", args);
    assert!(world.holder_view(2).keys.is_empty());
    let view = world.hold(KeyCurve::X25519, CeremonyPurpose::Recover(3));
    assert_eq!(view.status, CeremonyStatus::Completed, "{:?}", view.faults);
    let held = world.holder_view(2).keys[0].key_set.clone();
    assert_eq!(held, world.key_view(KeyCurve::X25519).key_set);
    // Only with the third holder are there three.
    for other in [0, 1] {
        let canister_id = world.holders[other];
        manage(&mut world, canister_id, "stop_canister", CanisterIdRecord { canister_id });
    }
    assert_eq!(world.open(KeyCurve::X25519, owner(0), &envelope, true).as_deref(), Ok(&b"content"[..]));
}

#[test]
fn should_leave_out_and_name_a_holder_that_does_not_keep_to_the_protocol() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let envelope = world.envelope(KeyCurve::P256, owner(0), b"content");
    let broken = world.holders[4];
    world.network.host(broken).upgrade(broken, &forwarder_wasm(), Vec::new()).expect("upgrades");
    let view = world.hold(KeyCurve::P256, CeremonyPurpose::Refresh);
    assert_eq!(view.status, CeremonyStatus::Completed, "{:?}", view.faults);
    assert_eq!(view.participants, [1, 2, 3, 4]);
    let faults: Vec<_> = view.faults.iter().map(|fault| fault.holder).collect();
    assert_eq!(faults, [5]);
    assert_eq!(world.open(KeyCurve::P256, owner(0), &envelope, true).as_deref(), Ok(&b"content"[..]));
}

#[test]
fn should_fail_and_change_nothing_when_too_few_holders_are_left() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let before: KeySet<P256> = world.key_set(KeyCurve::P256);
    for holder in 2..5 {
        let canister_id = world.holders[holder];
        manage(&mut world, canister_id, "stop_canister", CanisterIdRecord { canister_id });
    }
    let view = world.hold(KeyCurve::P256, CeremonyPurpose::Refresh);
    assert_eq!(view.status, CeremonyStatus::Failed);
    assert_eq!(world.key_set::<P256>(KeyCurve::P256), before);
    for holder in 2..5 {
        let canister_id = world.holders[holder];
        manage(&mut world, canister_id, "start_canister", CanisterIdRecord { canister_id });
    }
    let envelope = world.envelope(KeyCurve::P256, owner(0), b"content");
    assert_eq!(world.open(KeyCurve::P256, owner(0), &envelope, true).as_deref(), Ok(&b"content"[..]));
    let view = world.hold(KeyCurve::P256, CeremonyPurpose::Refresh);
    assert_eq!(view.status, CeremonyStatus::Completed, "{:?}", view.faults);
}

#[test]
fn should_end_a_ceremony_when_holders_and_combiner_are_upgraded_in_the_middle_of_it() {
    for rounds in [4, 9, 14, 19, 24, 29, 34] {
        let mut world = HoldingWorld::new();
        world.begin(KeyCurve::X25519, CeremonyPurpose::Generate);
        for _ in 0..rounds {
            world.network.round();
        }
        let holder = world.holders[1];
        let wasm = canister_wasm("holder_canister");
        world.network.host(holder).upgrade(holder, &wasm, no_arguments()).expect("upgrades");
        world.network.run_until_idle();
        let combiner = world.combiner;
        let wasm = canister_wasm("combiner_canister");
        world.network.host(combiner).upgrade(combiner, &wasm, no_arguments()).expect("upgrades");
        let view = world.wait_for_end(KeyCurve::X25519);
        assert_eq!(view.status, CeremonyStatus::Completed, "after {rounds} rounds: {:?}", view.faults);
        let key_set: KeySet<X25519> = world.key_set(KeyCurve::X25519);
        assert_eq!(key_set.roster().threshold(), 3);
        let envelope = world.envelope(KeyCurve::X25519, owner(0), b"content");
        let opened = world.open(KeyCurve::X25519, owner(0), &envelope, true);
        assert_eq!(opened.as_deref(), Ok(&b"content"[..]), "after {rounds} rounds");
    }
}

#[test]
fn should_open_no_shares_when_put_back_from_a_snapshot_until_reinstalled_and_repaired() {
    let mut world = HoldingWorld::with_key(KeyCurve::P256);
    let holder = world.holders[0];
    let stop = CanisterIdRecord { canister_id: holder };
    manage(&mut world, holder, "stop_canister", stop);
    let take = TakeCanisterSnapshotArgs {
        canister_id: holder,
        replace_snapshot: None,
        uninstall_code: None,
        sender_canister_version: None,
    };
    let snapshot = manage(&mut world, holder, "take_canister_snapshot", take);
    let snapshot = candid::decode_one::<Snapshot>(&snapshot).expect("a snapshot");
    let load = LoadCanisterSnapshotArgs {
        canister_id: holder,
        snapshot_id: snapshot.id,
        sender_canister_version: None,
    };
    manage(&mut world, holder, "load_canister_snapshot", load);
    manage(&mut world, holder, "start_canister", CanisterIdRecord { canister_id: holder });
    let wasm = canister_wasm("holder_canister");
    world.network.host(holder).upgrade(holder, &wasm, no_arguments()).expect("upgrades");
    let opened: Result<u64, HolderError> = world.call(controller(), holder, "open", ()).expect("an answer");
    assert_eq!(opened, Err(HolderError::RestoredFromSnapshot));

    let args = InstallCodeArgs {
        mode: CanisterInstallMode::Reinstall,
        canister_id: holder,
        wasm_module: canister_wasm("holder_canister"),
        arg: Encode!(&world.holder_init()).expect("encodes"),
        sender_canister_version: None,
    };
    manage(&mut world, holder, "install_code", args);
    let view = world.hold(KeyCurve::P256, CeremonyPurpose::Recover(1));
    assert_eq!(view.status, CeremonyStatus::Completed, "{:?}", view.faults);
}
