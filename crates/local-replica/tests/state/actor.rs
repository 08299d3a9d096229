//! A canister that does what its argument says: it counts, calls, traps, prints, certifies, sets timers.

use local_replica::{Principal, Replica};

/// What one message of an [`ACTOR`] does, in this order; the argument of its method `go`.
#[derive(Clone, Debug, Default)]
pub struct Deed {
    /// Added to the counters in the heap, in a global and in stable memory; at most 13.
    pub bump: u8,
    /// Prints four bytes and certifies them.
    pub print_and_certify: bool,
    /// Sets the global timer so many seconds ahead; 0 leaves it alone.
    pub timer_seconds: u8,
    pub call: Option<Call>,
    /// Answers before the answer of its own call is there.
    pub reply_early: bool,
    pub trap: bool,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub callee: Principal,
    pub method: &'static str,
    pub arg: Vec<u8>,
    pub cycles: u64,
    /// Waits at most so long; 0 waits without bound.
    pub timeout_seconds: u8,
    /// Traps when the answer comes.
    pub trap_in_callback: bool,
}

impl Deed {
    pub fn encode(&self) -> Vec<u8> {
        let call = self.call.as_ref();
        let flags = u8::from(self.trap)
            | u8::from(call.is_some_and(|call| call.trap_in_callback)) << 1
            | u8::from(self.print_and_certify) << 2
            | u8::from(self.reply_early) << 3
            | u8::from(call.is_some()) << 4;
        let mut bytes = vec![self.bump, flags, call.map_or(0, |call| call.timeout_seconds)];
        bytes.push(self.timer_seconds);
        bytes.push(call.map_or(0, |call| call.callee.as_slice().len() as u8));
        bytes.push(call.map_or(0, |call| call.method.len() as u8));
        bytes.extend([0, 0]);
        bytes.extend(call.map_or(0, |call| call.cycles).to_le_bytes());
        if let Some(call) = call {
            bytes.extend(call.callee.as_slice());
            bytes.extend(call.method.as_bytes());
            bytes.extend(&call.arg);
        }
        bytes
    }
}

/// The heap: counter at 0, what the last answer began with at 8, a page for each bump value from
/// 8192 on, the argument at 65536.
const ACTOR: &str = r#"(module
  (import "ic0" "msg_reply" (func $msg_reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $call_on_cleanup (param i32 i32)))
  (import "ic0" "call_data_append" (func $call_data_append (param i32 i32)))
  (import "ic0" "call_cycles_add128" (func $call_cycles_add (param i64 i64)))
  (import "ic0" "call_with_best_effort_response" (func $call_bounded (param i32)))
  (import "ic0" "call_perform" (func $call_perform (result i32)))
  (import "ic0" "stable64_size" (func $stable_size (result i64)))
  (import "ic0" "stable64_grow" (func $stable_grow (param i64) (result i64)))
  (import "ic0" "stable64_read" (func $stable_read (param i64 i64 i64)))
  (import "ic0" "stable64_write" (func $stable_write (param i64 i64 i64)))
  (import "ic0" "global_timer_set" (func $timer_set (param i64) (result i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (import "ic0" "data_certificate_size" (func $certificate_size (result i32)))
  (import "ic0" "data_certificate_copy" (func $certificate_copy (param i32 i32 i32)))
  (memory (export "memory") 2)
  (table funcref (elem $on_reply $on_reject $on_cleanup))
  (global $counter (mut i32) (i32.const 0))
  (global $argument i32 (i32.const 65536))
  (func $bump (param $by i32)
    (local $slot i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get $by)))
    (global.set $counter (i32.add (global.get $counter) (local.get $by)))
    (local.set $slot (i32.mul (i32.add (local.get $by) (i32.const 2)) (i32.const 4096)))
    (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i32.const 1)))
    (if (i64.eqz (call $stable_size)) (then (drop (call $stable_grow (i64.const 2)))))
    (call $stable_read (i64.const 16) (i64.const 0) (i64.const 4))
    (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (local.get $by)))
    (call $stable_write (i64.const 0) (i64.const 16) (i64.const 4)))
  (func $answer (call $append (i32.const 0) (i32.const 4)) (call $msg_reply))
  (func $flag (param $flags i32) (param $bit i32) (result i32)
    (i32.and (local.get $flags) (local.get $bit)))
  (func $at (param $offset i32) (result i32)
    (i32.load8_u (i32.add (global.get $argument) (local.get $offset))))
  (func (export "canister_update go")
    (local $flags i32) (local $callee i32) (local $method i32)
    (call $arg_copy (global.get $argument) (i32.const 0) (call $arg_size))
    (local.set $flags (call $at (i32.const 1)))
    (call $bump (call $at (i32.const 0)))
    (if (call $flag (local.get $flags) (i32.const 4))
      (then (call $print (i32.const 0) (i32.const 4)) (call $certify (i32.const 0) (i32.const 4))))
    (if (call $at (i32.const 3))
      (then (drop (call $timer_set
        (i64.add (call $time)
          (i64.mul (i64.extend_i32_u (call $at (i32.const 3))) (i64.const 1000000000)))))))
    (local.set $callee (i32.add (global.get $argument) (i32.const 16)))
    (local.set $method (i32.add (local.get $callee) (call $at (i32.const 4))))
    (if (call $flag (local.get $flags) (i32.const 16))
      (then
        (call $call_new
          (local.get $callee) (call $at (i32.const 4)) (local.get $method) (call $at (i32.const 5))
          (i32.const 0) (local.get $flags) (i32.const 1) (local.get $flags))
        (call $call_on_cleanup (i32.const 2) (local.get $flags))
        (call $call_data_append
          (i32.add (local.get $method) (call $at (i32.const 5)))
          (i32.sub (call $arg_size)
            (i32.add (i32.const 16) (i32.add (call $at (i32.const 4)) (call $at (i32.const 5))))))
        (call $call_cycles_add (i64.const 0)
          (i64.load (i32.add (global.get $argument) (i32.const 8))))
        (if (call $at (i32.const 2)) (then (call $call_bounded (call $at (i32.const 2)))))
        (if (call $call_perform) (then (call $bump (i32.const 11))))
        (if (call $flag (local.get $flags) (i32.const 8)) (then (call $answer))))
      (else (call $answer)))
    (if (call $flag (local.get $flags) (i32.const 1)) (then unreachable)))
  (func $finish (param $flags i32)
    (if (call $flag (local.get $flags) (i32.const 2)) (then unreachable))
    (if (i32.eqz (call $flag (local.get $flags) (i32.const 8))) (then (call $answer))))
  (func $on_reply (param $flags i32)
    (local $size i32)
    (local.set $size (call $arg_size))
    (if (i32.gt_u (local.get $size) (i32.const 8)) (then (local.set $size (i32.const 8))))
    (call $arg_copy (i32.const 8) (i32.const 0) (local.get $size))
    (call $bump (i32.const 1))
    (call $finish (local.get $flags)))
  (func $on_reject (param $flags i32)
    (call $bump (i32.const 3))
    (call $finish (local.get $flags)))
  (func $on_cleanup (param $flags i32) (call $bump (i32.const 5)))
  (func (export "canister_global_timer") (call $bump (i32.const 7)))
  (func (export "canister_query certificate")
    (call $certificate_copy (global.get $argument) (i32.const 0) (call $certificate_size))
    (call $append (global.get $argument) (call $certificate_size))
    (call $msg_reply))
  (func (export "canister_query count") (call $answer)))"#;

/// The module of an actor.
pub fn wasm() -> Vec<u8> {
    wat::parse_str(ACTOR).expect("the text is a valid module")
}

/// So many actors, installed.
pub fn actors(replica: &mut Replica, count: usize) -> Vec<Principal> {
    let wasm = wasm();
    let mut actor = || {
        let canister = replica.create_canister(vec![Principal::anonymous()]);
        replica.install(canister, &wasm, Vec::new()).expect("it installs");
        canister
    };
    (0..count).map(|_| actor()).collect()
}
