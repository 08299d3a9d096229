//! Canister interface › Inter-canister calls › Cleanup after a callback that fails

use candid::Principal;
use local_replica::RejectCode::CanisterError;
use local_replica::{CallResult, EntryPoint, Outcome};

use crate::canisters::{Caller, Subnet, assert_rejected, callee, canister, rejected, with_updates};

const COUNT: Option<&str> = Some("(call $bump (i32.const 100))");

/// What a caller of these parts answers, and its counters afterwards.
fn after(caller: Caller) -> (CallResult, [i32; 3]) {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&caller.wasm());
    let result = subnet.call(id, "call", other.as_slice());
    subnet.replica.run_until_idle();
    (result, subnet.counters(id))
}

fn assert_cleaned_up(on_reply: &'static str, error_code: &str) {
    let (result, counters) = after(Caller { on_reply, on_cleanup: COUNT, ..Caller::default() });
    assert_rejected(result, CanisterError, error_code);
    assert_eq!(counters, [100; 3]);
}

/// A callback that reaches `unreachable` is cleaned up after.
#[test]
fn should_clean_up_after_an_unreachable() {
    assert_cleaned_up("(call $bump (i32.const 1)) unreachable", "IC0502");
}

/// A callback that divides by zero is cleaned up after.
#[test]
fn should_clean_up_after_a_division_by_zero() {
    assert_cleaned_up("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "IC0502");
}

/// A callback that reads beyond its memory is cleaned up after.
#[test]
fn should_clean_up_after_an_access_out_of_bounds() {
    assert_cleaned_up("(call $bump (i32.const 1)) (drop (i32.load (i32.const -8)))", "IC0502");
}

/// A callback that breaks a rule of the system API is cleaned up after.
#[test]
fn should_clean_up_after_a_violated_contract() {
    assert_cleaned_up("(call $msg_reply) (call $msg_reply)", "IC0504");
}

/// A callback that passes a range outside its memory to a system call is cleaned up after.
#[test]
fn should_clean_up_after_a_system_call_out_of_bounds() {
    assert_cleaned_up("(call $append (i32.const 65530) (i32.const 100))", "IC0504");
}

/// A callback that accepts cycles and fails has accepted none: they stay available, and go back with the
/// reject.
#[test]
fn should_return_cycles_accepted_by_a_callback_that_fails() {
    let mut subnet = Subnet::new();
    let last = subnet.install(&callee());
    let middle = subnet.install(
        &Caller {
            on_reply: "(call $accept_cycles (i64.const 0) (i64.const 400) (i32.const 48)) (call $fail)",
            on_cleanup: COUNT,
            ..Caller::default()
        }
        .wasm(),
    );
    // It passes on the name of the last canister.
    let first = subnet.install(&canister(
        r#"(table funcref (elem $on_reject))
        (data (i32.const 128) "call")
        (func $on_reject (param i32)
          (call $refunded_cycles (i32.const 48)) (call $reply_i32 (i32.load (i32.const 48))))
        (func (export "canister_update call")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $call_new (i32.const 256) (i32.const 10) (i32.const 128) (i32.const 4)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (call $call_data_append (i32.const 266) (i32.const 10))
          (call $call_cycles_add (i64.const 0) (i64.const 1000))
          (if (call $call_perform) (then (call $fail))))"#,
    ));
    let arg = [middle.as_slice(), last.as_slice()].concat();
    assert_eq!(crate::canisters::number(subnet.call(first, "call", &arg)), 1_000);
}

/// A callback that calls and then fails has called nobody.
#[test]
fn should_not_make_the_calls_of_a_callback_that_fails() {
    let mut subnet = Subnet::new();
    let counting =
        subnet.install(&with_updates(&[("reply", "(call $bump (i32.const 1)) (call $msg_reply)")]));
    let id = subnet.install(
        &Caller {
            on_reply: "(call $call_new (i32.const 256) (i32.const 10) (i32.const 128) (i32.const 5)
                         (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
                       (drop (call $call_perform)) (call $fail)",
            on_cleanup: COUNT,
            ..Caller::default()
        }
        .wasm(),
    );
    assert_rejected(subnet.call(id, "call", counting.as_slice()), CanisterError, "IC0503");
    subnet.replica.run_until_idle();
    assert_eq!((subnet.counters(counting), subnet.counters(id)), ([1; 3], [100; 3]));
}

/// The cleanup runs also when the call was answered long ago, and the answer stands.
#[test]
fn should_clean_up_after_a_callback_of_a_call_that_is_answered() {
    let (result, counters) = after(Caller {
        before: "(call $reply_i32 (i32.const 5))",
        on_reply: "(call $fail)",
        on_cleanup: COUNT,
        ..Caller::default()
    });
    assert_eq!(crate::canisters::number(result), 5);
    assert_eq!(counters, [100; 3]);
}

/// When the cleanup fails as well, the caller is told why the callback failed.
#[test]
fn should_tell_of_the_callback_when_the_cleanup_fails_as_well() {
    let (result, counters) = after(Caller {
        on_reply: "(call $fail)",
        on_cleanup: Some("(call $bump (i32.const 1)) unreachable"),
        ..Caller::default()
    });
    assert_rejected(result, CanisterError, "IC0503");
    assert_eq!(counters, [0; 3]);
}

/// Without a cleanup callback nothing runs after a callback that fails.
#[test]
fn should_run_nothing_after_a_failing_callback_without_cleanup() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&Caller { on_reply: "(call $fail)", ..Caller::default() }.wasm());
    subnet.submit(id, "call", other.as_slice());
    let last = subnet.reports().pop().expect("messages were executed");
    assert!(matches!(last.entry, EntryPoint::ReplyCallback { .. }));
    assert!(matches!(last.outcome, Outcome::Trap(_)));
}

/// The code is changed while a call is open, without stopping: the response finds no such callback in the
/// new code, and the call is rejected.
#[test]
fn should_reject_the_call_when_the_new_code_has_no_such_callback() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&Caller { on_cleanup: COUNT, ..Caller::default() }.wasm());
    let open = subnet.submit(id, "call", other.as_slice());
    subnet.replica.step();
    subnet.replica.upgrade(id, &callee(), Vec::new()).expect("it is upgraded");
    subnet.replica.run_until_idle();
    assert_eq!(rejected(subnet.answer(&open)).code, CanisterError);
    assert_eq!(crate::canisters::number(subnet.call(id, "reply", b"")), 7, "the canister works on");
}

/// New code that has a function in the same place of its table runs it with the old call's answer.
#[test]
fn should_run_the_new_codes_function_in_the_same_place_of_the_table() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id: Principal = subnet.install(&Caller::default().wasm());
    let open = subnet.submit(id, "call", other.as_slice());
    subnet.replica.step();
    let new = Caller { on_reply: "(call $reply_i32 (i32.const 77))", ..Caller::default() };
    subnet.replica.upgrade(id, &new.wasm(), Vec::new()).expect("it is upgraded");
    subnet.replica.run_until_idle();
    assert_eq!(crate::canisters::number(subnet.answer(&open)), 77);
}
