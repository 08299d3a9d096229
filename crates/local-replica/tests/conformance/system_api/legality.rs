//! Canister interface › Overview of imports
//!
//! Every system call is made from every entry point. Which one makes it, the size of stable memory
//! tells: it is the only number that all entry points can read, the start function included.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use candid::{Encode, Func, Principal};
use ic_management_canister_types::{
    CanisterSettings, HttpRequestArgs, TransformContext, TransformFunc, UpdateSettingsArgs,
};
use local_replica::execution::LEGALITY;
use local_replica::outcalls::Routes;
use local_replica::{EntryPoint, Outcome, QueryMessage, Replica, ReplicaConfig};

use super::{SPECIFICATION, SystemCall, import};
use crate::canisters::USER;

/// The entry points in the order of their stages, with the specification's abbreviations.
const STAGES: [(&str, &str); 21] = [
    ("canister_init", "I"),
    ("start function", "s"),
    ("canister_post_upgrade", "I"),
    ("canister_pre_upgrade", "G"),
    ("canister_update", "U"),
    ("replicated canister_query", "RQ"),
    ("non-replicated canister_query", "NRQ"),
    ("transform", "TQ"),
    ("canister_composite_query", "CQ"),
    ("reply callback", "Ry"),
    ("reject callback", "Rt"),
    ("reply callback of a composite query", "CRy"),
    ("reject callback of a composite query", "CRt"),
    ("cleanup after a reply callback", "C"),
    ("cleanup after a reject callback", "C"),
    ("cleanup after a reply callback of a composite query", "CC"),
    ("cleanup after a reject callback of a composite query", "CC"),
    ("canister_inspect_message", "F"),
    ("canister_global_timer", "T"),
    ("canister_heartbeat", "T"),
    ("canister_on_low_wasm_memory", "T"),
];

/// What the canister's entry points have in common, before and after the import of `$probed`.
const PROBE: &str = r#"
  (import "ic0" "stable64_size" (func $stable_size (result i64)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "accept_message" (func $accept))
  (import "ic0" "global_timer_set" (func $timer_set (param i64) (result i64)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup_call (param i32 i32)))
  (import "ic0" "call_data_append" (func $append (param i32 i32)))
  (import "ic0" "call_cycles_add128" (func $attach (param i64 i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (table funcref (elem $on_reply $on_reject $on_cleanup))
  (data (i32.const 16) "answer") (data (i32.const 32) "missing") (data (i32.const 48) "http_request")
  (func $is (param $stage i64) (result i32) (i64.eq (call $stable_size) (local.get $stage)))
  (func $probe_at (param $stage i64) (if (call $is (local.get $stage)) (then (call $probe))))
  (func $trap_at (param $stage i64) (if (call $is (local.get $stage)) (then unreachable)))
  (func $call (param $callee_size i32) (param $name i32) (param $size i32)
    (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
    (call $new (i32.const 256) (local.get $callee_size) (local.get $name) (local.get $size)
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $on_cleanup_call (i32.const 2) (i32.const 0)))
  (func $answer (call $call (call $arg_size) (i32.const 16) (i32.const 6)) (drop (call $perform)))
  (func $missing (call $call (call $arg_size) (i32.const 32) (i32.const 7)) (drop (call $perform)))
  (func $outcall (call $call (i32.const 0) (i32.const 48) (i32.const 12))
    (call $append (i32.const 256) (call $arg_size))
    (call $attach (i64.const 0) (i64.const 1000000000000)) (drop (call $perform)))
  (func (export "canister_init") (call $probe_at (i64.const 0)))
  (func $start (call $probe_at (i64.const 1))) (start $start)
  (func (export "canister_post_upgrade") (call $probe_at (i64.const 2))
    (if (call $is (i64.const 18)) (then (drop (call $timer_set (i64.const 1))))))
  (func (export "canister_pre_upgrade") (call $probe_at (i64.const 3)))
  (func (export "canister_update run") (call $probe_at (i64.const 4))
    (if (call $is (i64.const 7)) (then (call $outcall)))
    (if (i32.or (call $is (i64.const 9)) (call $is (i64.const 13))) (then (call $answer)))
    (if (i32.or (call $is (i64.const 10)) (call $is (i64.const 14))) (then (call $missing))))
  (func (export "canister_query ask") (call $probe_at (i64.const 5)) (call $probe_at (i64.const 6)))
  (func (export "canister_query transform") (call $probe_at (i64.const 7)))
  (func (export "canister_composite_query compose") (call $probe_at (i64.const 8))
    (if (i32.or (call $is (i64.const 11)) (call $is (i64.const 15))) (then (call $answer)))
    (if (i32.or (call $is (i64.const 12)) (call $is (i64.const 16))) (then (call $missing))))
  (func $on_reply (param i32) (call $probe_at (i64.const 9)) (call $probe_at (i64.const 11))
    (call $trap_at (i64.const 13)) (call $trap_at (i64.const 15)))
  (func $on_reject (param i32) (call $probe_at (i64.const 10)) (call $probe_at (i64.const 12))
    (call $trap_at (i64.const 14)) (call $trap_at (i64.const 16)))
  (func $on_cleanup (param i32) (call $probe_at (i64.const 13)) (call $probe_at (i64.const 14))
    (call $probe_at (i64.const 15)) (call $probe_at (i64.const 16)))
  (func (export "canister_inspect_message")
    (if (call $is (i64.const 17)) (then (call $probe)) (else (call $accept))))
  (func (export "canister_global_timer") (call $probe_at (i64.const 18)))
  (func (export "canister_heartbeat") (call $probe_at (i64.const 19)))
  (func (export "canister_on_low_wasm_memory") (call $probe_at (i64.const 20)))
"#;

/// Makes the system call with zeros for arguments, at the stage that stable memory tells.
fn probing(call: &SystemCall) -> Vec<u8> {
    let zero = |kind: &&str| format!("({}.const 0)", kind.replace('I', "i32"));
    let zeros: String = call.params.iter().map(zero).collect();
    let drops = "drop ".repeat(call.results.len());
    let text = format!(
        "(module {} {PROBE} (func $probe {zeros} call $probed {drops}))",
        import(call, "probed", "i32")
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Grows stable memory by as many pages as its argument says; answers `answer`.
static RESPONDER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    wat::parse_str(
        r#"(module
          (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
          (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
          (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
          (import "ic0" "msg_reply" (func $reply))
          (memory 1)
          (func (export "canister_init")
            (call $arg_copy (i32.const 0) (i32.const 0) (call $arg_size))
            (drop (call $grow (i64.load (i32.const 0)))))
          (func (export "canister_query answer") (call $reply)))"#,
    )
    .expect("the text is a valid module")
});

/// A server for outcalls that answers everything alike, for as long as the process lives.
static SERVER: LazyLock<String> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(bytes @ 1..) => request.extend_from_slice(&buffer[..bytes]),
                    _ => break,
                }
            }
            // A client that goes away early is not the server's concern.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    url
});

/// How the last execution of this entry point ended, if it ran at all.
type Ended = Option<Outcome>;

struct Probe {
    replica: Replica,
    responder: Principal,
    reports: Arc<Mutex<Vec<(Principal, EntryPoint, Outcome)>>>,
    wasm: Vec<u8>,
}

impl Probe {
    fn new(call: &SystemCall) -> Self {
        let routes = Routes::from_pairs([("probe.example", SERVER.as_str())]).expect("a loopback route");
        let config = ReplicaConfig { nodes: 1, ..ReplicaConfig::default().with_routes(routes) };
        let mut replica = Replica::new(config).expect("the configuration is valid");
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reports);
        replica.observe(Box::new(move |report, _| {
            let report = (report.canister, report.entry.clone(), report.outcome.clone());
            seen.lock().expect("no observer panics").push(report);
        }));
        let responder = replica.create_canister(vec![USER]);
        replica.install(responder, &RESPONDER, 0u64.to_le_bytes().to_vec()).expect("it installs");
        Self { replica, responder, reports, wasm: probing(call) }
    }

    /// Enters a new canister as the stage says, which makes the system call there.
    fn enter(&mut self, stage: usize) -> Ended {
        let id = self.replica.create_canister(vec![USER]);
        // What installing, upgrading and calling answer is of no interest: the reports tell more.
        let _ = if stage == 0 {
            self.replica.install(id, &self.wasm, Vec::new())
        } else {
            self.replica.install(id, &RESPONDER, (stage as u64).to_le_bytes().to_vec()).expect("it installs");
            self.replica.upgrade(id, &self.wasm, Vec::new())
        };
        let responder = self.responder.as_slice().to_vec();
        match stage {
            3 => drop(self.replica.upgrade(id, &RESPONDER, Vec::new())),
            4 | 17 => drop(self.replica.call(USER, id, "run", Vec::new())),
            9 | 10 | 13 | 14 => drop(self.replica.call(USER, id, "run", responder)),
            5 => drop(self.replica.call(USER, id, "ask", Vec::new())),
            6 => self.query(id, "ask", Vec::new()),
            7 => drop(self.replica.call(USER, id, "run", outcall(id))),
            8 | 11 | 12 | 15 | 16 => self.query(id, "compose", responder),
            18 => {
                self.replica.advance_time(Duration::from_secs(1));
                self.replica.run_until_idle();
            }
            19 => self.replica.run_until_idle(),
            20 => {
                let arg = lowering_memory(id);
                drop(self.replica.call(USER, Principal::management_canister(), "update_settings", arg));
                self.replica.run_until_idle();
            }
            _ => {}
        }
        let reports = std::mem::take(&mut *self.reports.lock().expect("no observer panics"));
        let entered =
            reports.into_iter().rfind(|(canister, entry, _)| *canister == id && is_stage(entry, stage));
        entered.map(|(_, _, outcome)| outcome)
    }

    fn query(&mut self, canister_id: Principal, method: &str, arg: Vec<u8>) {
        let method_name = method.to_owned();
        let _ = self.replica.query(QueryMessage { sender: USER, canister_id, method_name, arg });
    }
}

/// The argument of `update_settings` by which a heap of one page is less than a page below its limit.
fn lowering_memory(canister_id: Principal) -> Vec<u8> {
    let settings = CanisterSettings {
        wasm_memory_limit: Some((2 * 65_536u64).into()),
        wasm_memory_threshold: Some((65_536u64 + 1).into()),
        ..CanisterSettings::default()
    };
    let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
    Encode!(&args).expect("the argument can be encoded")
}

/// The argument of `http_request` with a transform by this canister.
fn outcall(id: Principal) -> Vec<u8> {
    let function = TransformFunc(Func { principal: id, method: "transform".to_owned() });
    let args = HttpRequestArgs {
        url: "https://probe.example/".to_owned(),
        max_response_bytes: Some(1_000),
        transform: Some(TransformContext { function, context: Vec::new() }),
        ..HttpRequestArgs::default()
    };
    Encode!(&args).expect("the argument can be encoded")
}

fn is_stage(entry: &EntryPoint, stage: usize) -> bool {
    match stage {
        0 => matches!(entry, EntryPoint::Init),
        1 => matches!(entry, EntryPoint::Start),
        2 => matches!(entry, EntryPoint::PostUpgrade),
        3 => matches!(entry, EntryPoint::PreUpgrade),
        4 => matches!(entry, EntryPoint::Update { .. }),
        5 => matches!(entry, EntryPoint::Query { replicated: true, .. }),
        6 => matches!(entry, EntryPoint::Query { replicated: false, .. }),
        7 => matches!(entry, EntryPoint::Transform { .. }),
        8 | 11 | 12 => matches!(entry, EntryPoint::CompositeQuery { .. }),
        9 => matches!(entry, EntryPoint::ReplyCallback { .. }),
        10 => matches!(entry, EntryPoint::RejectCallback { .. }),
        13..=16 => matches!(entry, EntryPoint::Cleanup { .. }),
        17 => matches!(entry, EntryPoint::InspectMessage { .. }),
        18 => matches!(entry, EntryPoint::GlobalTimer),
        19 => matches!(entry, EntryPoint::Heartbeat),
        20 => matches!(entry, EntryPoint::OnLowWasmMemory),
        _ => unreachable!("there is no such stage"),
    }
}

fn assert_legality(name: &str) {
    let call = SPECIFICATION.iter().find(|call| call.name == name).expect("the specification lists it");
    let mut probe = Probe::new(call);
    let refusal = format!("\"ic0_{name}\" cannot be executed in");
    for (stage, (entry, symbol)) in STAGES.into_iter().enumerate() {
        let outcome = probe.enter(stage).unwrap_or_else(|| panic!("{entry} did not run"));
        let is_refused = matches!(&outcome, Outcome::Trap(message) if message.contains(&refusal));
        let is_allowed = call.contexts.contains(&symbol) || (symbol != "s" && call.contexts.contains(&"*"));
        assert_eq!(!is_refused, is_allowed, "{name} in {entry} ({symbol}): {outcome:?}");
    }
}

macro_rules! legality_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        $(#[test] fn $name() { assert_legality(stringify!($name)) })*

        const CLAUSES: &[&str] = &[$(stringify!($name)),*];
    };
}

legality_clauses! {
    /// This system call has the signature that the specification gives it, may be made from exactly
    /// the entry points that it lists, and traps in all others: `canister_init`, start function,
    /// `canister_post_upgrade`, `canister_pre_upgrade`, update, replicated, non-replicated and
    /// composite query, transform, reply, reject and cleanup callbacks of updates and of composite
    /// queries, `canister_inspect_message`, `canister_global_timer`, `canister_heartbeat`,
    /// `canister_on_low_wasm_memory`.
    msg_arg_data_size msg_arg_data_copy msg_caller_size msg_caller_copy
    msg_caller_info_data_size msg_caller_info_data_copy
    msg_caller_info_signer_size msg_caller_info_signer_copy
    msg_reject_code msg_reject_msg_size msg_reject_msg_copy msg_deadline
    msg_reply_data_append msg_reply msg_reject
    msg_cycles_available128 msg_cycles_refunded128 msg_cycles_accept128 cycles_burn128
    canister_self_size canister_self_copy
    canister_cycle_balance128 canister_liquid_cycle_balance128 canister_status canister_version
    subnet_self_size subnet_self_copy subnet_self_node_count
    msg_method_name_size msg_method_name_copy accept_message
    call_new call_on_cleanup call_data_append call_with_best_effort_response
    call_cycles_add128 call_perform
    stable64_size stable64_grow stable64_write stable64_read
    root_key_size root_key_copy certified_data_set
    data_certificate_present data_certificate_size data_certificate_copy
    time global_timer_set performance_counter is_controller in_replicated_execution
    cost_call cost_create_canister cost_http_request cost_http_request_v2
    cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key
    env_var_count env_var_name_size env_var_name_copy env_var_name_exists
    env_var_value_size env_var_value_copy
    debug_print trap
    msg_cycles_available msg_cycles_refunded msg_cycles_accept
    canister_cycle_balance call_cycles_add
    stable_size stable_grow stable_write stable_read
}

/// The system calls offered are those of the specification, no more and no fewer.
#[test]
fn should_offer_exactly_the_system_calls_of_the_specification() {
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    let specified = sorted(SPECIFICATION.iter().map(|call| call.name).collect());
    assert_eq!(sorted(LEGALITY.iter().map(|(name, _)| *name).collect()), specified);
    assert_eq!(sorted(CLAUSES.to_vec()), specified, "each has its clause");
}

/// With a 64-bit memory the same system calls take and return pointers and sizes of 64 bits, except
/// those that are marked as only for 32 bits, which are not offered.
#[test]
fn should_offer_the_system_calls_to_64_bit_memories_with_64_bit_pointers() {
    let mut replica = Replica::new(ReplicaConfig::default()).expect("the configuration is valid");
    let mut install = |imports: &str| {
        let id = replica.create_canister(vec![USER]);
        let wasm = wat::parse_str(format!("(module {imports} (memory i64 1))")).expect("the text is valid");
        replica.install(id, &wasm, Vec::new())
    };
    let (wide, narrow): (Vec<_>, Vec<_>) = SPECIFICATION.iter().partition(|call| call.is_for_64_bits);
    let imports: String = wide.iter().map(|call| import(call, call.name, "i64")).collect();
    install(&imports).expect("all are offered");
    for call in narrow {
        install(&import(call, call.name, "i64")).expect_err(call.name);
    }
}
