//! Management canister › Stopping, starting, deleting, uninstalling
//!
//! Stopping, starting, deleting, uninstalling.

use ic_management_canister_types::CanisterIdRecord;
use local_replica::RejectCode::{CanisterError, CanisterReject, DestinationInvalid};
use local_replica::{IngressStatus, Principal};

use crate::canisters::{Caller, Subnet, USER, assert_rejected, callee, number};

/// A stopping canister takes no new calls, but the responses of its open ones, and is stopped after
/// the last.
#[test]
fn should_stop_only_after_the_callbacks_of_open_calls() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(
        &Caller { on_reply: "(call $bump (i32.const 1)) (call $msg_reply)", ..Caller::default() }.wasm(),
    );
    let open = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    let stop = subnet.submit(Principal::management_canister(), "stop_canister", &arg);
    let late = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    subnet.replica.step();
    assert_eq!(subnet.replica.ingress_status(&stop), Some(&IngressStatus::Processing), "still stopping");
    subnet.replica.run_until_idle();
    subnet.answer(&stop).expect("it stopped");
    subnet.answer(&open).expect("the open call was answered first");
    assert_rejected(subnet.answer(&late), CanisterError, "IC0509");
    assert_rejected(subnet.call(id, "call", b""), CanisterError, "IC0508");
    subnet.manage("start_canister", CanisterIdRecord { canister_id: id }).expect("it starts");
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// Starting a stopping canister rejects the waiting `stop_canister` call.
#[test]
fn should_cancel_a_stop_when_the_canister_is_started() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&Caller::default().wasm());
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    subnet.submit(id, "call", callee.as_slice());
    let stop = subnet.submit(Principal::management_canister(), "stop_canister", &arg);
    let start = subnet.submit(Principal::management_canister(), "start_canister", &arg);
    subnet.replica.run_until_idle();
    subnet.answer(&start).expect("it starts");
    assert_rejected(subnet.answer(&stop), CanisterError, "IC0511");
    assert_eq!(number(subnet.call(id, "call", callee.as_slice())), 7);
}

/// `delete_canister` refuses a canister that is not stopped.
#[test]
fn should_delete_only_stopped_canisters() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let record = CanisterIdRecord { canister_id: id };
    assert_rejected(subnet.manage("delete_canister", &record), CanisterError, "IC0510");
    subnet.manage("stop_canister", &record).expect("it stops");
    subnet.manage("delete_canister", &record).expect("it is deleted");
    assert_rejected(subnet.call(id, "reply", b""), DestinationInvalid, "IC0301");
}

/// `uninstall_code` rejects all calls that the canister has not answered.
#[test]
fn should_reject_open_calls_when_code_is_uninstalled() {
    let mut subnet = Subnet::new();
    let callee = subnet.install(&callee());
    let id = subnet.install(&Caller::default().wasm());
    let open = subnet.submit(id, "call", callee.as_slice());
    subnet.replica.step();
    subnet.manage("uninstall_code", CanisterIdRecord { canister_id: id }).expect("it is uninstalled");
    subnet.replica.run_until_idle();
    assert_eq!(crate::canisters::rejected(subnet.answer(&open)).code, CanisterReject);
    assert_rejected(subnet.call(id, "call", b""), CanisterError, "IC0537");
}

/// Lifecycle methods refuse callers that do not control the canister.
#[test]
fn should_let_only_controllers_manage() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    let stranger = Principal::from_slice(&[2; 29]);
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    for method in ["stop_canister", "start_canister", "delete_canister", "uninstall_code", "canister_status"]
    {
        let result = subnet.replica.call(stranger, Principal::management_canister(), method, arg.clone());
        assert_rejected(result, CanisterError, "IC0512");
    }
    let controllers = subnet.replica.controllers(id);
    assert_eq!(controllers, [USER]);
}
