//! Canister interface › Inter-canister method calls

use super::{Code, assert_violation, number32, number64, update};
use crate::canisters::rejected;
use local_replica::RejectCode;

const NS_PER_SECOND: u64 = 1_000_000_000;
const BALANCE: &str = "(call $canister_cycle_balance)";

/// The system calls that go on with a call under construction.
const CONTINUATIONS: [&str; 6] = [
    "(call $call_data_append (i32.const 0) (i32.const 0))",
    "(call $call_on_cleanup (i32.const 2) (i32.const 0))",
    "(call $call_cycles_add128 (i64.const 0) (i64.const 0))",
    "(call $call_cycles_add (i64.const 0))",
    "(call $call_with_best_effort_response (i32.const 1))",
    "(drop (call $call_perform))",
];

/// Before `call_new`, all other `call_` functions trap.
#[test]
fn should_trap_when_no_call_is_under_construction() {
    for code in CONTINUATIONS {
        assert_violation(update(code));
    }
}

/// After `call_perform` and before the next `call_new`, all other `call_` functions trap.
#[test]
fn should_trap_when_the_call_under_construction_was_performed() {
    for code in CONTINUATIONS {
        assert_violation(update(&format!("(call $call_answer) (call $perform) {code}")));
    }
}

/// A cleanup callback can be set once for a call.
#[test]
fn should_trap_when_a_second_cleanup_callback_is_set() {
    assert_violation(update(&format!("(call $call_answer) {}", CONTINUATIONS[1].repeat(2))));
}

/// A timeout can be set once for a call.
#[test]
fn should_trap_when_a_second_timeout_is_set() {
    assert_violation(update(&format!("(call $call_answer) {}", CONTINUATIONS[4].repeat(2))));
}

/// The next call can have its own cleanup callback and timeout.
#[test]
fn should_take_cleanup_and_timeout_for_each_call() {
    let call = format!("(call $call_answer) {} {}", CONTINUATIONS[1], CONTINUATIONS[4]);
    update(&format!("{call} {call} (call $msg_reply)")).expect("a reply");
}

/// A callee longer than a principal may be traps.
#[test]
fn should_trap_when_the_callee_is_no_principal() {
    let zeros = "(i32.const 0)".repeat(6);
    assert_violation(update(&format!("(call $call_new (i32.const 0) (i32.const 30) {zeros})")));
}

/// A method name of more than 20,000 bytes traps.
#[test]
fn should_trap_when_the_method_name_is_too_long() {
    assert_violation(update("(call $call (i32.const 0) (i32.const 20001))"));
    update("(call $call (i32.const 0) (i32.const 20000)) (call $msg_reply)").expect("a reply");
}

/// A method name that is not UTF-8 names no method; the network does not trap for it.
#[test]
fn should_reject_a_call_of_a_method_whose_name_is_not_utf8() {
    let code = Code {
        update: "(call $call (i32.const 64) (i32.const 2)) (call $perform)",
        on_reject: "(call $reply32 (call $msg_reject_code))",
        ..Code::default()
    };
    assert_eq!(number32(code.run()), RejectCode::CanisterError as u32);
}

/// The argument of the call consists of all data appended, in order.
#[test]
fn should_call_with_all_appended_data_in_order() {
    let append = "(call $call_data_append (i32.const 32) (i32.const 2))";
    let update = format!(
        "(call $call_answer) {append} (call $call_data_append (i32.const 16) (i32.const 3)) {append} (call $perform)"
    );
    let forward = "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (call $msg_arg_data_size))
                   (call $reply (i32.const 512) (call $msg_arg_data_size))";
    let code = Code { update: &update, answer: forward, on_reply: forward, ..Code::default() };
    assert_eq!(code.run(), Ok(b"reansre".to_vec()));
}

/// The argument of a call within a subnet, and the method's name, may have 10 MiB together.
#[test]
fn should_trap_when_the_payload_exceeds_the_limit() {
    let page = "(call $call_data_append (i32.const 0) (i32.const 65536))".repeat(159);
    let rest = |bytes: u32| format!("(call $call_data_append (i32.const 0) (i32.const {bytes}))");
    let name_bytes = 6;
    update(&format!("(call $call_answer) {page} {} (call $msg_reply)", rest(65_536 - name_bytes)))
        .expect("a reply");
    assert_violation(update(&format!("(call $call_answer) {page} {}", rest(65_536 - name_bytes + 1))));
}

/// Attached cycles leave the balance at once; a second `call_new` brings those of an unfinished call
/// back.
#[test]
fn should_give_cycles_back_when_another_call_is_begun() {
    let code = format!(
        "(local $before i64) (local.set $before {BALANCE})
         (call $call_answer) (call $call_cycles_add (i64.const 1000))
         (if (i64.ne {BALANCE} (i64.sub (local.get $before) (i64.const 1000))) (then unreachable))
         (call $call_answer)
         (call $reply64 (i64.sub (local.get $before) {BALANCE}))"
    );
    assert_eq!(number64(update(&code)), 0);
}

/// A call that is never performed has no effect, and its cycles come back when the message ends.
#[test]
fn should_give_cycles_back_when_a_call_is_not_performed() {
    let spent = |code: &str| {
        let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
        let before = subnet.replica.cycles_balance(id);
        subnet.call(id, "run", b"").expect("a reply");
        before - subnet.replica.cycles_balance(id)
    };
    let attached = 1_000_000_000_000;
    let code =
        format!("(call $call_answer) (call $call_cycles_add (i64.const {attached})) (call $msg_reply)");
    assert!(spent(&code) < attached / 2);
}

/// Cycles can be attached in several steps, which add up.
#[test]
fn should_attach_the_sum_of_all_cycles_added() {
    let code = Code {
        update: "(call $call_answer) (call $call_cycles_add (i64.const 1))
                 (call $call_cycles_add128 (i64.const 0) (i64.const 20)) (call $call_cycles_add (i64.const 300))
                 (call $perform)",
        answer: "(call $reply64 (call $msg_cycles_available))",
        on_reply: "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (i32.const 8))
                   (call $reply (i32.const 512) (i32.const 8))",
        ..Code::default()
    };
    assert_eq!(number64(code.run()), 321);
}

/// Attaching more than the liquid balance traps; attaching all of it does not.
#[test]
fn should_trap_when_more_than_the_liquid_balance_is_attached() {
    let attach = |more: u32| {
        format!(
            "(call $call_answer) (call $canister_liquid_cycle_balance128 (i32.const 512))
             (call $call_cycles_add128 (i64.load (i32.const 520))
               (i64.add (i64.load (i32.const 512)) (i64.const {more}))) (call $msg_reply)"
        )
    };
    update(&attach(0)).expect("a reply");
    assert_violation(update(&attach(1)));
}

/// When the balance does not cover a call, `call_perform` returns 2, no callback runs, and the
/// attached cycles come back.
#[test]
fn should_return_2_when_the_balance_does_not_cover_the_call() {
    let code = Code {
        update:
            "(local $code i32) (call $call_answer) (call $canister_liquid_cycle_balance128 (i32.const 512))
                 (call $call_cycles_add128 (i64.load (i32.const 520)) (i64.load (i32.const 512)))
                 (local.set $code (call $call_perform))
                 (if (i64.eqz (call $canister_cycle_balance)) (then unreachable))
                 (call $reply32 (local.get $code))",
        on_reply: "unreachable",
        on_reject: "unreachable",
        ..Code::default()
    };
    assert_eq!(number32(code.run()), 2);
}

/// The deadline that the callee of a bounded-wait call reads, in seconds from now.
fn deadline_of_call_with(timeout: &str) -> u64 {
    let update = format!("(call $call_answer) {timeout} (call $perform)");
    let code = Code {
        update: &update,
        answer: "(call $reply64 (call $msg_deadline))",
        on_reply: "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (i32.const 8))
                   (call $reply (i32.const 512) (i32.const 8))",
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    let now_ns = subnet.replica.time_ns();
    number64(subnet.call(id, "run", b"")).saturating_sub(now_ns).div_ceil(NS_PER_SECOND)
}

/// The callee of a bounded-wait call reads until when its caller waits.
#[test]
fn should_tell_the_callee_the_deadline_of_a_bounded_wait_call() {
    assert_eq!(deadline_of_call_with("(call $call_with_best_effort_response (i32.const 20))"), 20);
}

/// Timeouts longer than 300 seconds are cut to that.
#[test]
fn should_bound_the_timeout() {
    assert_eq!(deadline_of_call_with("(call $call_with_best_effort_response (i32.const 301))"), 300);
    assert_eq!(deadline_of_call_with("(call $call_with_best_effort_response (i32.const -1))"), 300);
}

/// The deadline is 0 for calls that wait without bound, and for ingress messages.
#[test]
fn should_tell_no_deadline_for_other_calls() {
    assert_eq!(deadline_of_call_with(""), 0);
    assert_eq!(number64(update("(call $reply64 (call $msg_deadline))")), 0);
}

/// The callback's environment value is the one given for its kind.
#[test]
fn should_pass_each_callback_its_environment() {
    let begin = "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (i32.const 0))
        (call $canister_self_copy (i32.const 1024) (i32.const 0) (call $canister_self_size))
        (call $call_new (i32.const 1024) (call $canister_self_size) (i32.const 16) (i32.const 6)
          (i32.const 0) (i32.const 11) (i32.const 1) (i32.const 22)) (call $perform)";
    let refused = begin.replace("(i32.const 16)", "(i32.const 32)");
    let callback = "(call $reply32 (local.get 0))";
    for (update, environment) in [(begin, 11), (refused.as_str(), 22)] {
        let code = Code { update, on_reply: callback, on_reject: callback, ..Code::default() };
        assert_eq!(number32(code.run()), environment);
    }
}

/// A callback index beyond the table traps when the answer arrives.
#[test]
fn should_trap_when_the_callback_is_not_in_the_table() {
    let code = "(call $canister_self_copy (i32.const 1024) (i32.const 0) (call $canister_self_size))
        (call $call_new (i32.const 1024) (call $canister_self_size) (i32.const 16) (i32.const 6)
          (i32.const 99) (i32.const 0) (i32.const 99) (i32.const 0)) (call $perform)";
    assert_eq!(rejected(update(code)).code, RejectCode::CanisterError);
}

/// A message may perform several calls; all are made.
#[test]
fn should_make_all_calls_of_a_message() {
    let code = Code {
        update: "(call $call_answer) (call $perform) (call $call_answer) (call $perform) (call $call_answer) (call $perform)",
        on_reply: "(i32.store (i32.const 4096) (i32.add (i32.load (i32.const 4096)) (i32.const 1)))
                   (if (i32.eq (i32.load (i32.const 4096)) (i32.const 3)) (then (call $reply32 (i32.const 3))))",
        ..Code::default()
    };
    assert_eq!(number32(code.run()), 3);
}
