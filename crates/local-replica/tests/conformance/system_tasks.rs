//! Canister interface › Entry points › Global timer
//!
//! The global timer.

use std::time::Duration;

use crate::canisters::{Subnet, canister, number};

fn with_timer(task: &str) -> Vec<u8> {
    canister(&format!(
        r#"(func (export "canister_update set")
             (drop (call $timer_set (i64.add (call $time) (i64.const 1000000000)))) (call $msg_reply))
           (func (export "canister_update clear") (call $reply_i32 (i64.gt_u (call $timer_set (i64.const 0)) (i64.const 0))))
           (func (export "canister_global_timer") {task})"#
    ))
}

/// `canister_global_timer` runs once, not before the time set.
#[test]
fn should_fire_the_timer_once_after_its_time() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_timer("(call $bump (i32.const 1))"));
    subnet.call(id, "set", b"").expect("a reply");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [0; 3], "not before its time");
    for _ in 0..3 {
        subnet.replica.advance_time(Duration::from_secs(2));
        subnet.replica.run_until_idle();
    }
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// Setting the timer to zero deactivates it and returns the former value.
#[test]
fn should_not_fire_a_timer_that_was_deactivated() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_timer("(call $bump (i32.const 1))"));
    subnet.call(id, "set", b"").expect("a reply");
    assert_eq!(number(subnet.call(id, "clear", b"")), 1, "the former value is returned");
    subnet.replica.advance_time(Duration::from_secs(2));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// A timer task that traps is undone, and the timer stays deactivated.
#[test]
fn should_undo_a_timer_task_that_traps_and_not_repeat_it() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_timer("(call $bump (i32.const 1)) (call $fail)"));
    subnet.call(id, "set", b"").expect("a reply");
    subnet.replica.advance_time(Duration::from_secs(2));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [0; 3]);
    assert_eq!(subnet.replica.logs(id).len(), 1, "it ran and trapped once");
}

/// A timer task can set the timer again.
#[test]
fn should_not_undo_the_timer_setting_of_a_successful_task() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&with_timer(
        "(call $bump (i32.const 1)) (drop (call $timer_set (i64.add (call $time) (i64.const 1000000000))))",
    ));
    subnet.call(id, "set", b"").expect("a reply");
    for _ in 0..3 {
        subnet.replica.advance_time(Duration::from_secs(2));
        subnet.replica.run_until_idle();
    }
    assert_eq!(subnet.counters(id), [3; 3]);
}
