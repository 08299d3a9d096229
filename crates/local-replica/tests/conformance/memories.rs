//! Canister interface › WebAssembly module requirements › 64-bit memories, limits of memories

use candid::Principal;
use ic_management_canister_types::{CanisterSettings, UpdateSettingsArgs};
use local_replica::RejectCode::CanisterError;

use crate::canisters::{Subnet, USER, assert_rejected, callee, canister, number};

/// A canister with a 64-bit memory: its pointers, sizes and callbacks' arguments have 64 bits.
fn wide(body: &str) -> Vec<u8> {
    let common = r#"
      (import "ic0" "msg_arg_data_size" (func $arg_size (result i64)))
      (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i64 i64 i64)))
      (import "ic0" "msg_caller_size" (func $caller_size (result i64)))
      (import "ic0" "msg_reply_data_append" (func $append (param i64 i64)))
      (import "ic0" "msg_reply" (func $msg_reply))
      (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
      (import "ic0" "canister_cycle_balance128" (func $balance (param i64)))
      (import "ic0" "call_new" (func $call_new (param i64 i64 i64 i64 i64 i64 i64 i64)))
      (import "ic0" "call_on_cleanup" (func $call_on_cleanup (param i64 i64)))
      (import "ic0" "call_perform" (func $call_perform (result i32)))
      (import "ic0" "env_var_name_exists" (func $variable_exists (param i64 i64) (result i32)))
      (import "ic0" "trap" (func $trap (param i64 i64)))
      (memory i64 1)
      (func $reply_i64 (param $value i64)
        (i64.store (i64.const 32) (local.get $value))
        (call $append (i64.const 32) (i64.const 8))
        (call $msg_reply))"#;
    wat::parse_str(format!("(module {common} {body})")).expect("the text is a valid module")
}

fn number_64(result: local_replica::CallResult) -> i64 {
    i64::from_le_bytes(result.expect("a reply").try_into().expect("eight bytes"))
}

fn assert_not_installable(module: &str) {
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![USER]);
    let wasm = wat::parse_str(module).expect("the text is a valid module");
    let reject = subnet.replica.install(id, &wasm, Vec::new()).expect_err("the module breaks a rule");
    assert_eq!(reject.error_code.as_deref(), Some("IC0505"), "{}", reject.message);
}

/// With a 64-bit memory, blobs are read and answers written through 64-bit pointers and sizes.
#[test]
fn should_take_and_return_64_bit_pointers_when_the_memory_has_64_bits() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&wide(
        r#"(func (export "canister_update echo")
             (call $arg_copy (i64.const 64) (i64.const 0) (call $arg_size))
             (call $append (i64.const 64) (call $arg_size)) (call $msg_reply))
           (func (export "canister_update caller_size") (call $reply_i64 (call $caller_size)))"#,
    ));
    assert_eq!(subnet.call(id, "echo", b"as it came").expect("a reply"), b"as it came");
    assert_eq!(number_64(subnet.call(id, "caller_size", b"")), USER.as_slice().len() as i64);
}

/// A pointer beyond 32 bits is not cut to 32 bits: it lies outside of the memory, and the call traps.
#[test]
fn should_not_cut_64_bit_pointers() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&wide(
        r#"(func (export "canister_update far") (call $balance (i64.const 0x100000000)) (call $msg_reply))"#,
    ));
    assert_rejected(subnet.call(id, "far", b""), CanisterError, "IC0504");
}

/// A callback of a canister with a 64-bit memory takes its environment as i64, with all its bits.
#[test]
fn should_pass_64_bit_environments_to_callbacks() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&wide(
        r#"(table funcref (elem $on_reply $on_reject))
           (data (i64.const 128) "reply")
           (func $on_reply (param i64) (call $reply_i64 (local.get 0)))
           (func $on_reject (param i64) (call $reply_i64 (i64.const -1)))
           (func (export "canister_update call")
             (call $arg_copy (i64.const 256) (i64.const 0) (call $arg_size))
             (call $call_new (i64.const 256) (call $arg_size) (i64.const 128) (i64.const 5)
               (i64.const 0) (i64.const 0x123456789abcdef) (i64.const 1) (i64.const 0))
             (drop (call $call_perform)))"#,
    ));
    assert_eq!(number_64(subnet.call(caller, "call", callee.as_slice())), 0x123456789abcdef);
}

/// A callback whose argument has the width of the other kind of memory is none.
#[test]
fn should_refuse_32_bit_callbacks_when_the_memory_has_64_bits() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&wide(
        r#"(table funcref (elem $narrow))
           (data (i64.const 128) "reply")
           (func $narrow (param i32) (call $msg_reply))
           (func (export "canister_update call")
             (call $arg_copy (i64.const 256) (i64.const 0) (call $arg_size))
             (call $call_new (i64.const 256) (call $arg_size) (i64.const 128) (i64.const 5)
               (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))
             (drop (call $call_perform)))"#,
    ));
    assert_rejected(subnet.call(caller, "call", callee.as_slice()), CanisterError, "IC0504");
}

/// A module with a 64-bit memory cannot import a system call with 32-bit pointers.
#[test]
fn should_refuse_32_bit_imports_when_the_memory_has_64_bits() {
    assert_not_installable(
        r#"(module (import "ic0" "msg_reply_data_append" (func (param i32 i32))) (memory i64 1))"#,
    );
}

/// A module with a 32-bit memory cannot import a system call with 64-bit pointers.
#[test]
fn should_refuse_64_bit_imports_when_the_memory_has_32_bits() {
    assert_not_installable(
        r#"(module (import "ic0" "msg_reply_data_append" (func (param i64 i64))) (memory 1))"#,
    );
}

/// The older calls with 32-bit stable memory addresses are not there for 64-bit memories.
#[test]
fn should_not_offer_the_older_calls_when_the_memory_has_64_bits() {
    assert_not_installable(r#"(module (import "ic0" "stable_size" (func (result i32))) (memory i64 1))"#);
}

/// A 64-bit memory grows beyond 4 GiB, up to 6 GiB; a trap undoes it.
#[test]
fn should_let_64_bit_memories_grow_to_6_gib() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&wide(
        r#"(func (export "canister_query grow")
             (drop (memory.grow (i64.const 98302)))
             (i64.store (i64.const 0x17ffefff8) (i64.const 5))
             (if (i64.ne (memory.grow (i64.const 2)) (i64.const -1)) (then (unreachable)))
             (if (i64.ne (memory.grow (i64.const 1)) (i64.const 98303)) (then (unreachable)))
             (call $reply_i64 (i64.load (i64.const 0x17ffefff8))))
           (func (export "canister_update size") (call $reply_i64 (memory.size)))"#,
    ));
    assert_eq!(number_64(subnet.query(id, "grow")), 5);
    assert_eq!(number_64(subnet.call(id, "size", b"")), 1);
}

/// A 32-bit memory grows to 4 GiB and not beyond.
#[test]
fn should_let_32_bit_memories_grow_to_4_gib() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_query grow")
             (drop (memory.grow (i32.const 65535)))
             (i32.store (i32.const 0xfffffffc) (i32.const 6))
             (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
             (call $reply_i32 (i32.load (i32.const 0xfffffffc))))"#,
    ));
    assert_eq!(number(subnet.query(id, "grow")), 6);
}

/// Stable memory grows to 500 GiB and not beyond; what is not written takes no room.
#[test]
fn should_let_stable_memory_grow_to_500_gib() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_query grow")
             (if (i64.ne (call $stable_grow (i64.const 8192001)) (i64.const -1)) (then (unreachable)))
             (if (i64.ne (call $stable_grow (i64.const 8192000)) (i64.const 0)) (then (unreachable)))
             (if (i64.ne (call $stable_grow (i64.const 1)) (i64.const -1)) (then (unreachable)))
             (i32.store (i32.const 512) (i32.const 8))
             (call $stable_write (i64.const 536870911996) (i64.const 512) (i64.const 4))
             (call $stable_read (i64.const 516) (i64.const 536870911996) (i64.const 4))
             (call $reply_i32 (i32.load (i32.const 516))))"#,
    ));
    assert_eq!(number(subnet.query(id, "grow")), 8);
}

/// Grows by three pages, through each entry point.
const GROWING: &str = r#"
    (table funcref (elem $grow))
    (data (i32.const 128) "reply")
    (func $grow (param i32) (drop (memory.grow (i32.const 3))) (call $msg_reply))
    (func (export "canister_update grow") (call $grow (i32.const 0)))
    (func (export "canister_query ask") (call $grow (i32.const 0)))
    (func (export "canister_update call")
      (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
      (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (drop (call $call_perform)))
    (func (export "canister_update idle") (call $msg_reply))"#;

fn limit_memory(subnet: &mut Subnet, id: Principal, bytes: u64) {
    let settings = CanisterSettings { wasm_memory_limit: Some(bytes.into()), ..CanisterSettings::default() };
    let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("a controller may");
}

/// An update after which the memory is above `wasm_memory_limit` traps, and the growth is undone.
#[test]
fn should_trap_updates_that_exceed_the_memory_limit() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(GROWING));
    limit_memory(&mut subnet, id, 3 * 65_536);
    assert_rejected(subnet.call(id, "grow", b""), CanisterError, "IC0539");
    assert_eq!(subnet.replica.canister_memory(id).len(), 65_536);
}

/// Reaching the limit exactly is allowed.
#[test]
fn should_let_an_update_reach_the_memory_limit() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(GROWING));
    limit_memory(&mut subnet, id, 4 * 65_536);
    subnet.call(id, "grow", b"").expect("a reply");
    assert_eq!(subnet.replica.canister_memory(id).len(), 4 * 65_536);
}

/// A limit of 0 is none.
#[test]
fn should_not_limit_the_memory_when_the_limit_is_zero() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(GROWING));
    limit_memory(&mut subnet, id, 0);
    subnet.call(id, "grow", b"").expect("a reply");
}

/// Queries are not held to the memory limit.
#[test]
fn should_not_hold_queries_to_the_memory_limit() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(GROWING));
    limit_memory(&mut subnet, id, 65_536);
    subnet.query(id, "ask").expect("a reply");
}

/// Callbacks are not held to the memory limit, but updates that find the memory above it trap.
#[test]
fn should_not_hold_callbacks_to_the_memory_limit() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&canister(GROWING));
    limit_memory(&mut subnet, id, 65_536);
    subnet.call(id, "call", callee.as_slice()).expect("a reply");
    assert_eq!(subnet.replica.canister_memory(id).len(), 4 * 65_536);
    assert_rejected(subnet.call(id, "idle", b""), CanisterError, "IC0539");
}
