use std::time::Duration;

use release_types::{
    Refusal, Sha256Digest,
    control::{
        Committee, ModuleRef, ProposeRecoveryArgs, RecoveryId, UpgradeId, UpgradeState, UpgraderChange,
    },
};

use super::stub::{StubRuntime, assert_replays, block_on, committee, dao, person};
use crate::{lifecycle, modules, queries, recovery};

const DELAY: Duration = Duration::from_secs(7 * 86_400);
const CHUNK: [u8; 10] = [4; 10];

fn proposal() -> ProposeRecoveryArgs {
    let sha256 = Sha256Digest::of(&CHUNK);
    let module = ModuleRef { sha256, chunks: vec![sha256] };
    ProposeRecoveryArgs { module, arg: Default::default(), reason: "the DAO traps".into() }
}

fn propose(runtime: &StubRuntime, by: u8) -> RecoveryId {
    recovery::propose(runtime, person(by), proposal()).expect("a good proposal").id
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
    outcome.expect_err("refused").to_string()
}

fn status() -> Option<UpgradeState> {
    queries::upgrade_status(&UpgradeId("recovery-1".into())).map(|status| status.state)
}

#[test]
fn should_upgrade_the_dao_when_enough_members_agree_and_the_delay_is_over() {
    let runtime = StubRuntime::installed();
    let id = propose(&runtime, 1);
    runtime.pass(3 * DELAY);
    assert_eq!(queries::upgrader_info().recoveries[0].due_at_ns, None, "one member alone never suffices");
    recovery::support(&runtime, person(1), id).expect("a second time changes nothing");
    let view = recovery::support(&runtime, person(2), id).expect("supports");
    assert_eq!(view.supporters, [person(1), person(2)]);
    block_on(modules::store_chunk(&runtime, person(3), CHUNK.to_vec())).expect("called for");
    runtime.pass(DELAY - Duration::from_nanos(1));
    assert_eq!(status(), None, "a nanosecond too early");
    runtime.upgrade();
    runtime.pass(Duration::from_secs(120));
    assert_eq!(status(), Some(UpgradeState::Done));
    assert!(!runtime.runs_old_code());
    assert!(queries::upgrader_info().recoveries.is_empty());
    assert_replays();
}

#[test]
fn should_do_nothing_when_the_dao_cancels_in_time() {
    let runtime = StubRuntime::installed();
    let id = propose(&runtime, 1);
    recovery::support(&runtime, person(2), id).expect("supports");
    block_on(modules::store_chunk(&runtime, person(1), CHUNK.to_vec())).expect("called for");
    assert!(refusal(recovery::cancel(&runtime, person(1), id)).starts_with("REFUSED: caller: "));
    recovery::cancel(&runtime, dao(), id).expect("the DAO may");
    assert!(refusal(recovery::cancel(&runtime, dao(), id)).starts_with("REFUSED: recovery: "));
    runtime.pass(2 * DELAY);
    assert_eq!(status(), None);
    assert!(runtime.runs_old_code());
}

#[test]
fn should_wait_for_the_module_when_it_is_not_stored_at_the_end_of_the_delay() {
    let runtime = StubRuntime::installed();
    let id = propose(&runtime, 1);
    recovery::support(&runtime, person(2), id).expect("supports");
    runtime.pass(2 * DELAY);
    assert_eq!(status(), None);
    block_on(modules::store_chunk(&runtime, person(1), CHUNK.to_vec())).expect("called for");
    runtime.pass(Duration::from_secs(120));
    assert_eq!(status(), Some(UpgradeState::Done));
}

#[test]
fn should_listen_to_the_committee_alone_and_bound_what_a_member_can_do() {
    let runtime = StubRuntime::installed();
    for caller in [dao(), person(9), candid::Principal::anonymous()] {
        let refused = refusal(recovery::propose(&runtime, caller, proposal()));
        assert!(refused.starts_with("REFUSED: caller: "), "{refused}");
        let refused = refusal(recovery::support(&runtime, caller, RecoveryId(1)));
        assert!(refused.starts_with("REFUSED: caller: "), "{refused}");
    }
    let id = propose(&runtime, 1);
    let uncalled = block_on(modules::store_chunk(&runtime, person(1), CHUNK.to_vec()));
    assert!(refusal(uncalled).starts_with("REFUSED: chunk: "), "nobody else supports it");
    let second = recovery::propose(&runtime, person(1), proposal());
    assert!(refusal(second).starts_with("BUSY: proposal: "));
    runtime.pass(Duration::from_secs(86_400));
    let later = propose(&runtime, 1);
    let ids: Vec<_> = queries::upgrader_info().recoveries.iter().map(|view| view.id).collect();
    assert_eq!(ids, [later], "the later one took the place of {id}");
    assert!(refusal(recovery::support(&runtime, person(2), id)).starts_with("REFUSED: recovery: "));
}

#[test]
fn should_end_recoveries_when_the_dao_changes_the_committee() {
    let runtime = StubRuntime::installed();
    let id = propose(&runtime, 1);
    recovery::support(&runtime, person(2), id).expect("supports");
    let others = Committee { members: vec![person(4), person(5)], ..committee() };
    lifecycle::resume(&runtime, Some(UpgraderChange { committee: Some(others) })).expect("a good committee");
    assert!(queries::upgrader_info().recoveries.is_empty());
    assert!(recovery::propose(&runtime, person(1), proposal()).is_err());
    propose(&runtime, 4);
    lifecycle::resume(&runtime, Some(UpgraderChange { committee: None })).expect("none is allowed");
    assert!(recovery::propose(&runtime, person(5), proposal()).is_err());
    assert_replays();
}

#[test]
fn should_refuse_committees_that_one_stolen_key_or_nobody_could_use() {
    let fields = |committee: Committee| -> Vec<_> {
        committee.defects().into_iter().map(|defect| defect.field).collect()
    };
    assert!(fields(committee()).is_empty());
    assert_eq!(fields(Committee { threshold: 1, ..committee() }), ["committee.threshold"]);
    assert_eq!(fields(Committee { threshold: 4, ..committee() }), ["committee.threshold"]);
    assert_eq!(fields(Committee { delay_ns: 1, ..committee() }), ["committee.delay_ns"]);
    let twice = Committee { members: vec![person(1), person(1), person(2)], ..committee() };
    assert_eq!(fields(twice), ["committee.members[1]"]);
    let alone = Committee { members: vec![person(1)], ..committee() };
    assert_eq!(fields(alone), ["committee.members"]);
}
