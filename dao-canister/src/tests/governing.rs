//! Rules for each kind, members and their keys, checked ballots and time, through the whole canister.

use candid::Principal;
use release_types::{
    Choice, KindPolicy, MemberChange, MemberId, Policies, Policy, ProposalAction, ProposalId, ProposalKind,
    ProposalStatus, Settings, Sha256Digest,
    member::{ChangeKeysArgs, KeyError, SuspendKeyArgs},
    proposal::{ExecuteError, SubmitProposalError},
    voting::{VetoArgs, VetoError, VoteArgs, VoteError},
};

use crate::{
    execution, lifecycle, members, proposal, queries,
    state::read_state,
    test_fixtures::{
        Answer, DAY_NS, PERIOD_NS, TestRuntime, adopt, args, assert_log_tells_all, cast, defects_of, group,
        installed, installed_with, member, npm_release, policies, proposer, ready, refused, run, status,
        stranger, submit, upgrade,
    },
    vote,
};

const HOUR_NS: u64 = PERIOD_NS;

fn with_default(change: impl FnOnce(&mut Policy)) -> Policies {
    let mut rules = policies();
    change(&mut rules.default);
    rules
}

fn with_own(kind: ProposalKind, change: impl FnOnce(&mut Policy)) -> Policies {
    let mut rules = policies();
    let mut policy = rules.default.clone();
    change(&mut policy);
    rules.kinds.push(KindPolicy { kind, policy });
    rules
}

fn next(change: impl FnOnce(&mut Policies)) -> ProposalAction {
    let mut rules = read_state(|state| state.policies().clone());
    rules.version += 1;
    change(&mut rules);
    ProposalAction::Policies(rules)
}

fn motion(runtime: &TestRuntime) -> ProposalId {
    submit(runtime, ProposalAction::Motion)
}

fn spare(number: u8) -> Principal {
    Principal::from_slice(&[5, number])
}

fn veto(runtime: &TestRuntime, by: Principal, id: ProposalId) -> Result<(), VetoError> {
    vote::veto(runtime, by, VetoArgs { proposal: id, reason: "not like this".into() })
}

fn suspend(runtime: &TestRuntime, by: Principal, key: Principal) -> Result<bool, KeyError> {
    let args = SuspendKeyArgs { key, reason: "stolen".into() };
    members::suspend_key(runtime, by, args).map(|suspension| suspension.suspended_at_ns.is_some())
}

mod rules {
    use super::*;

    #[test]
    fn should_refuse_rules_that_nobody_or_one_key_could_satisfy() {
        let fields = |rules: Policies| {
            let defects = rules.defects(&group().members);
            defects.into_iter().map(|defect| defect.field).collect::<Vec<_>>()
        };
        let of_default = |change: fn(&mut Policy)| fields(with_default(change));
        assert_eq!(of_default(|_| {}), [""; 0]);
        assert_eq!(of_default(|rule| rule.least_yes_members = 5), [""; 0]);
        for unfit in [0, 1, 6] {
            let rules = with_default(|rule| rule.least_yes_members = unfit);
            assert_eq!(fields(rules), ["policies.default.least_yes_members"], "{unfit}");
        }
        let alone = |rule: &mut Policy| {
            rule.least_yes_members = 5;
            rule.proposer_votes = false;
        };
        assert_eq!(fields(with_default(alone)), ["policies.default.least_yes_members"]);
        let together = with_own(ProposalKind::Motion, |rule| {
            rule.least_yes_members = 5;
        });
        let mut never = together.clone();
        never.default.proposer_votes = false;
        assert_eq!(fields(together), [""; 0]);
        assert_eq!(fields(never), ["policies"], "each can be met, and a change of members needs both");
        assert_eq!(of_default(|rule| rule.guardians = vec![MemberId(9)]), ["policies.default.guardians"]);
        let lighter = with_own(ProposalKind::Revocation, |rule| rule.quorum_bp = 0);
        assert_eq!(fields(lighter), ["policies.kinds: Revocation"], "quick, and never lighter");
        let quicker = with_own(ProposalKind::Revocation, |rule| rule.voting_period_ns /= 2);
        assert_eq!(fields(quicker), [""; 0]);
    }

    #[test]
    fn should_refuse_an_installation_with_unfit_rules() {
        let runtime = TestRuntime::new();
        let mut init = group();
        init.policies.version = 2;
        init.policies.default.least_yes_members = 1;
        let defects = lifecycle::install(&runtime, init).expect_err("is defective");
        let fields: Vec<_> = defects.iter().map(|defect| defect.field.as_str()).collect();
        assert_eq!(fields, ["policies.default.least_yes_members", "policies.version"]);
    }

    #[test]
    fn should_decide_each_kind_by_its_own_rule() {
        let runtime = installed_with(with_own(ProposalKind::Motion, |rule| {
            rule.least_yes_members = 4;
            rule.quorum_bp = 0;
        }));
        let id = motion(&runtime);
        for number in 1..=3 {
            cast(&runtime, member(number), id, Choice::Yes).expect("counts");
        }
        assert_eq!(status(id), ProposalStatus::Open);
        cast(&runtime, member(4), id, Choice::Yes).expect("counts");
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_need_the_strictest_rule_that_a_change_of_rules_touches() {
        let mut rules = with_own(ProposalKind::Motion, |rule| rule.least_yes_members = 5);
        rules.default.timelock_ns = 0;
        let runtime = installed_with(rules);
        let lowering = next(|rules| rules.kinds.clear());
        let id = submit(&runtime, lowering);
        assert_eq!(queries::get_rule(id).expect("is live").least_yes_members, 5);
        let other = submit(&runtime, next(|rules| rules.most_open = 5));
        assert_eq!(queries::get_rule(other).expect("is live").least_yes_members, 2);
        let members = ProposalAction::Members { changes: vec![MemberChange::Remove { member: MemberId(5) }] };
        let defects = defects_of(&runtime, members);
        assert_eq!(defects[0].field, "policies.kinds[0].policy.least_yes_members", "five of four");
        let changes = vec![MemberChange::SetPower { member: MemberId(1), voting_power: 2 }];
        let id = submit(&runtime, ProposalAction::Members { changes });
        assert_eq!(queries::get_rule(id).expect("is live").least_yes_members, 5, "members touch all rules");
    }

    #[test]
    fn should_refuse_an_older_or_skipping_version_at_submission_and_at_execution() {
        let runtime = installed();
        for version in [0, 1, 3] {
            let stale = next(|rules| rules.version = version);
            assert_eq!(defects_of(&runtime, stale)[0].field, "policies.version");
        }
        let (first, second) = (
            submit(&runtime, next(|rules| rules.most_open = 5)),
            submit(&runtime, next(|rules| rules.most_open = 6)),
        );
        adopt(&runtime, first);
        runtime.advance(0);
        assert_eq!(status(first), ProposalStatus::Executed);
        adopt(&runtime, second);
        runtime.advance(0);
        assert!(matches!(status(second), ProposalStatus::Failed { reason } if reason.contains("version")));
        assert_eq!(read_state(|state| state.policies().most_open), 5);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_keep_the_rule_and_the_electorate_that_a_proposal_began_with() {
        let runtime = installed();
        let id = motion(&runtime);
        let stricter = submit(&runtime, next(|rules| rules.default.least_yes_members = 5));
        adopt(&runtime, stricter);
        runtime.advance(1);
        let changes = vec![
            MemberChange::SetPower { member: MemberId(1), voting_power: 100 },
            MemberChange::Admit { name: "new".into(), voting_power: 1, keys: vec![spare(1)] },
        ];
        let change = submit(&runtime, ProposalAction::Members { changes });
        for number in 1..=5 {
            cast(&runtime, member(number), change, Choice::Yes).expect("counts");
        }
        runtime.advance(0);
        assert_eq!(status(change), ProposalStatus::Executed);
        let error = refused(|| cast(&runtime, spare(1), id, Choice::Yes));
        assert_eq!(error, VoteError::NotAllowed { caller: spare(1) });
        adopt(&runtime, id);
        let tally = queries::get_proposal(id).expect("exists").tally;
        assert_eq!((tally.yes, tally.total), (3, 5));
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_let_only_those_propose_whom_the_rule_names() {
        let runtime = installed_with(with_own(ProposalKind::Motion, |rule| {
            rule.proposers = vec![MemberId(2)];
            rule.outsiders_propose = false;
        }));
        for caller in [member(1), proposer(), stranger()] {
            let error = refused(|| proposal::submit(&runtime, caller, args(ProposalAction::Motion)));
            assert_eq!(error, SubmitProposalError::NotAllowed { caller });
        }
        proposal::submit(&runtime, member(2), args(ProposalAction::Motion)).expect("may");
    }

    #[test]
    fn should_not_count_the_proposers_own_ballot_where_the_rule_says_so() {
        let runtime = installed_with(with_default(|rule| rule.proposer_votes = false));
        let id = motion(&runtime);
        assert_eq!(refused(|| cast(&runtime, member(1), id, Choice::Yes)), VoteError::OwnProposal);
        assert_eq!(queries::get_proposal(id).expect("exists").tally.total, 4);
        let of_outsider =
            proposal::submit(&runtime, proposer(), args(ProposalAction::Motion)).expect("is valid");
        assert_eq!(queries::get_proposal(of_outsider).expect("exists").tally.total, 5);
    }
}

mod ballots {
    use super::*;

    #[test]
    fn should_change_or_abstain_only_where_the_rule_lets_them() {
        let runtime = installed_with(with_own(ProposalKind::Motion, |rule| {
            rule.vote_change = true;
            rule.abstention = false;
        }));
        let id = motion(&runtime);
        assert_eq!(refused(|| cast(&runtime, member(1), id, Choice::Abstain)), VoteError::NoAbstention);
        cast(&runtime, member(1), id, Choice::No).expect("counts");
        cast(&runtime, member(1), id, Choice::Yes).expect("replaces it");
        let error = refused(|| cast(&runtime, member(1), id, Choice::Yes));
        assert_eq!(error, VoteError::AlreadyVoted { choice: Choice::Yes });
        let tally = queries::get_proposal(id).expect("exists").tally;
        assert_eq!((tally.yes, tally.no), (1, 0));
        let ballots = queries::get_ballots(id).expect("exists");
        assert_eq!(ballots.len(), 1, "the last one counts");
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_leave_the_deadline_when_a_late_ballot_turns_nothing() {
        let runtime = installed_with(with_default(|rule| {
            rule.late_swing_ns = HOUR_NS / 2;
            rule.quorum_bp = 4_000;
            rule.approval_bp = 0;
        }));
        let id = motion(&runtime);
        let deadline_ns = || queries::get_proposal(id).expect("exists").deadline_ns;
        let first_ns = deadline_ns();
        cast(&runtime, member(1), id, Choice::No).expect("counts");
        runtime.advance(HOUR_NS - 1);
        cast(&runtime, member(2), id, Choice::No).expect("counts");
        assert_eq!(deadline_ns(), first_ns, "rejected as before");
        runtime.advance(1);
        assert_eq!(status(id), ProposalStatus::Rejected);
    }

    #[test]
    fn should_give_time_to_answer_a_late_ballot_that_turns_the_outcome() {
        let runtime = installed_with(with_default(|rule| {
            rule.late_swing_ns = HOUR_NS / 2;
            rule.quorum_bp = 4_000;
            rule.approval_bp = 5_000;
            rule.vote_change = true;
        }));
        let id = motion(&runtime);
        let deadline_ns = || queries::get_proposal(id).expect("exists").deadline_ns;
        let first_ns = deadline_ns();
        cast(&runtime, member(1), id, Choice::Yes).expect("counts");
        runtime.advance(HOUR_NS - 1);
        cast(&runtime, member(2), id, Choice::Yes).expect("turns it");
        assert_eq!(deadline_ns(), first_ns - 1 + HOUR_NS / 2);
        upgrade(&runtime);
        runtime.advance(HOUR_NS / 2 - 1);
        assert_eq!(status(id), ProposalStatus::Open);
        cast(&runtime, member(2), id, Choice::No).expect("turns it again");
        assert_eq!(deadline_ns(), first_ns + HOUR_NS - 2, "from the last turn on");
        runtime.advance(HOUR_NS / 2 - 1);
        cast(&runtime, member(2), id, Choice::Yes).expect("and again");
        assert_eq!(deadline_ns(), first_ns + HOUR_NS, "at most one more voting period");
        runtime.advance(HOUR_NS / 2);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    fn vote_with(
        runtime: &TestRuntime,
        by: Principal,
        id: ProposalId,
        digests: &[Sha256Digest],
    ) -> Result<ProposalStatus, VoteError> {
        let args = VoteArgs { proposal: id, choice: Choice::Yes, digests: digests.to_vec() };
        vote::vote(runtime, by, args)
    }

    #[test]
    fn should_stop_what_somebody_computed_other_digests_of() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        let (proposed, other) = (release.artifacts[0].sha256, Sha256Digest::of(b"built here"));
        let id = submit(&runtime, ProposalAction::Release(release));
        vote_with(&runtime, member(1), id, &[proposed]).expect("counts");
        vote_with(&runtime, member(2), id, &[other]).expect("stops it");
        for number in 3..=5 {
            cast(&runtime, member(number), id, Choice::Yes).expect("counts");
        }
        assert_eq!(status(id), ProposalStatus::Open, "four of five said yes, and it is stopped");
        let view = queries::get_proposal(id).expect("exists");
        assert_eq!(view.disputes[0].digests, [other]);
        assert_eq!((view.disputes[0].member, view.tally.yes), (MemberId(2), 4));
        upgrade(&runtime);
        let plain = refused(|| cast(&runtime, member(2), id, Choice::No));
        assert_eq!(plain, VoteError::WrongDigestCount { found: 0, expected: 1 });
        vote_with(&runtime, member(2), id, &[proposed]).expect("lets it go");
        assert_eq!(status(id), ProposalStatus::Approved);
        let checked: Vec<_> = queries::get_ballots(id).expect("exists").iter().map(|b| b.checked).collect();
        assert_eq!(checked, [true, false, false, false, true]);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_reject_at_the_deadline_what_is_disputed() {
        let runtime = ready();
        let id = submit(&runtime, ProposalAction::Release(npm_release(&runtime, "1.0.0")));
        vote_with(&runtime, member(5), id, &[Sha256Digest::of(b"other")]).expect("stops it");
        for number in 1..=4 {
            cast(&runtime, member(number), id, Choice::Yes).expect("counts");
        }
        runtime.advance(PERIOD_NS);
        assert_eq!(status(id), ProposalStatus::Rejected);
        assert!(runtime.take_asked().is_empty(), "custody hears nothing of it");
    }

    #[test]
    fn should_need_digests_for_a_yes_where_the_rule_says_so() {
        let runtime = ready();
        let checked = submit(&runtime, next(|rules| rules.default.checked_ballots = true));
        adopt(&runtime, checked);
        runtime.advance(0);
        let release = npm_release(&runtime, "1.0.0");
        let digest = release.artifacts[0].sha256;
        let id = submit(&runtime, ProposalAction::Release(release));
        let error = refused(|| cast(&runtime, member(1), id, Choice::Yes));
        assert_eq!(error, VoteError::WrongDigestCount { found: 0, expected: 1 });
        let error = refused(|| vote_with(&runtime, member(1), id, &[digest, digest]));
        assert_eq!(error, VoteError::WrongDigestCount { found: 2, expected: 1 });
        cast(&runtime, member(2), id, Choice::No).expect("a no needs none");
        vote_with(&runtime, member(1), id, &[digest]).expect("counts");
        let id = motion(&runtime);
        cast(&runtime, member(1), id, Choice::Yes).expect("there is nothing to compute");
        let error = refused(|| vote_with(&runtime, member(2), id, &[digest]));
        assert_eq!(error, VoteError::WrongDigestCount { found: 1, expected: 0 });
    }
}

mod time {
    use super::*;

    #[test]
    fn should_wait_out_the_timelock_to_the_instant_also_after_an_upgrade() {
        let runtime = installed_with(with_default(|rule| rule.timelock_ns = HOUR_NS));
        let id = motion(&runtime);
        adopt(&runtime, id);
        let due_ns = queries::get_proposal(id).expect("exists").executable_at_ns.expect("is adopted");
        runtime.advance(HOUR_NS - 1);
        upgrade(&runtime);
        let error = run(execution::execute(&runtime, member(1), id)).expect("answers").expect_err("waits");
        assert_eq!(error, ExecuteError::NotDue { executable_at_ns: due_ns });
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Approved);
        runtime.advance(1);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_expire_what_was_not_begun_in_time() {
        let runtime = installed_with(with_default(|rule| rule.execution_window_ns = HOUR_NS));
        let id = motion(&runtime);
        adopt(&runtime, id);
        runtime.lose_timers();
        runtime.skip(HOUR_NS);
        upgrade(&runtime);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Expired);
        let error = run(execution::execute(&runtime, member(1), id)).expect("answers").expect_err("is over");
        assert_eq!(error, ExecuteError::NotApproved { status: ProposalStatus::Expired });
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_be_stopped_by_a_guardian_and_nobody_else_until_it_is_carried_out() {
        let runtime = installed_with(with_default(|rule| {
            rule.guardians = vec![MemberId(4)];
            rule.timelock_ns = HOUR_NS;
        }));
        let (open, waiting, done) = (motion(&runtime), motion(&runtime), motion(&runtime));
        adopt(&runtime, done);
        runtime.advance(HOUR_NS - 1);
        adopt(&runtime, waiting);
        runtime.advance(1);
        for caller in [member(1), proposer(), stranger(), Principal::anonymous()] {
            assert_eq!(refused(|| veto(&runtime, caller, waiting)), VetoError::NotAllowed { caller });
        }
        assert_eq!(refused(|| veto(&runtime, member(4), ProposalId(99))), VetoError::NoSuchProposal);
        assert_eq!(refused(|| veto(&runtime, member(4), done)), VetoError::NotStoppable);
        veto(&runtime, member(4), waiting).expect("waits");
        assert_eq!(status(open), ProposalStatus::Rejected, "its hour was over");
        runtime.advance(DAY_NS);
        assert!(matches!(status(waiting), ProposalStatus::Vetoed { member: MemberId(4), .. }));
        let settings = Settings { releases_per_package_and_day: 3 };
        let begun = submit(&runtime, ProposalAction::Settings(settings));
        adopt(&runtime, begun);
        runtime.answer(Answer::Never);
        runtime.advance(HOUR_NS);
        assert_eq!(status(begun), ProposalStatus::Executing);
        assert_eq!(refused(|| veto(&runtime, member(4), begun)), VetoError::NotStoppable);
        assert_log_tells_all(&runtime);
    }
}

mod keys {
    use super::*;

    fn change(
        runtime: &TestRuntime,
        by: Principal,
        add: Option<Principal>,
        remove: Option<Principal>,
    ) -> Result<usize, KeyError> {
        members::change_keys(runtime, by, ChangeKeysArgs { add, remove }).map(|member| member.keys.len())
    }

    #[test]
    fn should_count_a_member_once_whichever_key_votes() {
        let runtime = installed();
        assert_eq!(change(&runtime, member(1), Some(spare(1)), None), Ok(2));
        let id = motion(&runtime);
        cast(&runtime, member(1), id, Choice::Yes).expect("counts");
        let error = refused(|| cast(&runtime, spare(1), id, Choice::Yes));
        assert_eq!(error, VoteError::AlreadyVoted { choice: Choice::Yes });
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_replace_a_lost_key_by_the_members_other_key() {
        let runtime = installed();
        change(&runtime, member(1), Some(spare(1)), None).expect("adds");
        let id = motion(&runtime);
        change(&runtime, spare(1), Some(spare(2)), Some(member(1))).expect("replaces");
        let error = refused(|| cast(&runtime, member(1), id, Choice::Yes));
        assert_eq!(error, VoteError::NotAllowed { caller: member(1) });
        cast(&runtime, spare(2), id, Choice::Yes).expect("is the same member");
        vote::withdraw(&runtime, spare(2), id).expect("by whichever key it was proposed");
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_name_what_is_wrong_with_a_change_of_keys() {
        let runtime = installed();
        let field = |result: Result<usize, KeyError>| match result {
            Err(KeyError::Invalid { defects }) => defects[0].field.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(field(refused_change(&runtime, None, None)), "add");
        assert_eq!(field(refused_change(&runtime, None, Some(member(2)))), "remove");
        assert_eq!(field(refused_change(&runtime, None, Some(member(1)))), "members[0].keys", "the last one");
        assert_eq!(field(refused_change(&runtime, Some(member(2)), None)), "members[1].keys");
        assert_eq!(field(refused_change(&runtime, Some(proposer()), None)), "proposers[0].principal");
        assert_eq!(field(refused_change(&runtime, Some(Principal::anonymous()), None)), "members[0].keys");
        for caller in [stranger(), proposer(), Principal::anonymous()] {
            let error = refused(|| change(&runtime, caller, Some(spare(1)), None));
            assert_eq!(error, KeyError::NotAllowed { caller });
        }
        for number in 1..=5 {
            let remove = (number > 1).then(|| spare(number - 1));
            change(&runtime, member(1), Some(spare(number)), remove).expect("is within the limit");
        }
        let error = refused(|| change(&runtime, member(1), Some(spare(6)), None));
        assert!(matches!(error, KeyError::TooOften { limit: 5, .. }), "{error:?}");
    }

    fn refused_change(
        runtime: &TestRuntime,
        add: Option<Principal>,
        remove: Option<Principal>,
    ) -> Result<usize, KeyError> {
        Err(refused(|| change(runtime, member(1), add, remove)))
    }

    #[test]
    fn should_suspend_a_stolen_key_at_once_by_any_two_until_a_vote() {
        let runtime = installed_with(with_default(|rule| rule.void_suspended = true));
        let (id, against) = (motion(&runtime), motion(&runtime));
        cast(&runtime, member(5), id, Choice::Yes).expect("counts");
        cast(&runtime, member(5), against, Choice::No).expect("counts");
        assert_eq!(suspend(&runtime, member(1), member(5)), Ok(false));
        assert_eq!(suspend(&runtime, member(1), member(5)), Ok(false), "once more is not another member");
        cast(&runtime, member(2), id, Choice::Yes).expect("one alone has no effect");
        assert_eq!(suspend(&runtime, member(2), member(5)), Ok(true));
        let tally = |id| queries::get_proposal(id).expect("exists").tally;
        assert_eq!(tally(id).yes, 1, "what the key said for it is void");
        assert_eq!(tally(against).no, 1, "what it said against stands");
        let caller = member(5);
        assert_eq!(refused(|| cast(&runtime, caller, id, Choice::Yes)), VoteError::NotAllowed { caller });
        assert_eq!(refused(|| suspend(&runtime, caller, member(1))), KeyError::NotAllowed { caller });
        let error = refused(|| proposal::submit(&runtime, caller, args(ProposalAction::Motion)));
        assert_eq!(error, SubmitProposalError::NotAllowed { caller });
        upgrade(&runtime);
        let changes = vec![MemberChange::Reinstate { key: caller }];
        let lifted = submit(&runtime, ProposalAction::Members { changes });
        adopt(&runtime, lifted);
        runtime.advance(0);
        cast(&runtime, caller, id, Choice::Yes).expect("acts again");
        assert_eq!(queries::get_ballots(id).expect("exists").len(), 2);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_suspend_another_members_keys_alone_and_few_in_a_day() {
        let runtime = installed();
        for key in [member(1), proposer(), stranger()] {
            let error = refused(|| suspend(&runtime, member(1), key));
            assert!(matches!(error, KeyError::Invalid { defects } if defects[0].field == "key"));
        }
        for number in 2..=5 {
            assert_eq!(suspend(&runtime, member(1), member(number)), Ok(false));
        }
        change(&runtime, member(5), Some(spare(5)), None).expect("another member's");
        assert_eq!(suspend(&runtime, member(1), spare(5)), Ok(false));
        change(&runtime, member(4), Some(spare(4)), None).expect("another member's");
        let error = refused(|| suspend(&runtime, member(1), spare(4)));
        assert!(matches!(error, KeyError::TooOften { limit: 5, .. }), "{error:?}");
        runtime.skip(DAY_NS);
        assert_eq!(suspend(&runtime, member(1), spare(4)), Ok(false));
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_change_keys_by_vote_only_while_one_is_suspended() {
        let runtime = installed();
        change(&runtime, member(5), Some(spare(5)), None).expect("adds");
        suspend(&runtime, member(1), member(5)).expect("demands");
        suspend(&runtime, member(2), member(5)).expect("demands");
        let error = refused(|| change(&runtime, spare(5), Some(spare(6)), Some(member(5))));
        assert!(matches!(error, KeyError::Invalid { defects } if defects[0].field == "member"));
        let changes = vec![MemberChange::SetKeys { member: MemberId(5), keys: vec![spare(5)] }];
        let id = submit(&runtime, ProposalAction::Members { changes });
        adopt(&runtime, id);
        runtime.advance(0);
        change(&runtime, spare(5), Some(spare(6)), None).expect("none is suspended");
        assert_eq!(queries::dao_info(&runtime).expect("is configured").suspensions, []);
    }

    #[test]
    fn should_change_nobody_when_a_change_became_unfit_meanwhile() {
        let runtime = installed();
        let removal =
            || ProposalAction::Members { changes: vec![MemberChange::Remove { member: MemberId(5) }] };
        let (first, second) = (submit(&runtime, removal()), submit(&runtime, removal()));
        adopt(&runtime, first);
        runtime.advance(0);
        assert_eq!(status(first), ProposalStatus::Executed);
        adopt(&runtime, second);
        runtime.advance(0);
        assert!(matches!(status(second), ProposalStatus::Failed { .. }), "there is no such member any more");
        assert_eq!(read_state(|state| state.membership().members().count()), 4);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_keep_a_former_members_ballot_unless_the_rule_voids_it() {
        for void_suspended in [false, true] {
            let life = std::thread::spawn(move || {
                let runtime = installed_with(with_default(|rule| rule.void_suspended = void_suspended));
                let id = motion(&runtime);
                cast(&runtime, member(5), id, Choice::Yes).expect("counts");
                let changes = vec![MemberChange::Remove { member: MemberId(5) }];
                let removal = submit(&runtime, ProposalAction::Members { changes });
                adopt(&runtime, removal);
                runtime.advance(0);
                let view = queries::get_proposal(id).expect("exists");
                assert_eq!((view.tally.yes, view.tally.total), (u64::from(!void_suspended), 5));
                let caller = member(5);
                let error = refused(|| cast(&runtime, caller, id, Choice::No));
                assert_eq!(error, VoteError::NotAllowed { caller });
                assert_log_tells_all(&runtime);
            });
            life.join().expect("holds");
        }
    }

    #[test]
    fn should_give_no_member_the_number_of_a_former_one() {
        let runtime = installed();
        let changes = vec![
            MemberChange::Remove { member: MemberId(5) },
            MemberChange::Admit { name: "new".into(), voting_power: 1, keys: vec![spare(1)] },
        ];
        let id = submit(&runtime, ProposalAction::Members { changes });
        adopt(&runtime, id);
        runtime.advance(0);
        assert_eq!(read_state(|state| state.membership().acting(&spare(1))), Some(MemberId(6)));
        let unknown = vec![MemberChange::Remove { member: MemberId(5) }];
        assert_eq!(defects_of(&runtime, ProposalAction::Members { changes: unknown })[0].field, "changes[0]");
        assert_log_tells_all(&runtime);
    }
}
