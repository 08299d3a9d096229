//! Abstract behavior › Message execution

use candid::Principal;

use crate::canisters::{Subnet, callee, canister, number};

/// Its update `flood` calls `reply` of the argument 510 times and replies how many calls could not
/// be made; each answer counts.
fn flooding() -> Vec<u8> {
    canister(
        r#"(table funcref (elem $done))
        (data (i32.const 128) "reply")
        (func $done (param i32) (call $bump (i32.const 1)))
        (func $make_call (result i32)
          (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (call $call_cycles_add (i64.const 0) (i64.const 1000))
          (call $call_perform))
        (func (export "canister_update flood") (local $i i32) (local $failed i32)
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (loop $again
            (if (call $make_call) (then (local.set $failed (i32.add (local.get $failed) (i32.const 1)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 510))))
          (call $reply_i32 (local.get $failed)))"#,
    )
}

/// Executes one message, which floods, and says how many of its 510 calls could not be made.
fn refused(subnet: &mut Subnet, id: Principal, other: Principal) -> i32 {
    let request = subnet.submit(id, "flood", other.as_slice());
    while subnet.replica.ingress_status(&request) == Some(&local_replica::IngressStatus::Received) {
        subnet.replica.step();
    }
    number(subnet.answer(&request))
}

fn flooded() -> (Subnet, Principal, Principal) {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&flooding());
    (subnet, id, other)
}

/// Of the calls to one canister at most 500 are open at once; `call_perform` refuses more.
#[test]
fn should_refuse_more_than_five_hundred_open_calls_to_one_canister() {
    let (mut subnet, id, other) = flooded();
    assert_eq!(refused(&mut subnet, id, other), 10);
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id)[0], 500, "calls that are not made run no callback");
}

/// Answered calls make room again.
#[test]
fn should_take_calls_again_once_those_before_are_answered() {
    let (mut subnet, id, other) = flooded();
    assert_eq!(refused(&mut subnet, id, other), 10);
    subnet.replica.run_until_idle();
    assert_eq!(refused(&mut subnet, id, other), 10);
}

/// Calls to one canister leave the room for calls to another one as it is.
#[test]
fn should_count_open_calls_by_callee() {
    let (mut subnet, id, other) = flooded();
    let another = subnet.install(&callee());
    let first = subnet.submit(id, "flood", other.as_slice());
    let second = subnet.submit(id, "flood", another.as_slice());
    subnet.replica.step();
    subnet.replica.step();
    assert_eq!([number(subnet.answer(&first)), number(subnet.answer(&second))], [10, 10]);
}

/// Open calls of one message take the room of the next one.
#[test]
fn should_count_open_calls_of_earlier_messages() {
    let (mut subnet, id, other) = flooded();
    let first = subnet.submit(id, "flood", other.as_slice());
    let second = subnet.submit(id, "flood", other.as_slice());
    subnet.replica.step();
    subnet.replica.step();
    assert_eq!([number(subnet.answer(&first)), number(subnet.answer(&second))], [10, 510]);
}

/// The limit holds for calls of a canister to itself as well.
#[test]
fn should_limit_open_calls_of_a_canister_to_itself() {
    let (mut subnet, id, _) = flooded();
    assert_eq!(refused(&mut subnet, id, id), 10);
}

/// Cycles of a call that is not made stay with the canister.
#[test]
fn should_keep_the_cycles_of_calls_that_the_full_queue_refuses() {
    let (mut subnet, id, other) = flooded();
    let first = subnet.submit(id, "flood", other.as_slice());
    let second = subnet.submit(id, "flood", other.as_slice());
    subnet.replica.step();
    let before = subnet.replica.cycles_balance(id);
    let local_replica::Step::Executed(report) = subnet.replica.step() else {
        panic!("the second flood is executed");
    };
    assert_eq!(number(subnet.answer(&second)), 510);
    let ingress_fee = 1_200_000 + 2_000 * (5 + id.as_slice().len() as u128);
    assert_eq!(before - subnet.replica.cycles_balance(id), report.cycles_charged + ingress_fee);
    subnet.answer(&first).expect("a reply");
}

/// Its update `send` sends 1, 2 and 3 to the canister named by the argument; it remembers digits
/// itself, too.
fn sending() -> Vec<u8> {
    canister(
        r#"(table funcref (elem $nothing))
        (data (i32.const 128) "reply")
        (data (i32.const 1024) "\01\02\03")
        (func $nothing (param i32))
        (func $send (param $digit i32)
          (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (call $call_data_append (i32.add (i32.const 1023) (local.get $digit)) (i32.const 1))
          (drop (call $call_perform)))
        (func (export "canister_update send")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $send (i32.const 1)) (call $send (i32.const 2)) (call $send (i32.const 3))
          (call $msg_reply))
        (func (export "canister_update reply")
          (call $arg_copy (i32.const 512) (i32.const 0) (call $arg_size))
          (i32.store (i32.const 0) (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 10))
            (i32.load8_u (i32.const 512))))
          (call $msg_reply))"#,
    )
}

/// Requests of one canister to another one are executed in the order of their sending.
#[test]
fn should_execute_calls_between_two_canisters_in_order() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&sending());
    let id = subnet.install(&sending());
    subnet.call(id, "send", other.as_slice()).expect("a reply");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(other)[0], 123);
}

/// Calls of a canister to itself keep their order as well.
#[test]
fn should_execute_calls_of_a_canister_to_itself_in_order() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&sending());
    subnet.call(id, "send", id.as_slice()).expect("a reply");
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id)[0], 123);
}

/// A reply is given out as soon as the message that replies has ended, whatever it has called.
#[test]
fn should_answer_before_the_calls_of_the_same_message_are_answered() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&sending());
    let id = subnet.install(&sending());
    let request = subnet.submit(id, "send", other.as_slice());
    subnet.replica.step();
    subnet.answer(&request).expect("a reply");
    assert_eq!(subnet.counters(other)[0], 0);
}
