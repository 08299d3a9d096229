//! Upgrades by vote, through the upgrader, with nobody else in control: good ones, ones that have to be taken back, and
//! the repair of a DAO that no longer works. The main job is done before and after each.

use std::time::Duration;

use candid::{Encode, Principal};
use custody_canister::state::{Event, control::ControlFact};
use e2e_tests::{
    World,
    canister_wasm::canister_wasm,
    control::{marked, replay_upgrader},
    governor::Governed,
    people::{controller, member, person, stranger},
    publishing::{Publisher, Release},
};
use ic_management_canister_types::{CanisterIdRecord, CanisterInstallMode, InstallCodeArgs};
use release_types::{
    CHUNK_BYTES, Ecosystem, FreezeArgs, FreezeScope, ProposalAction, ProposalId, ProposalStatus,
    PublicationState, Sha256Digest,
    control::{
        CancelRecoveryProposal, CanisterSettings, CanisterSettingsProposal, Committee, GroupCanister,
        MIN_RECOVERY_DELAY_NS, ModuleRef, ProposeRecoveryArgs, RecoveryId, RecoveryView, TopUpProposal,
        UpgradeId, UpgradeState, UpgradeStatus,
    },
    freeze::{FreezeDemand, FreezeError, FreezeReason, FreezeView, UnfreezeProposal},
};
use serde_bytes::ByteBuf;

const HOUR: Duration = Duration::from_secs(3_600);
/// More than the shortest delay of a recovery.
const WEEK: Duration = Duration::from_secs(7 * 86_400 + 600);

/// Code that traps in its first message.
fn trapping() -> Vec<u8> {
    wat::parse_str(r#"(module (func (export "canister_post_upgrade") unreachable))"#).expect("valid text")
}

/// Code that is installed and starts, and answers nothing.
fn silent() -> Vec<u8> {
    wat::parse_str("(module)").expect("valid text")
}

fn publisher() -> Publisher {
    Publisher::in_world(World::handed_over(None), Ecosystem::Npm)
}

/// A release from the proposal to the receipt; sent once.
fn do_the_main_job(publisher: &mut Publisher) {
    let writes = publisher.writes().len();
    let release = publisher.adopt_next();
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, "the main job");
    assert_eq!(publisher.writes().len() - writes, 1, "sent once");
}

fn failure(status: ProposalStatus) -> String {
    match status {
        ProposalStatus::Failed { reason } => reason,
        other => panic!("it should have failed: {other:?}"),
    }
}

fn last_upgrade(world: &mut World, proposal: ProposalId) -> UpgradeStatus {
    let (upgrader, id) = (world.upgrader(), UpgradeId(format!("proposal-{proposal}")));
    let status: Option<UpgradeStatus> =
        world.query(stranger(), upgrader, "upgrade_status", (id,)).expect("answers");
    status.expect("it was ordered")
}

fn assert_upgrader_replays(world: &mut World) {
    let upgrader = world.upgrader();
    let replayed = replay_upgrader(&world.download_log(upgrader));
    assert_eq!(world.state_digest(upgrader), replayed, "the upgrader's state");
}

/// No snapshot and no chunk is left lying.
fn assert_cleared_up(world: &World) {
    let view = world.replica.view();
    for canister in [world.dao, world.custody, world.upgrader()] {
        let canister = view.canister(canister).expect("it exists");
        assert!(canister.snapshots.is_empty() && canister.chunk_store.is_empty(), "{}", canister.id);
    }
}

#[test]
fn should_upgrade_each_canister_by_vote_with_the_main_job_before_and_after() {
    let mut publisher = publisher();
    do_the_main_job(&mut publisher);
    for (canister, name) in [
        (GroupCanister::Custody, "custody_canister"),
        (GroupCanister::Dao, "dao_canister"),
        (GroupCanister::Upgrader, "upgrader_canister"),
    ] {
        let world = &mut publisher.world;
        let id = match canister {
            GroupCanister::Custody => world.custody,
            GroupCanister::Dao => world.dao,
            GroupCanister::Upgrader => world.upgrader(),
        };
        let module = marked(name, "another build");
        assert_ne!(world.module_sha256(id), Sha256Digest::of(&module));
        assert_eq!(world.carry_out_upgrade(canister, &module), ProposalStatus::Executed, "{canister}");
        assert_eq!(world.module_sha256(id), Sha256Digest::of(&module));
        assert_cleared_up(world);
        do_the_main_job(&mut publisher);
    }
    publisher.world.assert_replayed_equals_live("at the end");
    assert_upgrader_replays(&mut publisher.world);
}

#[test]
fn should_keep_the_former_code_when_the_new_one_traps_in_its_first_message() {
    let mut publisher = publisher();
    for canister in [GroupCanister::Custody, GroupCanister::Dao, GroupCanister::Upgrader] {
        let world = &mut publisher.world;
        let before = [world.dao, world.custody, world.upgrader()].map(|id| world.module_sha256(id));
        failure(world.carry_out_upgrade(canister, &trapping()));
        let after = [world.dao, world.custody, world.upgrader()].map(|id| world.module_sha256(id));
        assert_eq!(before, after, "{canister}");
        assert_cleared_up(world);
        do_the_main_job(&mut publisher);
    }
}

/// An order that custody accepted and did not send yet, because members froze it.
fn accepted_and_frozen(publisher: &mut Publisher) -> Release {
    let world = &mut publisher.world;
    let dao = world.dao;
    let args = FreezeArgs { scope: FreezeScope::Everything, reason: "to wait".into() };
    let frozen: Result<FreezeDemand, FreezeError> =
        world.update(member(1), dao, "freeze", (args,)).expect("answers");
    frozen.expect("freezes");
    let release = publisher.adopt_next();
    publisher.world.pass(Duration::from_secs(30));
    let order = publisher.world.order(release.proposal).expect("custody took it");
    assert_eq!(order.artifacts[0].state, PublicationState::Prepared);
    release
}

#[test]
fn should_spend_nothing_twice_when_custody_is_taken_back() {
    let mut publisher = publisher();
    do_the_main_job(&mut publisher);
    let release = accepted_and_frozen(&mut publisher);
    let writes = publisher.writes().len();
    let world = &mut publisher.world;
    let before = world.module_sha256(world.custody);
    let reason = failure(world.carry_out_upgrade(GroupCanister::Custody, &silent()));
    assert!(reason.contains("taken back"), "{reason}");
    assert_eq!(world.module_sha256(world.custody), before);
    assert_cleared_up(world);
    assert_upgrader_replays(world);

    // The fork is on the log, everything is frozen, and what was under way is read back only.
    let custody = world.custody;
    let log = world.download_log(custody);
    let forks = World::custody_facts(&log)
        .filter(|(_, fact)| matches!(fact, Event::Control(ControlFact::TakenBack { .. })))
        .count();
    assert_eq!(forks, 1);
    let freezes: Vec<FreezeView> = world.query(stranger(), custody, "freezes", ()).expect("answers");
    assert_eq!(freezes.len(), 1);
    world.pass(4 * HOUR);
    let unfreeze = ProposalAction::Unfreeze(UnfreezeProposal { scope: FreezeScope::Everything });
    assert_eq!(world.carry_out(unfreeze), ProposalStatus::Executed);
    for _ in 0..24 {
        world.pass(HOUR);
    }
    let order = world.order(release.proposal).expect("custody knows it");
    assert!(matches!(order.artifacts[0].state, PublicationState::Blocked { .. }), "{order:?}");
    assert_eq!(publisher.writes().len(), writes, "never sent");
    publisher.world.assert_replayed_equals_live("after custody was taken back");
    do_the_main_job(&mut publisher);
}

#[test]
fn should_freeze_custody_when_it_is_taken_back_though_nobody_else_did() {
    let mut publisher = publisher();
    let world = &mut publisher.world;
    failure(world.carry_out_upgrade(GroupCanister::Custody, &silent()));
    let custody = world.custody;
    let freezes: Vec<FreezeView> = world.query(stranger(), custody, "freezes", ()).expect("answers");
    let [FreezeView { scope: FreezeScope::Everything, reason: FreezeReason::TakenBack { .. }, .. }] =
        &freezes[..]
    else {
        panic!("{freezes:?}")
    };
    let writes = publisher.writes().len();
    let release = publisher.adopt_next();
    publisher.world.pass(HOUR);
    let order = publisher.world.order(release.proposal).expect("decided after it, so it is taken");
    assert_eq!(order.artifacts[0].state, PublicationState::Prepared, "frozen");
    assert_eq!(publisher.writes().len(), writes);
}

#[test]
fn should_go_back_when_the_daos_new_code_answers_nothing() {
    let mut publisher = publisher();
    do_the_main_job(&mut publisher);
    let world = &mut publisher.world;
    let before = world.module_sha256(world.dao);
    let reason = silent_dao(world);
    assert!(reason.contains("taken back"), "{reason}");
    assert_eq!(world.module_sha256(world.dao), before);
    assert_cleared_up(world);
    publisher.world.assert_replayed_equals_live("after the DAO was taken back");
    do_the_main_job(&mut publisher);
}

/// Has silent code voted for the DAO, which cannot be asked meanwhile.
fn silent_dao(world: &mut World) -> String {
    let module = silent();
    let artifact = world.upload(member(0), "module.wasm", &module).expect("uploads");
    let proposal = release_types::control::UpgradeProposal {
        canister: GroupCanister::Dao,
        module_sha256: artifact.sha256,
        size_bytes: artifact.size_bytes,
        arg: ByteBuf::new(),
    };
    let id = world.submit(member(0), ProposalAction::Upgrade(proposal)).expect("a good proposal");
    world.adopt(id);
    for _ in 0..20 {
        world.pass(Duration::from_secs(60));
    }
    assert!(matches!(last_upgrade(world, id).state, UpgradeState::Failed { .. }));
    failure(world.settle(id))
}

fn committee() -> Committee {
    let members = (500..503).map(person).collect();
    Committee { members, threshold: 2, delay_ns: MIN_RECOVERY_DELAY_NS }
}

/// Two of three propose the DAO's code anew and store it.
fn begin_recovery(world: &mut World, module: &[u8]) -> RecoveryId {
    let upgrader = world.upgrader();
    let chunks: Vec<_> = module.chunks(CHUNK_BYTES as usize).collect();
    let module = ModuleRef {
        sha256: Sha256Digest::of(module),
        chunks: chunks.iter().map(|chunk| Sha256Digest::of(chunk)).collect(),
    };
    let proposal = ProposeRecoveryArgs { module, arg: ByteBuf::new(), reason: "the DAO is silent".into() };
    let proposed: RecoveryView =
        world.update(person(500), upgrader, "propose_recovery", (proposal,)).expect("a good proposal");
    let supported: RecoveryView =
        world.update(person(501), upgrader, "support_recovery", (proposed.id,)).expect("supports");
    assert_eq!(supported.due_at_ns, Some(world.replica.time_ns() + MIN_RECOVERY_DELAY_NS));
    for chunk in chunks {
        let chunk = ByteBuf::from(chunk);
        let stored: Sha256Digest =
            world.update(person(502), upgrader, "store_chunk", (chunk.clone(),)).expect("called for");
        assert_eq!(stored, Sha256Digest::of(&chunk));
    }
    proposed.id
}

#[test]
fn should_repair_a_broken_dao_by_the_committee_after_the_delay() {
    let mut publisher = Publisher::in_world(World::handed_over(Some(committee())), Ecosystem::Npm);
    do_the_main_job(&mut publisher);
    let world = &mut publisher.world;
    let (dao, upgrader) = (world.dao, world.upgrader());
    let log = world.download_log(dao);
    // As if voted code had turned out to be broken after it reported healthy.
    world.replica.upgrade(dao, &silent(), Vec::new()).expect("upgrades");
    let module = canister_wasm("dao_canister");
    let id = begin_recovery(world, &module);
    world.pass(WEEK - HOUR);
    assert_eq!(world.module_sha256(dao), Sha256Digest::of(&silent()), "not before the delay is over");
    for _ in 0..10 {
        world.pass(HOUR / 4);
    }
    assert_eq!(world.module_sha256(dao), Sha256Digest::of(&module));
    let upgrade = UpgradeId(format!("recovery-{id}"));
    let status: Option<UpgradeStatus> =
        world.query(stranger(), upgrader, "upgrade_status", (upgrade,)).expect("answers");
    assert_eq!(status.expect("it was carried out").state, UpgradeState::Done);
    assert!(world.download_log(dao).starts_with(&log), "nothing is lost");
    world.assert_replayed_equals_live("after the DAO was repaired");
    assert_upgrader_replays(world);
    do_the_main_job(&mut publisher);
}

#[test]
fn should_do_nothing_when_the_dao_votes_against_a_recovery() {
    let mut publisher = Publisher::in_world(World::handed_over(Some(committee())), Ecosystem::Npm);
    let world = &mut publisher.world;
    let before = world.module_sha256(world.dao);
    let recovery = begin_recovery(world, &marked("dao_canister", "taken over"));
    assert_eq!(world.upgrader_info().recoveries.len(), 1, "everybody sees it");
    let cancel = ProposalAction::CancelRecovery(CancelRecoveryProposal { recovery });
    assert_eq!(world.carry_out(cancel), ProposalStatus::Executed);
    assert!(world.upgrader_info().recoveries.is_empty());
    world.pass(2 * WEEK);
    assert_eq!(world.module_sha256(world.dao), before);
}

#[test]
fn should_adjust_and_top_up_canisters_by_vote() {
    let mut world = World::handed_over(None);
    for canister in [GroupCanister::Dao, GroupCanister::Custody, GroupCanister::Upgrader] {
        let freezing_threshold_s = Some(200 * 86_400);
        let settings = CanisterSettings { freezing_threshold_s, ..CanisterSettings::default() };
        let action = ProposalAction::CanisterSettings(CanisterSettingsProposal { canister, settings });
        assert_eq!(world.carry_out(action), ProposalStatus::Executed, "{canister}");
        let id = match canister {
            GroupCanister::Dao => world.dao,
            GroupCanister::Custody => world.custody,
            GroupCanister::Upgrader => world.upgrader(),
        };
        let view = world.replica.view();
        let settings = view.canister(id).expect("it exists").settings.to_definite();
        assert_eq!(settings.freezing_threshold, candid::Nat::from(200 * 86_400u64), "{canister}");
    }
    let custody = world.custody;
    let before = world.replica.cycles_balance(custody);
    let top_up = TopUpProposal { canister: GroupCanister::Custody, amount_cycles: 50_000_000_000 };
    assert_eq!(world.carry_out(ProposalAction::TopUp(top_up)), ProposalStatus::Executed);
    let gained = world.replica.cycles_balance(custody) - before;
    assert!(gained > 40_000_000_000, "less than what it burned meanwhile: {gained}");
}

/// Under an SNS no upgrader is needed: its root is custody's only controller, and upgrades it as it upgrades every
/// canister of the SNS, by stop, install and start.
#[test]
fn should_be_upgraded_by_the_root_of_an_sns_without_losing_anything() {
    let mut governed = Governed::new(0);
    let custody = governed.world.custody;
    let root = governed.world.add_forwarder();
    governed.world.set_controllers(custody, vec![root]);
    let digest = governed.world.state_digest(custody);
    let module = marked("custody_canister", "another build");
    let about = Encode!(&CanisterIdRecord { canister_id: custody }).expect("encodes");
    let install = InstallCodeArgs {
        mode: CanisterInstallMode::Upgrade(None),
        canister_id: custody,
        wasm_module: module.clone(),
        arg: Encode!().expect("encodes"),
        sender_canister_version: None,
    };
    let install = Encode!(&install).expect("encodes");
    let management = Principal::management_canister();
    for (method, arg) in [("stop_canister", &about), ("install_code", &install), ("start_canister", &about)] {
        governed
            .world
            .forward(root, management, method, arg)
            .unwrap_or_else(|error| panic!("{method}: {error}"));
        let by_installer = governed.world.replica.call(controller(), management, method, arg.clone());
        assert!(by_installer.is_err(), "{method}: the installer controls nothing any more");
    }
    assert_eq!(governed.world.module_sha256(custody), Sha256Digest::of(&module));
    assert_eq!(governed.world.state_digest(custody), digest, "nothing is lost");
}
