//! Canister interface › Self-identification, status, version, caller

use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, CanisterSettings, UpdateSettingsArgs};

use super::{Code, assert_violation, number32, number64, query, update};
use crate::canisters::{Subnet, USER};

const REPLY_CALLER: &str = "(call $msg_caller_copy (i32.const 512) (i32.const 0) (call $msg_caller_size))
    (call $reply (i32.const 512) (call $msg_caller_size))";
const REPLICATED: &str = "(call $reply32 (call $in_replicated_execution))";
const VERSION: &str = "(call $reply64 (call $canister_version))";

/// Keeps its caller, to be asked for by the query `ask`.
const KEEP_CALLER: &str = "(call $msg_caller_copy (i32.const 4096) (i32.const 0) (call $msg_caller_size))
    (i32.store (i32.const 4092) (call $msg_caller_size))";
const REPLY_KEPT: &str = "(call $reply (i32.const 4096) (i32.load (i32.const 4092)))";

/// A canister reads its own id.
#[test]
fn should_tell_a_canister_its_id() {
    let code = "(call $canister_self_copy (i32.const 512) (i32.const 0) (call $canister_self_size))
                (call $reply (i32.const 512) (call $canister_self_size))";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    assert_eq!(subnet.call(id, "run", b""), Ok(id.as_slice().to_vec()));
}

/// A canister reads the id of its subnet.
#[test]
fn should_tell_a_canister_its_subnet() {
    let code = "(call $subnet_self_copy (i32.const 512) (i32.const 0) (call $subnet_self_size))
                (call $reply (i32.const 512) (call $subnet_self_size))";
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    assert_eq!(subnet.call(id, "run", b""), Ok(subnet.replica.subnet_id().as_slice().to_vec()));
}

/// A canister reads the number of nodes of its subnet.
#[test]
fn should_tell_a_canister_the_number_of_nodes() {
    assert_eq!(number32(update("(call $reply32 (call $subnet_self_node_count))")), 13);
}

/// The caller of an update and of a query is who signed it.
#[test]
fn should_tell_the_caller_of_updates_and_queries() {
    assert_eq!(update(REPLY_CALLER), Ok(USER.as_slice().to_vec()));
    assert_eq!(query(REPLY_CALLER), Ok(USER.as_slice().to_vec()));
}

/// The caller may be the anonymous principal.
#[test]
fn should_tell_an_anonymous_caller() {
    let (mut subnet, id) = Code { update: REPLY_CALLER, ..Code::default() }.installed();
    assert_eq!(subnet.replica.call(Principal::anonymous(), id, "run", Vec::new()), Ok(vec![4]));
}

/// The caller of an inter-canister call is the calling canister.
#[test]
fn should_tell_a_calling_canister() {
    let code = Code {
        update: "(call $call_answer) (call $perform)",
        answer: REPLY_CALLER,
        on_reply: "(call $msg_arg_data_copy (i32.const 512) (i32.const 0) (call $msg_arg_data_size))
                   (call $reply (i32.const 512) (call $msg_arg_data_size))",
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    assert_eq!(subnet.call(id, "run", b""), Ok(id.as_slice().to_vec()));
}

/// The caller in a callback is the caller of the call that is being answered.
#[test]
fn should_tell_callbacks_the_original_caller() {
    assert_eq!(super::reply_callback(REPLY_CALLER), Ok(USER.as_slice().to_vec()));
    assert_eq!(super::reject_callback(REPLY_CALLER), Ok(USER.as_slice().to_vec()));
}

/// The caller in `canister_init` is who installs.
#[test]
fn should_tell_init_who_installs() {
    let (mut subnet, id) = Code { init: KEEP_CALLER, query: REPLY_KEPT, ..Code::default() }.installed();
    assert_eq!(subnet.query(id, "ask"), Ok(USER.as_slice().to_vec()));
}

/// The caller in a system task is the management canister.
#[test]
fn should_tell_system_tasks_that_the_management_canister_calls() {
    let code = Code {
        init: "(i32.store (i32.const 4092) (i32.const 9)) (drop (call $global_timer_set (i64.const 1)))",
        timer: KEEP_CALLER,
        query: REPLY_KEPT,
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    assert_eq!(subnet.query(id, "ask").expect("a reply").len(), 9, "it has not run");
    subnet.replica.advance_time(Duration::from_secs(1));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.query(id, "ask"), Ok(Vec::new()));
}

/// The caller in cleanup is the original caller.
#[test]
fn should_tell_cleanup_the_original_caller() {
    let code = Code {
        update: "(call $call_answer) (call $call_on_cleanup (i32.const 2) (i32.const 0)) (call $perform)",
        on_reply: "unreachable",
        on_cleanup: KEEP_CALLER,
        query: REPLY_KEPT,
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    subnet.call(id, "run", b"").expect_err("the callback traps");
    assert_eq!(subnet.query(id, "ask"), Ok(USER.as_slice().to_vec()));
}

/// There is no caller info unless the caller signed by canister signature and was given some.
#[test]
fn should_tell_no_caller_info_of_other_callers() {
    let code =
        "(call $reply32 (i32.or (call $msg_caller_info_data_size) (call $msg_caller_info_signer_size)))";
    assert_eq!(number32(update(code)), 0);
    assert_eq!(number32(super::reply_callback(code)), 0);
}

/// `is_controller` tells controllers from others, any number of times.
#[test]
fn should_tell_controllers_from_others() {
    let is_caller_controller = "(call $msg_caller_copy (i32.const 512) (i32.const 0) (call $msg_caller_size))
        (drop (call $is_controller (i32.const 0) (i32.const 4)))
        (call $reply32 (call $is_controller (i32.const 512) (call $msg_caller_size)))";
    let (mut subnet, id) = Code { update: is_caller_controller, ..Code::default() }.installed();
    assert_eq!(number32(subnet.call(id, "run", b"")), 1);
    let stranger = Principal::from_slice(&[2; 29]);
    assert_eq!(number32(subnet.replica.call(stranger, id, "run", Vec::new())), 0);
}

/// What is too long for a principal traps in `is_controller`.
#[test]
fn should_trap_when_the_controller_asked_for_is_no_principal() {
    assert_violation(update("(drop (call $is_controller (i32.const 0) (i32.const 30)))"));
}

/// A running canister reads status 1.
#[test]
fn should_tell_a_running_canister_its_status() {
    assert_eq!(number32(update("(call $reply32 (call $canister_status))")), 1);
}

/// A callback in a stopping canister reads status 2.
#[test]
fn should_tell_a_stopping_canister_its_status() {
    let code = Code {
        update: "(call $call_answer) (call $perform)",
        on_reply: "(call $reply32 (call $canister_status))",
        ..Code::default()
    };
    let mut subnet = Subnet::new();
    let callee = subnet.install(&Code::default().wasm());
    let id = subnet.install(&code.wasm());
    let open = subnet.submit(id, "run", callee.as_slice());
    subnet.replica.step();
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    subnet.submit(Principal::management_canister(), "stop_canister", &arg);
    subnet.replica.run_until_idle();
    assert_eq!(number32(subnet.answer(&open)), 2);
}

/// `canister_post_upgrade` of a stopped canister reads status 3.
#[test]
fn should_tell_a_stopped_canister_its_status_while_it_is_upgraded() {
    let code = Code {
        post_upgrade: "(i32.store (i32.const 4096) (call $canister_status))",
        query: "(call $reply32 (i32.load (i32.const 4096)))",
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
    subnet.replica.upgrade(id, &code.wasm(), Vec::new()).expect("it upgrades");
    subnet.manage("start_canister", CanisterIdRecord { canister_id: id }).expect("it starts");
    assert_eq!(number32(subnet.query(id, "ask")), 3);
}

/// How much the version grows by what is done, which needs at least the updates `run` and queries `ask`.
fn growth(act: impl FnOnce(&mut Subnet, Principal)) -> u64 {
    let (mut subnet, id) =
        Code { update: "(call $msg_reply)", query: VERSION, ..Code::default() }.installed();
    let before = number64(subnet.query(id, "ask"));
    act(&mut subnet, id);
    number64(subnet.query(id, "ask")) - before
}

/// A successful update increases the version.
#[test]
fn should_increase_the_version_by_an_update() {
    assert!(growth(|subnet, id| drop(subnet.call(id, "run", b""))) > 0);
}

/// A query in replicated mode increases the version.
#[test]
fn should_increase_the_version_by_a_replicated_query() {
    assert!(growth(|subnet, id| drop(subnet.call(id, "ask", b""))) > 0);
}

/// A change of settings increases the version.
#[test]
fn should_increase_the_version_by_a_change_of_settings() {
    let change = |subnet: &mut Subnet, canister_id| {
        let settings = CanisterSettings::default();
        let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
        subnet.manage("update_settings", args).expect("the settings are valid");
    };
    assert!(growth(change) > 0);
}

/// Stopping and starting increase the version.
#[test]
fn should_increase_the_version_by_stopping_and_by_starting() {
    let restart = |subnet: &mut Subnet, canister_id| {
        subnet.manage("stop_canister", CanisterIdRecord { canister_id }).expect("it stops");
        subnet.manage("start_canister", CanisterIdRecord { canister_id }).expect("it starts");
    };
    assert!(growth(restart) >= 2);
}

/// A query call changes nothing, so that the version stays.
#[test]
fn should_keep_the_version_in_query_calls() {
    assert_eq!(growth(|subnet, id| drop(subnet.query(id, "ask"))), 0);
}

/// `canister_post_upgrade` reads a greater version than before the upgrade.
#[test]
fn should_increase_the_version_before_post_upgrade() {
    let code = Code {
        post_upgrade: "(i64.store (i32.const 4096) (call $canister_version))",
        update: VERSION,
        query: "(call $reply64 (i64.load (i32.const 4096)))",
        ..Code::default()
    };
    let (mut subnet, id) = code.installed();
    let before = number64(subnet.call(id, "run", b""));
    subnet.replica.upgrade(id, &code.wasm(), Vec::new()).expect("it upgrades");
    assert!(number64(subnet.query(id, "ask")) > before);
}

/// Updates and their callbacks run in replicated mode.
#[test]
fn should_tell_updates_and_callbacks_that_they_are_replicated() {
    assert_eq!(number32(update(REPLICATED)), 1);
    assert_eq!(number32(super::reply_callback(REPLICATED)), 1);
}

/// A query is replicated when it is called as an update, and not when it is called as a query.
#[test]
fn should_tell_queries_whether_they_are_replicated() {
    let (mut subnet, id) = Code { query: REPLICATED, ..Code::default() }.installed();
    assert_eq!(number32(subnet.query(id, "ask")), 0);
    assert_eq!(number32(subnet.call(id, "ask", b"")), 1);
}

/// Composite queries and their callbacks are not replicated.
#[test]
fn should_tell_composite_queries_that_they_are_not_replicated() {
    let (mut subnet, id) = Code { composite: REPLICATED, ..Code::default() }.installed();
    assert_eq!(number32(subnet.query(id, "compose")), 0);
    let code =
        Code { composite: "(call $call_answer) (call $perform)", on_reject: REPLICATED, ..Code::default() };
    let (mut subnet, id) = code.installed();
    assert_eq!(number32(subnet.query(id, "compose")), 0);
}

/// `canister_inspect_message` is not replicated.
#[test]
fn should_tell_inspection_that_it_is_not_replicated() {
    let inspect = "(if (i32.eqz (call $in_replicated_execution)) (then (call $accept_message)))";
    Code { inspect: Some(inspect), update: "(call $msg_reply)", ..Code::default() }.run().expect("accepted");
}
