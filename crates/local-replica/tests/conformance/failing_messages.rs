//! Abstract behaviour › Messages that fail
//!
//! Faults of messages, caused on demand: what canisters see of them is what the specification allows.

use std::time::Duration;

use local_replica::scheduler::MessageFault;
use local_replica::{EntryPoint, Principal, RejectCode};

use crate::canisters::{Caller, Subnet, assert_rejected, number, with_updates};

/// A callee that counts its calls and takes 300 of the cycles that come with them.
fn counting(subnet: &mut Subnet) -> Principal {
    let take = "(call $accept_cycles (i64.const 0) (i64.const 300) (i32.const 48))";
    subnet.install(&with_updates(&[(
        "reply",
        &format!("(call $bump (i32.const 1)) {take} (call $reply_i32 (i32.const 7))"),
    )]))
}

/// A call that the network refuses to deliver is rejected with `SYS_TRANSIENT`; the callee never sees it, the cycles
/// come back, and the next call is delivered.
#[test]
fn should_reject_with_sys_transient_when_the_network_refuses_a_call() {
    let mut subnet = Subnet::new();
    let callee = counting(&mut subnet);
    let caller = subnet.install(&Caller { cycles: 1_000_000_000_000, ..Caller::default() }.wasm());
    let fault = MessageFault::CallRefused { to: callee, method: "reply".to_owned() };
    subnet.replica.message_faults().next(fault);
    let before = subnet.replica.cycles_balance(caller);
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), RejectCode::SysTransient as i32);
    assert_eq!(subnet.counters(callee), [0; 3]);
    let spent = before - subnet.replica.cycles_balance(caller);
    assert!(spent < 1_000_000_000, "the attached cycles came back: {spent} are gone");
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), 7);
}

/// The answer of a call with a bounded wait may be lost: the callee executed it, the caller hears `SYS_UNKNOWN` at its
/// deadline.
#[test]
fn should_reject_with_sys_unknown_when_the_answer_of_an_executed_call_is_lost() {
    let mut subnet = Subnet::new();
    let callee = counting(&mut subnet);
    let caller = subnet.install(&Caller { timeout_seconds: Some(10), ..Caller::default() }.wasm());
    let fault = MessageFault::AnswerLost { to: callee, method: "reply".to_owned() };
    subnet.replica.message_faults().next(fault);
    let request = subnet.submit(caller, "call", callee.as_slice());
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(callee), [1; 3], "it was executed");
    assert!(
        matches!(subnet.replica.ingress_status(&request), Some(local_replica::IngressStatus::Processing)),
        "the caller still waits"
    );
    subnet.replica.advance_time(Duration::from_secs(11));
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), RejectCode::SysUnknown as i32);
}

/// The answer of a call that waits without bound is never lost.
#[test]
fn should_deliver_the_answer_when_the_caller_waits_without_bound() {
    let mut subnet = Subnet::new();
    let callee = counting(&mut subnet);
    let caller = subnet.install(&Caller::default().wasm());
    let fault = MessageFault::AnswerLost { to: callee, method: "reply".to_owned() };
    subnet.replica.message_faults().next(fault);
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), 7);
    assert_eq!(subnet.replica.message_faults().planned().count(), 1, "it was not used up");
}

/// An update that reaches its instruction limit is undone and rejected with `CANISTER_ERROR`.
#[test]
fn should_undo_an_update_that_runs_out_of_instructions() {
    let mut subnet = Subnet::new();
    let callee = counting(&mut subnet);
    let entry = EntryPoint::Update { method: "reply".to_owned() };
    let fault = MessageFault::OutOfInstructions { canister: callee, entry, limit: 20 };
    subnet.replica.message_faults().next(fault);
    assert_rejected(subnet.call(callee, "reply", b""), RejectCode::CanisterError, "IC0522");
    assert_eq!(subnet.counters(callee), [0; 3]);
    subnet.call(callee, "reply", b"").expect("the next one has the whole limit");
}

/// A callback that reaches its instruction limit is undone; its cleanup runs, and the callee's work stays.
#[test]
fn should_run_the_cleanup_when_a_callback_runs_out_of_instructions() {
    let mut subnet = Subnet::new();
    let callee = counting(&mut subnet);
    let caller = subnet.install(
        &Caller {
            on_reply: "(call $bump (i32.const 100)) (call $reply_i32 (i32.const 0))",
            on_cleanup: Some("(call $bump (i32.const 1))"),
            ..Caller::default()
        }
        .wasm(),
    );
    let entry = EntryPoint::ReplyCallback { method: "call".to_owned() };
    let fault = MessageFault::OutOfInstructions { canister: caller, entry, limit: 20 };
    subnet.replica.message_faults().next(fault);
    let answer = subnet.call(caller, "call", callee.as_slice());
    assert_rejected(answer, RejectCode::CanisterError, "IC0522");
    assert_eq!(subnet.counters(caller), [1; 3], "the cleanup's change alone");
    assert_eq!(subnet.counters(callee), [1; 3]);
}
