//! Canister interface › Responding

use super::{Code, assert_violation, reject_callback, reply_callback, update};
use crate::canisters::rejected;
use local_replica::RejectCode;

/// The reply consists of all data appended, in order.
#[test]
fn should_reply_with_all_appended_data_in_order() {
    let append = "(call $msg_reply_data_append (i32.const 32) (i32.const 2))";
    let code = format!(
        "{append} (call $msg_reply_data_append (i32.const 16) (i32.const 3)) {append} (call $msg_reply)"
    );
    assert_eq!(update(&code), Ok(b"reansre".to_vec()));
}

/// A reply without data is empty.
#[test]
fn should_reply_with_nothing_when_nothing_was_appended() {
    assert_eq!(update("(call $msg_reply)"), Ok(Vec::new()));
}

/// Rejecting discards the reply data; the caller gets `CANISTER_REJECT` and the message as it was.
#[test]
fn should_reject_with_the_canisters_message() {
    let reject = rejected(update(
        "(call $msg_reply_data_append (i32.const 16) (i32.const 6)) (call $msg_reject (i32.const 32) (i32.const 6))",
    ));
    assert_eq!((reject.code, reject.message.as_str()), (RejectCode::CanisterReject, "refuse"));
}

/// An empty reject message is one.
#[test]
fn should_reject_with_an_empty_message() {
    assert_eq!(rejected(update("(call $msg_reject (i32.const 0) (i32.const 0))")).message, "");
}

/// A reject message that is not UTF-8 traps.
#[test]
fn should_trap_when_a_reject_message_is_not_utf8() {
    assert_violation(update("(call $msg_reject (i32.const 64) (i32.const 2))"));
}

/// A call that is rejected cannot be replied to.
#[test]
fn should_trap_when_a_rejected_call_is_replied_to() {
    assert_violation(update("(call $msg_reject (i32.const 0) (i32.const 0)) (call $msg_reply)"));
}

/// A call cannot be rejected twice.
#[test]
fn should_trap_when_a_call_is_rejected_twice() {
    assert_violation(update(&"(call $msg_reject (i32.const 0) (i32.const 0))".repeat(2)));
}

/// Reply data cannot be appended after a reject.
#[test]
fn should_trap_when_data_is_appended_after_a_reject() {
    assert_violation(update(
        "(call $msg_reject (i32.const 0) (i32.const 0)) (call $msg_reply_data_append (i32.const 0) (i32.const 0))",
    ));
}

/// Appends `count` pages of 64 KiB to the reply, then `rest` bytes.
fn large_reply(count: u32, rest: u32) -> String {
    let page = "(call $msg_reply_data_append (i32.const 0) (i32.const 65536))".repeat(count as usize);
    format!("{page} (call $msg_reply_data_append (i32.const 0) (i32.const {rest})) (call $msg_reply)")
}

/// A reply may have 2 MiB.
#[test]
fn should_take_a_reply_of_the_maximum_size() {
    assert_eq!(update(&large_reply(32, 0)).expect("a reply").len(), 2 * 1024 * 1024);
}

/// A reply of more than 2 MiB traps.
#[test]
fn should_trap_when_the_reply_exceeds_the_maximum_size() {
    assert_violation(update(&large_reply(32, 1)));
}

/// Both kinds of callbacks can reply.
#[test]
fn should_let_callbacks_reply() {
    let code = "(call $reply (i32.const 80) (i32.const 4))";
    assert_eq!(reply_callback(code), Ok(b"NAME".to_vec()));
    assert_eq!(reject_callback(code), Ok(b"NAME".to_vec()));
}

/// Callbacks can reject, too.
#[test]
fn should_let_callbacks_reject() {
    let reject = rejected(reply_callback("(call $msg_reject (i32.const 80) (i32.const 4))"));
    assert_eq!((reject.code, reject.message.as_str()), (RejectCode::CanisterReject, "NAME"));
}

/// The argument that a reply callback reads is the reply.
#[test]
fn should_give_the_reply_to_the_reply_callback_as_its_argument() {
    let forward = "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (call $msg_arg_data_size))
                   (call $reply (i32.const 512) (call $msg_arg_data_size))";
    assert_eq!(reply_callback(forward), Ok(b"answer".to_vec()));
}

/// A reject callback reads the callee's message.
#[test]
fn should_give_the_reject_message_to_the_reject_callback() {
    let forward = "(call $msg_reject_msg_copy (i32.const 512) (i32.const 0) (call $msg_reject_msg_size))
                   (call $reply (i32.const 512) (call $msg_reject_msg_size))";
    assert_eq!(reject_callback(forward), Ok(b"refuse".to_vec()));
}

/// `msg_reject_code` is 0 in reply callbacks.
#[test]
fn should_tell_reply_callbacks_that_nothing_was_rejected() {
    assert_eq!(super::number32(reply_callback("(call $reply32 (call $msg_reject_code))")), 0);
}

/// `msg_reject_code` is 4 in the callback of a call that the callee rejected.
#[test]
fn should_tell_reject_callbacks_the_code() {
    assert_eq!(super::number32(reject_callback("(call $reply32 (call $msg_reject_code))")), 4);
}

/// A message may be accepted only once.
#[test]
fn should_trap_when_a_message_is_accepted_twice() {
    let code = Code {
        inspect: Some("(call $accept_message) (call $accept_message)"),
        update: "(call $msg_reply)",
        ..Code::default()
    };
    assert_violation(code.run());
}

/// Inspection can tell messages apart by the name of the method.
#[test]
fn should_tell_inspection_the_name_of_the_method() {
    let inspect = "(call $msg_method_name_copy (i32.const 512) (i32.const 0) (call $msg_method_name_size))
        (if (i32.and (i32.eq (call $msg_method_name_size) (i32.const 3))
                     (i32.eq (i32.load8_u (i32.const 512)) (i32.const 114)))
          (then (call $accept_message)))";
    let (mut subnet, id) =
        Code { inspect: Some(inspect), update: "(call $msg_reply)", ..Code::default() }.installed();
    subnet.call(id, "run", b"").expect("accepted");
    assert_eq!(rejected(subnet.call(id, "answer", b"")).code, RejectCode::CanisterReject);
}
