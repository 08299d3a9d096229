//! Abstract behavior › IC Management Canister: Code uninstallation, and Canister out of cycles

use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterSettings, ProvisionalTopUpCanisterArgs, UploadChunkArgs,
};
use local_replica::RejectCode::{CanisterError, CanisterReject};
use local_replica::RequestId;
use local_replica::canister::Status;

use crate::canisters::{Caller, Subnet, USER, assert_rejected, callee, canister, with_updates};

const ATTACHED: u128 = 50_000_000_000_000;

/// A canister whose code is taken away while its call is open.
fn uninstalled_while_calling() -> (Subnet, Principal, RequestId) {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(
        &Caller { cycles: ATTACHED, on_reply: "(call $bump (i32.const 1))", ..Caller::default() }.wasm(),
    );
    let open = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    // It is in the queue behind the call; the answer of the call comes behind it.
    let uninstall = subnet.submit(Principal::management_canister(), "uninstall_code", &arg);
    subnet.replica.step();
    subnet.replica.step();
    subnet.answer(&uninstall).expect("it is uninstalled");
    (subnet, id, open)
}

/// Uninstalling rejects the open calls of the canister.
#[test]
fn should_reject_the_calls_that_uninstalled_code_leaves_open() {
    let (subnet, _, open) = uninstalled_while_calling();
    assert_rejected(subnet.answer(&open), CanisterReject, "IC0406");
}

/// Cycles that a callee refunds reach the canister although its code is gone, and so does what was
/// set aside for the callback that never runs.
#[test]
fn should_return_cycles_of_open_calls_to_an_uninstalled_canister() {
    let (mut subnet, id, _) = uninstalled_while_calling();
    subnet.replica.run_until_idle();
    let balance = subnet.replica.cycles_balance(id);
    assert!(balance > 99_990_000_000_000, "{balance}");
}

/// The answer of a call made by uninstalled code runs nothing in code installed later.
#[test]
fn should_not_run_callbacks_of_uninstalled_code_in_new_code() {
    let (mut subnet, id, _) = uninstalled_while_calling();
    let new = canister(
        r#"(table funcref (elem $callback $callback))
           (func $callback (param i32) (call $bump (i32.const 1)))"#,
    );
    subnet.replica.install(id, &new, Vec::new()).expect("it installs");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// A canister stops only when the calls of its uninstalled code are answered.
#[test]
fn should_wait_with_stopping_for_answers_to_uninstalled_code() {
    let (mut subnet, id, _) = uninstalled_while_calling();
    let stop = subnet.submit_stop(id);
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stops");
    assert_eq!(subnet.status(id), Status::Stopped);
}

/// An uninstalled canister takes no calls until code is installed.
#[test]
fn should_reject_calls_to_an_uninstalled_canister() {
    let (mut subnet, id, _) = uninstalled_while_calling();
    assert_rejected(subnet.call(id, "call", b""), CanisterError, "IC0537");
}

/// Uninstalling clears memories, certified data, timer, chunk store and log, and keeps settings and balance.
#[test]
fn should_clear_what_belongs_to_the_code_when_uninstalling() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[(
        "fill",
        "(call $bump (i32.const 1)) (call $certify (i32.const 64) (i32.const 2))
         (drop (call $timer_set (i64.const -1))) (call $print (i32.const 64) (i32.const 2)) (call $msg_reply)",
    )]));
    subnet.call(id, "fill", b"").expect("a reply");
    subnet
        .manage("upload_chunk", UploadChunkArgs { canister_id: id, chunk: vec![1, 2, 3] })
        .expect("it is stored");
    subnet.manage("uninstall_code", CanisterIdRecord { canister_id: id }).expect("it is uninstalled");
    let canister = subnet.replica.view().canister(id).expect("it exists");
    assert!(canister.memory().is_empty() && canister.stable_memory().is_empty());
    assert!(canister.certified_data.is_empty() && canister.chunk_store.is_empty());
    assert_eq!((canister.global_timer_ns, canister.log.records().count()), (0, 0));
    assert_eq!(canister.settings.controllers, [USER]);
    assert!(canister.balance_cycles > 0);
}

/// A canister with so few cycles that they are spent after a while.
fn poor() -> (Subnet, Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    subnet.configure(
        id,
        CanisterSettings {
            compute_allocation: Some(10_u64.into()),
            freezing_threshold: Some(0_u64.into()),
            ..CanisterSettings::default()
        },
    );
    (subnet, id)
}

/// At 10 % of a processor, 100 T cycles last for less than twelve days.
const TWELVE_DAYS: Duration = Duration::from_secs(12 * 86_400);

/// The code of a canister whose cycles are spent is taken away.
#[test]
fn should_uninstall_a_canister_that_cannot_pay() {
    let (mut subnet, id) = poor();
    subnet.replica.advance_time(TWELVE_DAYS);
    assert_eq!(subnet.replica.cycles_balance(id), 0);
    assert_rejected(subnet.query(id, "get"), CanisterError, "IC0537");
}

/// It loses its allocations, so that new cycles are not spent at once.
#[test]
fn should_drop_the_allocations_of_a_canister_that_cannot_pay() {
    let (mut subnet, id) = poor();
    subnet.replica.advance_time(TWELVE_DAYS);
    let settings = &subnet.replica.view().canister(id).expect("it exists").settings;
    assert_eq!((settings.compute_allocation_percent, settings.memory_allocation_bytes), (0, 0));
}

/// The changes in its history are dropped, their number is kept.
#[test]
fn should_forget_the_changes_of_a_canister_that_cannot_pay_but_not_their_number() {
    let (mut subnet, id) = poor();
    let total = subnet.replica.view().canister(id).expect("it exists").history.total();
    subnet.replica.advance_time(TWELVE_DAYS);
    let history = &subnet.replica.view().canister(id).expect("it exists").history;
    assert_eq!((history.total(), history.recent(20).len()), (total, 0));
}

/// It exists on, and runs again after a top-up and an installation.
#[test]
fn should_take_code_again_after_a_top_up() {
    let (mut subnet, id) = poor();
    subnet.replica.advance_time(TWELVE_DAYS);
    let amount = 10_000_000_000_000_u64.into();
    subnet
        .manage("provisional_top_up_canister", ProvisionalTopUpCanisterArgs { canister_id: id, amount })
        .expect("it is topped up");
    subnet.replica.install(id, &callee(), Vec::new()).expect("it installs");
    subnet.call(id, "reply", b"").expect("a reply");
}

/// Calls that are open when its cycles are spent are rejected.
#[test]
fn should_reject_open_calls_of_a_canister_that_cannot_pay() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&Caller::default().wasm());
    subnet.configure(
        id,
        CanisterSettings {
            compute_allocation: Some(10_u64.into()),
            freezing_threshold: Some(0_u64.into()),
            ..CanisterSettings::default()
        },
    );
    let open = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    subnet.replica.advance_time(TWELVE_DAYS);
    assert_rejected(subnet.answer(&open), CanisterReject, "IC0406");
}

/// A message that waits for a canister which is deleted before is rejected.
#[test]
fn should_reject_messages_that_wait_for_a_deleted_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let caller = subnet.install(&Caller::default().wasm());
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    let delete = subnet.submit(Principal::management_canister(), "delete_canister", &arg);
    let call = subnet.submit(caller, "call", id.as_slice());
    subnet.replica.run_until_idle();
    subnet.answer(&delete).expect("it is deleted");
    let reply = subnet.answer(&call).expect("the caller replies the code");
    assert_eq!(reply, (local_replica::RejectCode::DestinationInvalid as i32).to_le_bytes());
}
