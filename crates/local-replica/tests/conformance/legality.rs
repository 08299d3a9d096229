//! Canister interface › Overview of imports
//!
//! "If the canister invokes a system call from somewhere else, it will trap."

use std::time::Duration;

use local_replica::RejectCode::CanisterError;
use local_replica::execution::{Context, LEGALITY};

use crate::canisters::{Caller, Subnet, assert_rejected, callee, canister};

/// The specification's list, transcribed: system call and contexts; `*` is every context but `s`.
const SPECIFICATION: &str = "
msg_arg_data_size: I U RQ NRQ TQ CQ Ry CRy F
msg_arg_data_copy: I U RQ NRQ TQ CQ Ry CRy F
msg_caller_size: *
msg_caller_copy: *
msg_caller_info_data_size: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_data_copy: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_signer_size: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_signer_copy: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_reject_code: Ry Rt CRy CRt C
msg_reject_msg_size: Rt CRt
msg_reject_msg_copy: Rt CRt
msg_deadline: U RQ NRQ CQ Ry Rt CRy CRt
msg_reply_data_append: U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_reply: U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_reject: U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_cycles_available128: U RQ Rt Ry
msg_cycles_refunded128: Rt Ry
msg_cycles_accept128: U RQ Rt Ry
cycles_burn128: I G U RQ Ry Rt C T
canister_self_size: *
canister_self_copy: *
canister_cycle_balance128: *
canister_liquid_cycle_balance128: *
canister_status: *
canister_version: *
subnet_self_size: *
subnet_self_copy: *
subnet_self_node_count: *
msg_method_name_size: F
msg_method_name_copy: F
accept_message: F
call_new: U CQ Ry Rt CRy CRt T
call_on_cleanup: U CQ Ry Rt CRy CRt T
call_data_append: U CQ Ry Rt CRy CRt T
call_with_best_effort_response: U CQ Ry Rt CRy CRt T
call_cycles_add128: U Ry Rt T
call_perform: U CQ Ry Rt CRy CRt T
stable64_size: * s
stable64_grow: * s
stable64_write: * s
stable64_read: * s
root_key_size: I G U RQ Ry Rt C T
root_key_copy: I G U RQ Ry Rt C T
certified_data_set: I G U Ry Rt T
data_certificate_present: *
data_certificate_size: NRQ CQ
data_certificate_copy: NRQ CQ
time: *
global_timer_set: I G U Ry Rt C T
performance_counter: * s
is_controller: * s
in_replicated_execution: * s
cost_call: * s
cost_create_canister: * s
cost_http_request: * s
cost_http_request_v2: * s
cost_sign_with_ecdsa: * s
cost_sign_with_schnorr: * s
cost_vetkd_derive_key: * s
env_var_count: *
env_var_name_size: *
env_var_name_copy: *
env_var_name_exists: *
env_var_value_size: *
env_var_value_copy: *
debug_print: * s
trap: * s
";

const CONTEXTS: [Context; 16] = [
    Context::Init,
    Context::PreUpgrade,
    Context::Update,
    Context::ReplicatedQuery,
    Context::NonReplicatedQuery,
    Context::Transform,
    Context::CompositeQuery,
    Context::Reply,
    Context::Reject,
    Context::CompositeReply,
    Context::CompositeReject,
    Context::Cleanup,
    Context::CompositeCleanup,
    Context::Start,
    Context::Inspect,
    Context::SystemTask,
];

/// The table that the replica decides by equals the specification's.
#[test]
fn should_allow_each_system_call_exactly_where_the_specification_does() {
    let lines: Vec<&str> = SPECIFICATION.trim().lines().collect();
    assert_eq!(lines.len(), LEGALITY.len());
    for (line, (name, contexts)) in lines.iter().zip(LEGALITY) {
        let (specified, symbols) = line.split_once(": ").expect("name: contexts");
        assert_eq!(specified, *name);
        for context in CONTEXTS {
            let is_specified = symbols
                .split(' ')
                .any(|symbol| symbol == context.symbol() || (symbol == "*" && context != Context::Start));
            assert_eq!(contexts.contains(context), is_specified, "{name} in {}", context.symbol());
        }
    }
}

/// System calls that updates or queries must not make trap there.
#[test]
fn should_trap_illegal_calls_in_updates_and_queries() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_update certificate") (drop (call $certificate_size)))
           (func (export "canister_update accept") (call $accept_message))
           (func (export "canister_update reject_message") (drop (call $reject_msg_size)))
           (func (export "canister_query certify") (call $certify (i32.const 0) (i32.const 4)))
           (func (export "canister_query timer") (drop (call $timer_set (i64.const 1))))
           (func (export "canister_query call")
             (call $call_new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
           (func (export "canister_query cycles") (call $accept_cycles (i64.const 0) (i64.const 0) (i32.const 0)))"#,
    ));
    for method in ["certificate", "accept", "reject_message"] {
        assert_rejected(subnet.call(id, method, b""), CanisterError, "IC0504");
    }
    for method in ["certify", "timer", "call", "cycles"] {
        assert_rejected(subnet.query(id, method), CanisterError, "IC0504");
    }
}

/// System calls that the start function or `canister_init` must not make trap there.
#[test]
fn should_trap_illegal_calls_while_installing() {
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![crate::canisters::USER]);
    for body in [
        r#"(func (export "canister_init") (call $msg_reply))"#,
        r#"(func $start (drop (call $time))) (start $start)"#,
        r#"(func (export "canister_init") (drop (call $reject_code)))"#,
    ] {
        let reject = subnet.replica.install(id, &canister(body), Vec::new()).expect_err("refused");
        assert_eq!(reject.error_code.as_deref(), Some("IC0504"), "{body}");
    }
    let legal = r#"(func $start (drop (call $stable_grow (i64.const 1)))) (start $start)
                   (func (export "canister_init") (call $certify (i32.const 0) (i32.const 4)))"#;
    subnet.replica.install(id, &canister(legal), Vec::new()).expect("it installs");
}

/// System calls that callbacks or system tasks must not make trap there.
#[test]
fn should_trap_illegal_calls_in_callbacks_and_system_tasks() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let reply = Caller { on_reply: "(drop (call $reject_msg_size))", ..Caller::default() };
    let reject = Caller { method: "reject", on_reject: "(drop (call $arg_size))", ..Caller::default() };
    for caller in [reply, reject] {
        let id = subnet.install(&caller.wasm());
        assert_rejected(subnet.call(id, "call", callee.as_slice()), CanisterError, "IC0504");
    }
    let timer = subnet.install(&canister(
        r#"(func (export "canister_init") (drop (call $timer_set (i64.const 1))))
           (func (export "canister_global_timer") (call $bump (i32.const 1)) (call $msg_reply))"#,
    ));
    subnet.replica.advance_time(Duration::from_secs(1));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(timer), [0; 3]);
}
