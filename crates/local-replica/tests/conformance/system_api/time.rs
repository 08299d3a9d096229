//! Canister interface › System time, global timer

use std::time::Duration;

use super::{Code, number64, update};

const TIME: &str = "(call $reply64 (call $time))";

/// The time is that of the subnet, in nanoseconds since 1970.
#[test]
fn should_tell_the_time_of_the_subnet() {
    let (mut subnet, id) = Code { update: TIME, query: TIME, ..Code::default() }.installed();
    let time_ns = subnet.replica.time_ns();
    assert_eq!(number64(subnet.call(id, "run", b"")), time_ns);
    assert_eq!(number64(subnet.query(id, "ask")), time_ns);
}

/// Within one message the time stands still.
#[test]
fn should_keep_the_time_within_a_message() {
    let code = "(local $before i64) (local.set $before (call $time))
        (call $reply64 (i64.sub (call $time) (local.get $before)))";
    assert_eq!(number64(update(code)), 0);
}

/// The time goes on between messages, and never back.
#[test]
fn should_go_on_between_messages() {
    let (mut subnet, id) = Code { update: TIME, ..Code::default() }.installed();
    let before = number64(subnet.call(id, "run", b""));
    subnet.replica.advance_time(Duration::from_nanos(7));
    assert_eq!(number64(subnet.call(id, "run", b"")), before + 7);
}

/// Setting the timer returns the former value, 0 when none was set.
#[test]
fn should_return_the_former_timer() {
    let set = |timestamp: &str| format!("(call $global_timer_set (i64.const {timestamp}))");
    let code = format!(
        "(if (i64.ne {} (i64.const 0)) (then unreachable))
         (if (i64.ne {} (i64.const -2)) (then unreachable))
         (if (i64.ne {} (i64.const -3)) (then unreachable))
         (call $reply64 {})",
        set("-2"),
        set("-3"),
        set("0"),
        set("-4")
    );
    assert_eq!(number64(update(&code)), 0);
}

/// A message that traps leaves the timer as it was.
#[test]
fn should_not_set_the_timer_by_a_message_that_traps() {
    let code = Code {
        update: "(drop (call $global_timer_set (i64.const 1))) unreachable",
        timer: "(i32.store (i32.const 4096) (i32.const 1))",
        query: "(call $reply32 (i32.load (i32.const 4096)))",
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    subnet.call(id, "run", b"").expect_err("it traps");
    subnet.replica.advance_time(Duration::from_secs(1));
    subnet.replica.run_until_idle();
    assert_eq!(super::number32(subnet.query(id, "ask")), 0);
}

/// A timer in the past fires, too.
#[test]
fn should_fire_a_timer_that_is_set_to_the_past() {
    let code = Code {
        update: "(drop (call $global_timer_set (i64.const 1))) (call $msg_reply)",
        timer: "(i32.store (i32.const 4096) (i32.const 1))",
        query: "(call $reply32 (i32.load (i32.const 4096)))",
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    subnet.call(id, "run", b"").expect("a reply");
    subnet.replica.run_until_idle();
    assert_eq!(super::number32(subnet.query(id, "ask")), 1);
}
