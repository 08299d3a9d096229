//! Canister interface › Inter-canister calls › Bounded-wait calls

use std::time::Duration;

use candid::Principal;
use local_replica::RejectCode::SysUnknown;

use crate::canisters::{Caller, Subnet, callee, canister_importing, number};

const DEADLINE: &str = r#"(import "ic0" "msg_deadline" (func $deadline (result i64)))"#;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// Replies its deadline.
fn telling_its_deadline() -> Vec<u8> {
    canister_importing(
        DEADLINE,
        r#"(func (export "canister_update reply")
             (i64.store (i32.const 32) (call $deadline))
             (call $append (i32.const 32) (i32.const 8))
             (call $msg_reply))"#,
    )
}

fn deadline_of_a_call(timeout_seconds: Option<u32>) -> (u64, Subnet) {
    let mut subnet = Subnet::new();
    subnet.replica.advance_time(Duration::from_nanos(123_456_789));
    let callee = subnet.install(&telling_its_deadline());
    let caller = subnet.install(&Caller { timeout_seconds, ..Caller::default() }.wasm());
    let reply = subnet.call(caller, "call", callee.as_slice()).expect("a reply");
    (u64::from_le_bytes(reply.try_into().expect("eight bytes")), subnet)
}

/// The callee sees the deadline: the time of the call, in whole seconds, plus the timeout.
#[test]
fn should_tell_the_callee_the_deadline() {
    let (deadline_ns, subnet) = deadline_of_a_call(Some(10));
    let second = subnet.replica.time_ns() / NS_PER_SECOND;
    assert_eq!(deadline_ns, (second + 10) * NS_PER_SECOND);
}

/// The system waits at most 300 seconds, whatever longer time is asked for.
#[test]
fn should_wait_three_hundred_seconds_at_most() {
    let (deadline_ns, subnet) = deadline_of_a_call(Some(100_000));
    let second = subnet.replica.time_ns() / NS_PER_SECOND;
    assert_eq!(deadline_ns, (second + 300) * NS_PER_SECOND);
}

/// A call that waits without bound has the deadline 0.
#[test]
fn should_tell_no_deadline_when_the_caller_waits_without_bound() {
    assert_eq!(deadline_of_a_call(None).0, 0);
}

/// A call by a user has the deadline 0.
#[test]
fn should_tell_no_deadline_when_a_user_calls() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&telling_its_deadline());
    assert_eq!(subnet.call(id, "reply", b"").expect("a reply"), [0; 8]);
}

/// A call that waits without bound is answered however late.
#[test]
fn should_never_expire_a_call_that_waits_without_bound() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&Caller::default().wasm());
    let request = subnet.submit(caller, "call", callee.as_slice());
    subnet.replica.step();
    subnet.replica.advance_time(Duration::from_secs(400 * 86_400));
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), 7);
}

/// A caller that notes whether it was replied to (1) or rejected (100), and with which code.
fn bounded(method: &'static str, cycles: u128) -> Vec<u8> {
    Caller {
        method,
        cycles,
        timeout_seconds: Some(10),
        on_reply: "(call $bump (i32.const 1)) (call $reply_i32 (i32.const 0))",
        on_reject: "(call $bump (i32.const 100)) (call $reply_i32 (call $reject_code))",
        ..Caller::default()
    }
    .wasm()
}

/// Calls, executes so many messages, lets the deadline pass, and goes on.
fn expire_after(messages: usize, method: &'static str, cycles: u128) -> (Subnet, Principal, Principal, i32) {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&bounded(method, cycles));
    let request = subnet.submit(caller, "call", callee.as_slice());
    for _ in 0..messages {
        subnet.replica.step();
    }
    subnet.replica.advance_time(Duration::from_secs(11));
    subnet.replica.run_until_idle();
    let answer = number(subnet.answer(&request));
    (subnet, caller, callee, answer)
}

/// A request whose deadline passes before it is begun is dropped, and the caller told that nothing
/// is known.
#[test]
fn should_drop_a_request_that_expires_before_it_is_executed() {
    let (subnet, _, callee, answer) = expire_after(1, "reply", 0);
    assert_eq!(answer, SysUnknown as i32);
    let version = subnet.replica.view().canister(callee).expect("it exists").version;
    assert_eq!(version, 1, "only its installation changed the callee");
}

/// A reply that arrives after the deadline is dropped: exactly one callback runs.
#[test]
fn should_drop_a_reply_that_comes_too_late() {
    let (mut subnet, caller, _, answer) = expire_after(2, "reply", 0);
    assert_eq!(answer, SysUnknown as i32);
    assert_eq!(subnet.counters(caller), [100; 3]);
}

/// Cycles of a request that expires unexecuted come back to the caller.
#[test]
fn should_return_the_cycles_of_a_request_that_expires() {
    let attached = 50_000_000_000_000;
    let (subnet, caller, ..) = expire_after(1, "accept300", attached);
    assert!(subnet.replica.cycles_balance(caller) > 99_000_000_000_000);
}

/// When the answer comes too late, the callee keeps what it accepted and the caller gets the rest.
#[test]
fn should_return_what_the_callee_left_although_its_answer_is_dropped() {
    let attached = 50_000_000_000_000;
    let (subnet, caller, callee, _) = expire_after(2, "accept300", attached);
    let sum = subnet.replica.cycles_balance(caller) + subnet.replica.cycles_balance(callee);
    assert!(subnet.replica.cycles_balance(caller) > 99_000_000_000_000);
    assert!(sum < 200_000_000_000_000);
}

/// An expired call tells of no refund: what comes back later comes without a callback.
#[test]
fn should_show_no_refund_to_the_callback_of_an_expired_call() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(
        &Caller {
            cycles: 1_000_000,
            timeout_seconds: Some(10),
            on_reject: "(call $refunded_cycles (i32.const 48)) (call $reply_i32 (i32.load (i32.const 48)))",
            ..Caller::default()
        }
        .wasm(),
    );
    let request = subnet.submit(caller, "call", callee.as_slice());
    subnet.replica.step();
    subnet.replica.step();
    subnet.replica.advance_time(Duration::from_secs(11));
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), 0);
}

/// What was set aside for the callback of an expired call comes back, too.
#[test]
fn should_return_what_was_set_aside_when_a_call_expires() {
    let (subnet, caller, ..) = expire_after(1, "reply", 0);
    let spent = 100_000_000_000_000 - subnet.replica.cycles_balance(caller);
    assert!(spent < 1_000_000_000, "spent {spent} cycles");
}

/// A stopped callee rejects at once: its caller need not wait for the deadline.
#[test]
fn should_reject_a_bounded_wait_call_to_a_stopped_canister_before_its_deadline() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&bounded("reply", 0));
    let stop = subnet.submit_stop(callee);
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stops");
    let answer = number(subnet.call(caller, "call", callee.as_slice()));
    assert_eq!(answer, local_replica::RejectCode::CanisterError as i32);
}

/// A canister that waits for an expired call can stop without the answer.
#[test]
fn should_let_a_canister_stop_once_its_last_open_call_has_expired() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&bounded("reply", 0));
    subnet.submit(caller, "call", callee.as_slice());
    subnet.replica.step();
    let stop = subnet.submit_stop(caller);
    subnet.replica.advance_time(Duration::from_secs(11));
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stops");
    assert_eq!(subnet.status(caller), local_replica::canister::Status::Stopped);
}

/// A call with the timeout 0 expires at once.
#[test]
fn should_expire_a_call_without_patience_at_once() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&Caller { timeout_seconds: Some(0), ..Caller::default() }.wasm());
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), SysUnknown as i32);
}
