//! Canister interface › Inter-canister method calls › Cleanup
//!
//! "If a cleanup callback is specified, it is executed if and only if the reply or the reject
//! callback was executed and trapped."

use local_replica::RejectCode::CanisterError;

use crate::canisters::{Caller, Subnet, assert_rejected, callee};

fn counters_after(caller: Caller) -> [i32; 3] {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&caller.wasm());
    let traps = caller.on_reply.contains("$fail") || caller.on_reject.contains("$fail");
    let result = subnet.call(id, "call", callee.as_slice());
    if traps {
        assert_rejected(result, CanisterError, "IC0503");
    } else {
        result.expect("a reply");
    }
    subnet.counters(id)
}

/// When a reply callback traps, its changes are undone, then the cleanup callback runs and its own
/// changes stay.
#[test]
fn should_run_cleanup_on_the_state_before_the_reply_callback_that_trapped_and_keep_its_changes() {
    let counters = counters_after(Caller {
        before: "(call $bump (i32.const 1))",
        on_reply: "(call $bump (i32.const 10)) (call $fail)",
        on_cleanup: Some("(call $bump (i32.const 100))"),
        ..Caller::default()
    });
    assert_eq!(counters, [101, 101, 101]);
}

/// The cleanup of a reject callback still reads the reject code.
#[test]
fn should_run_cleanup_when_the_reject_callback_traps_and_tell_it_the_reject_code() {
    let counters = counters_after(Caller {
        method: "reject",
        on_reject: "(call $bump (i32.const 10)) (call $fail)",
        on_cleanup: Some("(call $bump (i32.mul (i32.const 100) (call $reject_code)))"),
        ..Caller::default()
    });
    assert_eq!(counters, [400, 400, 400]);
}

/// A cleanup callback runs only after a callback that trapped.
#[test]
fn should_not_run_cleanup_when_the_callback_succeeds() {
    let counters =
        counters_after(Caller { on_cleanup: Some("(call $bump (i32.const 100))"), ..Caller::default() });
    assert_eq!(counters, [0, 0, 0]);
}

/// A cleanup callback that traps changes nothing, and nothing further happens for that call.
#[test]
fn should_discard_the_changes_of_a_cleanup_that_traps() {
    let counters = counters_after(Caller {
        on_reply: "(call $fail)",
        on_cleanup: Some("(call $bump (i32.const 100)) (call $fail)"),
        ..Caller::default()
    });
    assert_eq!(counters, [0, 0, 0]);
}

/// A cleanup callback cannot answer the call.
#[test]
fn should_trap_a_cleanup_that_replies() {
    let counters = counters_after(Caller {
        on_reply: "(call $fail)",
        on_cleanup: Some("(call $bump (i32.const 100)) (call $msg_reply)"),
        ..Caller::default()
    });
    assert_eq!(counters, [0, 0, 0]);
}

/// A cleanup callback cannot make calls.
#[test]
fn should_trap_a_cleanup_that_calls() {
    let counters = counters_after(Caller {
        on_reply: "(call $fail)",
        on_cleanup: Some(
            "(call $bump (i32.const 100))
             (call $call_new (i32.const 256) (i32.const 0) (i32.const 128) (i32.const 5)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        ),
        ..Caller::default()
    });
    assert_eq!(counters, [0, 0, 0]);
}
