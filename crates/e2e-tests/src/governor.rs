//! A governing canister that is not ours: it calls as an SNS governance canister executes generic proposals and as an
//! Orbit station carries out requests to call another canister.
//!
//! Both fix method and argument when the proposal is made, call the validator with that very argument, and later the
//! target. Both take any reply of the target for success and any reject for failure; a station may attach cycles.

use candid::{Decode, Principal};
use local_replica::Reject;

use crate::{World, WorldBuilder, people::controller};

/// `propose` takes callee, validator and target, each after one byte of length, and the payload; keeps all of it and
/// calls the validator. `execute` takes cycles to attach, in eight bytes, calls the target and keeps how that ended.
/// Both reply with the reject code, zero for a reply, and what the callee said. `outcome` tells that code, 255 before.
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
  (import "ic0" "call_cycles_add128" (func $call_cycles (param i64 i64)))
  (import "ic0" "call_perform" (func $call_perform (result i32)))
  (memory 128)
  (global $size (mut i32) (i32.const 0))
  (global $outcome (mut i32) (i32.const 255))
  (global $answers i32 (i32.const 4194304))
  (table funcref (elem $validated $refused $executed $failed))
  (func $after (param $text i32) (result i32)
    (i32.add (i32.add (local.get $text) (i32.const 1)) (i32.load8_u (local.get $text))))
  (func $call (param $name i32) (param $on_reply i32) (param $on_reject i32) (param $cycles i64)
    (local $payload i32)
    (local.set $payload (call $after (call $after (call $after (i32.const 0)))))
    (call $call_new
      (i32.const 1) (i32.load8_u (i32.const 0))
      (i32.add (local.get $name) (i32.const 1)) (i32.load8_u (local.get $name))
      (local.get $on_reply) (i32.const 0) (local.get $on_reject) (i32.const 0))
    (call $call_append (local.get $payload) (i32.sub (global.get $size) (local.get $payload)))
    (call $call_cycles (i64.const 0) (local.get $cycles))
    (if (call $call_perform) (then (unreachable))))
  (func (export "canister_update propose")
    (global.set $size (call $arg_size))
    (global.set $outcome (i32.const 255))
    (call $arg_copy (i32.const 0) (i32.const 0) (global.get $size))
    (call $call (call $after (i32.const 0)) (i32.const 0) (i32.const 1) (i64.const 0)))
  (func (export "canister_update execute")
    (call $arg_copy (global.get $answers) (i32.const 0) (i32.const 8))
    (call $call (call $after (call $after (i32.const 0)))
      (i32.const 2) (i32.const 3) (i64.load (global.get $answers))))
  (func (export "canister_query outcome")
    (i32.store8 (global.get $answers) (global.get $outcome))
    (call $append (global.get $answers) (i32.const 1))
    (call $reply))
  (func $pass_reply
    (i32.store8 (global.get $answers) (i32.const 0))
    (call $arg_copy (i32.add (global.get $answers) (i32.const 1)) (i32.const 0) (call $arg_size))
    (call $append (global.get $answers) (i32.add (call $arg_size) (i32.const 1)))
    (call $reply))
  (func $pass_reject
    (i32.store8 (global.get $answers) (call $reject_code))
    (call $reject_copy (i32.add (global.get $answers) (i32.const 1)) (i32.const 0) (call $reject_size))
    (call $append (global.get $answers) (i32.add (call $reject_size) (i32.const 1)))
    (call $reply))
  (func $validated (param i32) (call $pass_reply))
  (func $refused (param i32) (call $pass_reject))
  (func $executed (param i32) (global.set $outcome (i32.const 0)) (call $pass_reply))
  (func $failed (param i32) (global.set $outcome (call $reject_code)) (call $pass_reject)))"#;

/// How an executed proposal is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The target replied, whatever it said.
    Executed,
    /// The target rejected.
    Failed { code: u8, message: String },
}

/// A world whose custody obeys such a governor, which takes the place of the DAO canister.
pub struct Governed {
    pub world: World,
    /// Cycles that the governor attaches to what it executes.
    pub attached_cycles: u64,
}

impl Governed {
    pub fn new(attached_cycles: u64) -> Self {
        let mut world = WorldBuilder::default().build_without_code();
        let governor = wat::parse_str(MODULE).expect("valid text");
        world.replica.install(world.dao, &governor, Vec::new()).expect("the governor installs");
        world.install_custody();
        Self { world, attached_cycles }
    }

    /// The governor's principal, custody's authority.
    pub fn governor(&self) -> Principal {
        self.world.dao
    }

    /// Makes a proposal to call `method` of custody, and returns what voters read.
    ///
    /// # Errors
    /// What the validator said against it, or the reject.
    pub fn propose(&mut self, method: &str, payload: &[u8]) -> Result<String, String> {
        let mut message = Vec::new();
        let validator = format!("validate_{method}");
        for part in [self.world.custody.as_slice(), validator.as_bytes(), method.as_bytes()] {
            message.push(u8::try_from(part.len()).expect("names are short"));
            message.extend_from_slice(part);
        }
        message.extend_from_slice(payload);
        let (code, said) = self.tell("propose", message);
        match code {
            0 => Decode!(&said, Result<String, String>).map_err(|error| error.to_string())?,
            _ => Err(String::from_utf8_lossy(&said).into_owned()),
        }
    }

    /// Carries out the latest proposal, which was adopted.
    pub fn execute(&mut self) -> Recorded {
        let (code, said) = self.tell("execute", self.attached_cycles.to_le_bytes().to_vec());
        let outcome = self.world.replica.call(controller(), self.governor(), "outcome", Vec::new());
        assert_eq!(
            outcome.expect("a query may be called as an update"),
            [code],
            "the governor keeps the outcome"
        );
        match code {
            0 => Recorded::Executed,
            code => Recorded::Failed { code, message: String::from_utf8_lossy(&said).into_owned() },
        }
    }

    fn tell(&mut self, method: &str, message: Vec<u8>) -> (u8, Vec<u8>) {
        let governor = self.governor();
        let answer: Result<Vec<u8>, Reject> =
            self.world.replica.call(controller(), governor, method, message);
        let answer = answer.unwrap_or_else(|reject| panic!("{method}: {reject}"));
        let (code, said) = answer.split_first().expect("a code comes first");
        (*code, said.to_vec())
    }
}
