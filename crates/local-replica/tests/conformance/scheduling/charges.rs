//! Cycles › What is charged

use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, CanisterSettings};
use local_replica::{EntryPoint, MessageReport, ReplicaConfig};

use crate::canisters::{Caller, Subnet, callee, canister, with_updates};

const EXECUTION: u128 = 5_000_000;
const INGRESS: u128 = 1_200_000;
const INGRESS_BYTE: u128 = 2_000;
const CALL: u128 = 260_000;
const CALL_BYTE: u128 = 1_000;

/// Executes what waits; the cycles by which the balance fell, and what its messages were.
fn spent(
    subnet: &mut Subnet,
    id: Principal,
) -> impl FnMut(&mut Subnet) -> (u128, Vec<MessageReport>) + use<> {
    let before = subnet.replica.cycles_balance(id);
    move |subnet| {
        let reports = subnet.reports().into_iter().filter(|report| report.canister == id).collect();
        (before - subnet.replica.cycles_balance(id), reports)
    }
}

fn charged(reports: &[MessageReport]) -> u128 {
    reports.iter().map(|report| report.cycles_charged).sum()
}

/// An execution costs a fixed price and one cycle for each instruction.
#[test]
fn should_charge_for_each_instruction() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "reply", b"");
    let (_, reports) = spent(&mut subnet);
    assert_eq!(reports[0].cycles_charged, EXECUTION + u128::from(reports[0].instructions));
}

/// Receiving a user's message costs a fixed price and one for each byte of method name and argument.
#[test]
fn should_charge_for_receiving_each_byte_of_an_ingress_message() {
    for arg in [&[][..], &[1; 10], &[1; 1000]] {
        let mut subnet = Subnet::new();
        let id = subnet.install(&callee());
        let mut spent = spent(&mut subnet, id);
        subnet.submit(id, "reply", arg);
        let (spent, reports) = spent(&mut subnet);
        assert_eq!(spent, charged(&reports) + INGRESS + INGRESS_BYTE * (5 + arg.len() as u128));
    }
}

/// Prices grow with the subnet: on twice as many nodes everything costs twice as much.
#[test]
fn should_scale_prices_with_the_number_of_nodes() {
    let on = |nodes: u32| {
        let mut subnet = Subnet::of(ReplicaConfig { nodes, ..ReplicaConfig::default() });
        let id = subnet.install(&callee());
        let mut spent = spent(&mut subnet, id);
        subnet.submit(id, "reply", b"");
        spent(&mut subnet).0
    };
    assert_eq!(on(26), 2 * on(13));
}

/// A message that traps is charged like one that does not.
#[test]
fn should_charge_for_messages_that_trap() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "trap", b"");
    let (spent, reports) = spent(&mut subnet);
    assert_eq!(spent, EXECUTION + u128::from(reports[0].instructions) + INGRESS + 4 * INGRESS_BYTE);
}

/// A message to a method that does not exist costs the fixed price of an execution.
#[test]
fn should_charge_the_fixed_price_when_there_is_no_such_method() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "missing", b"");
    assert_eq!(spent(&mut subnet).0, EXECUTION + INGRESS + 7 * INGRESS_BYTE);
}

/// Queries of users cost nothing.
#[test]
fn should_charge_nothing_for_queries() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let before = subnet.replica.cycles_balance(id);
    subnet.query(id, "get").expect("a reply");
    assert_eq!(subnet.replica.cycles_balance(id), before);
}

/// A call costs its caller the request's and the response's bytes and both executions, and nothing else.
#[test]
fn should_charge_the_caller_for_request_and_response() {
    for payload in [0, 1, 100, 5_000] {
        let mut subnet = Subnet::new();
        let other = subnet.install(&callee());
        let id = subnet.install(&Caller { payload: vec![7; payload], ..Caller::default() }.wasm());
        let mut spent = spent(&mut subnet, id);
        subnet.submit(id, "call", other.as_slice());
        let (spent, reports) = spent(&mut subnet);
        let ingress = INGRESS + INGRESS_BYTE * (4 + 10);
        let request = CALL + CALL_BYTE * (5 + payload as u128);
        let response = CALL_BYTE * 4;
        assert_eq!(reports.len(), 2);
        assert_eq!(spent, charged(&reports) + ingress + request + response);
    }
}

/// A reject costs the bytes of its message.
#[test]
fn should_charge_the_caller_for_the_message_of_a_reject() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&Caller { method: "reject", ..Caller::default() }.wasm());
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "call", other.as_slice());
    let (spent, reports) = spent(&mut subnet);
    let transmission = CALL + CALL_BYTE * (6 + "no".len() as u128);
    assert_eq!(spent, charged(&reports) + INGRESS + INGRESS_BYTE * (4 + 10) + transmission);
}

/// The callee pays for its own execution only.
#[test]
fn should_charge_the_callee_for_its_execution_only() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&Caller::default().wasm());
    let mut spent = spent(&mut subnet, other);
    subnet.submit(id, "call", other.as_slice());
    let (spent, reports) = spent(&mut subnet);
    assert_eq!(spent, EXECUTION + u128::from(reports[0].instructions));
}

/// A cleanup costs its instructions; the fixed price was paid with the callback.
#[test]
fn should_charge_the_instructions_of_a_cleanup() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let caller = Caller {
        on_reply: "(call $fail)",
        on_cleanup: Some("(call $bump (i32.const 1))"),
        ..Caller::default()
    };
    let id = subnet.install(&caller.wasm());
    let costs = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = costs.clone();
    subnet.replica.observe(Box::new(move |report, _| {
        if matches!(report.entry, EntryPoint::Cleanup { .. }) {
            sink.lock().expect("no test panics with it").push((report.cycles_charged, report.instructions));
        }
    }));
    subnet.submit(id, "call", other.as_slice());
    subnet.replica.run_until_idle();
    let costs = costs.lock().expect("no test panics with it").clone();
    let [(cycles, instructions)] = costs[..] else { panic!("one cleanup runs") };
    assert_eq!(cycles, u128::from(instructions));
}

/// Attached cycles that the callee accepts are the callee's, to the last one.
#[test]
fn should_move_accepted_cycles_from_caller_to_callee() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let caller =
        Caller { method: "accept300", cycles: 1_000, on_reply: "(call $msg_reply)", ..Caller::default() };
    let id = subnet.install(&caller.wasm());
    let before = subnet.replica.cycles_balance(other);
    subnet.submit(id, "call", other.as_slice());
    let reports = subnet.reports();
    let of_callee: u128 =
        reports.iter().filter(|report| report.canister == other).map(|report| report.cycles_charged).sum();
    assert_eq!(subnet.replica.cycles_balance(other), before + 300 - of_callee);
}

/// A memory allocation costs its size, used or not, by the second.
#[test]
fn should_charge_for_allocated_memory() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let settings =
        CanisterSettings { memory_allocation: Some((1_u64 << 30).into()), ..CanisterSettings::default() };
    subnet.configure(id, settings);
    let before = subnet.replica.cycles_balance(id);
    subnet.replica.advance_time(Duration::from_secs(1_000));
    assert_eq!(before - subnet.replica.cycles_balance(id), 127_000 * 1_000);
}

/// A compute allocation costs ten million cycles for each percent and second.
#[test]
fn should_charge_for_allocated_compute() {
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![crate::canisters::USER]);
    let settings = CanisterSettings {
        compute_allocation: Some(7_u64.into()),
        freezing_threshold: Some(0_u64.into()),
        ..CanisterSettings::default()
    };
    subnet.configure(id, settings);
    let before = subnet.replica.cycles_balance(id);
    subnet.replica.advance_time(Duration::from_secs(1_000));
    let compute = 10_000_000 * 7 * 1_000;
    let paid = before - subnet.replica.cycles_balance(id);
    assert!((compute..compute + 1_000_000).contains(&paid), "{paid}");
}

/// A stopped canister pays for what it holds.
#[test]
fn should_charge_stopped_canisters_for_what_they_hold() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
    let before = subnet.replica.cycles_balance(id);
    subnet.replica.advance_time(Duration::from_secs(1_000_000));
    assert!(subnet.replica.cycles_balance(id) < before);
}

/// A user's call of the management canister is paid by the canister that it is about.
#[test]
fn should_charge_the_managed_canister_for_receiving_a_users_call() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    let mut spent = spent(&mut subnet, id);
    subnet.submit(Principal::management_canister(), "start_canister", &arg);
    assert_eq!(spent(&mut subnet).0, INGRESS + INGRESS_BYTE * (14 + arg.len() as u128));
}

/// Burning takes exactly what is asked for.
#[test]
fn should_burn_the_amount_asked_for() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&crate::canisters::canister_importing(
        r#"(import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))"#,
        r#"(func (export "canister_update burn")
             (call $burn (i64.const 0) (i64.const 123456) (i32.const 48)) (call $msg_reply))"#,
    ));
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "burn", b"");
    let (spent, reports) = spent(&mut subnet);
    assert_eq!(spent, charged(&reports) + INGRESS + 4 * INGRESS_BYTE + 123_456);
}

/// Burning is undone when the message traps.
#[test]
fn should_not_burn_in_a_message_that_traps() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&crate::canisters::canister_importing(
        r#"(import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))"#,
        r#"(func (export "canister_update burn")
             (call $burn (i64.const 0) (i64.const 123456) (i32.const 48)) (call $fail))"#,
    ));
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "burn", b"");
    let (spent, reports) = spent(&mut subnet);
    assert_eq!(spent, charged(&reports) + INGRESS + 4 * INGRESS_BYTE);
}

/// Cycles attached to calls of a message that traps stay with the canister.
#[test]
fn should_keep_cycles_of_calls_that_a_trap_undoes() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(table funcref (elem $none))
           (data (i32.const 128) "reply")
           (func $none (param i32))
           (func (export "canister_update call")
             (call $call_new (i32.const 256) (i32.const 0) (i32.const 128) (i32.const 5)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
             (call $call_cycles_add (i64.const 0) (i64.const 1000000000000))
             (drop (call $call_perform))
             (call $fail))"#,
    ));
    let mut spent = spent(&mut subnet, id);
    subnet.submit(id, "call", b"");
    let (spent, reports) = spent(&mut subnet);
    assert_eq!(spent, charged(&reports) + INGRESS + 4 * INGRESS_BYTE);
}

/// A callee that accepts cycles and does not reply
/// keeps them; its caller gets the rest with the reject.
#[test]
fn should_keep_accepted_cycles_when_the_callee_does_not_reply() {
    let mut subnet = Subnet::new();
    let other = subnet.install(&with_updates(&[(
        "reply",
        "(call $accept_cycles (i64.const 0) (i64.const 300) (i32.const 48))",
    )]));
    let caller = Caller {
        cycles: 1_000,
        on_reject: "(call $refunded_cycles (i32.const 48)) (call $reply_i32 (i32.load (i32.const 48)))",
        ..Caller::default()
    };
    let id = subnet.install(&caller.wasm());
    assert_eq!(crate::canisters::number(subnet.call(id, "call", other.as_slice())), 700);
}
