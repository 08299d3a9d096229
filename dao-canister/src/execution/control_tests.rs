//! Upgrades, settings, cycles and recoveries, from the vote to the canister that is asked.

use release_types::{
    Defect, ProposalAction, ProposalId, ProposalStatus, Sha256Digest,
    control::{
        CancelRecoveryProposal, CanisterSettings, CanisterSettingsProposal, ChangeCanisterSettingsArgs,
        Controlled, EndUpgradeArgs, GroupCanister, RecoveryId, TopUpProposal, UpgradeEnd, UpgradeFailure,
        UpgradeId, UpgradeProposal, UpgradeState, UpgradeStatus,
    },
    dao::DaoInit,
};

use crate::{
    control, lifecycle,
    runtime::CustodyError,
    state::read_state,
    storage,
    test_fixtures::{
        Answer, Asked, DAY_NS, SECOND_NS, TestRuntime, adopt, assert_log_tells_all, custody, defects_of,
        group, installed, status, submit, upgrade, upgrader, upload,
    },
};

const MODULE: &[u8] = b"\0asm and more";
const ID: ProposalId = ProposalId(1);

fn upgrade_of(canister: GroupCanister) -> UpgradeProposal {
    let (module_sha256, size_bytes) = (Sha256Digest::of(MODULE), MODULE.len() as u64);
    UpgradeProposal { canister, module_sha256, size_bytes, arg: b"DIDL\0\0".to_vec().into() }
}

fn propose_upgrade(runtime: &TestRuntime, canister: GroupCanister) -> ProposalId {
    upload(runtime, "module.wasm", MODULE);
    submit(runtime, ProposalAction::Upgrade(upgrade_of(canister)))
}

fn known(state: UpgradeState) -> Answer {
    Answer::UpgradeStatus(Ok(Some(upgrade_in(state))))
}

fn upgrade_in(state: UpgradeState) -> UpgradeStatus {
    UpgradeStatus {
        id: UpgradeId("proposal-1".into()),
        target: Controlled::Custody,
        module_sha256: Sha256Digest::of(MODULE),
        arg_sha256: Sha256Digest::of(b"DIDL\0\0"),
        ordered_at_ns: 1,
        state,
        since_ns: 1,
    }
}

fn running() -> UpgradeState {
    UpgradeState::Running { step: release_types::control::UpgradeStep::Stop, failure: None }
}

fn fields(defects: &[Defect]) -> Vec<&str> {
    defects.iter().map(|defect| defect.field.as_str()).collect()
}

#[test]
fn should_order_an_upgrade_from_the_upgrader_once_and_follow_it_to_its_end() {
    let runtime = installed();
    let id = propose_upgrade(&runtime, GroupCanister::Custody);
    adopt(&runtime, id);
    runtime.answer(Answer::UpgradeStatus(Ok(None)));
    runtime.answer(Answer::Done(Ok(())));
    runtime.answer(Answer::Upgrade(Ok(upgrade_in(running()))));
    runtime.advance(0);
    let asked = runtime.take_asked();
    let [Asked::UpgradeStatus(first), Asked::StoreChunk(chunk), Asked::OrderUpgrade(order)] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    assert_eq!((first, &order.id), (&UpgradeId("proposal-1".into()), first));
    assert_eq!((chunk.as_slice(), order.module.sha256), (MODULE, Sha256Digest::of(MODULE)));
    assert_eq!((order.arg.as_slice(), order.arg_sha256), (&b"DIDL\0\0"[..], Sha256Digest::of(b"DIDL\0\0")));
    assert!(order.defects().is_empty());

    upgrade(&runtime);
    runtime.answer(known(running()));
    runtime.advance(0);
    runtime.answer(known(UpgradeState::Done));
    runtime.advance(10 * SECOND_NS);
    assert!(runtime.take_asked().iter().all(|asked| matches!(asked, Asked::UpgradeStatus(_))));
    assert_eq!(status(id), ProposalStatus::Executed);
    assert_log_tells_all(&runtime);
}

#[test]
fn should_say_why_when_an_upgrade_was_taken_back() {
    let runtime = installed();
    let id = propose_upgrade(&runtime, GroupCanister::Custody);
    adopt(&runtime, id);
    runtime.answer(known(UpgradeState::Failed { failure: UpgradeFailure::Unhealthy }));
    runtime.advance(0);
    let ProposalStatus::Failed { reason } = status(id) else { panic!("{:?}", status(id)) };
    assert!(reason.contains("taken back"), "{reason}");
    assert_eq!(read_state(|state| state.taken_back_at_ns()), None, "custody was, not the DAO");
}

#[test]
fn should_replace_the_upgraders_code_itself() {
    let runtime = installed();
    let id = propose_upgrade(&runtime, GroupCanister::Upgrader);
    adopt(&runtime, id);
    runtime.answer(Answer::Done(Err(CustodyError::Unavailable { reason: "no answer".into() })));
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Executing);
    runtime.answer(Answer::Done(Ok(())));
    runtime.advance(5 * SECOND_NS);
    assert_eq!(status(id), ProposalStatus::Executed);
    let asked = runtime.take_asked();
    assert_eq!(asked.len(), 2);
    assert!(matches!(&asked[0], Asked::UpgradeUpgrader(module) if module.chunks == [MODULE]));
    assert_eq!(asked[0], asked[1]);
}

#[test]
fn should_keep_the_module_while_its_proposal_lives_and_drop_it_after() {
    let runtime = installed();
    let id = propose_upgrade(&runtime, GroupCanister::Custody);
    let expiry = || {
        let sha256 = Sha256Digest::of(MODULE);
        read_state(|state| state.artifacts().stored(&sha256).map(|stored| stored.expires_at_ns()))
    };
    assert_eq!(expiry(), Some(u64::MAX));
    runtime.advance(2 * DAY_NS);
    assert_eq!(status(id), ProposalStatus::Rejected, "nobody voted");
    assert_eq!(expiry(), None);
}

#[test]
fn should_name_every_defect_of_an_upgrade() {
    let runtime = installed();
    let mut proposal = upgrade_of(GroupCanister::Dao);
    proposal.arg = vec![0_u8; 10_001].into();
    proposal.size_bytes = 9_000_000;
    let found = defects_of(&runtime, ProposalAction::Upgrade(proposal));
    assert_eq!(fields(&found), ["arg", "size_bytes", "module_sha256"]);
    upload(&runtime, "no-module", b"MZ and more");
    let no_module = UpgradeProposal {
        module_sha256: Sha256Digest::of(b"MZ and more"),
        size_bytes: 11,
        ..upgrade_of(GroupCanister::Dao)
    };
    assert_eq!(fields(&defects_of(&runtime, ProposalAction::Upgrade(no_module.clone()))), ["module_sha256"]);
    let other_size = UpgradeProposal { size_bytes: 12, ..no_module };
    assert_eq!(fields(&defects_of(&runtime, ProposalAction::Upgrade(other_size))), ["size_bytes"]);
}

#[test]
fn should_refuse_what_an_upgrader_does_where_there_is_none() {
    let runtime = TestRuntime::new();
    lifecycle::install(&runtime, DaoInit { upgrader: None, ..group() }).expect("need not have one");
    upload(&runtime, "module.wasm", MODULE);
    let cancel = CancelRecoveryProposal { recovery: RecoveryId(1) };
    for action in [
        ProposalAction::Upgrade(upgrade_of(GroupCanister::Custody)),
        ProposalAction::CanisterSettings(freezing(GroupCanister::Custody)),
        ProposalAction::TopUp(top_up(GroupCanister::Upgrader)),
        ProposalAction::CancelRecovery(cancel),
    ] {
        assert_eq!(fields(&defects_of(&runtime, action)), ["upgrader"]);
    }
}

fn freezing(canister: GroupCanister) -> CanisterSettingsProposal {
    let freezing_threshold_s = Some(90 * 86_400);
    let settings = CanisterSettings { freezing_threshold_s, ..CanisterSettings::default() };
    CanisterSettingsProposal { canister, settings }
}

#[test]
fn should_have_settings_changed_by_whoever_controls_the_canister() {
    let runtime = installed();
    for (canister, target) in [
        (GroupCanister::Dao, Some(Controlled::Dao)),
        (GroupCanister::Custody, Some(Controlled::Custody)),
        (GroupCanister::Upgrader, None),
    ] {
        let id = submit(&runtime, ProposalAction::CanisterSettings(freezing(canister)));
        adopt(&runtime, id);
        runtime.answer(Answer::Done(Ok(())));
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        let settings = freezing(canister).settings;
        let expected = match target {
            Some(target) => Asked::ChangeCanisterSettings(ChangeCanisterSettingsArgs { target, settings }),
            None => Asked::ChangeUpgraderSettings(settings),
        };
        assert_eq!(runtime.take_asked(), [expected]);
    }
    let nothing =
        CanisterSettingsProposal { canister: GroupCanister::Dao, settings: CanisterSettings::default() };
    assert_eq!(fields(&defects_of(&runtime, ProposalAction::CanisterSettings(nothing))), ["settings"]);
}

#[test]
fn should_cancel_a_recovery_by_vote() {
    let runtime = installed();
    let cancel = CancelRecoveryProposal { recovery: RecoveryId(3) };
    let id = submit(&runtime, ProposalAction::CancelRecovery(cancel));
    adopt(&runtime, id);
    runtime.answer(Answer::Done(Err(CustodyError::Refused { reason: "recovery: unknown".into() })));
    runtime.advance(0);
    assert!(matches!(status(id), ProposalStatus::Failed { .. }));
    assert_eq!(runtime.take_asked(), [Asked::CancelRecovery(RecoveryId(3))]);
}

fn top_up(canister: GroupCanister) -> TopUpProposal {
    TopUpProposal { canister, amount_cycles: 100_000_000_000 }
}

#[test]
fn should_pass_cycles_on_once() {
    let runtime = installed();
    for (canister, id) in [(GroupCanister::Custody, custody()), (GroupCanister::Upgrader, upgrader())] {
        let proposal = submit(&runtime, ProposalAction::TopUp(top_up(canister)));
        adopt(&runtime, proposal);
        runtime.answer(Answer::Done(Ok(())));
        runtime.advance(0);
        assert_eq!(status(proposal), ProposalStatus::Executed);
        assert_eq!(runtime.take_asked(), [Asked::DepositCycles(id, 100_000_000_000)]);
    }
    assert_log_tells_all(&runtime);
}

#[test]
fn should_never_send_cycles_again_when_the_answer_was_lost() {
    let runtime = installed();
    let id = submit(&runtime, ProposalAction::TopUp(top_up(GroupCanister::Custody)));
    adopt(&runtime, id);
    runtime.answer(Answer::Never);
    runtime.advance(0);
    upgrade(&runtime);
    runtime.advance(60 * SECOND_NS);
    assert_eq!(runtime.take_asked().len(), 1);
    let ProposalStatus::Failed { reason } = status(id) else { panic!("{:?}", status(id)) };
    assert!(reason.contains("compare the balances"), "{reason}");
}

#[test]
fn should_not_pass_cycles_on_that_code_now_taken_back_may_have_passed_on() {
    let runtime = installed();
    let upgrade = propose_upgrade(&runtime, GroupCanister::Dao);
    assert_eq!(upgrade, ID);
    let cycles = submit(&runtime, ProposalAction::TopUp(top_up(GroupCanister::Custody)));
    adopt(&runtime, upgrade);
    runtime.answer(known(running()));
    runtime.advance(0);
    adopt(&runtime, cycles);
    runtime.advance(0);
    assert_eq!(status(cycles), ProposalStatus::Executing, "not while the code may be taken back");
    let (name, lost) = (UpgradeId("proposal-1".into()), None);
    let args = EndUpgradeArgs { upgrade: name, end: UpgradeEnd::TakenBack { lost } };
    let told = control::end_upgrade(&runtime, custody(), false, args.clone());
    assert!(told.expect_err("no controller").to_string().starts_with("REFUSED: caller: "));
    control::end_upgrade(&runtime, upgrader(), true, args.clone()).expect("a controller");
    let noted = storage::read_log(|log| log.len());
    control::end_upgrade(&runtime, upgrader(), true, args).expect("once more");
    assert_eq!(storage::read_log(|log| log.len()), noted, "the same again notes nothing");
    assert_eq!(runtime.wakings(), 2, "a snapshot brings no timers back");
    let failure = UpgradeFailure::Unhealthy;
    runtime.answer(known(UpgradeState::Failed { failure }));
    runtime.advance(120 * SECOND_NS);
    assert!(matches!(status(upgrade), ProposalStatus::Failed { .. }));
    assert!(matches!(status(cycles), ProposalStatus::Failed { .. }), "{:?}", status(cycles));
    assert!(runtime.take_asked().iter().all(|asked| matches!(asked, Asked::UpgradeStatus(_))));
    assert_log_tells_all(&runtime);
}

#[test]
fn should_name_every_defect_of_a_top_up() {
    let runtime = installed();
    let itself = TopUpProposal { canister: GroupCanister::Dao, amount_cycles: 1 };
    let found = defects_of(&runtime, ProposalAction::TopUp(itself));
    assert_eq!(fields(&found), ["canister", "amount_cycles"]);
}

#[test]
fn should_keep_as_many_cycles_as_it_passes_on() {
    let runtime = installed();
    let most = TopUpProposal { canister: GroupCanister::Custody, amount_cycles: 500_000_000_001 };
    let id = submit(&runtime, ProposalAction::TopUp(most));
    adopt(&runtime, id);
    runtime.advance(0);
    assert!(matches!(status(id), ProposalStatus::Failed { .. }), "it has a trillion");
    assert!(runtime.take_asked().is_empty());
}
