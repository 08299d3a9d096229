//! Canister interface › Cycles

use local_replica::{Replica, ReplicaConfig};

use super::{Code, assert_wasm_trap, number32, number64, query, update};
use crate::canisters::{Subnet, USER};

const FORWARD: &str = "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (i32.const 8))
    (call $reply (i32.const 512) (i32.const 8))";

/// What a callee that is given 1,000 cycles replies.
fn given_1000(answer: &str) -> u64 {
    let update = "(call $call_answer) (call $call_cycles_add (i64.const 1000)) (call $perform)";
    number64(Code { update, answer, on_reply: FORWARD, ..Code::default() }.run())
}

/// The cycles that come back to the caller of a callee that is given 1,000 cycles.
fn refunded(answer: &str) -> u64 {
    let update = "(call $call_answer) (call $call_cycles_add (i64.const 1000)) (call $perform)";
    let on_reply = "(call $reply64 (call $msg_cycles_refunded))";
    number64(Code { update, answer, on_reply, on_reject: on_reply, ..Code::default() }.run())
}

/// A callee sees the attached cycles.
#[test]
fn should_tell_the_callee_the_attached_cycles() {
    assert_eq!(given_1000("(call $reply64 (call $msg_cycles_available))"), 1_000);
}

/// No more is accepted than asked for.
#[test]
fn should_accept_no_more_than_asked_for() {
    assert_eq!(given_1000("(call $reply64 (call $msg_cycles_accept (i64.const 300)))"), 300);
}

/// No more is accepted than available, without a trap.
#[test]
fn should_accept_no_more_than_available() {
    assert_eq!(given_1000("(call $reply64 (call $msg_cycles_accept (i64.const -1)))"), 1_000);
}

/// The 128-bit amount is made of two halves; the accepted amount is written to memory.
#[test]
fn should_accept_amounts_of_128_bits() {
    let code = "(call $msg_cycles_accept128 (i64.const 1) (i64.const 0) (i32.const 600))
                (call $reply64 (i64.or (i64.load (i32.const 600)) (i64.load (i32.const 608))))";
    assert_eq!(given_1000(code), 1_000);
}

/// Accepting several times takes cycles each time; fewer stay available.
#[test]
fn should_accept_several_times() {
    let code =
        "(drop (call $msg_cycles_accept (i64.const 300))) (drop (call $msg_cycles_accept (i64.const 20)))
                (call $reply64 (call $msg_cycles_available))";
    assert_eq!(given_1000(code), 680);
}

/// Accepted cycles are added to the balance at once.
#[test]
fn should_add_accepted_cycles_to_the_balance() {
    let code = "(local $before i64) (local.set $before (call $canister_cycle_balance))
                (drop (call $msg_cycles_accept (i64.const 300)))
                (call $reply64 (i64.sub (call $canister_cycle_balance) (local.get $before)))";
    assert_eq!(given_1000(code), 300);
}

/// Nothing is available once the call is answered, and nothing can be accepted then.
#[test]
fn should_make_no_cycles_available_after_the_answer() {
    let code = "(call $reply (i32.const 16) (i32.const 6))
        (if (i64.ne (call $msg_cycles_available) (i64.const 0)) (then unreachable))
        (if (i64.ne (call $msg_cycles_accept (i64.const 1000)) (i64.const 0)) (then unreachable))";
    assert_eq!(refunded(code), 1_000);
}

/// An ingress message brings no cycles.
#[test]
fn should_make_no_cycles_available_to_ingress_messages() {
    assert_eq!(number64(update("(call $reply64 (call $msg_cycles_available))")), 0);
    assert_eq!(number64(update("(call $reply64 (call $msg_cycles_accept (i64.const 1)))")), 0);
}

/// What is not accepted comes back with a reply.
#[test]
fn should_refund_the_rest_with_a_reply() {
    assert_eq!(refunded("(drop (call $msg_cycles_accept (i64.const 300))) (call $msg_reply)"), 700);
}

/// What is not accepted comes back with a reject.
#[test]
fn should_refund_the_rest_with_a_reject() {
    let code =
        "(drop (call $msg_cycles_accept (i64.const 300))) (call $msg_reject (i32.const 0) (i32.const 0))";
    assert_eq!(refunded(code), 700);
}

/// Both widths of `msg_cycles_refunded` agree.
#[test]
fn should_tell_the_refund_in_both_widths() {
    let update = "(call $call_answer) (call $call_cycles_add (i64.const 1000)) (call $perform)";
    let on_reply =
        "(call $msg_cycles_refunded128 (i32.const 600)) (call $reply64 (i64.load (i32.const 600)))";
    assert_eq!(number64(Code { update, on_reply, ..Code::default() }.run()), 1_000);
}

/// Burning takes what is asked for from the balance and writes how much it was.
#[test]
fn should_burn_what_is_asked_for() {
    let code = "(local $before i64) (local.set $before (call $canister_cycle_balance))
        (call $cycles_burn128 (i64.const 0) (i64.const 500) (i32.const 600))
        (if (i64.ne (i64.load (i32.const 600)) (i64.const 500)) (then unreachable))
        (call $reply64 (i64.sub (local.get $before) (call $canister_cycle_balance)))";
    assert_eq!(number64(update(code)), 500);
}

/// Burning stops at the liquid balance, without a trap.
#[test]
fn should_burn_no_more_than_the_liquid_balance() {
    let code = "(call $canister_liquid_cycle_balance128 (i32.const 620))
        (call $cycles_burn128 (i64.const -1) (i64.const -1) (i32.const 600))
        (call $reply64 (i64.sub (i64.load (i32.const 620)) (i64.load (i32.const 600))))";
    assert_eq!(number64(update(code)), 0);
}

/// The liquid balance is the balance without what the freezing threshold holds back.
#[test]
fn should_hold_back_the_freezing_threshold_from_the_liquid_balance() {
    let code = "(call $canister_liquid_cycle_balance128 (i32.const 600))
        (call $reply64 (i64.sub (call $canister_cycle_balance) (i64.load (i32.const 600))))";
    let (mut subnet, id) = Code { query: code, ..Code::default() }.installed();
    let held_back = number64(subnet.query(id, "ask"));
    let canister = subnet
        .replica
        .view()
        .canister(id)
        .map(|canister| canister.freezing_limit_cycles(local_replica::cycles::Prices::new(13)));
    assert_eq!(Some(u128::from(held_back)), canister);
    assert!(held_back > 0);
}

/// Both widths of `canister_cycle_balance` agree.
#[test]
fn should_tell_the_balance_in_both_widths() {
    let code = "(call $canister_cycle_balance128 (i32.const 600))
        (call $reply32 (i32.and (i64.eqz (i64.load (i32.const 608)))
          (i64.eq (i64.load (i32.const 600)) (call $canister_cycle_balance))))";
    assert_eq!(number32(query(code)), 1);
}

/// A balance that does not fit into 64 bits traps when 64 bits are asked for.
#[test]
fn should_trap_when_the_balance_exceeds_64_bits() {
    let config = ReplicaConfig { initial_cycles: 1 << 65, ..ReplicaConfig::default() };
    let replica = Replica::new(config).expect("the configuration is valid");
    let mut subnet = Subnet::new();
    subnet.replica = replica;
    let id =
        subnet.install(&Code { update: "(drop (call $canister_cycle_balance))", ..Code::default() }.wasm());
    assert_wasm_trap(subnet.replica.call(USER, id, "run", Vec::new()));
}

/// What a `cost_` function for threshold keys returns, and whether it wrote an amount.
fn key_cost(call: &str) -> (u32, bool) {
    let code = format!(
        "(local $code i32) (local.set $code {call})
         (call $reply64 (i64.or (i64.shl (i64.extend_i32_u (local.get $code)) (i64.const 1))
           (i64.extend_i32_u (i64.ne (i64.load (i32.const 600)) (i64.const 0)))))"
    );
    let reply = number64(update(&code));
    ((reply >> 1) as u32, reply & 1 == 1)
}

fn assert_key_costs(name: &str, unknown_curve: u32) {
    let call = |size: u32, curve: u32| {
        key_cost(&format!(
            "(call ${name} (i32.const 96) (i32.const {size}) (i32.const {curve}) (i32.const 600))"
        ))
    };
    assert_eq!(call(5, 0), (0, true), "known");
    assert_eq!(call(5, unknown_curve), (1, false), "unknown curve");
    assert_eq!(call(4, 0), (2, false), "unknown key");
    assert_eq!(call(4, unknown_curve), (1, false), "the curve is judged first");
}

/// `cost_sign_with_ecdsa` returns 0 with the cost, 1 for an unknown curve, 2 for an unknown key; then
/// it writes nothing.
#[test]
fn should_return_codes_for_the_cost_of_ecdsa() {
    assert_key_costs("cost_sign_with_ecdsa", 2);
}

/// `cost_sign_with_schnorr` returns 0 with the cost, 1 for an unknown algorithm, 2 for an unknown key.
#[test]
fn should_return_codes_for_the_cost_of_schnorr() {
    assert_key_costs("cost_sign_with_schnorr", 2);
}

/// `cost_vetkd_derive_key` returns 0 with the cost, 1 for an unknown curve, 2 for an unknown key.
#[test]
fn should_return_codes_for_the_cost_of_vetkd() {
    assert_key_costs("cost_vetkd_derive_key", 1);
}

/// Parameters of `cost_http_request_v2` that are not the record of the specification trap.
#[test]
fn should_trap_when_the_parameters_of_an_outcalls_cost_are_not_candid() {
    super::assert_violation(update(
        "(call $cost_http_request_v2 (i32.const 16) (i32.const 6) (i32.const 600))",
    ));
}
