//! Canister interface › Certified data

use super::{Code, assert_violation, number32, query, reply_callback, update};
use crate::canisters::{Subnet, USER};
use local_replica::QueryMessage;

const PRESENT: &str = "(call $reply32 (call $data_certificate_present))";
const SET_NAME: &str = "(call $certified_data_set (i32.const 80) (i32.const 4)) (call $msg_reply)";

/// What the composite query `compose` of a canister with this code answers about another canister.
fn composed(code: Code<'_>) -> u32 {
    let mut subnet = Subnet::new();
    let id = subnet.install(&code.wasm());
    let other = subnet.install(&Code { query: PRESENT, ..Code::default() }.wasm());
    number32(subnet.replica.query(QueryMessage {
        sender: USER,
        canister_id: id,
        method_name: "compose".to_owned(),
        arg: other.as_slice().to_vec(),
    }))
}

/// Certified data of 32 bytes is taken.
#[test]
fn should_take_32_bytes_of_certified_data() {
    let code = "(call $certified_data_set (i32.const 0) (i32.const 32)) (call $msg_reply)";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    subnet.call(id, "run", b"").expect("a reply");
    assert_eq!(subnet.replica.certified_data(id).len(), 32);
}

/// Certified data of more than 32 bytes traps.
#[test]
fn should_trap_when_certified_data_is_too_long() {
    assert_violation(update("(call $certified_data_set (i32.const 0) (i32.const 33))"));
}

/// Certified data is empty until it is set.
#[test]
fn should_begin_with_empty_certified_data() {
    let (subnet, id) = Code::default().installed();
    assert_eq!(subnet.replica.certified_data(id), b"");
}

/// Certified data can be set any number of times; the last one counts.
#[test]
fn should_keep_what_was_certified_last() {
    let code = format!("(call $certified_data_set (i32.const 16) (i32.const 6)) {SET_NAME}");
    let (mut subnet, id) = Code { update: &code, ..Code::default() }.installed();
    subnet.call(id, "run", b"").expect("a reply");
    assert_eq!(subnet.replica.certified_data(id), b"NAME");
}

/// A message that traps certifies nothing.
#[test]
fn should_not_certify_what_a_trapping_message_set() {
    let code = "(call $certified_data_set (i32.const 80) (i32.const 4)) unreachable";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    subnet.call(id, "run", b"").expect_err("it traps");
    assert_eq!(subnet.replica.certified_data(id), b"");
}

/// An upgrade keeps certified data.
#[test]
fn should_keep_certified_data_when_upgrading() {
    let code = Code { update: SET_NAME, ..Code::default() };
    let (mut subnet, id) = code.installed();
    subnet.call(id, "run", b"").expect("a reply");
    subnet.replica.upgrade(id, &code.wasm(), Vec::new()).expect("it upgrades");
    assert_eq!(subnet.replica.certified_data(id), b"NAME");
}

/// A query call has a certificate.
#[test]
fn should_offer_a_certificate_in_a_query_call() {
    assert_eq!(number32(query(PRESENT)), 1);
}

/// An update has no certificate.
#[test]
fn should_offer_no_certificate_in_an_update() {
    assert_eq!(number32(update(PRESENT)), 0);
}

/// A query in replicated mode has no certificate.
#[test]
fn should_offer_no_certificate_in_a_replicated_query() {
    let (mut subnet, id) = Code { query: PRESENT, ..Code::default() }.installed();
    assert_eq!(number32(subnet.call(id, "ask", b"")), 0);
}

/// A callback of an update has no certificate.
#[test]
fn should_offer_no_certificate_in_a_callback() {
    assert_eq!(number32(reply_callback(PRESENT)), 0);
}

/// A composite query call has a certificate.
#[test]
fn should_offer_a_certificate_in_a_composite_query_call() {
    assert_eq!(composed(Code { composite: PRESENT, ..Code::default() }), 1);
}

/// A callback of a composite query has no certificate.
#[test]
fn should_offer_no_certificate_in_a_callback_of_a_composite_query() {
    let code =
        Code { composite: "(call $call_answer) (call $perform)", on_reject: PRESENT, ..Code::default() };
    assert_eq!(composed(code), 0);
}

/// A query that a composite query calls has no certificate.
#[test]
fn should_offer_no_certificate_to_the_callee_of_a_composite_query() {
    let code = Code {
        composite:
            "(i32.store8 (i32.const 600) (i32.const 97)) (i32.store16 (i32.const 601) (i32.const 27507))
                    (call $call (i32.const 600) (i32.const 3)) (call $perform)",
        on_reply: "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (i32.const 4))
                   (call $reply (i32.const 512) (i32.const 4))",
        ..Code::default()
    };
    assert_eq!(composed(code), 0);
}

/// Without a certificate its size cannot be read.
#[test]
fn should_trap_when_there_is_no_certificate_to_read() {
    assert_violation(update("(drop (call $data_certificate_size))"));
}

/// In replicated mode a canister reads the root key that verifies certificates.
#[test]
fn should_tell_the_root_key() {
    let code = "(call $root_key_copy (i32.const 2048) (i32.const 0) (call $root_key_size))
                (call $reply (i32.const 2048) (call $root_key_size))";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    assert_eq!(subnet.call(id, "run", b""), Ok(subnet.replica.root_key_der()));
}
