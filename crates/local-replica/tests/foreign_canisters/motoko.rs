//! A canister in Motoko, whose compiler and runtime come from the package `motoko`.

use candid::{Decode, Encode, Nat, Principal};
use ic_management_canister_types::{
    CanisterInstallMode, InstallCodeArgs, UpgradeFlags, WasmMemoryPersistence,
};
use local_replica::{RejectCode, Replica};

use crate::{CONTROLLER, STRANGER, install, module, query, replica};

candid::define_service!(Counter : { "increment": candid::func!(() -> (Nat)) });

/// Two counters.
fn counters() -> (Replica, Principal, Principal) {
    let mut replica = replica();
    let wasm = module("motoko");
    let arg = || Encode!().expect("encodes");
    let first = install(&mut replica, &wasm, arg());
    let second = install(&mut replica, &wasm, arg());
    (replica, first, second)
}

fn read(replica: &mut Replica, id: Principal) -> Nat {
    let reply = query(replica, id, "read", Encode!().expect("encodes")).expect("answers");
    Decode!(&reply, Nat).expect("a number")
}

/// Its state changes in updates, and it knows its caller.
#[test]
fn should_count_and_know_the_caller() {
    let (mut replica, counter, _) = counters();
    for expected in 1_u32..4 {
        let reply = replica.call(STRANGER, counter, "increment", Encode!().expect("encodes"));
        assert_eq!(Decode!(&reply.expect("answers"), Nat).expect("a number"), Nat::from(expected));
    }
    assert_eq!(read(&mut replica, counter), Nat::from(3_u32));
    let reply = replica.call(STRANGER, counter, "whoami", Encode!().expect("encodes"));
    assert_eq!(Decode!(&reply.expect("answers"), Principal).expect("a principal"), STRANGER);
}

/// It awaits another canister, twice in one call.
#[test]
fn should_await_another_canister() {
    let (mut replica, first, second) = counters();
    let reply = replica.call(STRANGER, first, "twice", Encode!(&Counter::new(second)).expect("encodes"));
    assert_eq!(Decode!(&reply.expect("answers"), Nat).expect("a number"), Nat::from(3_u32));
    assert_eq!(read(&mut replica, second), Nat::from(2_u32));
}

/// A trap after an await undoes what came after it, and nothing before.
#[test]
fn should_keep_what_was_counted_before_an_await_that_is_followed_by_a_trap() {
    let (mut replica, first, second) = counters();
    let reject = replica
        .call(STRANGER, first, "fail", Encode!(&Counter::new(second)).expect("encodes"))
        .expect_err("the assertion fails");
    assert_eq!(reject.code, RejectCode::CanisterError);
    assert!(reject.message.contains("assertion failed"), "{}", reject.message);
    assert_eq!(read(&mut replica, first), Nat::from(10_u32));
    assert_eq!(read(&mut replica, second), Nat::from(1_u32));
}

/// Its stable variables outlive an upgrade.
#[test]
fn should_remember_through_an_upgrade() {
    let (mut replica, counter, _) = counters();
    replica.call(CONTROLLER, counter, "increment", Encode!().expect("encodes")).expect("answers");
    replica.upgrade(counter, &module("motoko"), Encode!().expect("encodes")).expect("upgrades");
    assert_eq!(read(&mut replica, counter), Nat::from(1_u32));
}

/// What a newer compiler makes, with a 64-bit memory that upgrades keep: it counts, awaits, and remembers.
#[test]
fn should_keep_a_64_bit_memory_through_an_upgrade() {
    let mut replica = replica();
    let wasm = module("motoko-64");
    let arg = || Encode!().expect("encodes");
    let first = install(&mut replica, &wasm, arg());
    let second = install(&mut replica, &wasm, arg());
    let reply = replica.call(STRANGER, first, "twice", Encode!(&Counter::new(second)).expect("encodes"));
    assert_eq!(Decode!(&reply.expect("answers"), Nat).expect("a number"), Nat::from(3_u32));
    let keeping = UpgradeFlags {
        wasm_memory_persistence: Some(WasmMemoryPersistence::Keep),
        ..UpgradeFlags::default()
    };
    let upgrade = InstallCodeArgs {
        mode: CanisterInstallMode::Upgrade(Some(keeping)),
        canister_id: first,
        wasm_module: wasm,
        arg: arg(),
        sender_canister_version: None,
    };
    replica
        .call(
            CONTROLLER,
            Principal::management_canister(),
            "install_code",
            Encode!(&upgrade).expect("encodes"),
        )
        .expect("upgrades");
    assert_eq!(read(&mut replica, first), Nat::from(3_u32));
    assert_eq!(read(&mut replica, second), Nat::from(2_u32));
}
