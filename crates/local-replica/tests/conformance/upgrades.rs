//! Canister interface › Entry points › Initialization and upgrades
//!
//! Installing and upgrading code.

use ic_management_canister_types::{
    CanisterInstallMode, CanisterSettings, InstallCodeArgs, UpdateSettingsArgs, UpgradeFlags,
    WasmMemoryPersistence,
};
use local_replica::{Principal, RejectCode};

use crate::canisters::{
    Caller, Subnet, assert_rejected, callee, canister, canister_importing, number, with_updates,
};

const BUMP: &str = r#"(func (export "canister_update bump") (call $bump (i32.const 1)) (call $msg_reply))"#;

fn upgrade(
    subnet: &mut Subnet,
    id: Principal,
    wasm: &[u8],
    flags: UpgradeFlags,
) -> local_replica::CallResult {
    subnet.manage(
        "install_code",
        InstallCodeArgs {
            mode: CanisterInstallMode::Upgrade(Some(flags)),
            canister_id: id,
            wasm_module: wasm.to_vec(),
            arg: Vec::new(),
            sender_canister_version: None,
        },
    )
}

/// An upgrade keeps stable memory and discards the heap.
#[test]
fn should_keep_stable_memory_and_clear_the_heap_when_upgrading() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(BUMP));
    subnet.call(id, "bump", b"").expect("a reply");
    upgrade(&mut subnet, id, &callee(), UpgradeFlags::default()).expect("it upgrades");
    assert_eq!(subnet.counters(id), [0, 0, 1]);
}

/// `wasm_memory_persistence = keep` keeps the heap; globals are discarded.
#[test]
fn should_keep_the_heap_when_asked_to() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(BUMP));
    subnet.call(id, "bump", b"").expect("a reply");
    let keep =
        UpgradeFlags { wasm_memory_persistence: Some(WasmMemoryPersistence::Keep), skip_pre_upgrade: None };
    upgrade(&mut subnet, id, &callee(), keep).expect("it upgrades");
    assert_eq!(subnet.counters(id), [1, 0, 1]);
}

/// A trap of `canister_pre_upgrade` fails the upgrade, unless it is skipped.
#[test]
fn should_leave_code_and_state_when_pre_upgrade_traps_and_skip_it_when_asked_to() {
    let mut subnet = Subnet::new();
    let trapping = canister(&format!(
        r#"{BUMP} (func (export "canister_pre_upgrade") (call $bump (i32.const 5)) (call $fail))"#
    ));
    let id = subnet.install(&trapping);
    subnet.call(id, "bump", b"").expect("a reply");
    assert_rejected(
        upgrade(&mut subnet, id, &callee(), UpgradeFlags::default()),
        RejectCode::CanisterError,
        "IC0503",
    );
    assert_eq!(subnet.counters(id), [1, 1, 1]);
    subnet.call(id, "bump", b"").expect("the old code answers");
    let skip = UpgradeFlags { skip_pre_upgrade: Some(true), wasm_memory_persistence: None };
    upgrade(&mut subnet, id, &callee(), skip).expect("it upgrades");
    assert_eq!(subnet.counters(id), [0, 0, 2]);
}

/// A trap of `canister_post_upgrade` fails the upgrade and undoes what both hooks did.
#[test]
fn should_leave_code_and_state_when_post_upgrade_traps() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(&format!(
        r#"{BUMP} (func (export "canister_pre_upgrade") (call $bump (i32.const 5)))"#
    )));
    subnet.call(id, "bump", b"").expect("a reply");
    let trapping = canister(
        r#"(func (export "canister_post_upgrade")
             (call $bump (i32.const 50)) (drop (call $stable_grow (i64.const 3))) (call $fail))"#,
    );
    assert_rejected(
        upgrade(&mut subnet, id, &trapping, UpgradeFlags::default()),
        RejectCode::CanisterError,
        "IC0503",
    );
    assert_eq!(subnet.counters(id), [1, 1, 1]);
    subnet.call(id, "bump", b"").expect("the old code answers");
    assert_eq!(subnet.counters(id), [2, 2, 2]);
}

/// The start function runs when code is installed, and not again after a rollback.
#[test]
fn should_run_the_start_function_once_for_each_installation() {
    let mut subnet = Subnet::new();
    let wasm = canister(&format!(
        r#"{BUMP} (start $start) (func $start (i32.store (i32.const 0) (i32.const 100)))
           (func (export "canister_update grow_and_trap") (drop (memory.grow (i32.const 1))) (call $fail))"#
    ));
    let id = subnet.install(&wasm);
    subnet.call(id, "bump", b"").expect("a reply");
    assert_rejected(subnet.call(id, "grow_and_trap", b""), RejectCode::CanisterError, "IC0503");
    assert_eq!(subnet.counters(id), [101, 1, 1]);
}

/// After an upgrade during an open call, the callback's table index is looked up in the new code.
#[test]
fn should_run_a_late_callback_in_the_new_code_when_upgraded_during_an_open_call() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&Caller { before: "(call $bump (i32.const 1))", ..Caller::default() }.wasm());
    let request = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    let new = Caller {
        on_reply: "(call $bump (i32.const 10)) (call $reply_i32 (i32.const 99))",
        ..Caller::default()
    };
    subnet.replica.upgrade(id, &new.wasm(), Vec::new()).expect("it upgrades");
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), 99);
    assert_eq!(subnet.counters(id), [10, 10, 11]);
}

/// A callback that the new code does not have traps; the canister stays healthy.
#[test]
fn should_reject_the_open_call_when_the_new_code_has_no_such_callback() {
    let mut subnet = Subnet::new();
    let callee_id = subnet.install(&callee());
    let id = subnet.install(&Caller::default().wasm());
    let request = subnet.submit(id, "call", callee_id.as_slice());
    subnet.replica.step();
    subnet.replica.upgrade(id, &callee(), Vec::new()).expect("it upgrades");
    subnet.replica.run_until_idle();
    assert_rejected(subnet.answer(&request), RejectCode::CanisterError, "IC0504");
    assert_eq!(number(subnet.call(id, "reply", b"")), 7, "the canister is healthy");
}

/// Changing code deactivates the global timer.
#[test]
fn should_deactivate_the_timer_when_upgrading() {
    let mut subnet = Subnet::new();
    let wasm = canister(
        r#"(func (export "canister_update set") (drop (call $timer_set (i64.const 1))) (call $msg_reply))
           (func (export "canister_global_timer") (call $bump (i32.const 1)))"#,
    );
    let id = subnet.install(&wasm);
    let request = subnet.submit(id, "set", b"");
    subnet.replica.step();
    subnet.answer(&request).expect("a reply");
    subnet.replica.upgrade(id, &wasm, Vec::new()).expect("it upgrades");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// Modules with unknown imports or reserved exports are refused.
#[test]
fn should_refuse_modules_that_are_no_canisters() {
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![crate::canisters::USER]);
    let unknown_import = wat::parse_str(r#"(module (import "env" "f" (func)))"#).expect("valid");
    let unknown_system_call =
        wat::parse_str(r#"(module (import "ic0" "no_such_call" (func)))"#).expect("valid");
    let reserved_export = wat::parse_str(r#"(module (func (export "canister_something")))"#).expect("valid");
    for wasm in [b"no module".to_vec(), unknown_import, unknown_system_call, reserved_export] {
        let reject = subnet.replica.install(id, &wasm, Vec::new()).expect_err("refused");
        assert_eq!(reject.error_code.as_deref(), Some("IC0505"), "{}", reject.message);
    }
}

/// A gzip-compressed module is installed, and its hash is that of the bytes sent.
#[test]
fn should_install_a_compressed_module_and_hash_it_as_sent() {
    use std::io::Write;
    let mut subnet = Subnet::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&with_updates(&[("reply", "(call $msg_reply)")])).expect("a vector takes it");
    let compressed = encoder.finish().expect("a vector takes it");
    let id = subnet.install(&compressed);
    subnet.call(id, "reply", b"").expect("a reply");
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&compressed);
    let module = subnet.replica.view().canister(id).and_then(|canister| canister.module().cloned());
    assert_eq!(module.expect("installed").hash, hash[..]);
}

/// A canister whose hook certifies data, sets the timer and burns 50 T cycles.
fn changing_everything_in(hook: &str) -> Vec<u8> {
    canister_importing(
        r#"(import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))"#,
        &format!(
            r#"(func (export "{hook}")
                 (call $certify (i32.const 64) (i32.const 2))
                 (drop (call $timer_set (i64.const 77)))
                 (call $burn (i64.const 0) (i64.const 50000000000000) (i32.const 48)))"#
        ),
    )
}

/// The certified data and the timer, and the cycles spent since the balance was as given.
fn kept(subnet: &Subnet, id: Principal, before_cycles: u128) -> (Vec<u8>, u64, u128) {
    let view = subnet.replica.view();
    let canister = view.canister(id).expect("it exists");
    (canister.certified_data.clone(), canister.global_timer_ns, before_cycles - canister.balance_cycles)
}

/// More than the executions of an installation cost, and less than what the hooks burn.
const EXECUTION_CYCLES: u128 = 1_000_000_000_000;

/// An upgrade that fails after `canister_pre_upgrade` undoes the certified data and the timer that it
/// set, and gives back the cycles that it burned; only the executions are paid for.
#[test]
fn should_undo_what_pre_upgrade_certified_set_and_burned_when_a_later_step_fails() {
    let failing = canister(r#"(func (export "canister_post_upgrade") (call $fail))"#);
    let unlinkable = wat::parse_str(
        r#"(module (memory 1) (data (i32.const 65536) "beyond") (func (export "canister_update a")))"#,
    )
    .expect("it is a module");
    for new in [failing, unlinkable] {
        let mut subnet = Subnet::new();
        let id = subnet.install(&changing_everything_in("canister_pre_upgrade"));
        let before_cycles = subnet.replica.cycles_balance(id);
        upgrade(&mut subnet, id, &new, UpgradeFlags::default()).expect_err("it fails");
        let (certified, timer_ns, spent) = kept(&subnet, id, before_cycles);
        assert_eq!((certified.as_slice(), timer_ns), (&b""[..], 0));
        assert!(0 < spent && spent < EXECUTION_CYCLES, "{spent}");
    }
}

/// A reinstallation that fails after `canister_init` gives back the cycles that it burned, and undoes
/// what it set.
#[test]
fn should_give_back_what_init_burned_when_a_reinstallation_fails_after_it() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let before_cycles = subnet.replica.cycles_balance(id);
    let limited = subnet.manage(
        "update_settings",
        UpdateSettingsArgs {
            canister_id: id,
            settings: CanisterSettings { wasm_memory_limit: Some(1_u8.into()), ..Default::default() },
            sender_canister_version: None,
        },
    );
    limited.expect("the limit is allowed");
    let reinstalled = subnet.manage(
        "install_code",
        InstallCodeArgs {
            mode: CanisterInstallMode::Reinstall,
            canister_id: id,
            wasm_module: changing_everything_in("canister_init"),
            arg: Vec::new(),
            sender_canister_version: None,
        },
    );
    reinstalled.expect_err("it needs more memory than allowed");
    let (certified, timer_ns, spent) = kept(&subnet, id, before_cycles);
    assert_eq!((certified.as_slice(), timer_ns), (&b""[..], 0));
    assert!(0 < spent && spent < EXECUTION_CYCLES, "{spent}");
}
