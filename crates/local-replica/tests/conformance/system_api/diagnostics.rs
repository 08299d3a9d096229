//! Canister interface › Debugging aids

use super::{Code, assert_wasm_trap, update};
use crate::canisters::{Subnet, rejected};
use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, CanisterSettings, UpdateSettingsArgs};

fn lines(subnet: &Subnet, id: Principal) -> Vec<String> {
    let records = subnet.replica.logs(id);
    records.iter().map(|record| String::from_utf8_lossy(&record.content).into_owned()).collect()
}

fn logged(code: Code<'_>) -> Vec<String> {
    let (mut subnet, id) = code.installed();
    // Whether it traps is for the log to tell.
    let _ = subnet.call(id, "run", b"");
    lines(&subnet, id)
}

const PRINT_NAME: &str = "(call $debug_print (i32.const 80) (i32.const 4))";
const PRINT_ANSWER: &str = "(call $debug_print (i32.const 16) (i32.const 6))";

/// Printed lines are logged in order.
#[test]
fn should_log_printed_lines_in_order() {
    let code = format!("{PRINT_NAME} {PRINT_ANSWER} (call $msg_reply)");
    assert_eq!(logged(Code { update: &code, ..Code::default() }), ["NAME", "answer"]);
}

/// `debug_print` never traps, not even for data outside of memory.
#[test]
fn should_not_trap_when_what_is_printed_is_outside_of_memory() {
    for (src, size) in [(65_535, 2), (-1, 1), (0, -1)] {
        let code = format!("(call $debug_print (i32.const {src}) (i32.const {size})) (call $msg_reply)");
        let (mut subnet, id) = Code { update: &code, ..Code::default() }.installed();
        subnet.call(id, "run", b"").expect("a reply");
        assert_eq!(lines(&subnet, id).len(), 1);
    }
}

/// What is printed need not be UTF-8; the log has the bytes.
#[test]
fn should_log_bytes_that_are_not_utf8() {
    let code = "(call $debug_print (i32.const 64) (i32.const 2)) (call $msg_reply)";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    subnet.call(id, "run", b"").expect("a reply");
    assert_eq!(subnet.replica.logs(id)[0].content, [0xff, 0xfe]);
}

/// `trap` ends the message with the canister's text in the reject.
#[test]
fn should_trap_with_the_canisters_text() {
    let reject = rejected(update("(call $trap (i32.const 80) (i32.const 4))"));
    assert_eq!(reject.error_code.as_deref(), Some("IC0503"));
    assert!(reject.message.contains("NAME"), "{}", reject.message);
}

/// Bytes of the text that are not UTF-8 are left out of the reject.
#[test]
fn should_leave_out_of_the_reject_what_is_not_utf8() {
    let reject = rejected(update(
        "(i32.store16 (i32.const 84) (i32.const 0xfeff)) (call $trap (i32.const 80) (i32.const 6))",
    ));
    assert!(reject.message.contains("'NAME'"), "{}", reject.message);
}

/// `trap` traps also when its text is outside of memory.
#[test]
fn should_trap_when_the_text_is_outside_of_memory() {
    let reject = rejected(update("(call $trap (i32.const 65535) (i32.const 2))"));
    assert_eq!(reject.error_code.as_deref(), Some("IC0503"));
}

/// A trap is logged after what the message printed, with its text.
#[test]
fn should_log_the_text_of_a_trap_last() {
    let code = format!("{PRINT_ANSWER} (call $trap (i32.const 80) (i32.const 4))");
    let log = logged(Code { update: &code, ..Code::default() });
    assert_eq!(log, ["answer", "[TRAP]: NAME"]);
}

/// A trap without a text is logged, too.
#[test]
fn should_log_a_trap_without_text() {
    let log = logged(Code { update: "(call $trap (i32.const 0) (i32.const 0))", ..Code::default() });
    assert_eq!(log, ["[TRAP]: (no message)"]);
}

/// A trap of WebAssembly itself is logged, too.
#[test]
fn should_log_a_trap_of_webassembly() {
    for (code, text) in [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const -1)))", "heap out of bounds"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer division by 0"),
        ("(call $stable64_write (i64.const 0) (i64.const 0) (i64.const 1))", "stable memory out of bounds"),
    ] {
        assert_wasm_trap(update(code));
        assert_eq!(logged(Code { update: code, ..Code::default() }), [format!("[TRAP]: {text}")]);
    }
}

/// A callback that traps, and its cleanup, log as other messages do.
#[test]
fn should_log_callbacks_and_cleanup() {
    let on_reply = format!("{PRINT_NAME} unreachable");
    let code = Code {
        update: "(call $call_answer) (call $call_on_cleanup (i32.const 2) (i32.const 0)) (call $perform)",
        on_reply: &on_reply,
        on_cleanup: PRINT_ANSWER,
        ..Code::default()
    };
    let log = logged(code);
    assert_eq!(log, ["NAME", "[TRAP]: unreachable", "answer"]);
}

/// A query call logs nothing; a query in replicated mode does.
#[test]
fn should_log_queries_in_replicated_mode_only() {
    let query = format!("{PRINT_NAME} (call $msg_reply)");
    let (mut subnet, id) = Code { query: &query, ..Code::default() }.installed();
    subnet.query(id, "ask").expect("a reply");
    assert_eq!(lines(&subnet, id), Vec::<String>::new());
    subnet.call(id, "ask", b"").expect("a reply");
    assert_eq!(lines(&subnet, id), ["NAME"]);
}

/// Installing logs what `canister_init` prints.
#[test]
fn should_log_what_is_printed_while_installing() {
    let (subnet, id) = Code { init: PRINT_NAME, ..Code::default() }.installed();
    assert_eq!(lines(&subnet, id), ["NAME"]);
}

/// Records are numbered from 0 and carry the time of their message.
#[test]
fn should_number_records_and_tell_their_time() {
    let code = format!("{PRINT_NAME} {PRINT_ANSWER} (call $msg_reply)");
    let (mut subnet, id) = Code { update: &code, ..Code::default() }.installed();
    subnet.call(id, "run", b"").expect("a reply");
    subnet.replica.advance_time(std::time::Duration::from_secs(1));
    subnet.call(id, "run", b"").expect("a reply");
    let log = subnet.replica.logs(id);
    let numbers: Vec<u64> = log.iter().map(|record| record.idx).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert_eq!(log[2].timestamp_nanos - log[1].timestamp_nanos, 1_000_000_000);
}

/// The log holds 4 KiB; the oldest records go first.
#[test]
fn should_drop_the_oldest_records_beyond_4_kib() {
    let code = "(call $debug_print (i32.const 0) (i32.const 1000)) (call $msg_reply)";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    for _ in 0..6 {
        subnet.call(id, "run", b"").expect("a reply");
    }
    let log = subnet.replica.logs(id);
    let bytes: usize = log.iter().map(|record| record.content.len()).sum();
    assert!(bytes <= 4096, "{bytes}");
    assert_eq!(log.last().expect("some are left").idx, 5);
    assert!(log[0].idx >= 2, "the oldest is gone");
}

/// `log_memory_limit` makes the log hold more.
#[test]
fn should_hold_as_much_as_the_log_memory_limit_says() {
    let code = "(call $debug_print (i32.const 0) (i32.const 1000)) (call $msg_reply)";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    let settings = CanisterSettings { log_memory_limit: Some(8192u64.into()), ..CanisterSettings::default() };
    let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("the setting is valid");
    for _ in 0..7 {
        subnet.call(id, "run", b"").expect("a reply");
    }
    assert_eq!(subnet.replica.logs(id).len(), 7);
}

/// Uninstalling deletes the log; the numbers go on.
#[test]
fn should_delete_the_log_when_uninstalling() {
    let code = Code { init: PRINT_NAME, ..Code::default() };
    let (mut subnet, id) = code.installed();
    subnet.manage("uninstall_code", CanisterIdRecord { canister_id: id }).expect("it is uninstalled");
    assert_eq!(subnet.replica.logs(id), []);
    subnet.replica.install(id, &code.wasm(), Vec::new()).expect("it installs");
    assert_eq!(subnet.replica.logs(id)[0].idx, 1);
}

/// An upgrade keeps the log.
#[test]
fn should_keep_the_log_when_upgrading() {
    let update = format!("{PRINT_NAME} (call $msg_reply)");
    let code = Code { update: &update, ..Code::default() };
    let (mut subnet, id) = code.installed();
    subnet.call(id, "run", b"").expect("a reply");
    subnet.replica.upgrade(id, &code.wasm(), Vec::new()).expect("it upgrades");
    assert_eq!(lines(&subnet, id), ["NAME"]);
}
