use release_types::{
    CredentialId, Ecosystem, FreezeArgs, FreezeScope, ProposalAction, ProposalStatus, Sha256Digest,
    freeze::{FreezeDemand, FreezeError, FreezeReason, FreezeView, UnfreezeProposal},
};

use super::*;
use crate::test_fixtures::{
    Answer, Asked, DAY_NS, SECOND_NS, START_NS, TestRuntime, adopt, assert_log_tells_all, installed, member,
    policy, proposer, ready, run, status, stranger, submit, upgrade,
};

const SCOPE: FreezeScope = FreezeScope::Everything;

fn args(scope: FreezeScope) -> FreezeArgs {
    FreezeArgs { scope, reason: "a laptop was stolen".into() }
}

fn frozen() -> Answer {
    let reason = FreezeReason::Demanded { reason: "a laptop was stolen".into() };
    Answer::Freezes(Ok(vec![FreezeView { scope: SCOPE, reason, since_ns: START_NS }]))
}

fn unavailable() -> Answer {
    Answer::Freezes(Err(CustodyError::Unavailable { reason: "it is stopped".into() }))
}

fn demand_as(
    runtime: &TestRuntime,
    caller: Principal,
    args: FreezeArgs,
) -> Result<FreezeDemand, FreezeError> {
    run(demand(runtime, caller, args)).expect("does not wait")
}

fn propose_unfreeze(runtime: &TestRuntime) -> release_types::ProposalId {
    let id = submit(runtime, ProposalAction::Unfreeze(UnfreezeProposal { scope: SCOPE }));
    adopt(runtime, id);
    id
}

#[test]
fn should_freeze_at_once_when_any_member_demands_it() {
    let runtime = installed();
    runtime.answer(frozen());
    let demand = demand_as(&runtime, member(4), args(SCOPE)).expect("is taken");
    assert_eq!(demand.confirmed_at_ns, Some(START_NS));
    assert_eq!(runtime.take_asked(), [Asked::Freeze(args(SCOPE))]);
    assert_eq!(demands(), [demand]);
    assert_log_tells_all(&runtime);
}

#[test]
fn should_ask_until_custody_confirms_also_across_an_upgrade() {
    let runtime = installed();
    runtime.answer(unavailable());
    let demand = demand_as(&runtime, member(1), args(SCOPE)).expect("is taken");
    assert_eq!(demand.confirmed_at_ns, None);
    runtime.answer(unavailable());
    runtime.advance(20 * SECOND_NS);
    upgrade(&runtime);
    runtime.answer(frozen());
    runtime.advance(20 * SECOND_NS);
    assert!(demands()[0].confirmed_at_ns.is_some());
    assert_eq!(runtime.take_asked().len(), 3);
    runtime.advance(DAY_NS);
    assert!(runtime.take_asked().is_empty(), "once confirmed, custody is not asked again");
    assert_log_tells_all(&runtime);
}

#[test]
fn should_ask_again_when_the_answer_never_comes() {
    let runtime = installed();
    runtime.answer(Answer::Never);
    assert_eq!(run(demand(&runtime, member(1), args(SCOPE))), None);
    runtime.answer(frozen());
    runtime.advance(20 * SECOND_NS);
    assert!(demands()[0].confirmed_at_ns.is_some());
}

#[test]
fn should_note_one_answer_when_custody_was_asked_twice() {
    for second in [frozen(), Answer::Freezes(Err(CustodyError::Refused { reason: "late".into() }))] {
        let life = std::thread::spawn(move || {
            let runtime = installed();
            runtime.answer(Answer::Later(Box::new(second)));
            let mut slow = Box::pin(demand(&runtime, member(1), args(SCOPE)));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(slow.as_mut().poll(&mut context).is_pending());
            runtime.answer(frozen());
            runtime.advance(20 * SECOND_NS);
            let noted = demands();
            assert_eq!(noted[0].confirmed_at_ns, Some(START_NS + 15 * SECOND_NS));
            assert!(slow.as_mut().poll(&mut context).is_ready());
            assert_eq!(demands(), noted, "the answer to the second question came first");
            drop(slow);
            assert_log_tells_all(&runtime);
        });
        life.join().expect("holds");
    }
}

#[test]
fn should_drop_a_demand_that_custody_refuses() {
    let runtime = installed();
    runtime.answer(Answer::Freezes(Err(CustodyError::Refused { reason: "no such credential".into() })));
    demand_as(&runtime, member(1), args(SCOPE)).expect("is taken");
    assert!(demands().is_empty());
    assert_log_tells_all(&runtime);
}

#[test]
fn should_take_demands_of_members_alone() {
    let runtime = installed();
    for caller in [proposer(), stranger(), Principal::anonymous()] {
        let refused = demand_as(&runtime, caller, args(SCOPE));
        assert_eq!(refused, Err(FreezeError::NotAllowed { caller }));
    }
    assert!(demands().is_empty() && runtime.take_asked().is_empty());
}

#[test]
fn should_name_all_defects_of_a_demand() {
    let runtime = installed();
    let scope = FreezeScope::Credential(CredentialId(Sha256Digest([9; 32])));
    let refused = demand_as(&runtime, member(1), FreezeArgs { scope, reason: String::new() });
    let Err(FreezeError::Invalid { defects }) = refused else { panic!("found {refused:?}") };
    let fields: Vec<_> = defects.iter().map(|defect| defect.field.as_str()).collect();
    assert_eq!(fields, ["scope", "reason"]);
}

#[test]
fn should_limit_the_demands_of_a_member_within_a_day() {
    let runtime = ready();
    for _ in 0..MAX_DEMANDS_A_DAY {
        runtime.answer(frozen());
        demand_as(&runtime, member(1), args(SCOPE)).expect("within the limit");
        let id = propose_unfreeze(&runtime);
        runtime.answer(Answer::Freezes(Ok(Vec::new())));
        runtime.advance(SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
    }
    let refused = demand_as(&runtime, member(1), args(SCOPE));
    let Err(FreezeError::TooOften { demands: 10, limit: 10, frees_at_ns }) = refused else {
        panic!("found {refused:?}")
    };
    runtime.answer(frozen());
    demand_as(&runtime, member(2), args(SCOPE)).expect("another member's word counts");
    let credential = FreezeScope::Credential(policy(Ecosystem::Npm).id());
    runtime.skip(frees_at_ns - runtime.time_ns());
    runtime.answer(frozen());
    demand_as(&runtime, member(1), args(credential)).expect("the first is a day old");
    assert_log_tells_all(&runtime);
}

#[test]
fn should_leave_a_demand_in_force_as_it_is() {
    let runtime = installed();
    runtime.answer(frozen());
    let first = demand_as(&runtime, member(1), args(SCOPE)).expect("is taken");
    let again = demand_as(&runtime, member(2), FreezeArgs { scope: SCOPE, reason: "another".into() });
    assert_eq!(again, Ok(first));
    assert_eq!(runtime.take_asked().len(), 1);
}

#[test]
fn should_lift_a_freeze_by_vote_alone() {
    let runtime = installed();
    runtime.answer(frozen());
    demand_as(&runtime, member(1), args(SCOPE)).expect("is taken");
    let id = propose_unfreeze(&runtime);
    runtime.answer(Answer::Freezes(Ok(Vec::new())));
    runtime.take_asked();
    runtime.advance(0);
    assert_eq!(runtime.take_asked(), [Asked::Unfreeze(SCOPE)]);
    assert_eq!(status(id), ProposalStatus::Executed);
    assert!(demands().is_empty());
    assert_log_tells_all(&runtime);
}

#[test]
fn should_keep_a_demand_that_is_younger_than_the_freeze_that_was_voted_away() {
    let runtime = installed();
    runtime.answer(unavailable());
    demand_as(&runtime, member(1), args(SCOPE)).expect("is taken");
    let id = propose_unfreeze(&runtime);
    runtime.answer(Answer::Freezes(Ok(Vec::new())));
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Executed);
    runtime.answer(frozen());
    runtime.advance(20 * SECOND_NS);
    assert!(demands()[0].confirmed_at_ns.is_some());
}
