//! Canister interface › Entry points › Rollback
//!
//! "If a message execution traps, its state changes are rolled back."

use local_replica::RejectCode::CanisterError;

use crate::canisters::{Caller, Subnet, assert_rejected, callee, with_updates};

/// A trap undoes the changes of heap, globals and stable memory.
#[test]
fn should_undo_heap_globals_and_stable_memory_when_a_message_traps() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[
        ("keep", "(call $bump (i32.const 1)) (call $msg_reply)"),
        ("trap", "(call $bump (i32.const 10)) (call $fail)"),
    ]));
    subnet.call(id, "keep", b"").expect("a reply");
    assert_rejected(subnet.call(id, "trap", b""), CanisterError, "IC0503");
    assert_eq!(subnet.counters(id), [1, 1, 1]);
}

/// A trap undoes the growth of heap and stable memory.
#[test]
fn should_undo_memory_growth_when_a_message_traps() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[
        ("grow", "(drop (memory.grow (i32.const 3))) (drop (call $stable_grow (i64.const 5))) (call $fail)"),
        ("size", "(call $reply_i32 (i32.add (memory.size) (i32.wrap_i64 (call $stable_size))))"),
        ("keep", "(call $bump (i32.const 1)) (call $msg_reply)"),
    ]));
    subnet.call(id, "keep", b"").expect("a reply");
    assert_rejected(subnet.call(id, "grow", b""), CanisterError, "IC0503");
    assert_eq!(crate::canisters::number(subnet.call(id, "size", b"")), 2);
    assert_eq!(subnet.counters(id), [1, 1, 1]);
    assert_eq!(subnet.replica.stable_memory(id).len(), 65_536);
}

/// A callback that traps leaves what earlier messages of the call committed.
#[test]
fn should_undo_only_what_happened_since_the_last_await_when_a_callback_traps() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(
        &Caller {
            before: "(call $bump (i32.const 1))",
            on_reply: "(call $bump (i32.const 10)) (call $fail)",
            ..Caller::default()
        }
        .wasm(),
    );
    assert_rejected(subnet.call(caller, "call", callee.as_slice()), CanisterError, "IC0503");
    assert_eq!(subnet.counters(caller), [1, 1, 1]);
}

/// Calls performed by a message that traps are never sent.
#[test]
fn should_not_make_calls_of_a_message_that_traps() {
    let mut subnet = Subnet::new();
    let counting =
        subnet.install(&with_updates(&[("reply", "(call $bump (i32.const 1)) (call $msg_reply)")]));
    let caller =
        subnet.install(&Caller { on_reply: "(call $msg_reply)", before: "", ..Caller::default() }.wasm());
    subnet.call(caller, "call", counting.as_slice()).expect("a reply");
    let trapping = subnet.install(&crate::canisters::canister(
        r#"(table funcref (elem $none))
           (data (i32.const 128) "reply")
           (func $none (param i32))
           (func (export "canister_update call")
             (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
             (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
             (drop (call $call_perform))
             (call $fail))"#,
    ));
    assert_rejected(subnet.call(trapping, "call", counting.as_slice()), CanisterError, "IC0503");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(counting), [1, 1, 1]);
}

/// A message beyond the limit of instructions traps.
#[test]
fn should_undo_a_message_that_exceeds_the_instruction_limit() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&crate::canisters::canister(
        r#"(func (export "canister_query spin") (loop $again (br $again)))"#,
    ));
    assert_rejected(subnet.query(id, "spin"), CanisterError, "IC0522");
}

/// What a message prints stays in the log although it traps, followed by a line about the trap.
#[test]
fn should_keep_printed_lines_and_log_the_trap() {
    let mut subnet = Subnet::new();
    let id =
        subnet.install(&with_updates(&[("trap", "(call $print (i32.const 64) (i32.const 2)) (call $fail)")]));
    assert_rejected(subnet.call(id, "trap", b""), CanisterError, "IC0503");
    let log = subnet.replica.logs(id);
    assert_eq!(log[0].content, b"no");
    assert!(String::from_utf8_lossy(&log[1].content).starts_with("[TRAP]"));
}
