//! Abstract behavior › Calls to frozen canisters are rejected

use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, CanisterSettings};
use local_replica::QueryMessage;
use local_replica::RejectCode::{CanisterError, SysTransient};

use crate::canisters::{
    Caller, Subnet, USER, assert_rejected, callee, canister, canister_importing, number, rejected,
};

fn frozen(wasm: &[u8]) -> (Subnet, Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.install(wasm);
    subnet.freeze(id);
    (subnet, id)
}

/// A frozen canister takes no calls of users; its controllers are told how many cycles are missing.
#[test]
fn should_tell_controllers_of_a_frozen_canister_what_is_missing() {
    let (mut subnet, id) = frozen(&callee());
    let reject = rejected(subnet.call(id, "reply", b""));
    assert_eq!((reject.code, reject.error_code.as_deref()), (SysTransient, Some("IC0207")));
    assert!(reject.message.contains("please top up the canister with at least"), "{}", reject.message);
}

/// Others are told only that it is out of cycles.
#[test]
fn should_not_tell_strangers_what_a_frozen_canister_holds() {
    let (mut subnet, id) = frozen(&callee());
    let stranger = Principal::from_slice(&[2; 29]);
    let reject = rejected(subnet.replica.call(stranger, id, "reply", Vec::new()));
    assert_eq!(reject.message, format!("Canister {id} is out of cycles"));
}

/// A frozen canister answers no queries.
#[test]
fn should_answer_no_query_when_frozen() {
    let (mut subnet, id) = frozen(&callee());
    assert_rejected(subnet.query(id, "get"), SysTransient, "IC0207");
}

/// Calls of canisters to a frozen one are rejected as transient failures, with all their cycles.
#[test]
fn should_reject_calls_of_canisters_to_a_frozen_canister() {
    let (mut subnet, id) = frozen(&callee());
    let caller = subnet.install(&Caller { cycles: 1_000, ..Caller::default() }.wasm());
    assert_eq!(number(subnet.call(caller, "call", id.as_slice())), SysTransient as i32);
}

/// A canister that freezes while it waits still processes the answer, which is paid for.
#[test]
fn should_process_responses_when_frozen() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&Caller::default().wasm());
    let request = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    subnet.freeze(id);
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), 7);
}

/// A frozen canister can make no call: `call_perform` says that the system is out of something.
#[test]
fn should_refuse_to_perform_calls_of_a_frozen_canister() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(
        &Caller {
            on_reply: "(call $call_new (i32.const 256) (i32.const 10) (i32.const 128) (i32.const 5)
                         (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
                       (call $reply_i32 (call $call_perform))",
            ..Caller::default()
        }
        .wasm(),
    );
    let request = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    // The request is executed before the canister is frozen, its response after that.
    subnet.freeze(id);
    subnet.replica.run_until_idle();
    assert_eq!(number(subnet.answer(&request)), SysTransient as i32);
}

/// No code is installed in a frozen canister.
#[test]
fn should_install_no_code_in_a_frozen_canister() {
    let (mut subnet, id) = frozen(&callee());
    let reject = subnet.replica.upgrade(id, &callee(), Vec::new()).expect_err("it is frozen");
    assert_eq!((reject.code, reject.error_code.as_deref()), (SysTransient, Some("IC0207")));
    assert!(reject.message.starts_with("Canister installation failed with"), "{}", reject.message);
}

/// Its controllers can lower the freezing threshold, and it works again.
#[test]
fn should_work_again_after_the_threshold_is_lowered() {
    let (mut subnet, id) = frozen(&callee());
    subnet.unfreeze(id);
    assert_eq!(number(subnet.call(id, "reply", b"")), 7);
}

/// Its controllers can look at it by a query of the management canister.
#[test]
fn should_tell_the_status_of_a_frozen_canister() {
    let (mut subnet, id) = frozen(&callee());
    let status = subnet.replica.query(QueryMessage {
        sender: USER,
        canister_id: Principal::management_canister(),
        method_name: "canister_status".to_owned(),
        arg: candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes"),
    });
    status.expect("a reply");
}

/// The timer of a frozen canister does not fire, and stays set until it can.
#[test]
fn should_keep_the_timer_of_a_frozen_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(func (export "canister_update set")
             (drop (call $timer_set (i64.add (call $time) (i64.const 1000000000)))) (call $msg_reply))
           (func (export "canister_global_timer") (call $bump (i32.const 1)))"#,
    ));
    subnet.call(id, "set", b"").expect("a reply");
    subnet.freeze(id);
    subnet.replica.advance_time(Duration::from_secs(2));
    subnet.replica.run_until_idle();
    subnet.unfreeze(id);
    subnet.replica.run_until_idle();
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// What lies under the freezing threshold is neither liquid nor burned.
#[test]
fn should_not_burn_what_the_freezing_threshold_holds_back() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister_importing(
        r#"(import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))"#,
        r#"(func (export "canister_update burn")
             (call $burn (i64.const -1) (i64.const -1) (i32.const 48))
             (call $append (i32.const 48) (i32.const 16)) (call $msg_reply))"#,
    ));
    let settings =
        CanisterSettings { memory_allocation: Some((1_u64 << 30).into()), ..CanisterSettings::default() };
    subnet.configure(id, settings);
    let reply = subnet.call(id, "burn", b"").expect("a reply");
    let burned = u128::from_le_bytes(reply.try_into().expect("sixteen bytes"));
    assert!(burned > 0);
    let held_back = 127_000 * 2_592_000;
    assert!(subnet.replica.cycles_balance(id) >= held_back);
    assert_rejected(subnet.call(id, "burn", b""), SysTransient, "IC0207");
}

/// Calls of other canisters that attach less than the callee asks for are rejected.
#[test]
fn should_reject_calls_with_fewer_cycles_than_the_callee_asks_for() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let minimum = Some(1_000_u64.into());
    subnet.configure(
        callee,
        CanisterSettings { minimum_incoming_canister_call_cycles: minimum, ..CanisterSettings::default() },
    );
    let poor = subnet.install(&Caller { cycles: 999, ..Caller::default() }.wasm());
    let rich = subnet.install(&Caller { cycles: 1_000, ..Caller::default() }.wasm());
    assert_eq!(number(subnet.call(poor, "call", callee.as_slice())), CanisterError as i32);
    assert_eq!(number(subnet.call(rich, "call", callee.as_slice())), 7);
}

/// The minimum is not asked of users, nor of the canister itself.
#[test]
fn should_ask_no_cycles_of_users_and_of_the_canister_itself() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(table funcref (elem $on_reply))
        (data (i32.const 128) "reply")
        (func $on_reply (param i32) (call $reply_i32 (i32.const 9)))
        (func (export "canister_update reply") (call $msg_reply))
        (func (export "canister_update call")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (drop (call $call_perform)))"#,
    ));
    let minimum = Some(1_000_u64.into());
    subnet.configure(
        id,
        CanisterSettings { minimum_incoming_canister_call_cycles: minimum, ..CanisterSettings::default() },
    );
    assert_eq!(number(subnet.call(id, "call", id.as_slice())), 9);
}
