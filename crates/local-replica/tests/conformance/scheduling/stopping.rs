//! Abstract behavior › IC Management Canister: Stopping and starting a canister

use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::CanisterIdRecord;
use local_replica::RejectCode::{CanisterError, SysTransient};
use local_replica::RequestId;
use local_replica::canister::Status;

use crate::canisters::{Caller, Subnet, assert_rejected, callee, canister, number, rejected};

const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// Calls the argument again and again, thirty times, before it replies.
fn busy() -> Vec<u8> {
    canister(
        r#"(table funcref (elem $on_reply))
        (data (i32.const 128) "reply")
        (func $ask (param $size i32)
          (call $call_new (i32.const 256) (local.get $size) (i32.const 128) (i32.const 5)
            (i32.const 0) (local.get $size) (i32.const 0) (local.get $size))
          (if (call $call_perform) (then (call $fail))))
        (func $on_reply (param $size i32)
          (call $bump (i32.const 1))
          (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 30))
            (then (call $ask (local.get $size)))
            (else (call $msg_reply))))
        (func (export "canister_update call")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $ask (call $arg_size)))
        (func (export "canister_update reply") (call $msg_reply))
        (func (export "canister_heartbeat") (call $bump (i32.const 1000)))"#,
    )
}

/// A busy canister with a stop call that waits for it.
fn stopping() -> (Subnet, Principal, RequestId, RequestId) {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&busy());
    let call = subnet.submit(id, "call", callee.as_slice());
    let stop = subnet.submit_stop(id);
    for _ in 0..4 {
        subnet.replica.step();
    }
    assert!(matches!(subnet.status(id), Status::Stopping { .. }));
    (subnet, id, call, stop)
}

/// A `stop_canister` call that waits for five minutes is rejected.
#[test]
fn should_reject_a_stop_call_that_waits_too_long() {
    let (mut subnet, _, _, stop) = stopping();
    subnet.replica.advance_time(FIVE_MINUTES);
    subnet.replica.step();
    assert_rejected(subnet.answer(&stop), SysTransient, "IC0206");
}

/// The canister goes on stopping when the call that stopped it has been rejected.
#[test]
fn should_stay_stopping_after_the_stop_call_was_rejected() {
    let (mut subnet, id, ..) = stopping();
    subnet.replica.advance_time(FIVE_MINUTES);
    subnet.replica.step();
    assert!(matches!(subnet.status(id), Status::Stopping { .. }));
}

/// It stops in the end, although nobody waits for that any more.
#[test]
fn should_stop_after_the_last_answer_although_nobody_waits() {
    let (mut subnet, id, call, _) = stopping();
    subnet.replica.advance_time(FIVE_MINUTES);
    subnet.replica.run_until_idle();
    assert_eq!(subnet.status(id), Status::Stopped);
    subnet.answer(&call).expect("the open call was answered");
}

/// A stop call is not rejected before its time.
#[test]
fn should_wait_for_almost_five_minutes() {
    let (mut subnet, _, _, stop) = stopping();
    subnet.replica.advance_time(FIVE_MINUTES - Duration::from_secs(1));
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stopped in time");
}

/// A stopping canister takes no calls.
#[test]
fn should_reject_calls_to_a_stopping_canister() {
    let (mut subnet, id, ..) = stopping();
    assert_rejected(subnet.call(id, "reply", b""), CanisterError, "IC0509");
}

/// A stopping canister answers no queries.
#[test]
fn should_reject_queries_to_a_stopping_canister() {
    let (mut subnet, id, ..) = stopping();
    assert_rejected(subnet.query(id, "get"), CanisterError, "IC0509");
}

/// A stopped canister answers no queries.
#[test]
fn should_reject_queries_to_a_stopped_canister() {
    let (mut subnet, id, ..) = stopping();
    subnet.replica.run_until_idle();
    assert_rejected(subnet.query(id, "get"), CanisterError, "IC0508");
}

/// Callbacks of a stopping canister may make further calls, for which the stop waits.
#[test]
fn should_let_callbacks_of_a_stopping_canister_call() {
    let (mut subnet, id, call, stop) = stopping();
    subnet.replica.run_until_idle();
    subnet.answer(&call).expect("all thirty calls were made");
    subnet.answer(&stop).expect("it stopped");
    assert_eq!(subnet.status(id), Status::Stopped);
}

/// No heartbeat runs in a stopping canister.
#[test]
fn should_run_no_system_task_in_a_stopping_canister() {
    let (mut subnet, id, ..) = stopping();
    let before = subnet.replica.canister_memory(id)[..4].to_vec();
    subnet.replica.advance_time(Duration::from_secs(60));
    subnet.replica.run_until_idle();
    let after = subnet.replica.canister_memory(id)[..4].to_vec();
    let count = |bytes: Vec<u8>| u32::from_le_bytes(bytes.try_into().expect("four bytes")) / 1000;
    assert_eq!(count(after), count(before));
}

/// A second stop call joins the first one: both are answered.
#[test]
fn should_answer_all_stop_calls_of_a_canister() {
    let (mut subnet, id, _, first) = stopping();
    let second = subnet.submit_stop(id);
    subnet.replica.run_until_idle();
    subnet.answer(&first).expect("it stopped");
    subnet.answer(&second).expect("it stopped");
}

/// Each stop call waits for five minutes of its own.
#[test]
fn should_reject_only_the_stop_call_that_waits_too_long() {
    let (mut subnet, id, _, first) = stopping();
    subnet.replica.advance_time(FIVE_MINUTES / 2);
    let second = subnet.submit_stop(id);
    subnet.replica.step();
    subnet.replica.advance_time(FIVE_MINUTES / 2);
    subnet.replica.run_until_idle();
    assert_eq!(rejected(subnet.answer(&first)).error_code.as_deref(), Some("IC0206"));
    subnet.answer(&second).expect("it stopped");
}

/// Stopping a stopped canister succeeds and counts as a change.
#[test]
fn should_stop_a_stopped_canister_again() {
    let (mut subnet, id, ..) = stopping();
    subnet.replica.run_until_idle();
    let version = |subnet: &Subnet| subnet.replica.view().canister(id).expect("it exists").version;
    let before = version(&subnet);
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("a reply");
    assert_eq!(version(&subnet), before + 1);
    assert_eq!(subnet.status(id), Status::Stopped);
}

/// Starting a stopping canister rejects the waiting stop call and lets it take calls at once.
#[test]
fn should_run_again_when_a_stopping_canister_is_started() {
    let (mut subnet, id, _, stop) = stopping();
    subnet.manage("start_canister", CanisterIdRecord { canister_id: id }).expect("it starts");
    assert_rejected(subnet.answer(&stop), CanisterError, "IC0511");
    subnet.call(id, "reply", b"").expect("a reply");
}

/// Starting a running canister succeeds.
#[test]
fn should_start_a_running_canister_again() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    subnet.manage("start_canister", CanisterIdRecord { canister_id: id }).expect("a reply");
    assert_eq!(subnet.status(id), Status::Running);
}

/// A call to itself that a stopping canister makes is rejected like all others.
#[test]
fn should_reject_calls_of_a_stopping_canister_to_itself() {
    let mut subnet = Subnet::new();
    let id = subnet.install(
        &Caller {
            method: "get",
            on_reply: "(call $call_new (i32.const 256) (i32.const 10) (i32.const 128) (i32.const 3)
                         (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0))
                       (drop (call $call_perform))",
            ..Caller::default()
        }
        .wasm(),
    );
    let call = subnet.submit(id, "call", id.as_slice());
    subnet.replica.step();
    let stop = subnet.submit_stop(id);
    // The first call to itself waits before the stop, the second one is made after it.
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stopped");
    assert_eq!(number(subnet.answer(&call)), CanisterError as i32);
}
