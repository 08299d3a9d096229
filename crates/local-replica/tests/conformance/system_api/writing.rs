//! Canister interface › Blob-typed arguments and results

use local_replica::CallResult;

use super::{assert_violation, reply_callback, update};

fn assert_writes_amount_within_bounds(name: &str) {
    let (enter, before): (fn(&str) -> CallResult, &str) = match name {
        "msg_cycles_refunded128" => (reply_callback, ""),
        "msg_cycles_accept128" | "cycles_burn128" => (update, "(i64.const 0) (i64.const 1)"),
        "cost_call" | "cost_http_request" => (update, "(i64.const 1) (i64.const 1)"),
        _ => (update, ""),
    };
    let run = |dst: &str| enter(&format!("(call ${name} {before} (i32.const {dst})) (call $msg_reply)"));
    run("65520").expect("the last 16 bytes of memory");
    assert_violation(run("65521"));
    assert_violation(run("-1"));
}

macro_rules! amount_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        $(#[test] fn $name() { assert_writes_amount_within_bounds(stringify!($name)) })*
    };
}

amount_clauses! {
    /// This writes 16 bytes and traps when they are not all within memory.
    canister_cycle_balance128 canister_liquid_cycle_balance128 msg_cycles_available128
    msg_cycles_refunded128 msg_cycles_accept128 cycles_burn128
    cost_call cost_create_canister cost_http_request
}
