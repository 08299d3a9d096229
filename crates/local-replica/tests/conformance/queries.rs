//! Canister interface › Replicated and non-replicated execution mode
//!
//! Queries, replicated and not, and composite queries.

use candid::Principal;
use local_replica::RejectCode::CanisterError;

use crate::canisters::{Caller, Subnet, assert_rejected, callee, canister, number};

/// A query's changes are undone.
#[test]
fn should_discard_the_changes_of_a_query() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_query change")
             (call $bump (i32.const 5)) (drop (memory.grow (i32.const 1))) (call $reply_i32 (i32.load (i32.const 0))))"#,
    ));
    assert_eq!(number(subnet.query(id, "change")), 5);
    assert_eq!(number(subnet.query(id, "change")), 5);
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// A query in replicated mode changes nothing either.
#[test]
fn should_discard_the_changes_of_a_query_called_as_an_update() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_query change") (call $bump (i32.const 5)) (call $reply_i32 (i32.load (i32.const 0))))"#,
    ));
    assert_eq!(number(subnet.call(id, "change", b"")), 5);
    assert_eq!(number(subnet.call(id, "change", b"")), 5);
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// A query call reaches query methods only.
#[test]
fn should_not_find_updates_among_the_queries() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    assert_rejected(subnet.query(id, "reply"), CanisterError, "IC0536");
}

/// Queries read a certificate of the certified data; updates trap when they try.
#[test]
fn should_offer_a_certificate_of_the_certified_data_in_queries_only() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_query size") (call $reply_i32 (call $certificate_size)))
           (func (export "canister_update size_in_update") (call $reply_i32 (call $certificate_size)))"#,
    ));
    assert!(number(subnet.query(id, "size")) > 100);
    assert_rejected(subnet.call(id, "size_in_update", b""), CanisterError, "IC0504");
}

/// A composite query `ask` that asks the canister whose id is the argument.
fn composite() -> Vec<u8> {
    canister(
        r#"(table funcref (elem $on_reply $on_reject))
        (data (i32.const 128) "get")
        (func $on_reply (param i32) (call $bump (i32.const 10)) (call $reply_i32 (i32.load (i32.const 0))))
        (func $on_reject (param i32) (call $reply_i32 (i32.sub (i32.const 0) (call $reject_code))))
        (func (export "canister_composite_query ask")
          (call $bump (i32.const 1))
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 3)
            (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
          (drop (call $call_perform)))"#,
    )
}

fn ask(subnet: &mut Subnet, id: Principal, other: Principal) -> i32 {
    number(subnet.replica.query(local_replica::QueryMessage {
        sender: crate::canisters::USER,
        canister_id: id,
        method_name: "ask".to_owned(),
        arg: other.as_slice().to_vec(),
    }))
}

/// A composite query's callbacks see what it changed before; all of it is undone at the end.
#[test]
fn should_keep_the_state_of_a_composite_query_between_its_callbacks_and_discard_it_at_the_end() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&composite());
    let other = subnet.install(&Caller::default().wasm());
    assert_eq!(ask(&mut subnet, id, other), 11);
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// Composite queries run in non-replicated mode only.
#[test]
fn should_not_offer_composite_queries_to_updates() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&composite());
    assert_rejected(subnet.call(id, "ask", b""), CanisterError, "IC0527");
}
