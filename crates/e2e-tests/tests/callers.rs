//! Who may call what: every method of all canisters by every kind of caller.
//!
//! The methods are those that the modules export, so a method without a row fails, and so does a row without a
//! method. Arguments are such that the call succeeds when its caller may make it. A refused call leaves state, stable
//! memory and certified data of both canisters as they were.

#[path = "callers/matrix.rs"]
mod matrix;
#[path = "callers/setting.rs"]
mod setting;

use std::collections::BTreeSet;

use candid::Encode;
use e2e_tests::exports::{MethodKind, methods};
use ic_management_canister_types::{HttpRequestResult, TransformArgs};
use local_replica::RejectCode;
use matrix::{Row, Verdict, rows};
use setting::{Caller, Canister, Setting};

fn check_all(caller: Caller) {
    for canister in Canister::ALL {
        check(caller, canister);
    }
}

/// Calls every method as one kind of caller, refused ones first, and compares with the table.
fn check(caller: Caller, canister: Canister) {
    let mut setting = Setting::of(caller, canister);
    let mut found = Vec::new();
    let (allowed, refused): (Vec<_>, Vec<_>) =
        rows(canister).into_iter().partition(|row| row.allowed.contains(&caller));
    assert!(!allowed.is_empty(), "everybody may read something");
    let before = setting.world.snapshot();
    for row in &refused {
        let verdict = call(&mut setting, caller, canister, row);
        if verdict != Verdict::Refused {
            found.push(format!("{}: expected a refusal, found {verdict:?}", row.method));
        }
        let changes = setting.world.changes_since(&before);
        if !changes.is_empty() {
            found.push(format!("{}: refused, and yet changed {changes:?}", row.method));
        }
    }
    for row in &allowed {
        let verdict = call(&mut setting, caller, canister, row);
        if verdict != Verdict::Allowed {
            found.push(format!("{}: expected success, found {verdict:?}", row.method));
        }
    }
    assert!(found.is_empty(), "{caller:?} at {canister:?}:\n{}", found.join("\n"));
}

fn call(setting: &mut Setting, caller: Caller, canister: Canister, row: &Row) -> Verdict {
    let arg = (row.arg)(setting);
    let answer = match row.kind {
        MethodKind::Update => setting.update(caller, canister, row.method, arg),
        MethodKind::Query | MethodKind::CompositeQuery => setting.query(caller, canister, row.method, arg),
    };
    (row.verdict)(answer)
}

#[test]
fn should_have_exactly_one_row_for_every_exported_method() {
    for canister in Canister::ALL {
        let exported = methods(canister.module());
        assert!(exported.len() > 10, "{canister:?} exports {exported:?}");
        let rows = rows(canister);
        let listed: BTreeSet<_> = rows.iter().map(|row| (row.kind, row.method.to_owned())).collect();
        assert_eq!(listed.len(), rows.len(), "each method once");
        let without_row: Vec<_> = exported.difference(&listed).collect();
        let without_method: Vec<_> = listed.difference(&exported).collect();
        assert!(
            without_row.is_empty() && without_method.is_empty(),
            "{canister:?}: methods without a row: {without_row:?}; rows without a method: {without_method:?}"
        );
    }
}

/// So that any governor can ask before a vote.
#[test]
fn should_have_a_validator_for_every_method_of_the_authority() {
    let rows = rows(Canister::Custody);
    let is_listed = |name: &str| rows.iter().any(|row| row.kind == MethodKind::Query && row.method == name);
    let of_authority = rows.iter().filter(|row| row.kind == MethodKind::Update && !row.allowed.is_empty());
    let methods: Vec<_> = of_authority.map(|row| row.method).collect();
    assert!(methods.len() > 5, "{methods:?}");
    let without: Vec<_> = methods.iter().filter(|method| !is_listed(&format!("validate_{method}"))).collect();
    assert!(without.is_empty(), "no validator for {without:?}");
}

#[test]
fn should_hold_for_the_anonymous_caller() {
    check_all(Caller::Anonymous);
}

#[test]
fn should_hold_for_a_stranger() {
    check_all(Caller::Stranger);
}

#[test]
fn should_hold_for_a_proposer() {
    check_all(Caller::Proposer);
}

#[test]
fn should_hold_for_a_member() {
    check_all(Caller::Member);
}

#[test]
fn should_hold_for_the_authority() {
    check_all(Caller::Authority);
}

#[test]
fn should_hold_for_the_controller() {
    check_all(Caller::Controller);
}

#[test]
fn should_hold_for_a_member_of_the_recovery_committee() {
    check_all(Caller::CommitteeMember);
}

#[test]
fn should_hold_for_another_canister() {
    check_all(Caller::OtherCanister);
}

/// As an update, a query would cost the canister cycles; who has no business there is turned away before.
#[test]
fn should_execute_nothing_when_an_outsider_calls_a_query_as_an_update() {
    let mut setting = Setting::of(Caller::Stranger, Canister::Dao);
    for canister in Canister::ALL {
        let id = setting.id(canister);
        let balance_cycles = setting.world.replica.cycles_balance(id);
        for row in rows(canister) {
            let arg = (row.arg)(&setting);
            for caller in [Caller::Anonymous, Caller::Stranger, Caller::Controller] {
                let answer = setting.update(caller, canister, row.method, arg.clone());
                let reject = answer.expect_err(row.method);
                assert_eq!(reject.error_code.as_deref(), Some("IC0406"), "{}: {reject}", row.method);
            }
        }
        assert_eq!(setting.world.replica.cycles_balance(id), balance_cycles, "{canister:?} paid");
    }
}

/// Anybody may run the transform, on bytes of their own: it reads no state and passes nothing through that it does
/// not know.
#[test]
fn should_pass_nothing_through_the_transform_when_its_question_is_unknown() {
    let mut setting = Setting::of(Caller::Stranger, Canister::Custody);
    let response =
        HttpRequestResult { status: 201u16.into(), headers: Vec::new(), body: b"Bearer x".to_vec() };
    let args = TransformArgs { response, context: b"no question of ours".to_vec() };
    let before = setting.world.snapshot();
    let custody = setting.world.custody;
    let result: HttpRequestResult = setting
        .world
        .query(e2e_tests::people::stranger(), custody, "transform_answer", (args,))
        .expect("runs");
    assert!(result.body.is_empty() && result.headers.is_empty(), "{result:?}");
    assert_eq!(setting.world.changes_since(&before), [""; 0]);
}

/// A call between canisters meets no inspection: the method itself refuses, and says whom and why.
#[test]
fn should_refuse_without_help_from_the_inspection_of_messages() {
    let mut setting = Setting::of(Caller::OtherCanister, Canister::Custody);
    let other = setting.forwarder;
    let custody = setting.world.custody;
    let nothing = Encode!().expect("encodes");
    let reject = setting.world.forward(other, custody, "publish", &nothing).expect_err("no argument");
    assert_eq!(reject.code, RejectCode::CanisterError, "arguments are decoded first: {reject}");
    let order = setting.order();
    let reject = setting.world.forward(other, custody, "publish", &order).expect_err("not the authority");
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert!(
        reject.message.starts_with("REFUSED: caller: found ")
            && reject.message.contains(&other.to_text())
            && reject.message.contains(&setting.world.dao.to_text()),
        "names who called and who may: {reject}"
    );
}
