//! Canister interface › Performance counter

use super::{Code, assert_violation, number64, query, update};

/// Loops so many times, about ten instructions each.
const WORK: &str = "(i32.store (i32.const 4096) (i32.const 100000))
    (loop $again
      (i32.store (i32.const 4096) (i32.sub (i32.load (i32.const 4096)) (i32.const 1)))
      (br_if $again (i32.load (i32.const 4096))))";

/// Counter 0 counts the instructions of the message, upwards.
#[test]
fn should_count_the_instructions_of_a_message() {
    let code = format!(
        "(local $before i64) (local.set $before (call $performance_counter (i32.const 0))) {WORK}
         (call $reply64 (i64.sub (call $performance_counter (i32.const 0)) (local.get $before)))"
    );
    let instructions = number64(update(&code));
    assert!((300_000..1_500_000).contains(&instructions), "{instructions}");
}

/// Counter 0 starts anew in a callback; counter 1 goes on counting through the await.
#[test]
fn should_count_a_whole_call_by_counter_1_across_the_await() {
    let update = format!("{WORK} (call $call_answer) (call $perform)");
    let counted = |counter: u32| {
        let reply = format!("(call $reply64 (call $performance_counter (i32.const {counter})))");
        number64(Code { update: &update, on_reply: &reply, ..Code::default() }.run())
    };
    assert!(counted(0) < 10_000);
    assert!(counted(1) > 300_000);
}

/// Before any await the two counters agree.
#[test]
fn should_count_alike_by_both_counters_before_the_await() {
    let difference = number64(update(
        "(call $reply64 (i64.sub (call $performance_counter (i32.const 1)) (call $performance_counter (i32.const 0))))",
    ));
    // Both are read one after the other, so that the second sees what the first cost.
    assert!(difference as i64 <= 0 && difference as i64 > -1_000, "{}", difference as i64);
}

/// Counter 1 of a call begins at zero, whatever the canister executed before.
#[test]
fn should_begin_counter_1_with_the_call() {
    let update = format!("{WORK} (call $reply64 (call $performance_counter (i32.const 1)))");
    let (mut subnet, id) = Code { update: &update, ..Code::default() }.installed();
    let first = number64(subnet.call(id, "run", b""));
    assert_eq!(number64(subnet.call(id, "run", b"")), first);
}

/// Counter 1 goes on counting through the callbacks of a composite query.
#[test]
fn should_count_a_whole_composite_query_by_counter_1() {
    let composite = format!("{WORK} (call $call_answer) (call $perform)");
    let counted = |counter: u32| {
        let reply = format!("(call $reply64 (call $performance_counter (i32.const {counter})))");
        let code = Code { composite: &composite, on_reject: &reply, ..Code::default() };
        let (mut subnet, id) = code.installed();
        number64(subnet.query(id, "compose"))
    };
    assert!(counted(0) < 10_000);
    assert!(counted(1) > 300_000);
}

/// There are no other counters.
#[test]
fn should_trap_when_another_counter_is_asked_for() {
    for counter in [2, 3, -1] {
        assert_violation(update(&format!("(drop (call $performance_counter (i32.const {counter})))")));
    }
}

/// Queries can count, too.
#[test]
fn should_count_in_queries() {
    assert!(number64(query("(call $reply64 (call $performance_counter (i32.const 0)))")) > 0);
}
