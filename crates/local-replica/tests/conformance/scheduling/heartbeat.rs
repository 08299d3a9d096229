//! Canister interface › Entry points › Heartbeat

use std::time::Duration;

use local_replica::EntryPoint;

use crate::canisters::{Subnet, callee, canister};

fn beating(task: &str) -> Vec<u8> {
    canister(&format!(r#"(func (export "canister_heartbeat") {task})"#))
}

fn beats(subnet: &mut Subnet) -> usize {
    subnet.reports().iter().filter(|report| report.entry == EntryPoint::Heartbeat).count()
}

/// `canister_heartbeat` runs by itself, again and again as time passes.
#[test]
fn should_run_heartbeats_as_time_passes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&beating("(call $bump (i32.const 1))"));
    for _ in 0..3 {
        subnet.replica.run_until_idle();
        subnet.replica.advance_time(Duration::from_secs(1));
    }
    assert_eq!(subnet.counters(id), [3; 3]);
}

/// Between two heartbeats time passes: they do not keep the replica busy.
#[test]
fn should_run_no_second_heartbeat_at_the_same_time() {
    let mut subnet = Subnet::new();
    subnet.install(&beating("(call $bump (i32.const 1))"));
    assert_eq!(beats(&mut subnet), 1);
    assert_eq!(beats(&mut subnet), 0);
}

/// A canister without `canister_heartbeat` is not charged for any.
#[test]
fn should_run_no_heartbeat_that_is_not_exported() {
    let mut subnet = Subnet::new();
    subnet.install(&callee());
    assert_eq!(beats(&mut subnet), 0);
}

/// A heartbeat that traps is undone and does not keep the next one from running.
#[test]
fn should_undo_a_heartbeat_that_traps_and_run_the_next_one() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&beating("(call $bump (i32.const 1)) (call $fail)"));
    assert_eq!(beats(&mut subnet), 1);
    subnet.replica.advance_time(Duration::from_secs(1));
    assert_eq!(beats(&mut subnet), 1);
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// A heartbeat can call; the callbacks of its calls run.
#[test]
fn should_run_the_callbacks_of_calls_made_by_a_heartbeat() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(table funcref (elem $on_reply))
        (data (i32.const 128) "raw_rand")
        (func $on_reply (param i32) (call $bump (call $arg_size)))
        (func (export "canister_heartbeat")
          (call $call_new (i32.const 256) (i32.const 0) (i32.const 128) (i32.const 8)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (drop (call $call_perform)))"#,
    ));
    subnet.replica.run_until_idle();
    assert!(subnet.counters(id)[0] > 32, "the callback saw the reply");
}

/// A heartbeat has nobody to answer: replying traps.
#[test]
fn should_trap_a_heartbeat_that_replies() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&beating("(call $bump (i32.const 1)) (call $msg_reply)"));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// Each heartbeat costs its execution, also one that does nothing.
#[test]
fn should_charge_for_heartbeats() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&beating(""));
    let before = subnet.replica.cycles_balance(id);
    subnet.replica.run_until_idle();
    assert!(before - subnet.replica.cycles_balance(id) >= 5_000_000);
}

/// A frozen canister has no heartbeat and pays for none.
#[test]
fn should_run_no_heartbeat_in_a_frozen_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&beating("(call $bump (i32.const 1))"));
    subnet.replica.run_until_idle();
    subnet.freeze(id);
    subnet.replica.advance_time(Duration::from_secs(10));
    assert_eq!(beats(&mut subnet), 0);
    subnet.unfreeze(id);
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [2; 3], "one before, one after");
}

/// A stopped canister has no heartbeat; started again it has.
#[test]
fn should_run_no_heartbeat_in_a_stopped_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&beating("(call $bump (i32.const 1))"));
    let stop = subnet.submit_stop(id);
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stops");
    subnet.replica.advance_time(Duration::from_secs(10));
    assert_eq!(beats(&mut subnet), 0);
    let record = ic_management_canister_types::CanisterIdRecord { canister_id: id };
    subnet.manage("start_canister", record).expect("it starts");
    subnet.replica.run_until_idle();
    assert!(subnet.counters(id)[0] >= 1);
}
