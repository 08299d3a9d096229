//! Resource limits › Messages and instructions

use local_replica::RejectCode::CanisterError;
use local_replica::{EntryPoint, Outcome};

use crate::canisters::{Caller, Subnet, assert_rejected, callee, canister, number, rejected, with_updates};

/// Executes about so many billions of instructions, by writing one byte an instruction.
fn work(billions: u64) -> String {
    format!(
        "(local $left i64) (local.set $left (i64.const {}))
         (loop $again
           (memory.fill (i32.const 5000) (i32.const 1) (i32.const 60000))
           (local.set $left (i64.sub (local.get $left) (i64.const 60120)))
           (br_if $again (i64.gt_s (local.get $left) (i64.const 0))))",
        billions * 1_000_000_000
    )
}

/// Works in a function of its own.
fn working(billions: u64, body: &str) -> Vec<u8> {
    canister(&format!("(func $work {}) {body}", work(billions)))
}

/// An update may execute 40 billion instructions.
#[test]
fn should_end_an_update_beyond_forty_billion_instructions() {
    let mut subnet = Subnet::new();
    let id = subnet
        .install(&working(41, r#"(func (export "canister_update spin") (call $work) (call $msg_reply))"#));
    let reject = rejected(subnet.call(id, "spin", b""));
    assert_eq!((reject.code, reject.error_code.as_deref()), (CanisterError, Some("IC0522")));
    assert!(reject.message.contains("exceeded the limit of 40000000000 instructions"), "{}", reject.message);
}

/// A query may execute 5 billion instructions.
#[test]
fn should_end_a_query_beyond_five_billion_instructions() {
    let mut subnet = Subnet::new();
    let id = subnet
        .install(&working(6, r#"(func (export "canister_query spin") (call $work) (call $msg_reply))"#));
    assert_rejected(subnet.query(id, "spin"), CanisterError, "IC0522");
}

/// A query called as an update has the limit of queries.
#[test]
fn should_end_a_replicated_query_beyond_five_billion_instructions() {
    let mut subnet = Subnet::new();
    let id = subnet
        .install(&working(6, r#"(func (export "canister_query spin") (call $work) (call $msg_reply))"#));
    assert_rejected(subnet.call(id, "spin", b""), CanisterError, "IC0522");
}

/// Inspecting a message may take 200 million instructions.
#[test]
fn should_end_an_inspection_beyond_two_hundred_million_instructions() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&working(
        1,
        r#"(func (export "canister_inspect_message") (call $work) (call $accept_message))
           (func (export "canister_update spin") (call $msg_reply))"#,
    ));
    assert_rejected(subnet.call(id, "spin", b""), CanisterError, "IC0522");
}

/// Installing code may execute more than an update.
#[test]
fn should_let_an_installation_execute_more_than_an_update() {
    let mut subnet = Subnet::new();
    let id = subnet
        .install(&working(41, r#"(func (export "canister_init") (call $work) (call $bump (i32.const 1)))"#));
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// A callback that runs out of instructions leaves some for its cleanup.
#[test]
fn should_keep_instructions_for_the_cleanup_of_a_callback_that_used_up_its_own() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let on_reply: &'static str = Box::leak(format!("{} (call $msg_reply)", work(41)).into_boxed_str());
    let id = subnet.install(
        &Caller { on_reply, on_cleanup: Some("(call $bump (i32.const 1))"), ..Caller::default() }.wasm(),
    );
    let request = subnet.submit(id, "call", other.as_slice());
    let reports = subnet.reports();
    let callback = reports
        .iter()
        .find(|report| matches!(report.entry, EntryPoint::ReplyCallback { .. }))
        .expect("the callback ran");
    assert!(matches!(callback.outcome, Outcome::Trap(_)));
    assert_eq!(callback.instructions, 38_000_000_000, "a twentieth of the limit is kept for the cleanup");
    assert_rejected(subnet.answer(&request), CanisterError, "IC0522");
    assert_eq!(subnet.counters(id), [1; 3]);
}

const MIB: usize = 1024 * 1024;

/// Replies so many bytes, from an update and from a query.
fn replying(bytes: usize) -> Vec<u8> {
    let pages = bytes.div_ceil(65_536);
    let reply = format!(
        "(drop (memory.grow (i32.const {pages})))
         (call $append (i32.const 0) (i32.const {bytes})) (call $msg_reply)"
    );
    canister(&format!(
        r#"(func (export "canister_update reply") {reply}) (func (export "canister_query ask") {reply})"#
    ))
}

/// A reply may have 2 MiB.
#[test]
fn should_take_replies_of_two_mebibytes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&replying(2 * MIB));
    assert_eq!(subnet.call(id, "reply", b"").expect("a reply").len(), 2 * MIB);
}

/// A larger reply traps.
#[test]
fn should_trap_replies_above_two_mebibytes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&replying(2 * MIB + 1));
    assert_rejected(subnet.call(id, "reply", b""), CanisterError, "IC0504");
}

/// The reply of a query by a user may have 3 MiB.
#[test]
fn should_take_query_replies_of_three_mebibytes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&replying(3 * MIB));
    assert_eq!(subnet.query(id, "ask").expect("a reply").len(), 3 * MIB);
}

/// A larger one traps.
#[test]
fn should_trap_query_replies_above_three_mebibytes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&replying(3 * MIB + 1));
    assert_rejected(subnet.query(id, "ask"), CanisterError, "IC0504");
}

/// A query called as an update has the limit of updates.
#[test]
fn should_trap_replicated_query_replies_above_two_mebibytes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&replying(2 * MIB + 1));
    assert_rejected(subnet.call(id, "ask", b""), CanisterError, "IC0504");
}

/// Calls a canister with an argument of so many bytes; it replies their number.
fn calling_with(bytes: usize) -> (Subnet, local_replica::CallResult) {
    let mut subnet = Subnet::new();
    let other = subnet.install(&with_updates(&[("reply", "(call $reply_i32 (call $arg_size))")]));
    let append = format!(
        "(drop (memory.grow (i32.const {})))
         (call $call_data_append (i32.const 0) (i32.const {bytes}))",
        bytes.div_ceil(65_536)
    );
    let id = subnet.install(&canister(&format!(
        r#"(table funcref (elem $on_reply))
        (data (i32.const 128) "reply")
        (func $on_reply (param i32)
          (call $arg_copy (i32.const 512) (i32.const 0) (i32.const 4)) (call $reply_i32 (i32.load (i32.const 512))))
        (func (export "canister_update call")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          {append}
          (if (call $call_perform) (then (call $fail))))"#
    )));
    let result = subnet.call(id, "call", other.as_slice());
    (subnet, result)
}

/// A call to a canister of the same subnet may carry 10 MiB, its method's name included.
#[test]
fn should_carry_ten_mebibytes_in_a_call() {
    let bytes = 10 * MIB - "reply".len();
    assert_eq!(number(calling_with(bytes).1), bytes as i32);
}

/// A larger argument traps.
#[test]
fn should_trap_call_arguments_above_ten_mebibytes() {
    assert_rejected(calling_with(10 * MIB - "reply".len() + 1).1, CanisterError, "IC0504");
}
