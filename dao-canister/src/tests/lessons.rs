//! What went wrong elsewhere, and cannot here: one test for each fault of other groups' governance. The list, with where
//! the other faults are tested, is in docs/threat-model.md.

use release_types::{
    Choice, Member, MemberChange, MemberId, ProposalAction, ProposalStatus,
    dao::DaoInit,
    freeze::{FreezeArgs, FreezeError},
    proposal::{SubmitProposalError, WithdrawError},
    voting::VoteError,
};

use crate::{
    freeze, lifecycle, proposal, queries,
    test_fixtures::{
        TestRuntime, adopt, args, assert_log_tells_all, cast, group, installed, installed_with, member,
        npm_release, policies, proposer, ready, refused, run, status, submit,
    },
    vote,
};

/// An approval by an empty group.
#[test]
fn should_adopt_nothing_when_nobody_could_vote() {
    let runtime = TestRuntime::new();
    let nobody = DaoInit { members: vec![], ..group() };
    assert!(lifecycle::install(&runtime, nobody).is_err());
    let only = |members: Vec<Member>| DaoInit { members, ..group() };
    assert!(lifecycle::install(&runtime, only(group().members[..1].to_vec())).is_err(), "two must say yes");
}

/// A proposer whose own approval completes the quorum unasked.
#[test]
fn should_count_no_ballot_that_nobody_cast() {
    let runtime = installed();
    let id = submit(&runtime, ProposalAction::Motion);
    let view = queries::get_proposal(id).expect("exists");
    assert_eq!((view.tally.yes, view.heads.voted), (0, 0), "proposing is not voting");
}

/// A proposal whose number somebody takes first by submitting the same and taking it back.
#[test]
fn should_let_nobody_squat_a_release_by_submitting_it_and_taking_it_back() {
    let runtime = ready();
    let release = npm_release(&runtime, "1.0.0");
    let release = || ProposalAction::Release(release.clone());
    let squatted = proposal::submit(&runtime, proposer(), args(release())).expect("is valid");
    let error = refused(|| proposal::submit(&runtime, member(2), args(release())));
    assert_eq!(error, SubmitProposalError::AlreadyProposed { proposal: squatted });
    vote::withdraw(&runtime, proposer(), squatted).expect("takes it back");
    let mine = proposal::submit(&runtime, member(2), args(release())).expect("is free again");
    assert_ne!(mine, squatted);
    adopt(&runtime, mine);
    assert_eq!(status(squatted), ProposalStatus::Withdrawn);
    assert_log_tells_all(&runtime);
}

/// An approver in two groups who is counted once and blocks for good: here nobody is counted twice, and the rules that
/// two groups would make are checked together.
#[test]
fn should_need_nobody_twice() {
    let mut rules = policies();
    rules.default.least_yes_members = 5;
    let runtime = installed_with(rules);
    let id = submit(&runtime, ProposalAction::Motion);
    for number in 1..=5 {
        cast(&runtime, member(number), id, Choice::Yes).expect("counts");
    }
    assert_eq!(status(id), ProposalStatus::Approved);
}

/// Rights that outlive the reason for them.
#[test]
fn should_leave_no_right_to_who_was_removed() {
    let runtime = installed();
    let theirs = proposal::submit(&runtime, member(5), args(ProposalAction::Motion)).expect("is valid");
    let by_ci = proposal::submit(&runtime, proposer(), args(ProposalAction::Motion)).expect("is valid");
    let changes = vec![
        MemberChange::Remove { member: MemberId(5) },
        MemberChange::RemoveProposer { principal: proposer() },
    ];
    let removal = submit(&runtime, ProposalAction::Members { changes });
    adopt(&runtime, removal);
    runtime.advance(0);
    assert_eq!(status(removal), ProposalStatus::Executed);
    for (caller, own) in [(member(5), theirs), (proposer(), by_ci)] {
        let error = refused(|| proposal::submit(&runtime, caller, args(ProposalAction::Motion)));
        assert_eq!(error, SubmitProposalError::NotAllowed { caller });
        assert_eq!(refused(|| vote::withdraw(&runtime, caller, own)), WithdrawError::NotAllowed { caller });
        assert_eq!(refused(|| cast(&runtime, caller, own, Choice::No)), VoteError::NotAllowed { caller });
        let demand = FreezeArgs { scope: release_types::FreezeScope::Everything, reason: "mine".into() };
        let error = refused(|| run(freeze::demand(&runtime, caller, demand)).expect("answers"));
        assert_eq!(error, FreezeError::NotAllowed { caller });
    }
    let changes = vec![MemberChange::Admit { name: "again".into(), voting_power: 1, keys: vec![member(5)] }];
    let admission = submit(&runtime, ProposalAction::Members { changes });
    adopt(&runtime, admission);
    runtime.advance(0);
    let caller = member(5);
    let error = refused(|| vote::withdraw(&runtime, caller, theirs));
    assert_eq!(error, WithdrawError::NotAllowed { caller }, "admitted again, and somebody else");
    assert_log_tells_all(&runtime);
}
