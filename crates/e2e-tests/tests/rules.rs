//! Rules, members and their keys on the shipped wasm: what a vote changes, what waits, who is stopped.

use std::time::Duration;

use e2e_tests::{
    World,
    people::{member, stranger},
    world::WorldBuilder,
};
use release_types::{
    Choice, KindPolicy, Member, MemberChange, MemberId, Policies, Policy, ProposalAction, ProposalKind,
    ProposalStatus,
    member::{ChangeKeysArgs, KeyError, SuspendKeyArgs, Suspension},
    voting::{VetoArgs, VetoError, VoteError},
};

const HOUR: Duration = Duration::from_secs(3_600);

/// More than half decide; motions wait for an hour, and member 4 (the fifth) can stop them.
fn rules() -> Policies {
    let mut rules = e2e_tests::world::majority_rules(5);
    let policy =
        Policy { timelock_ns: HOUR.as_nanos() as u64, guardians: vec![MemberId(5)], ..rules.default.clone() };
    rules.kinds.push(KindPolicy { kind: ProposalKind::Motion, policy });
    rules
}

fn world() -> World {
    WorldBuilder::default().policies(rules()).build()
}

fn suspend(world: &mut World, by: u32, key: candid::Principal) -> Suspension {
    let args = SuspendKeyArgs { key, reason: "stolen".into() };
    let answer: Result<Suspension, KeyError> =
        world.update(member(by), world.dao, "suspend_key", (args,)).expect("answers");
    answer.expect("takes it")
}

#[test]
fn should_carry_out_a_motion_after_its_timelock_unless_its_guardian_stops_it() {
    let mut world = world();
    let carried = world.submit(member(0), ProposalAction::Motion).expect("is valid");
    let stopped = world.submit(member(0), ProposalAction::Motion).expect("is valid");
    world.adopt(carried);
    world.adopt(stopped);
    world.pass(HOUR - Duration::from_secs(10));
    assert_eq!(world.proposal(carried).status, ProposalStatus::Approved);
    let args = VetoArgs { proposal: stopped, reason: "not like this".into() };
    let answer: Result<(), VetoError> = world.update(member(4), world.dao, "veto", (args,)).expect("answers");
    answer.expect("is its guardian");
    world.pass(Duration::from_secs(20));
    assert_eq!(world.proposal(carried).status, ProposalStatus::Executed);
    assert!(matches!(world.proposal(stopped).status, ProposalStatus::Vetoed { member: MemberId(5), .. }));
}

#[test]
fn should_change_members_and_rules_by_vote_and_keep_what_is_open() {
    let mut world = world();
    let open = world.submit(member(0), ProposalAction::Motion).expect("is valid");
    let changes = vec![
        MemberChange::Admit { name: "new".into(), voting_power: 1, keys: vec![stranger()] },
        MemberChange::Remove { member: MemberId(2) },
    ];
    let changed = world.submit(member(0), ProposalAction::Members { changes }).expect("is valid");
    world.adopt(changed);
    assert_eq!(
        world.proposal(changed).status,
        ProposalStatus::Approved,
        "it meets every rule: also the hour"
    );
    world.pass(HOUR);
    assert_eq!(world.proposal(changed).status, ProposalStatus::Executed);
    assert_eq!(
        world.vote(stranger(), open, Choice::Yes),
        Err(VoteError::NotAllowed { caller: stranger() }),
        "not in its electorate"
    );
    let next = world.submit(stranger(), ProposalAction::Motion).expect("is a member");
    assert_eq!(world.proposal(next).tally.total, 5);
    let mut rules = rules();
    rules.version = 2;
    rules.most_open = 1;
    let ruled = world.submit(member(2), ProposalAction::Policies(rules)).expect("is valid");
    for n in [0, 2, 3] {
        world.vote(member(n), ruled, Choice::Yes).expect("counts");
    }
    assert_eq!(world.settle(ruled), ProposalStatus::Executed);
    assert!(world.submit(stranger(), ProposalAction::Motion).is_err(), "one open proposal each");
}

#[test]
fn should_put_a_stolen_key_out_of_use_and_let_its_member_act_with_another() {
    let mut world = world();
    let args = ChangeKeysArgs { add: Some(stranger()), remove: None };
    let answer: Result<Member, KeyError> =
        world.update(member(1), world.dao, "change_keys", (args,)).expect("answers");
    assert_eq!(answer.expect("adds").keys, [member(1), stranger()]);
    let open = world.submit(member(0), ProposalAction::Motion).expect("is valid");
    assert_eq!(suspend(&mut world, 2, member(1)).suspended_at_ns, None);
    assert!(suspend(&mut world, 3, member(1)).suspended_at_ns.is_some());
    // The inspection of messages turns the key away as it does a stranger's.
    let digests: Vec<release_types::Sha256Digest> = vec![];
    let args = release_types::voting::VoteArgs { proposal: open, choice: Choice::Yes, digests };
    let refused: Result<Result<ProposalStatus, VoteError>, _> =
        world.update(member(1), world.dao, "vote", (args,));
    assert_eq!(refused.expect_err("is turned away").error_code.as_deref(), Some("IC0406"));
    world.vote(stranger(), open, Choice::Yes).expect("is the same member");
    assert_eq!(world.proposal(open).tally.yes, 1);
}
