//! Canister interface › Responding
//!
//! Responding, and inspecting ingress messages.

use local_replica::RejectCode::{CanisterError, CanisterReject};

use crate::canisters::{Caller, Subnet, assert_rejected, callee, canister, number, with_updates};

/// Replying, rejecting or appending after the call is answered traps.
#[test]
fn should_trap_when_a_call_is_answered_twice() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[
        ("reply_twice", "(call $bump (i32.const 1)) (call $msg_reply) (call $msg_reply)"),
        ("reject_after_reply", "(call $msg_reply) (call $msg_reject (i32.const 64) (i32.const 2))"),
        ("append_after_reply", "(call $msg_reply) (call $append (i32.const 64) (i32.const 2))"),
    ]));
    for method in ["reply_twice", "reject_after_reply", "append_after_reply"] {
        assert_rejected(subnet.call(id, method, b""), CanisterError, "IC0504");
    }
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// A call answered before an await cannot be answered by the callback.
#[test]
fn should_trap_when_a_callback_answers_a_call_that_was_answered_before_the_await() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(
        &Caller {
            before: "(call $reply_i32 (i32.const 1))",
            on_reply: "(call $bump (i32.const 1)) (call $msg_reply)",
            ..Caller::default()
        }
        .wasm(),
    );
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), 1);
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(caller), [0; 3]);
}

/// Reply data that a message leaves without replying is dropped.
#[test]
fn should_discard_reply_data_that_is_not_replied_in_the_same_message() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(
        &Caller { before: "(call $append (i32.const 64) (i32.const 2))", ..Caller::default() }.wasm(),
    );
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), 7);
}

/// An ingress message is refused when `canister_inspect_message` traps or does not accept; what
/// inspection changes is undone.
#[test]
fn should_refuse_a_message_that_inspection_does_not_accept() {
    let mut subnet = Subnet::new();
    let update = r#"(func (export "canister_update reply") (call $bump (i32.const 1)) (call $msg_reply))"#;
    let inspect =
        |body: &str| canister(&format!(r#"(func (export "canister_inspect_message") {body}) {update}"#));
    let denying = subnet.install(&inspect(""));
    let accepting = subnet.install(&inspect("(call $bump (i32.const 50)) (call $accept_message)"));
    let trapping = subnet.install(&inspect("(call $accept_message) (call $fail)"));
    assert_rejected(subnet.call(denying, "reply", b""), CanisterReject, "IC0406");
    assert_rejected(subnet.call(trapping, "reply", b""), CanisterError, "IC0503");
    subnet.call(accepting, "reply", b"").expect("a reply");
    assert_eq!(subnet.counters(accepting), [1; 3], "inspection changes nothing");
}

/// `canister_inspect_message` does not run for inter-canister calls.
#[test]
fn should_not_inspect_calls_of_canisters() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&canister(
        r#"(func (export "canister_inspect_message"))
           (func (export "canister_update reply") (call $reply_i32 (i32.const 7)))"#,
    ));
    let caller = subnet.install(&Caller::default().wasm());
    assert_eq!(number(subnet.call(caller, "call", callee.as_slice())), 7);
}
