//! Calls of the management canister by every kind of caller, for the clauses about its methods.

use candid::{CandidType, Decode, Deserialize, Encode};
use local_replica::{CallResult, Principal, QueryMessage, Reject, RejectCode};

use crate::canisters::{Subnet, USER};

/// A user who controls nothing.
pub const STRANGER: Principal = Principal::from_slice(&[2; 29]);

/// A canister whose update `forward` calls the management canister and replies what came back: a byte
/// that is 0 or the reject code, then the reply or the reject message. It has a metadata section of
/// each kind.
pub fn proxy() -> Vec<u8> {
    wat::parse_str(
        r#"(module
          (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
          (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
          (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
          (import "ic0" "msg_reject_msg_size" (func $reject_size (result i32)))
          (import "ic0" "msg_reject_msg_copy" (func $reject_copy (param i32 i32 i32)))
          (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
          (import "ic0" "call_data_append" (func $call_data_append (param i32 i32)))
          (import "ic0" "call_cycles_add128" (func $call_cycles_add (param i64 i64)))
          (import "ic0" "call_perform" (func $call_perform (result i32)))
          (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
          (import "ic0" "msg_reply" (func $reply))
          (import "ic0" "debug_print" (func $print (param i32 i32)))
          (memory (export "memory") 40)
          (table funcref (elem $on_reply $on_reject))
          (global $calls (mut i32) (i32.const 0))
          (data (i32.const 0) "printed")
          (func $on_reply (param i32)
            (i32.store8 (i32.const 65535) (i32.const 0))
            (call $arg_copy (i32.const 65536) (i32.const 0) (call $arg_size))
            (call $append (i32.const 65535) (i32.add (i32.const 1) (call $arg_size)))
            (call $reply))
          (func $on_reject (param i32)
            (i32.store8 (i32.const 65535) (call $reject_code))
            (call $reject_copy (i32.const 65536) (i32.const 0) (call $reject_size))
            (call $append (i32.const 65535) (i32.add (i32.const 1) (call $reject_size)))
            (call $reply))
          (func (export "canister_update forward")
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (call $arg_copy (i32.const 65536) (i32.const 0) (call $arg_size))
            (call $call_new (i32.const 0) (i32.const 0)
              (i32.const 65556) (i32.load (i32.const 65536))
              (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
            (call $call_cycles_add (i64.load (i32.const 65548)) (i64.load (i32.const 65540)))
            (call $call_data_append
              (i32.add (i32.const 65556) (i32.load (i32.const 65536)))
              (i32.sub (i32.sub (call $arg_size) (i32.const 20)) (i32.load (i32.const 65536))))
            (if (call $call_perform) (then (unreachable))))
          (func (export "canister_update print") (call $print (i32.const 0) (i32.const 7)) (call $reply))
          (func (export "canister_query calls")
            (i32.store (i32.const 32) (global.get $calls))
            (call $append (i32.const 32) (i32.const 4))
            (call $reply))
          (@custom "icp:public note" "for all")
          (@custom "icp:private note2" "for controllers"))"#,
    )
    .expect("the text is a valid module")
}

impl Subnet {
    /// Calls the management canister as this user.
    pub fn manage_as(&mut self, sender: Principal, method: &str, arg: Vec<u8>) -> CallResult {
        self.replica.call(sender, Principal::management_canister(), method, arg)
    }

    /// Calls the management canister from a [`proxy`]; rejects come without their finer code.
    pub fn manage_from(
        &mut self,
        proxy: Principal,
        method: &str,
        arg: impl CandidType,
        cycles: u128,
    ) -> CallResult {
        self.forward(proxy, method, &candid::encode_one(arg).expect("the argument can be encoded"), cycles)
    }

    /// Like [`Subnet::manage_from`], with an encoded argument.
    pub fn forward(&mut self, proxy: Principal, method: &str, arg: &[u8], cycles: u128) -> CallResult {
        let reply = self.call(proxy, "forward", &forwarded(method, arg, cycles))?;
        unwrapped(&reply)
    }

    /// Queries the management canister as this user.
    pub fn query_management(&mut self, sender: Principal, method: &str, arg: impl CandidType) -> CallResult {
        self.replica.query(QueryMessage {
            sender,
            canister_id: Principal::management_canister(),
            method_name: method.to_owned(),
            arg: Encode!(&arg).expect("the argument can be encoded"),
        })
    }

    /// A new canister controlled by [`USER`] that runs a [`proxy`].
    pub fn proxy(&mut self) -> Principal {
        self.install(&proxy())
    }

    /// A new empty canister controlled by [`USER`].
    pub fn empty(&mut self) -> Principal {
        self.replica.create_canister(vec![USER])
    }
}

/// The argument of `forward`.
pub fn forwarded(method: &str, arg: &[u8], cycles: u128) -> Vec<u8> {
    let size = (method.len() as u32).to_le_bytes();
    [&size[..], &cycles.to_le_bytes(), method.as_bytes(), arg].concat()
}

/// What `forward` replied, as the call that it made was answered.
pub fn unwrapped(reply: &[u8]) -> CallResult {
    let (code, rest) = reply.split_first().expect("forward replies at least one byte");
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

/// The value that the management canister replied.
pub fn decoded<T: CandidType + for<'a> Deserialize<'a>>(result: CallResult) -> T {
    Decode!(&result.expect("a reply"), T).expect("the reply has this type")
}
