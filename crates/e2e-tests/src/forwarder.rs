//! A canister that calls whatever it is told to: calls between canisters meet no `canister_inspect_message`, so that
//! they show what the methods themselves refuse.

use candid::Principal;
use local_replica::{CallResult, Reject, RejectCode, Replica};

use crate::{World, people::controller};

/// `forward` takes a callee and a method, each after one byte of length, and the arguments. It replies with a zero
/// byte and the answer, or with the reject code and the reject's message.
const MODULE: &str = r#"(module
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $reject_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $reject_copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $call_append (param i32 i32)))
  (import "ic0" "call_perform" (func $call_perform (result i32)))
  (memory 64)
  (table funcref (elem $on_reply $on_reject))
  (func (export "canister_update forward") (local $method i32) (local $payload i32)
    (call $arg_copy (i32.const 0) (i32.const 0) (call $arg_size))
    (local.set $method (i32.add (i32.const 1) (i32.load8_u (i32.const 0))))
    (local.set $payload
      (i32.add (i32.add (local.get $method) (i32.const 1)) (i32.load8_u (local.get $method))))
    (call $call_new
      (i32.const 1) (i32.load8_u (i32.const 0))
      (i32.add (local.get $method) (i32.const 1)) (i32.load8_u (local.get $method))
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $call_append (local.get $payload) (i32.sub (call $arg_size) (local.get $payload)))
    (if (call $call_perform) (then (unreachable))))
  (func $on_reply (param i32)
    (i32.store8 (i32.const 0) (i32.const 0))
    (call $arg_copy (i32.const 1) (i32.const 0) (call $arg_size))
    (call $append (i32.const 0) (i32.add (call $arg_size) (i32.const 1)))
    (call $reply))
  (func $on_reject (param i32)
    (i32.store8 (i32.const 0) (call $reject_code))
    (call $reject_copy (i32.const 1) (i32.const 0) (call $reject_size))
    (call $append (i32.const 0) (i32.add (call $reject_size) (i32.const 1)))
    (call $reply)))"#;

/// The module of a canister that forwards.
pub fn forwarder_wasm() -> Vec<u8> {
    wat::parse_str(MODULE).expect("valid text")
}

impl World {
    /// A canister of its own that forwards.
    pub fn add_forwarder(&mut self) -> Principal {
        let canister = self.replica.create_canister(vec![controller()]);
        self.replica.install(canister, &forwarder_wasm(), Vec::new()).expect("installs");
        canister
    }

    /// Lets a canister forward in place of what it did, so that calls can come from its principal.
    pub fn replace_by_forwarder(&mut self, canister: Principal) {
        self.replica.upgrade(canister, &forwarder_wasm(), Vec::new()).expect("upgrades");
    }

    /// Calls `method` of `callee` from the canister `from`, which forwards.
    ///
    /// # Errors
    /// The reject that `from` saw.
    pub fn forward(&mut self, from: Principal, callee: Principal, method: &str, arg: &[u8]) -> CallResult {
        forward(&mut self.replica, from, callee, method, arg)
    }
}

/// Calls `method` of `callee` from the canister `from`, which forwards.
///
/// # Errors
/// The reject that `from` saw.
pub fn forward(
    replica: &mut Replica,
    from: Principal,
    callee: Principal,
    method: &str,
    arg: &[u8],
) -> CallResult {
    let mut message = Vec::new();
    for part in [callee.as_slice(), method.as_bytes()] {
        message.push(u8::try_from(part.len()).expect("names are short"));
        message.extend_from_slice(part);
    }
    message.extend_from_slice(arg);
    let reply = replica.call(controller(), from, "forward", message).expect("it forwards");
    let (code, rest) = reply.split_first().expect("a code comes first");
    let code = match code {
        0 => return Ok(rest.to_vec()),
        1 => RejectCode::SysFatal,
        2 => RejectCode::SysTransient,
        3 => RejectCode::DestinationInvalid,
        4 => RejectCode::CanisterReject,
        5 => RejectCode::CanisterError,
        _ => RejectCode::SysUnknown,
    };
    Err(Reject::new(code, String::from_utf8_lossy(rest)))
}
