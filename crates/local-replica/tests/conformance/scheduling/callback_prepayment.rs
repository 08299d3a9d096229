//! Cycles › What calls set aside for their callbacks

use candid::Principal;
use ic_management_canister_types::CanisterSettings;

use crate::canisters::{Subnet, callee, canister_importing};

/// What a call sets aside for executing its callback.
const CALLBACK_EXECUTION: u128 = 5_000_000 + 40_000_000_000;

/// A canister that calls the canister in its argument and runs this in the reply callback, and one to be
/// called. Its freezing threshold is 0.
fn setup(on_reply: &str, on_cleanup: &str) -> (Subnet, Principal, Principal) {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&canister_importing(
        r#"(import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))
           (import "ic0" "canister_cycle_balance128" (func $balance (param i32)))"#,
        &format!(
            r#"(table funcref (elem $on_reply $on_cleanup))
               (data (i32.const 128) "reply")
               (func $burn_everything (call $burn (i64.const -1) (i64.const -1) (i32.const 48)))
               (func $on_reply (param i32) {on_reply})
               (func $on_cleanup (param i32) {on_cleanup})
               (func (export "canister_update call")
                 (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
                 (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
                   (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
                 (call $call_on_cleanup (i32.const 1) (i32.const 0))
                 (if (call $call_perform) (then (call $fail))))"#
        ),
    ));
    subnet.configure(
        id,
        CanisterSettings { freezing_threshold: Some(0_u64.into()), ..CanisterSettings::default() },
    );
    (subnet, id, callee)
}

/// A callback finds in the balance what came back with the response, but not what is set aside for its
/// own execution: that comes back when it ends.
#[test]
fn should_not_show_a_callback_what_pays_for_it() {
    let (mut subnet, id, callee) = setup(
        "(call $balance (i32.const 32)) (call $append (i32.const 32) (i32.const 16)) (call $msg_reply)",
        "",
    );
    subnet.submit(id, "call", callee.as_slice());
    let charged =
        subnet.reports().iter().rfind(|report| report.canister == id).expect("it ran").cycles_charged;
    let reply = subnet.call(id, "call", callee.as_slice()).expect("a reply");
    let seen = u128::from_le_bytes(reply.try_into().expect("16 bytes"));
    assert_eq!(seen, subnet.replica.cycles_balance(id) + charged - CALLBACK_EXECUTION);
}

/// A callback that burns all that it can pays for its execution none the less.
#[test]
fn should_charge_a_callback_that_burns_everything() {
    let (mut subnet, id, callee) = setup("(call $burn_everything) (call $msg_reply)", "");
    subnet.submit(id, "call", callee.as_slice());
    let reports = subnet.reports();
    let callback = reports.iter().rfind(|report| report.canister == id).expect("it ran");
    assert_eq!(subnet.replica.cycles_balance(id), CALLBACK_EXECUTION - callback.cycles_charged);
}

/// A cleanup that burns all that it can pays for its execution and for that of its callback.
#[test]
fn should_charge_a_cleanup_that_burns_everything() {
    let (mut subnet, id, callee) = setup("(call $fail)", "(call $burn_everything)");
    let charged = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = charged.clone();
    subnet.replica.observe(Box::new(move |report, _| {
        if report.canister == id {
            sink.lock().expect("no test panics with it").push(report.cycles_charged);
        }
    }));
    subnet.submit(id, "call", callee.as_slice());
    subnet.replica.run_until_idle();
    let charged = charged.lock().expect("no test panics with it").clone();
    let [_, callback, cleanup] = charged[..] else { panic!("update, callback and cleanup run: {charged:?}") };
    assert_eq!(subnet.replica.cycles_balance(id), CALLBACK_EXECUTION - callback - cleanup);
}
