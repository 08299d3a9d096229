//! Hand-written canisters and a subnet to run them on.
//!
//! Every canister counts in three places at once, by `$bump`: in its heap, in a mutable global and
//! in stable memory. The query `get` returns the three counters.

use std::fmt::Write;

use local_replica::{
    CallResult, IngressMessage, IngressStatus, Principal, QueryMessage, Reject, RejectCode, Replica,
    ReplicaConfig, RequestId,
};

/// Imports and functions that every canister has.
const COMMON: &str = r#"
  (import "ic0" "msg_reply" (func $msg_reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reject" (func $msg_reject (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $reject_msg_size (result i32)))
  (import "ic0" "msg_cycles_accept128" (func $accept_cycles (param i64 i64 i32)))
  (import "ic0" "msg_cycles_refunded128" (func $refunded_cycles (param i32)))
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
  (import "ic0" "data_certificate_size" (func $certificate_size (result i32)))
  (import "ic0" "accept_message" (func $accept_message))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (memory (export "memory") 1)
  (global $counter (mut i32) (i32.const 0))
  (data (i32.const 64) "no")
  (func $bump (param $by i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get $by)))
    (global.set $counter (i32.add (global.get $counter) (local.get $by)))
    (if (i64.eqz (call $stable_size)) (then (drop (call $stable_grow (i64.const 1)))))
    (call $stable_read (i64.const 16) (i64.const 0) (i64.const 4))
    (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (local.get $by)))
    (call $stable_write (i64.const 0) (i64.const 16) (i64.const 4)))
  (func $reply_i32 (param $value i32)
    (i32.store (i32.const 32) (local.get $value))
    (call $append (i32.const 32) (i32.const 4))
    (call $msg_reply))
  (func $fail (call $trap (i32.const 64) (i32.const 2)))
  (func (export "canister_query get")
    (i32.store (i32.const 32) (i32.load (i32.const 0)))
    (i32.store (i32.const 36) (global.get $counter))
    (i32.store (i32.const 40) (i32.const 0))
    (if (i64.gt_u (call $stable_size) (i64.const 0))
      (then (call $stable_read (i64.const 40) (i64.const 0) (i64.const 4))))
    (call $append (i32.const 32) (i32.const 12))
    (call $msg_reply))
"#;

/// A canister with these functions, tables and exports besides the common ones.
pub fn canister(body: &str) -> Vec<u8> {
    canister_importing("", body)
}

/// As [`canister`], with imports besides the common ones.
pub fn canister_importing(imports: &str, body: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {imports} {COMMON} {body})")).expect("the text is a valid module")
}

/// A canister whose update methods have these bodies.
pub fn with_updates(methods: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, code) in methods {
        write!(body, "(func (export \"canister_update {name}\") {code})").expect("a string takes it");
    }
    canister(&body)
}

/// Answers in every way there is.
pub fn callee() -> Vec<u8> {
    with_updates(&[
        ("reply", "(call $reply_i32 (i32.const 7))"),
        ("reject", "(call $msg_reject (i32.const 64) (i32.const 2))"),
        (
            "trap",
            "(call $bump (i32.const 1)) (call $accept_cycles (i64.const 0) (i64.const 9999) (i32.const 48)) (call $fail)",
        ),
        ("silent", ""),
        ("accept300", "(call $accept_cycles (i64.const 0) (i64.const 300) (i32.const 48)) (call $msg_reply)"),
    ])
}

/// A canister whose update `call` calls another canister; the parts are WebAssembly text.
pub struct Caller {
    /// Calls the canister whose id is the argument of `call`; otherwise the management canister.
    pub calls_argument: bool,
    pub method: &'static str,
    pub payload: Vec<u8>,
    pub cycles: u128,
    pub timeout_seconds: Option<u32>,
    pub before: &'static str,
    pub on_reply: &'static str,
    pub on_reject: &'static str,
    pub on_cleanup: Option<&'static str>,
}

impl Default for Caller {
    /// Replies what it was replied, and the reject code of what was rejected.
    fn default() -> Self {
        Self {
            calls_argument: true,
            method: "reply",
            payload: Vec::new(),
            cycles: 0,
            timeout_seconds: None,
            before: "",
            on_reply: FORWARD_REPLY,
            on_reject: "(call $reply_i32 (call $reject_code))",
            on_cleanup: None,
        }
    }
}

/// Replies with the argument.
pub const FORWARD_REPLY: &str = "(call $arg_copy (i32.const 4096) (i32.const 0) (call $arg_size))
    (call $append (i32.const 4096) (call $arg_size)) (call $msg_reply)";

impl Caller {
    pub fn wasm(&self) -> Vec<u8> {
        let escaped: String = self.payload.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let callee_size = if self.calls_argument { "(call $arg_size)" } else { "(i32.const 0)" };
        let (cleanup, set_cleanup) = match self.on_cleanup {
            Some(code) => (code, "(call $call_on_cleanup (i32.const 2) (i32.const 0))"),
            None => ("", ""),
        };
        let bounded = self
            .timeout_seconds
            .map(|seconds| format!("(call $call_bounded (i32.const {seconds}))"))
            .unwrap_or_default();
        let cycles = match self.cycles {
            0 => String::new(),
            amount => {
                format!("(call $call_cycles_add (i64.const {}) (i64.const {}))", amount >> 64, amount as u64)
            }
        };
        canister(&format!(
            r#"
            (table funcref (elem $on_reply $on_reject $on_cleanup))
            (data (i32.const 128) "{method}")
            (data (i32.const 1024) "{escaped}")
            (func $on_reply (param i32) {on_reply})
            (func $on_reject (param i32) {on_reject})
            (func $on_cleanup (param i32) {cleanup})
            (func (export "canister_update call")
              {before}
              (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
              (call $call_new (i32.const 256) {callee_size} (i32.const 128) (i32.const {method_size})
                (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
              {set_cleanup} {bounded} {cycles}
              (call $call_data_append (i32.const 1024) (i32.const {payload_size}))
              (if (call $call_perform) (then (call $fail))))
            "#,
            method = self.method,
            method_size = self.method.len(),
            payload_size = self.payload.len(),
            on_reply = self.on_reply,
            on_reject = self.on_reject,
            before = self.before,
        ))
    }
}

/// A replica with conveniences.
pub struct Subnet {
    pub replica: Replica,
    next_request: u8,
}

/// Who calls in these tests; controls every canister.
pub const USER: Principal = Principal::from_slice(&[1; 29]);

impl Subnet {
    pub fn new() -> Self {
        Self::of(ReplicaConfig::default())
    }

    pub fn of(config: ReplicaConfig) -> Self {
        Self { replica: Replica::new(config).expect("the configuration is valid"), next_request: 0 }
    }

    pub fn install(&mut self, wasm: &[u8]) -> Principal {
        let id = self.replica.create_canister(vec![USER]);
        self.replica.install(id, wasm, Vec::new()).expect("the canister installs");
        id
    }

    pub fn call(&mut self, id: Principal, method: &str, arg: &[u8]) -> CallResult {
        self.replica.call(USER, id, method, arg.to_vec())
    }

    /// Calls the management canister as the user who controls everything.
    pub fn manage(&mut self, method: &str, arg: impl candid::CandidType) -> CallResult {
        let arg = candid::encode_one(arg).expect("the argument can be encoded");
        self.replica.call(USER, Principal::management_canister(), method, arg)
    }

    pub fn query(&mut self, id: Principal, method: &str) -> CallResult {
        self.replica.query(QueryMessage {
            sender: USER,
            canister_id: id,
            method_name: method.to_owned(),
            arg: Vec::new(),
        })
    }

    /// Submits without executing anything.
    pub fn submit(&mut self, id: Principal, method: &str, arg: &[u8]) -> RequestId {
        self.next_request += 1;
        let request_id = RequestId([self.next_request; 32]);
        self.replica
            .submit(IngressMessage {
                request_id,
                sender: USER,
                canister_id: id,
                method_name: method.to_owned(),
                arg: arg.to_vec(),
                ingress_expiry_ns: self.replica.time_ns() + 300_000_000_000,
            })
            .expect("the message is accepted");
        request_id
    }

    pub fn answer(&self, id: &RequestId) -> CallResult {
        match self.replica.ingress_status(id) {
            Some(IngressStatus::Replied(reply)) => Ok(reply.clone()),
            Some(IngressStatus::Rejected(reject)) => Err(reject.clone()),
            other => panic!("the call is not answered: {other:?}"),
        }
    }

    /// The counters in heap, global and stable memory.
    pub fn counters(&mut self, id: Principal) -> [i32; 3] {
        let reply = self.query(id, "get").expect("the query answers");
        let counter = |i: usize| i32::from_le_bytes(reply[i * 4..][..4].try_into().expect("four bytes"));
        [counter(0), counter(1), counter(2)]
    }
}

/// The number that `$reply_i32` replied.
pub fn number(result: CallResult) -> i32 {
    i32::from_le_bytes(result.expect("a reply").try_into().expect("four bytes"))
}

pub fn rejected(result: CallResult) -> Reject {
    result.expect_err("a reject")
}

/// Checks reject code and error code.
pub fn assert_rejected(result: CallResult, code: RejectCode, error_code: &str) {
    let reject = rejected(result);
    assert_eq!((reject.code, reject.error_code.as_deref()), (code, Some(error_code)), "{}", reject.message);
}
