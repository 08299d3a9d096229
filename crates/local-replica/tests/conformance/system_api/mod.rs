//! The System API, one system call at a time.

mod awaits;
mod calling;
mod certified_data;
mod copying;
mod cycles;
mod diagnostics;
mod environment_variables;
mod identity;
mod legality;
mod modules;
mod reading;
mod responding;
mod stable_memory;
mod time;
mod writing;

use std::fmt::Write;
use std::sync::LazyLock;

use local_replica::{CallResult, Principal, RejectCode};

use crate::canisters::{Subnet, assert_rejected};

/// A line of the specification's overview.
pub struct SystemCall {
    pub name: &'static str,
    /// WebAssembly types; `I` is as wide as the addresses of the canister's memory.
    pub params: Vec<&'static str>,
    pub results: Vec<&'static str>,
    /// The specification's abbreviations.
    pub contexts: Vec<&'static str>,
    /// Whether modules with a 64-bit memory can import it, too.
    pub is_for_64_bits: bool,
}

/// The specification's overview of imports, as `extract` printed it.
pub static SPECIFICATION: LazyLock<Vec<SystemCall>> = LazyLock::new(|| {
    let types = |text: &'static str| match text {
        "-" => Vec::new(),
        types => types.split(' ').collect(),
    };
    include_str!("specification.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, params, results, contexts, widths] = columns[..] else {
                panic!("five columns: {line}");
            };
            SystemCall {
                name,
                params: types(params),
                results: types(results),
                contexts: contexts.split(' ').collect(),
                is_for_64_bits: widths == "32 64",
            }
        })
        .collect()
});

/// The declaration of this import with `pointer` for `I`; WebAssembly then calls it `$identifier`.
pub fn import(call: &SystemCall, identifier: &str, pointer: &str) -> String {
    let types = |types: &[&str]| types.join(" ").replace('I', pointer);
    let (params, results) = (types(&call.params), types(&call.results));
    format!("(import \"ic0\" \"{}\" (func ${identifier} (param {params}) (result {results})))\n", call.name)
}

/// Imports all system calls under their own names.
static IMPORTS: LazyLock<String> =
    LazyLock::new(|| SPECIFICATION.iter().map(|call| import(call, call.name, "i32")).collect());

/// What every canister here has besides the imports. Its memory has one page.
///
/// `$call` begins a call to the method whose name lies at `$name`, of the canister whose id is the
/// argument, or of the canister itself when there is no argument.
const COMMON: &str = r#"
  (memory (export "memory") 1)
  (table funcref (elem $on_reply $on_reject $on_cleanup))
  (data (i32.const 16) "answer") (data (i32.const 32) "refuse") (data (i32.const 48) "missing")
  (data (i32.const 64) "\ff\fe") (data (i32.const 80) "NAME") (data (i32.const 96) "key_1")
  (func $reply (param $src i32) (param $size i32)
    (call $msg_reply_data_append (local.get $src) (local.get $size)) (call $msg_reply))
  (func $reply32 (param $value i32)
    (i32.store (i32.const 512) (local.get $value)) (call $reply (i32.const 512) (i32.const 4)))
  (func $reply64 (param $value i64)
    (i64.store (i32.const 512) (local.get $value)) (call $reply (i32.const 512) (i32.const 8)))
  (func $call (param $name i32) (param $size i32)
    (local $callee_size i32)
    (local.set $callee_size (call $msg_arg_data_size))
    (call $msg_arg_data_copy (i32.const 1024) (i32.const 0) (local.get $callee_size))
    (if (i32.eqz (local.get $callee_size)) (then
      (local.set $callee_size (call $canister_self_size))
      (call $canister_self_copy (i32.const 1024) (i32.const 0) (local.get $callee_size))))
    (call $call_new (i32.const 1024) (local.get $callee_size) (local.get $name) (local.get $size)
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)))
  (func $call_answer (call $call (i32.const 16) (i32.const 6)))
  (func $call_refuse (call $call (i32.const 32) (i32.const 6)))
  (func $perform (if (call $call_perform) (then unreachable)))
"#;

/// Code of a canister's entry points; what is absent does nothing or is not exported.
#[derive(Clone, Copy, Default)]
pub struct Code<'a> {
    /// `canister_update run`
    pub update: &'a str,
    /// `canister_query ask`
    pub query: &'a str,
    /// `canister_composite_query compose`
    pub composite: &'a str,
    /// `canister_update answer`, which replies "answer" when this is empty.
    pub answer: &'a str,
    pub on_reply: &'a str,
    pub on_reject: &'a str,
    pub on_cleanup: &'a str,
    pub init: &'a str,
    pub post_upgrade: &'a str,
    pub timer: &'a str,
    /// Without it there is no inspection.
    pub inspect: Option<&'a str>,
}

impl Code<'_> {
    pub fn wasm(&self) -> Vec<u8> {
        let mut text = format!("(module {}{COMMON}", *IMPORTS);
        let answer =
            if self.answer.is_empty() { "(call $reply (i32.const 16) (i32.const 6))" } else { self.answer };
        for (function, code) in [
            ("(export \"canister_update run\")", self.update),
            ("(export \"canister_update answer\")", answer),
            ("(export \"canister_update refuse\")", "(call $msg_reject (i32.const 32) (i32.const 6))"),
            ("(export \"canister_query ask\")", self.query),
            ("(export \"canister_composite_query compose\")", self.composite),
            ("(export \"canister_init\")", self.init),
            ("(export \"canister_post_upgrade\")", self.post_upgrade),
            ("(export \"canister_global_timer\")", self.timer),
            ("$on_reply (param i32)", self.on_reply),
            ("$on_reject (param i32)", self.on_reject),
            ("$on_cleanup (param i32)", self.on_cleanup),
        ] {
            writeln!(text, "(func {function} {code})").expect("a string takes it");
        }
        if let Some(code) = self.inspect {
            write!(text, "(func (export \"canister_inspect_message\") {code})").expect("a string takes it");
        }
        text.push(')');
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// A subnet with this canister.
    pub fn installed(&self) -> (Subnet, Principal) {
        let mut subnet = Subnet::new();
        let id = subnet.install(&self.wasm());
        (subnet, id)
    }

    /// What the update `run` answers.
    pub fn run(&self) -> CallResult {
        let (mut subnet, id) = self.installed();
        subnet.call(id, "run", b"")
    }
}

/// What an update with this code answers.
pub fn update(code: &str) -> CallResult {
    Code { update: code, ..Code::default() }.run()
}

/// What a query call with this code answers.
pub fn query(code: &str) -> CallResult {
    let (mut subnet, id) = Code { query: code, ..Code::default() }.installed();
    subnet.query(id, "ask")
}

/// What the reply callback of a call to `answer` answers.
pub fn reply_callback(code: &str) -> CallResult {
    Code { update: "(call $call_answer) (call $perform)", on_reply: code, ..Code::default() }.run()
}

/// What the reject callback of a call to `refuse` answers.
pub fn reject_callback(code: &str) -> CallResult {
    Code { update: "(call $call_refuse) (call $perform)", on_reject: code, ..Code::default() }.run()
}

/// The number that `$reply32` replied.
pub fn number32(result: CallResult) -> u32 {
    u32::from_le_bytes(result.expect("a reply")[..].try_into().expect("four bytes"))
}

/// The number that `$reply64` replied.
pub fn number64(result: CallResult) -> u64 {
    u64::from_le_bytes(result.expect("a reply")[..].try_into().expect("eight bytes"))
}

/// Checks that the message trapped because of a system call against the rules.
pub fn assert_violation(result: CallResult) {
    assert_rejected(result, RejectCode::CanisterError, "IC0504");
}

/// Checks that the message trapped as WebAssembly does.
pub fn assert_wasm_trap(result: CallResult) {
    assert_rejected(result, RejectCode::CanisterError, "IC0502");
}
