//! Canister interface › Cycles
//!
//! Cycles: attaching, accepting, refunding, paying, freezing.

use ic_management_canister_types::{CanisterSettings, UpdateSettingsArgs};
use local_replica::RejectCode;

use crate::canisters::{Caller, Subnet, assert_rejected, callee, number, with_updates};

const REPLY_REFUND: &str =
    "(call $refunded_cycles (i32.const 48)) (call $reply_i32 (i32.load (i32.const 48)))";

fn refund_from(method: &'static str) -> (i32, i128) {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(
        &Caller {
            method,
            cycles: 1_000,
            on_reply: REPLY_REFUND,
            on_reject: REPLY_REFUND,
            ..Caller::default()
        }
        .wasm(),
    );
    let before = subnet.replica.cycles_balance(callee);
    let mut charged = 0;
    let request = subnet.submit(caller, "call", callee.as_slice());
    while let local_replica::Step::Executed(report) = subnet.replica.step() {
        if report.canister == callee {
            charged += report.cycles_charged;
        }
    }
    let refund = number(subnet.answer(&request));
    let after = subnet.replica.cycles_balance(callee);
    (refund, after as i128 + charged as i128 - before as i128)
}

/// Attached cycles that the callee leaves come back with the response.
#[test]
fn should_refund_what_the_callee_does_not_accept() {
    assert_eq!(refund_from("accept300"), (700, 300));
}

/// A trap undoes the acceptance of cycles, so that all come back.
#[test]
fn should_refund_everything_when_the_callee_traps_after_accepting() {
    assert_eq!(refund_from("trap"), (1_000, 0));
}

/// A call that reaches no method returns all its cycles; looking for it costs the callee the fixed price.
#[test]
fn should_refund_everything_when_the_method_does_not_exist() {
    assert_eq!(refund_from("missing"), (1_000, -5_000_000));
}

/// What a call sets aside for the largest response and the longest callback mostly comes back.
#[test]
fn should_return_what_was_set_aside_for_a_response() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&Caller::default().wasm());
    let before = subnet.replica.cycles_balance(caller);
    subnet.call(caller, "call", callee.as_slice()).expect("a reply");
    let spent = before - subnet.replica.cycles_balance(caller);
    assert!((5_000_000..20_000_000).contains(&spent), "spent {spent} cycles");
}

/// A frozen canister executes no ingress message.
#[test]
fn should_refuse_messages_to_a_canister_below_its_freezing_threshold() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let settings = CanisterSettings {
        freezing_threshold: Some(100_000_000_000_000_u64.into()),
        ..CanisterSettings::default()
    };
    let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("the setting is valid");
    assert_rejected(subnet.call(id, "reply", b""), RejectCode::SysTransient, "IC0207");
}

/// Attaching more cycles than the liquid balance traps.
#[test]
fn should_refuse_a_call_with_more_cycles_than_there_are() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&Caller { cycles: u128::MAX >> 8, ..Caller::default() }.wasm());
    assert_rejected(subnet.call(caller, "call", callee.as_slice()), RejectCode::CanisterError, "IC0504");
}

/// Memory is paid for by the byte and second.
#[test]
fn should_charge_for_memory_as_time_passes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let before = subnet.replica.cycles_balance(id);
    subnet.replica.advance_time(std::time::Duration::from_secs(1_000_000));
    let bytes = (subnet.replica.canister_memory(id).len() + subnet.replica.stable_memory(id).len()) as u128;
    let least = bytes * 127_000 * 1_000_000 / (1 << 30);
    let paid = before - subnet.replica.cycles_balance(id);
    assert!((least..least * 2).contains(&paid), "paid {paid}, expected about {least}");
}

/// A balance cannot exceed 2^128 - 1: cycles that a canister with so many accepts are lost.
#[test]
fn should_keep_the_balance_at_its_maximum_when_more_is_accepted() {
    let mut subnet = Subnet::new();
    let take = "(call $accept_cycles (i64.const -1) (i64.const -1) (i32.const 48)) (call $msg_reply)";
    let rich = subnet.install(&with_updates(&[("take", take)]));
    let caller =
        subnet.install(&Caller { method: "take", cycles: 70_000_000_000_000, ..Caller::default() }.wasm());
    subnet.replica.set_cycles_balance(rich, u128::MAX);
    subnet.call(caller, "call", rich.as_slice()).expect("a reply");
    assert!(subnet.replica.cycles_balance(rich) > u128::MAX - 1_000_000_000_000);
}

/// A refund, and what was set aside for the response, cannot lift a balance above 2^128 - 1.
#[test]
fn should_keep_the_balance_at_its_maximum_when_cycles_come_back() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let caller = subnet.install(&Caller { method: "reply", cycles: 1_000_000, ..Caller::default() }.wasm());
    let request = subnet.submit(caller, "call", callee.as_slice());
    subnet.replica.step();
    subnet.replica.set_cycles_balance(caller, u128::MAX);
    while let local_replica::Step::Executed(_) = subnet.replica.step() {}
    subnet.answer(&request).expect("a reply");
    assert!(subnet.replica.cycles_balance(caller) > u128::MAX - 1_000_000_000_000);
}
