//! The canister under test: it executes programs and prints, before each, what it sees.

/// Cycles in one unit. All fees of a history together are less, so that a balance rounded up to
/// units says how many were moved.
pub const UNIT_CYCLES: u128 = 1_000_000_000_000_000;

/// How many callbacks of open calls the canister has room for; a later call with the same
/// remainder overwrites an earlier one's, which then does nothing.
pub const SLOTS: u32 = 32;

/// What the canister prints when a message starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    pub kind: Kind,
    /// Of the call or the user's message; 0 in timers and before upgrades.
    pub id: u32,
    pub heap: u32,
    pub global: u32,
    pub stable: u32,
    pub reject_code: u32,
    pub refunded_units: u32,
    pub available_units: u32,
    /// Whether the call being answered has a deadline.
    pub has_deadline: bool,
    /// What was replied, in reply callbacks: the cell of the callee's heap.
    pub reply: u32,
    /// `ic0.canister_status`.
    pub status: u32,
    /// 0 or 1 for the canisters, 200 for users, 255 for the system.
    pub caller: u32,
}

/// How the canister was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    Update = 1,
    Query,
    Reply,
    Reject,
    Cleanup,
    Timer,
    Init,
    PreUpgrade,
    PostUpgrade,
}

/// One line of a canister's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Saw(Observation),
    Trapped,
}

impl Line {
    /// Reads one record of the log.
    pub fn parse(content: &[u8]) -> Option<Self> {
        if content.starts_with(b"[TRAP]") {
            return Some(Self::Trapped);
        }
        let words: Vec<u32> = content
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")))
            .collect();
        let &[
            kind,
            id,
            heap,
            global,
            stable,
            reject_code,
            refunded,
            available,
            deadline,
            reply,
            status,
            caller,
        ] = words.as_slice()
        else {
            return None;
        };
        let kinds = [
            Kind::Update,
            Kind::Query,
            Kind::Reply,
            Kind::Reject,
            Kind::Cleanup,
            Kind::Timer,
            Kind::Init,
            Kind::PreUpgrade,
            Kind::PostUpgrade,
        ];
        let kind = kinds.into_iter().find(|known| *known as u32 == kind)?;
        Some(Self::Saw(Observation {
            kind,
            id,
            heap,
            global,
            stable,
            reject_code,
            refunded_units: refunded,
            available_units: available,
            has_deadline: deadline != 0,
            reply,
            status,
            caller,
        }))
    }
}

/// What the modules mix their cells with; each module has another one, so that the cells tell which
/// code ran.
pub const FACTORS: [u32; 2] = [31, 37];

/// Which of the modules the installation of this id brings.
pub fn module_of(id: crate::program::Id) -> usize {
    (id % 2) as usize
}

/// The modules; they call the canisters with these ids.
pub fn modules(ids: &[Vec<u8>; 2]) -> [Vec<u8>; 2] {
    FACTORS.map(|factor| wasm(ids, factor))
}

fn wasm(ids: &[Vec<u8>; 2], factor: u32) -> Vec<u8> {
    let mut data = String::new();
    let missing = [0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 1];
    for (i, callee) in [ids[0].as_slice(), ids[1].as_slice(), &missing, &[]].iter().enumerate() {
        data += &sized_data(128 + 16 * i, callee);
    }
    for (i, method) in crate::program::METHODS.iter().enumerate() {
        data += &sized_data(256 + 32 * i, method.as_bytes());
    }
    for caller in crate::program::CALLERS {
        data += &format!(
            "(export \"canister_update update_{caller}\" (func $update))
             (export \"canister_query query_{caller}\" (func $query))"
        );
    }
    let interpreter = INTERPRETER.replace("FACTOR", &factor.to_string());
    wat::parse_str(format!("(module {interpreter} {data})")).expect("the text is a valid module")
}

/// A byte that says how many follow, and those.
fn sized_data(address: usize, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {address}) \"\\{:02x}{escaped}\")", bytes.len())
}

/// Memory: 0 heap cell, 4 poison, 16 scratch, 64 observation, 128 callees, 256 method names,
/// 1024 timer program, 4096 argument, 20480 callbacks of open calls.
const INTERPRETER: &str = r#"
  (import "ic0" "msg_reply" (func $msg_reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reject" (func $msg_reject (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
  (import "ic0" "msg_caller_copy" (func $caller_copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
  (import "ic0" "msg_deadline" (func $deadline (result i64)))
  (import "ic0" "msg_cycles_accept128" (func $accept_cycles (param i64 i64 i32)))
  (import "ic0" "msg_cycles_refunded128" (func $refunded_cycles (param i32)))
  (import "ic0" "msg_cycles_available128" (func $available_cycles (param i32)))
  (import "ic0" "canister_status" (func $status (result i32)))
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
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (memory (export "memory") 1)
  (global $cell (mut i32) (i32.const 0))
  (table funcref (elem $on_reply $on_reject $on_cleanup))

  (func $mix (param $cell i32) (param $by i32) (result i32)
    (i32.add (i32.mul (local.get $cell) (i32.const FACTOR)) (local.get $by)))

  (func $units (result i32) ;; of the amount in the scratch
    (i32.wrap_i64 (i64.div_u (i64.load (i32.const 16)) (i64.const 1000000000000000))))

  (func $stable_cell (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (if (i64.gt_u (call $stable_size) (i64.const 0))
      (then (call $stable_read (i64.const 16) (i64.const 0) (i64.const 4))))
    (i32.load (i32.const 16)))

  (func $mix_stable (param $by i32)
    (local $cell i32)
    (local.set $cell (call $mix (call $stable_cell) (local.get $by)))
    (if (i64.eqz (call $stable_size)) (then (drop (call $stable_grow (i64.const 1)))))
    (i32.store (i32.const 16) (local.get $cell))
    (call $stable_write (i64.const 0) (i64.const 16) (i64.const 4)))

  (func $mix_heap (param $by i32)
    (i32.store (i32.const 0) (call $mix (i32.load (i32.const 0)) (local.get $by))))

  (func $caller (result i32)
    (if (i32.eqz (call $caller_size)) (then (return (i32.const 255))))
    (if (i32.gt_u (call $caller_size) (i32.const 10)) (then (return (i32.const 200))))
    (call $caller_copy (i32.const 16) (i32.const 0) (i32.const 10))
    (i32.load8_u (i32.const 23)))

  ;; Prints what this message sees. Kinds 1 to 4 have a call to answer, 3 to 5 an answer.
  (func $observe (param $kind i32) (param $id i32)
    (memory.fill (i32.const 64) (i32.const 0) (i32.const 48))
    (i32.store (i32.const 64) (local.get $kind))
    (i32.store (i32.const 68) (local.get $id))
    (i32.store (i32.const 72) (i32.load (i32.const 0)))
    (i32.store (i32.const 76) (global.get $cell))
    (i32.store (i32.const 80) (call $stable_cell))
    (if (i32.and (i32.ge_u (local.get $kind) (i32.const 3)) (i32.le_u (local.get $kind) (i32.const 5)))
      (then (i32.store (i32.const 84) (call $reject_code))))
    (if (i32.and (i32.ge_u (local.get $kind) (i32.const 3)) (i32.le_u (local.get $kind) (i32.const 4)))
      (then
        (call $refunded_cycles (i32.const 16))
        (i32.store (i32.const 88) (call $units))))
    (if (i32.le_u (local.get $kind) (i32.const 4))
      (then
        (call $available_cycles (i32.const 16))
        (i32.store (i32.const 92) (call $units))
        (i32.store (i32.const 96) (i64.ne (call $deadline) (i64.const 0)))))
    (if (i32.eq (local.get $kind) (i32.const 3))
      (then (if (i32.eq (call $arg_size) (i32.const 5))
        (then (call $arg_copy (i32.const 100) (i32.const 1) (i32.const 4))))))
    (i32.store (i32.const 104) (call $status))
    (i32.store (i32.const 108) (call $caller))
    (call $print (i32.const 64) (i32.const 48)))

  (func $call (param $p i32) (result i32) ;; the end of the operation
    (local $callee i32) (local $method i32) (local $id i32) (local $arg i32) (local $callbacks i32)
    (local.set $callee (i32.add (i32.const 128) (i32.shl (i32.load8_u offset=1 (local.get $p)) (i32.const 4))))
    (local.set $method (i32.add (i32.const 256) (i32.shl (i32.load8_u offset=2 (local.get $p)) (i32.const 5))))
    (local.set $id (i32.load offset=5 (local.get $p)))
    (local.set $arg (i32.add (local.get $p) (i32.const 10)))
    (local.set $callbacks
      (i32.add (i32.add (local.get $arg) (i32.const 2)) (i32.load16_u (local.get $arg))))
    (call $call_new
      (i32.add (local.get $callee) (i32.const 1)) (i32.load8_u (local.get $callee))
      (i32.add (local.get $method) (i32.const 1)) (i32.load8_u (local.get $method))
      (i32.const 0) (local.get $id) (i32.const 1) (local.get $id))
    (if (i32.load8_u offset=9 (local.get $p))
      (then (call $call_on_cleanup (i32.const 2) (local.get $id))))
    (if (i32.load8_u offset=4 (local.get $p))
      (then (call $call_bounded (i32.load8_u offset=4 (local.get $p)))))
    (if (i32.load8_u offset=3 (local.get $p))
      (then (call $call_cycles_add (i64.const 0)
        (i64.mul (i64.load8_u offset=3 (local.get $p)) (i64.const 1000000000000000)))))
    (call $call_data_append (i32.add (local.get $arg) (i32.const 2)) (i32.load16_u (local.get $arg)))
    (i32.store (call $slot (local.get $id)) (local.get $id))
    (memory.copy
      (i32.add (call $slot (local.get $id)) (i32.const 4))
      (i32.add (local.get $callbacks) (i32.const 2))
      (i32.load16_u (local.get $callbacks)))
    (if (call $call_perform) (then (call $trap (i32.const 0) (i32.const 0))))
    (i32.add (i32.add (local.get $callbacks) (i32.const 2)) (i32.load16_u (local.get $callbacks))))

  (func $slot (param $id i32) (result i32)
    (i32.add (i32.const 20480) (i32.shl (i32.and (local.get $id) (i32.const 31)) (i32.const 10))))

  (func $execute (param $p i32) (param $size i32)
    (local $end i32) (local $op i32)
    (local.set $end (i32.add (local.get $p) (local.get $size)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
      (local.set $op (i32.load8_u (local.get $p)))
      (if (i32.eq (local.get $op) (i32.const 1)) (then
        (call $mix_heap (i32.load8_u offset=1 (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 2))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 2)) (then
        (global.set $cell (call $mix (global.get $cell) (i32.load8_u offset=1 (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 2))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 3)) (then
        (call $mix_stable (i32.load8_u offset=1 (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 2))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 4)) (then
        (i32.store8 (i32.const 16) (i32.load8_u offset=1 (local.get $p)))
        (i32.store (i32.const 17) (i32.load (i32.const 0)))
        (call $append (i32.const 16) (i32.const 5))
        (call $msg_reply)
        (local.set $p (i32.add (local.get $p) (i32.const 2))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 5)) (then
        (call $msg_reject (i32.const 257) (i32.const 4))
        (local.set $p (i32.add (local.get $p) (i32.const 1))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 6)) (then
        (call $trap (i32.const 257) (i32.const 4))))
      (if (i32.eq (local.get $op) (i32.const 7)) (then
        (call $accept_cycles (i64.const 0)
          (i64.mul (i64.load8_u offset=1 (local.get $p)) (i64.const 1000000000000000)) (i32.const 16))
        (call $mix_heap (call $units))
        (local.set $p (i32.add (local.get $p) (i32.const 2))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 8)) (then
        (drop (call $timer_set (i64.add (call $time)
          (i64.mul (i64.load16_u offset=1 (local.get $p)) (i64.const 1000000000)))))
        (memory.copy (i32.const 1024)
          (i32.add (local.get $p) (i32.const 3))
          (i32.add (i32.const 2) (i32.load16_u offset=3 (local.get $p))))
        (local.set $p
          (i32.add (i32.add (local.get $p) (i32.const 5)) (i32.load16_u offset=3 (local.get $p))))
        (br $next)))
      (if (i32.eq (local.get $op) (i32.const 9)) (then
        (local.set $p (call $call (local.get $p))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 10)) (then
        (i32.store (i32.const 4) (i32.const 1))
        (local.set $p (i32.add (local.get $p) (i32.const 1))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 11)) (then
        (if (i32.lt_u (memory.size) (i32.const 4)) (then (drop (memory.grow (i32.const 1)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 12)) (then
        (call $certify (i32.const 0) (i32.const 4))
        (local.set $p (i32.add (local.get $p) (i32.const 1))) (br $next)))
      (unreachable))))

  ;; Executes the program after its size, from where it cannot overwrite itself.
  (func $execute_copy (param $p i32)
    (memory.copy (i32.const 4096) (i32.add (local.get $p) (i32.const 2)) (i32.load16_u (local.get $p)))
    (call $execute (i32.const 4096) (i32.load16_u (local.get $p))))

  ;; Executes the argument.
  (func $run (param $kind i32)
    (call $arg_copy (i32.const 4096) (i32.const 0) (call $arg_size))
    (call $observe (local.get $kind) (i32.load (i32.const 4096)))
    (call $execute (i32.const 4100) (i32.sub (call $arg_size) (i32.const 4))))

  ;; Executes the callback after this many others of the call's slot.
  (func $callback (param $kind i32) (param $id i32) (param $skip i32)
    (local $p i32)
    (call $observe (local.get $kind) (local.get $id))
    (local.set $p (call $slot (local.get $id)))
    (if (i32.ne (i32.load (local.get $p)) (local.get $id)) (then (return)))
    (local.set $p (i32.add (local.get $p) (i32.const 4)))
    (block $found (loop $next
      (br_if $found (i32.eqz (local.get $skip)))
      (local.set $p (i32.add (i32.add (local.get $p) (i32.const 2)) (i32.load16_u (local.get $p))))
      (local.set $skip (i32.sub (local.get $skip) (i32.const 1)))
      (br $next)))
    (call $execute_copy (local.get $p)))

  (func $update (call $run (i32.const 1)))
  (func $query (call $run (i32.const 2)))
  (func $on_reply (param $id i32) (call $callback (i32.const 3) (local.get $id) (i32.const 0)))
  (func $on_reject (param $id i32) (call $callback (i32.const 4) (local.get $id) (i32.const 1)))
  (func $on_cleanup (param $id i32) (call $callback (i32.const 5) (local.get $id) (i32.const 2)))
  (func (export "canister_global_timer")
    (call $observe (i32.const 6) (i32.const 0))
    (call $execute_copy (i32.const 1024)))
  (func (export "canister_init") (call $run (i32.const 7)))
  (func (export "canister_pre_upgrade")
    (call $observe (i32.const 8) (i32.const 0))
    (call $mix_stable (i32.load (i32.const 0)))
    (if (i32.load (i32.const 4)) (then (call $trap (i32.const 257) (i32.const 4)))))
  (func (export "canister_post_upgrade") (call $run (i32.const 9)))
"#;
