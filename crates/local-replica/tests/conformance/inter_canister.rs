//! Canister interface › Inter-canister method calls
//!
//! Inter-canister calls: reject codes, and waiting within bounds.

use std::time::Duration;

use local_replica::{Principal, RejectCode};

use crate::canisters::{Caller, Subnet, USER, assert_rejected, callee, number, with_updates};

fn reject_code_of(method: &'static str, prepare: impl FnOnce(&mut Subnet, Principal)) -> i32 {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet
        .install(&Caller { method, on_reply: "(call $reply_i32 (i32.const 0))", ..Caller::default() }.wasm());
    prepare(&mut subnet, callee);
    number(subnet.call(caller, "call", callee.as_slice()))
}

fn stop(subnet: &mut Subnet, canister_id: Principal) {
    let arg = ic_management_canister_types::CanisterIdRecord { canister_id };
    subnet.manage("stop_canister", arg).expect("it stops");
}

/// The reply callback runs when the callee replies.
#[test]
fn should_deliver_a_reply() {
    assert_eq!(reject_code_of("reply", |_, _| ()), 0);
}

/// A call to a canister that does not exist is rejected with `DESTINATION_INVALID`.
#[test]
fn should_reject_with_destination_invalid_when_the_canister_does_not_exist() {
    let mut subnet = Subnet::new();
    let caller = subnet.install(&Caller::default().wasm());
    let nobody = Principal::from_slice(&[0, 0, 0, 0, 0, 0x77, 0, 0, 1, 1]);
    assert_eq!(number(subnet.call(caller, "call", nobody.as_slice())), RejectCode::DestinationInvalid as i32);
}

/// A callee's own reject arrives as `CANISTER_REJECT`.
#[test]
fn should_reject_with_canister_reject_when_the_callee_rejects() {
    assert_eq!(reject_code_of("reject", |_, _| ()), RejectCode::CanisterReject as i32);
}

/// A trap of the callee arrives as `CANISTER_ERROR`.
#[test]
fn should_reject_with_canister_error_when_the_callee_traps() {
    assert_eq!(reject_code_of("trap", |_, _| ()), RejectCode::CanisterError as i32);
}

/// A callee that ends without answering is rejected with `CANISTER_ERROR`.
#[test]
fn should_reject_with_canister_error_when_the_callee_does_not_reply() {
    assert_eq!(reject_code_of("silent", |_, _| ()), RejectCode::CanisterError as i32);
}

/// A call of a method that is not exported is rejected with `CANISTER_ERROR`.
#[test]
fn should_reject_with_canister_error_when_the_method_does_not_exist() {
    assert_eq!(reject_code_of("missing", |_, _| ()), RejectCode::CanisterError as i32);
}

/// A call to a stopped canister is rejected with `CANISTER_ERROR`.
#[test]
fn should_reject_with_canister_error_when_the_callee_is_stopped() {
    assert_eq!(reject_code_of("reply", stop), RejectCode::CanisterError as i32);
}

/// Each way in which an ingress message fails has the network's error code.
#[test]
fn should_tell_users_the_error_codes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let empty = subnet.replica.create_canister(vec![USER]);
    assert_rejected(subnet.call(id, "missing", b""), RejectCode::CanisterError, "IC0536");
    assert_rejected(subnet.call(id, "silent", b""), RejectCode::CanisterError, "IC0506");
    assert_rejected(subnet.call(id, "trap", b""), RejectCode::CanisterError, "IC0503");
    assert_rejected(subnet.call(empty, "reply", b""), RejectCode::CanisterError, "IC0537");
    stop(&mut subnet, id);
    assert_rejected(subnet.call(id, "reply", b""), RejectCode::CanisterError, "IC0508");
}

/// A bounded-wait call that is not answered in time is rejected with `SYS_UNKNOWN`, once, and the
/// callee may have executed it nevertheless.
#[test]
fn should_reject_with_sys_unknown_when_the_deadline_of_a_bounded_wait_call_passes() {
    let mut subnet = Subnet::new();
    let counting =
        subnet.install(&with_updates(&[("reply", "(call $bump (i32.const 1)) (call $msg_reply)")]));
    let caller = subnet.install(
        &Caller {
            timeout_seconds: Some(10),
            on_reply: "(call $bump (i32.const 1)) (call $reply_i32 (i32.const 0))",
            on_reject: "(call $bump (i32.const 100)) (call $reply_i32 (call $reject_code))",
            ..Caller::default()
        }
        .wasm(),
    );
    let request = subnet.submit(caller, "call", counting.as_slice());
    subnet.replica.step();
    subnet.replica.advance_time(Duration::from_secs(11));
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), RejectCode::SysUnknown as i32);
    assert_eq!(subnet.counters(caller), [100; 3], "exactly one callback runs");
    assert_eq!(subnet.counters(counting), [0; 3], "what nobody waits for is not begun");
}

/// A bounded-wait call that is answered in time gets its reply.
#[test]
fn should_answer_a_bounded_wait_call_within_its_deadline() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&Caller { timeout_seconds: Some(10), ..Caller::default() }.wasm());
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), 7);
}

/// An ingress message that is submitted again while or after it is processed has no second effect.
#[test]
fn should_process_a_request_id_only_once() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[("reply", "(call $bump (i32.const 1)) (call $msg_reply)")]));
    let request = subnet.submit(id, "reply", b"");
    let message = local_replica::IngressMessage {
        request_id: request,
        sender: USER,
        canister_id: id,
        method_name: "reply".to_owned(),
        arg: Vec::new(),
        ingress_expiry_ns: subnet.replica.time_ns() + 60_000_000_000,
    };
    subnet.replica.submit(message.clone()).expect("accepted");
    subnet.replica.run_until_idle();
    subnet.replica.submit(message).expect("accepted");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [1; 3]);
}
