//! Canister interface › Performance counter

use candid::Principal;

use crate::canisters::{Subnet, callee, canister_importing};

const PERFORMANCE: &str =
    r#"(import "ic0" "performance_counter" (func $performance (param i32) (result i64)))"#;

/// Its update `call` calls the argument; the reply callback runs `on_reply`, the cleanup
/// `on_cleanup`. Whatever they note at 600, 608 and 616 is read by `noted`.
fn counting(on_reply: &str, on_cleanup: &str) -> Vec<u8> {
    canister_importing(
        PERFORMANCE,
        &format!(
            r#"(table funcref (elem $on_reply $on_cleanup))
            (data (i32.const 128) "reply")
            (func $work (param $rounds i32)
              (loop $again
                (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
                (br_if $again (local.get $rounds))))
            (func $note (param $at i32)
              (i64.store (local.get $at) (call $performance (i32.const 0)))
              (i64.store (i32.add (local.get $at) (i32.const 8)) (call $performance (i32.const 1))))
            (func $on_reply (param i32) {on_reply})
            (func $on_cleanup (param i32) {on_cleanup})
            (func (export "canister_update call")
              (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
              (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
              (call $call_on_cleanup (i32.const 1) (i32.const 0))
              (drop (call $call_perform))
              (call $work (i32.const 100000))
              (call $note (i32.const 600)))
            (func (export "canister_query noted")
              (call $append (i32.const 600) (i32.const 32)) (call $msg_reply))"#
        ),
    )
}

/// What `counting` noted: counters 0 and 1 at the end of the update, then in a later message.
fn noted(on_reply: &str, on_cleanup: &str) -> [u64; 4] {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id: Principal = subnet.install(&counting(on_reply, on_cleanup));
    // The cleanup's callback traps, so that the call is rejected; the notes are what counts.
    let _ = subnet.call(id, "call", other.as_slice());
    let noted = subnet.query(id, "noted").expect("a reply");
    let at = |i: usize| u64::from_le_bytes(noted[i * 8..][..8].try_into().expect("eight bytes"));
    [at(0), at(1), at(2), at(3)]
}

/// Before the first await both counters are the same, up to reading them one after the other.
#[test]
fn should_count_the_same_for_message_and_call_context_at_first() {
    let [message, context, ..] = noted("(call $msg_reply)", "");
    assert!(message > 400_000, "100,000 rounds were counted");
    assert!((1..2_000).contains(&(context - message)));
}

/// Counter 0 starts anew with each message.
#[test]
fn should_start_the_message_counter_anew_in_a_callback() {
    let [.., message, _] = noted("(call $note (i32.const 616)) (call $msg_reply)", "");
    assert!((1..10_000).contains(&message), "{message}");
}

/// Counter 1 goes on across awaits.
#[test]
fn should_continue_the_counter_of_the_call_context_in_a_callback() {
    let [_, first, message, context] = noted("(call $note (i32.const 616)) (call $msg_reply)", "");
    assert!(context > first + message, "{first} {message} {context}");
}

/// In a cleanup counter 0 starts anew and counter 1 holds what was executed before the callback.
#[test]
fn should_count_the_call_context_in_a_cleanup() {
    let [_, first, message, context] =
        noted("(call $work (i32.const 1000000)) (call $fail)", "(call $note (i32.const 616))");
    assert!((1..10_000).contains(&message), "{message}");
    assert!(context > first && context < first + 100_000, "{first} {context}");
}
