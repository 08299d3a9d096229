//! Cycles › What memory that grows requires

use candid::Principal;
use local_replica::RejectCode::CanisterError;

use crate::canisters::{Subnet, assert_rejected, canister, with_updates};

/// Enough for any update of a small canister, not for 100 GiB of stable memory until it freezes.
const SMALL_BALANCE_CYCLES: u128 = 500_000_000_000;

/// A canister with little in its balance; its method `grow` has this body.
fn poor(grow: &str) -> (Subnet, Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[("grow", grow)]));
    subnet.replica.set_cycles_balance(id, SMALL_BALANCE_CYCLES);
    (subnet, id)
}

/// An update after whose growth of stable memory the balance is below the freezing threshold fails, and
/// the memory is as before.
#[test]
fn should_not_grow_stable_memory_without_cycles() {
    let (mut subnet, id) = poor("(drop (call $stable_grow (i64.const 1638400))) (call $msg_reply)");
    assert_rejected(subnet.call(id, "grow", b""), CanisterError, "IC0532");
    assert_eq!(subnet.replica.view().canister(id).expect("it exists").stable_memory().len(), 0);
}

/// So does one that grows the heap.
#[test]
fn should_not_grow_the_heap_without_cycles() {
    let (mut subnet, id) = poor("(drop (memory.grow (i32.const 40000))) (call $msg_reply)");
    let before = subnet.replica.view().canister(id).expect("it exists").memory().len();
    assert_rejected(subnet.call(id, "grow", b""), CanisterError, "IC0532");
    assert_eq!(subnet.replica.view().canister(id).expect("it exists").memory().len(), before);
}

/// What the balance suffices for may grow.
#[test]
fn should_grow_memory_that_is_paid_for() {
    let (mut subnet, id) = poor("(drop (call $stable_grow (i64.const 1))) (call $msg_reply)");
    subnet.call(id, "grow", b"").expect("a reply");
    assert_eq!(subnet.replica.view().canister(id).expect("it exists").stable_memory().len(), 65_536);
}

/// An upgrade after which the balance is below the freezing threshold fails, and is undone.
#[test]
fn should_not_install_code_that_grows_memory_without_cycles() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_updates(&[("old", "(call $msg_reply)")]));
    subnet.replica.set_cycles_balance(id, SMALL_BALANCE_CYCLES);
    let growing =
        canister(r#"(func (export "canister_post_upgrade") (drop (call $stable_grow (i64.const 1638400))))"#);
    let upgraded = subnet.replica.upgrade(id, &growing, Vec::new());
    assert_rejected(upgraded.map(|()| Vec::new()), CanisterError, "IC0532");
    subnet.call(id, "old", b"").expect("the old code answers");
}
