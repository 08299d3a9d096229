//! Canister interface › Blob-typed arguments and results

use local_replica::RejectCode;

use super::environment_variables::run as with_variable;
use super::{SPECIFICATION, assert_violation, update};
use crate::canisters::{Subnet, USER, assert_rejected};

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
    let call = SPECIFICATION.iter().find(|call| call.name == name).expect("the specification lists it");
    let drops = if call.results.is_empty() { "" } else { "drop" };
    for (src, size) in [("65536", "1"), ("65535", "2"), ("-1", "1"), ("1", "-1")] {
        let code = format!("{before} (call ${name} (i32.const {src}) (i32.const {size}) {after}) {drops}");
        assert_violation(with_variable(&code));
    }
}

macro_rules! source_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        $(#[test] fn $name() { assert_reads_within_bounds(stringify!($name)) })*
    };
}

source_clauses! {
    /// This traps when `src + size` exceeds memory, also when the sum exceeds 32 bits.
    msg_reply_data_append msg_reject call_data_append certified_data_set is_controller
    env_var_name_exists env_var_value_size cost_http_request_v2
    cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key
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
