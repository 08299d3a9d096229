//! Canister interface › Entry points › On Low Wasm Memory

use ic_management_canister_types::CanisterSettings;
use local_replica::EntryPoint;
use local_replica::canister::LowMemoryHook;

use crate::canisters::{Subnet, canister};

const PAGE: u64 = 65_536;

/// Grows by pages on demand; the hook counts.
fn growing(hook: &str) -> Vec<u8> {
    canister(&format!(
        r#"(func (export "canister_update grow") (drop (memory.grow (i32.const 4))) (call $msg_reply))
           (func (export "canister_update nothing") (call $msg_reply))
           (func (export "canister_on_low_wasm_memory") {hook})"#
    ))
}

fn with_threshold(hook: &str, limit_bytes: u64, threshold_bytes: u64) -> (Subnet, candid::Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.install(&growing(hook));
    subnet.configure(
        id,
        CanisterSettings {
            wasm_memory_limit: Some(limit_bytes.into()),
            wasm_memory_threshold: Some(threshold_bytes.into()),
            ..CanisterSettings::default()
        },
    );
    subnet.replica.run_until_idle();
    (subnet, id)
}

/// The hook runs when less than the threshold is left below the limit of the heap.
#[test]
fn should_run_the_hook_when_memory_becomes_low() {
    let (mut subnet, id) = with_threshold("(call $bump (i32.const 1))", 8 * PAGE, 4 * PAGE);
    assert_eq!(subnet.counters(id), [0; 3]);
    subnet.call(id, "grow", b"").expect("a reply");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// It runs once, not with every message while memory stays low.
#[test]
fn should_run_the_hook_once_while_memory_stays_low() {
    let (mut subnet, id) = with_threshold("(call $bump (i32.const 1))", 8 * PAGE, 4 * PAGE);
    subnet.call(id, "grow", b"").expect("a reply");
    for _ in 0..3 {
        subnet.call(id, "nothing", b"").expect("a reply");
    }
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// It runs before all messages that wait.
#[test]
fn should_run_the_hook_before_waiting_messages() {
    let (mut subnet, id) = with_threshold("(call $bump (i32.const 1))", 8 * PAGE, 4 * PAGE);
    subnet.submit(id, "grow", b"");
    subnet.submit(id, "nothing", b"");
    let entries: Vec<_> = subnet.reports().into_iter().map(|report| report.entry).collect();
    assert_eq!(entries[1], EntryPoint::OnLowWasmMemory);
    assert_eq!(entries[2], EntryPoint::Update { method: "nothing".to_owned() });
}

/// Changing the settings can make memory low, or high again.
#[test]
fn should_run_the_hook_again_after_memory_was_not_low_for_a_while() {
    let (mut subnet, id) = with_threshold("(call $bump (i32.const 1))", 8 * PAGE, 7 * PAGE + 1);
    assert_eq!(subnet.counters(id), [1; 3]);
    let threshold = |bytes: u64| CanisterSettings {
        wasm_memory_threshold: Some(bytes.into()),
        ..CanisterSettings::default()
    };
    subnet.configure(id, threshold(0));
    subnet.replica.run_until_idle();
    assert_eq!(
        subnet.replica.view().canister(id).expect("it exists").low_memory_hook,
        LowMemoryHook::ConditionNotSatisfied
    );
    subnet.configure(id, threshold(7 * PAGE + 1));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [2; 3]);
}

/// A hook that traps is undone and not run again.
#[test]
fn should_undo_a_hook_that_traps_and_not_repeat_it() {
    let (mut subnet, id) = with_threshold("(call $bump (i32.const 1)) (call $fail)", 8 * PAGE, 4 * PAGE);
    subnet.submit(id, "grow", b"");
    let hooks = subnet.reports().iter().filter(|report| report.entry == EntryPoint::OnLowWasmMemory).count();
    assert_eq!(hooks, 1);
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// Exactly the threshold left is enough.
#[test]
fn should_not_run_the_hook_when_exactly_the_threshold_is_left() {
    let (mut subnet, id) = with_threshold("(call $bump (i32.const 1))", 8 * PAGE, 7 * PAGE);
    assert_eq!(subnet.counters(id), [0; 3]);
}
