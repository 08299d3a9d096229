//! Canister interface › Blob-typed arguments and results

use local_replica::CallResult;

use super::{Code, assert_violation, query, reject_callback, reply_callback, update};
use crate::canisters::{Subnet, USER, assert_rejected};
use ic_management_canister_types::{CanisterSettings, EnvironmentVariable, UpdateSettingsArgs};
use local_replica::RejectCode;

/// An update of a canister that has the environment variable NAME = "value".
fn with_variable(code: &str) -> CallResult {
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    set_variable(&mut subnet, id);
    subnet.call(id, "run", b"")
}

fn set_variable(subnet: &mut Subnet, canister_id: candid::Principal) {
    let variable = EnvironmentVariable { name: "NAME".to_owned(), value: "value".to_owned() };
    let settings =
        CanisterSettings { environment_variables: Some(vec![variable]), ..CanisterSettings::default() };
    let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("the settings are valid");
}

fn with_argument(code: &str) -> CallResult {
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    subnet.call(id, "run", b"argument")
}

/// Accepts if the code runs to its end, and only then.
fn inspection(code: &str) -> CallResult {
    let inspect = format!("{code} (call $accept_message)");
    let (mut subnet, id) =
        Code { inspect: Some(&inspect), update: "(call $msg_reply)", ..Code::default() }.installed();
    subnet.call(id, "run", b"")
}

/// Runs code where this system call is legal and its blob has the length told.
type Entry = fn(&str) -> CallResult;

/// Where a `_copy` function is called, its arguments before `dst`, and the length of its blob as WebAssembly.
fn copy(name: &str) -> (Entry, &'static str, String) {
    let size = format!("(call ${}_size)", name.strip_suffix("_copy").expect("it is a _copy function"));
    match name {
        "msg_arg_data_copy" => (with_argument, "", size),
        "msg_reject_msg_copy" => (reject_callback, "", size),
        "msg_method_name_copy" => (inspection, "", size),
        "data_certificate_copy" => (query, "", size),
        "env_var_name_copy" => {
            (with_variable, "(i32.const 0)", "(call $env_var_name_size (i32.const 0))".to_owned())
        }
        "env_var_value_copy" => (
            with_variable,
            "(i32.const 80) (i32.const 4)",
            "(call $env_var_value_size (i32.const 80) (i32.const 4))".to_owned(),
        ),
        _ => (update, "", size),
    }
}

fn assert_copies_within_bounds(name: &str) {
    let (enter, before, size) = copy(name);
    let run = |dst: &str, offset: &str, size: &str| {
        let reply = if name == "msg_method_name_copy" { "" } else { "(call $msg_reply)" };
        enter(&format!("(call ${name} {before} {dst} {offset} {size}) {reply}"))
    };
    let (zero, one) = ("(i32.const 0)", "(i32.const 1)");
    run("(i32.const 4096)", zero, &size).expect("the whole blob");
    run("(i32.const 4096)", &size, zero).expect("nothing, at the end");
    run(&format!("(i32.sub (i32.const 65536) {size})"), zero, &size).expect("up to the end of memory");
    assert_violation(run("(i32.const 4096)", zero, &format!("(i32.add {size} {one})")));
    assert_violation(run("(i32.const 4096)", one, &size_or_one(&size)));
    assert_violation(run("(i32.const 4096)", "(i32.const -1)", &size_or_one(&size)));
    assert_violation(run("(i32.const 65537)", zero, zero));
    assert_violation(run("(i32.const -1)", zero, &size));
}

/// At least one, so that an offset of one is beyond the end of an empty blob too.
fn size_or_one(size: &str) -> String {
    format!("(select {size} (i32.const 1) {size})")
}

macro_rules! copy_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        mod copying {
            $(#[test] fn $name() { super::assert_copies_within_bounds(stringify!($name)) })*
        }
    };
}

copy_clauses! {
    /// This copies up to the end of the blob and of memory, and traps when `offset + size` exceeds
    /// the blob or `dst + size` exceeds memory, also when a sum exceeds 32 bits.
    msg_arg_data_copy msg_caller_copy canister_self_copy subnet_self_copy root_key_copy
    msg_reject_msg_copy msg_method_name_copy data_certificate_copy
    env_var_name_copy env_var_value_copy
    msg_caller_info_data_copy msg_caller_info_signer_copy
}

/// What comes before and after `src` and `size` in a call of this system call.
fn source(name: &str) -> (&'static str, &'static str) {
    match name {
        "call_data_append" => ("(call $call_answer)", ""),
        "cost_http_request_v2" => ("", "(i32.const 0)"),
        "cost_sign_with_ecdsa" | "cost_sign_with_schnorr" | "cost_vetkd_derive_key" => {
            ("", "(i32.const 0) (i32.const 0)")
        }
        _ => ("", ""),
    }
}

fn assert_reads_within_bounds(name: &str) {
    let (before, after) = source(name);
    let call =
        super::SPECIFICATION.iter().find(|call| call.name == name).expect("the specification lists it");
    let drops = if call.results.is_empty() { "" } else { "drop" };
    for (src, size) in [("65536", "1"), ("65535", "2"), ("-1", "1"), ("1", "-1")] {
        let code = format!("{before} (call ${name} (i32.const {src}) (i32.const {size}) {after}) {drops}");
        assert_violation(with_variable(&code));
    }
}

macro_rules! source_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        mod reading {
            $(#[test] fn $name() { super::assert_reads_within_bounds(stringify!($name)) })*
        }
    };
}

source_clauses! {
    /// This traps when `src + size` exceeds memory, also when the sum exceeds 32 bits.
    msg_reply_data_append msg_reject call_data_append certified_data_set is_controller
    env_var_name_exists env_var_value_size cost_http_request_v2
    cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key
}

fn assert_writes_amount_within_bounds(name: &str) {
    let (enter, before): (Entry, &str) = match name {
        "msg_cycles_refunded128" => (reply_callback, ""),
        "msg_cycles_accept128" | "cycles_burn128" => (update, "(i64.const 0) (i64.const 1)"),
        "cost_call" | "cost_http_request" => (update, "(i64.const 1) (i64.const 1)"),
        _ => (update, ""),
    };
    let run = |dst: &str| enter(&format!("(call ${name} {before} (i32.const {dst})) (call $msg_reply)"));
    run("65520").expect("the last 16 bytes of memory");
    assert_violation(run("65521"));
    assert_violation(run("-1"));
}

macro_rules! amount_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        mod writing {
            $(#[test] fn $name() { super::assert_writes_amount_within_bounds(stringify!($name)) })*
        }
    };
}

amount_clauses! {
    /// This writes 16 bytes and traps when they are not all within memory.
    canister_cycle_balance128 canister_liquid_cycle_balance128 msg_cycles_available128
    msg_cycles_refunded128 msg_cycles_accept128 cycles_burn128
    cost_call cost_create_canister cost_http_request
}

/// The callee and the name of the method are read when `call_new` is made, which traps when either
/// is not within memory.
#[test]
fn should_trap_when_callee_or_method_name_are_outside_of_memory() {
    for arguments in ["65530 10 0 0", "0 0 65530 10", "-1 1 0 0", "0 0 -1 1"] {
        let sources: String = arguments.split(' ').map(|number| format!("(i32.const {number})")).collect();
        let callbacks = "(i32.const 0)".repeat(4);
        assert_violation(update(&format!("(call $call_new {sources} {callbacks})")));
    }
}

/// A canister without memory can make system calls that move no bytes; any other traps.
#[test]
fn should_treat_a_canister_without_memory_as_one_with_an_empty_memory() {
    let wasm = wat::parse_str(
        r#"(module
          (import "ic0" "msg_reply" (func $reply))
          (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
          (func (export "canister_update run") (call $append (i32.const 0) (i32.const 0)) (call $reply))
          (func (export "canister_update read") (call $append (i32.const 0) (i32.const 1))))"#,
    )
    .expect("the text is a valid module");
    let mut subnet = Subnet::new();
    let id = subnet.install(&wasm);
    assert_eq!(subnet.replica.call(USER, id, "run", Vec::new()), Ok(Vec::new()));
    assert_rejected(subnet.call(id, "read", b""), RejectCode::CanisterError, "IC0504");
}
