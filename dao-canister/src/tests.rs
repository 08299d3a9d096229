//! Installation, voting and withdrawal, through the whole canister.

mod governing;
mod lessons;

use candid::Principal;
use release_types::{
    Choice, Ecosystem, Member, MemberId, ProposalAction, ProposalId, ProposalStatus, Proposer,
    dao::DaoInit,
    proposal::{ListProposalsArgs, WithdrawError},
    voting::VoteError,
};

use crate::{
    lifecycle, queries,
    state::read_state,
    storage,
    test_fixtures::{
        Answer, PERIOD_NS, SECOND_NS, TestRuntime, adopt, args, assert_log_tells_all, cast, custody, group,
        installed, member, npm_release, proposer, ready, refused, registry, status, stranger, submit,
        upgrade,
    },
    vote,
};

fn open(runtime: &TestRuntime) -> ProposalId {
    submit(runtime, ProposalAction::Registry(registry(Ecosystem::Npm)))
}

mod installation {
    use super::*;

    #[test]
    fn should_name_every_defect_at_once() {
        let runtime = TestRuntime::new();
        let mut init = group();
        init.policies.default.voting_period_ns = 59 * SECOND_NS;
        init.policies.default.quorum_bp = 10_001;
        init.policies.default.approval_bp = 10_000;
        init.policies.default.least_yes_members = 1;
        init.members[0].voting_power = 0;
        init.members[1].name = String::new();
        init.members[2].keys = vec![Principal::anonymous()];
        init.members[3].keys = init.members[4].keys.clone();
        init.proposers.push(Proposer { principal: member(1), name: "x".repeat(51) });
        let defects = lifecycle::install(&runtime, init).expect_err("is defective");
        let fields: Vec<_> = defects.iter().map(|defect| defect.field.as_str()).collect();
        let expected = [
            "members[0].voting_power",
            "members[1].name",
            "members[2].keys",
            "members[4].keys",
            "proposers[1].name",
            "proposers[1].principal",
            "policies.default.least_yes_members",
            "policies.default.approval_bp",
            "policies.default.quorum_bp",
            "policies.default.voting_period_ns",
        ];
        assert_eq!(fields, expected);
        assert!(storage::read_log(|log| log.is_empty()));
    }

    #[test]
    fn should_refuse_an_electorate_without_members_or_with_too_much_power() {
        let runtime = TestRuntime::new();
        let empty = DaoInit { members: vec![], ..group() };
        assert_eq!(lifecycle::install(&runtime, empty).expect_err("is empty")[0].field, "members");
        let powerful =
            |number: u8| Member { voting_power: u64::MAX, ..group().members[usize::from(number)].clone() };
        let init = DaoInit { members: vec![powerful(1), powerful(2)], ..group() };
        assert_eq!(lifecycle::install(&runtime, init).expect_err("is too much")[0].field, "members");
        let crowd = (1..=1_001u32).map(|number| Member {
            id: MemberId(number),
            name: format!("m{number}"),
            voting_power: 1,
            keys: vec![Principal::from_slice(&number.to_be_bytes())],
        });
        let init = DaoInit { members: crowd.collect(), ..group() };
        assert_eq!(lifecycle::install(&runtime, init).expect_err("is a crowd")[0].found, "1001");
    }

    #[test]
    fn should_take_custody_from_the_environment_unless_it_was_given() {
        let runtime = TestRuntime::new();
        lifecycle::install(&runtime, DaoInit { custody: None, ..group() }).expect("is valid");
        assert_eq!(lifecycle::custody(&runtime), None);
        assert_eq!(queries::dao_info(&runtime), None);
        runtime.set_environment(Some(stranger()));
        assert_eq!(queries::dao_info(&runtime).expect("is configured").custody, stranger());
        let runtime = installed_elsewhere();
        runtime.set_environment(Some(stranger()));
        assert_eq!(lifecycle::custody(&runtime), Some(custody()));
    }

    /// A canister of its own, which needs a thread of its own.
    fn installed_elsewhere() -> TestRuntime {
        crate::state::restore(crate::state::State::default());
        let runtime = TestRuntime::new();
        lifecycle::install(&runtime, group()).expect("is valid");
        runtime
    }

    #[test]
    fn should_show_the_group() {
        let runtime = installed();
        let info = queries::dao_info(&runtime).expect("is configured");
        assert_eq!(info.members, group().members);
        assert_eq!(info.proposers, group().proposers);
        assert_eq!((info.policies, info.custody, info.proposals), (group().policies, custody(), 0));
    }
}

mod votes {
    use super::*;

    #[test]
    fn should_count_members_once_and_nobody_else() {
        let runtime = installed();
        let id = open(&runtime);
        for caller in [stranger(), proposer(), custody(), Principal::anonymous()] {
            let error = refused(|| cast(&runtime, caller, id, Choice::Yes));
            assert_eq!(error, VoteError::NotAllowed { caller });
            let error = refused(|| cast(&runtime, caller, ProposalId(99), Choice::Yes));
            assert_eq!(error, VoteError::NotAllowed { caller }, "strangers learn nothing");
        }
        cast(&runtime, member(1), id, Choice::No).expect("counts");
        let error = refused(|| cast(&runtime, member(1), id, Choice::Yes));
        assert_eq!(error, VoteError::AlreadyVoted { choice: Choice::No });
        for unknown in [0, 99, u64::MAX] {
            let error = refused(|| cast(&runtime, member(1), ProposalId(unknown), Choice::Yes));
            assert_eq!(error, VoteError::NoSuchProposal);
        }
        let tally = queries::get_proposal(id).expect("exists").tally;
        assert_eq!((tally.yes, tally.no, tally.abstain, tally.total), (0, 1, 0, 5));
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_be_too_late_at_the_deadline_itself() {
        let runtime = installed();
        let id = open(&runtime);
        runtime.skip(PERIOD_NS - 1);
        cast(&runtime, member(1), id, Choice::Yes).expect("counts");
        runtime.skip(1);
        assert_eq!(refused(|| cast(&runtime, member(2), id, Choice::Yes)), VoteError::NotOpen);
        assert_eq!(status(id), ProposalStatus::Open, "its timer has not fired");
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Rejected);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_decide_at_the_deadline_by_what_was_cast() {
        let runtime = installed();
        let id = open(&runtime);
        cast(&runtime, member(1), id, Choice::Yes).expect("counts");
        cast(&runtime, member(2), id, Choice::Yes).expect("counts");
        runtime.advance(PERIOD_NS - 1);
        assert_eq!(status(id), ProposalStatus::Open);
        cast(&runtime, member(3), id, Choice::Abstain).expect("counts");
        assert_eq!(status(id), ProposalStatus::Open, "two against two is still possible");
        runtime.advance(1);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_decide_early_both_ways_and_take_no_more_votes() {
        let runtime = installed();
        let (adopted, rejected) = (open(&runtime), open(&runtime));
        adopt(&runtime, adopted);
        assert_eq!(cast(&runtime, member(1), rejected, Choice::No), Ok(ProposalStatus::Open));
        assert_eq!(cast(&runtime, member(2), rejected, Choice::No), Ok(ProposalStatus::Open));
        assert_eq!(cast(&runtime, member(3), rejected, Choice::No), Ok(ProposalStatus::Rejected));
        for id in [adopted, rejected] {
            assert_eq!(refused(|| cast(&runtime, member(4), id, Choice::Yes)), VoteError::NotOpen);
        }
        runtime.advance(2 * PERIOD_NS);
        assert_eq!(status(rejected), ProposalStatus::Rejected);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_show_all_ballots_in_order_also_when_it_is_over() {
        let runtime = installed();
        let (id, other) = (open(&runtime), open(&runtime));
        cast(&runtime, member(2), id, Choice::Abstain).expect("counts");
        cast(&runtime, member(2), other, Choice::Yes).expect("counts");
        runtime.skip(1);
        cast(&runtime, member(1), id, Choice::No).expect("counts");
        runtime.advance(PERIOD_NS);
        let ballots = queries::get_ballots(id).expect("exists");
        let cast: Vec<_> = ballots.iter().map(|ballot| (ballot.key, ballot.choice)).collect();
        assert_eq!(cast, [(member(2), Choice::Abstain), (member(1), Choice::No)]);
        assert_eq!(ballots[1].cast_at_ns, ballots[0].cast_at_ns + 1);
        assert_eq!(queries::get_ballots(ProposalId(9)), None);
    }

    #[test]
    fn should_keep_deadlines_across_an_upgrade() {
        let runtime = installed();
        let id = open(&runtime);
        cast(&runtime, member(1), id, Choice::Yes).expect("counts");
        upgrade(&runtime);
        assert_eq!(
            refused(|| cast(&runtime, member(1), id, Choice::Yes)),
            VoteError::AlreadyVoted { choice: Choice::Yes }
        );
        runtime.advance(PERIOD_NS - 1);
        assert_eq!(status(id), ProposalStatus::Open);
        runtime.advance(1);
        assert_eq!(status(id), ProposalStatus::Rejected);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_decide_when_the_deadline_passed_during_an_upgrade() {
        let runtime = installed();
        let id = open(&runtime);
        runtime.lose_timers();
        runtime.skip(2 * PERIOD_NS);
        upgrade(&runtime);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Rejected);
    }
}

mod withdrawal {
    use super::*;

    #[test]
    fn should_be_the_proposers_until_execution_begins() {
        let runtime = ready();
        let id = submit(&runtime, ProposalAction::Release(npm_release(&runtime, "1.0.0")));
        for caller in [member(2), proposer(), stranger(), Principal::anonymous()] {
            let error = refused(|| vote::withdraw(&runtime, caller, id));
            assert_eq!(error, WithdrawError::NotAllowed { caller });
        }
        let error = refused(|| vote::withdraw(&runtime, member(1), ProposalId(99)));
        assert_eq!(error, WithdrawError::NoSuchProposal);
        adopt(&runtime, id);
        vote::withdraw(&runtime, member(1), id).expect("has not begun");
        runtime.advance(PERIOD_NS);
        assert_eq!(status(id), ProposalStatus::Withdrawn);
        assert!(runtime.take_asked().is_empty(), "custody hears nothing of it");
        let error = refused(|| vote::withdraw(&runtime, member(1), id));
        assert_eq!(error, WithdrawError::NotWithdrawable { status: ProposalStatus::Withdrawn });
        let begun = submit(&runtime, ProposalAction::Release(npm_release(&runtime, "1.0.0")));
        adopt(&runtime, begun);
        runtime.answer(Answer::Never);
        runtime.advance(0);
        let error = refused(|| vote::withdraw(&runtime, member(1), begun));
        assert_eq!(error, WithdrawError::NotWithdrawable { status: ProposalStatus::Executing });
        assert_log_tells_all(&runtime);
    }
}

mod listing {
    use super::*;

    #[test]
    fn should_page_through_proposals_newest_first() {
        let runtime = installed();
        for _ in 0..5 {
            open(&runtime);
        }
        let ids = |args: &ListProposalsArgs| {
            let page = queries::list_proposals(args);
            assert_eq!(page.total, 5);
            page.proposals.iter().map(|view| view.id.0).collect::<Vec<_>>()
        };
        assert_eq!(ids(&ListProposalsArgs::default()), [5, 4, 3, 2, 1]);
        assert_eq!(ids(&ListProposalsArgs { before: Some(ProposalId(4)), limit: Some(2) }), [3, 2]);
        assert_eq!(ids(&ListProposalsArgs { before: Some(ProposalId(1)), limit: None }), [0; 0]);
        assert_eq!(ids(&ListProposalsArgs { before: Some(ProposalId(u64::MAX)), limit: Some(1) }), [5]);
        assert_eq!(ids(&ListProposalsArgs { before: Some(ProposalId(0)), limit: Some(0) }), [0; 0]);
    }

    #[test]
    fn should_end_a_page_before_it_outgrows_a_reply() {
        let runtime = installed();
        for number in 0..100 {
            let mut proposal = args(ProposalAction::Registry(registry(Ecosystem::Npm)));
            proposal.summary = "x".repeat(10_000);
            crate::proposal::submit(&runtime, member(1 + number / 20), proposal).expect("is valid");
        }
        let page = queries::list_proposals(&ListProposalsArgs { before: None, limit: Some(100) });
        assert!((50..100).contains(&page.proposals.len()), "{}", page.proposals.len());
        assert!(candid::encode_one(&page).expect("encodes").len() < 2_000_000);
    }
}

mod operations {
    use super::*;
    use crate::state::Event;

    #[test]
    fn should_list_every_kind_of_block() {
        let runtime = ready();
        let id = submit(&runtime, ProposalAction::Release(npm_release(&runtime, "1.0.0")));
        vote::withdraw(&runtime, member(1), id).expect("withdraws");
        storage::read_log(|log| {
            for (_, block) in log.blocks(0, log.len()) {
                let Some(audit_log::Value::Text(operation)) = block.get("btype") else {
                    panic!("a block without a type")
                };
                assert!(Event::OPERATIONS.contains(&operation.as_str()), "{operation}");
            }
        });
        assert_eq!(read_state(|state| state.live().count()), 0);
    }
}
