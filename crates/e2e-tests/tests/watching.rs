//! Watching and freezing, on the wasm that ships: what nobody approved freezes within one interval, neither lying
//! nodes nor a registry that is down freeze anything, and frozen custody sends nothing.

use std::time::Duration;

use candid::{Encode, Principal};
use e2e_tests::{
    World,
    canister_wasm::canister_wasm,
    people::{controller, member, proposer},
    publishing::{Publisher, package},
    registry_server::{Answer, Delivery, Misbehaviour, Requests},
};
use ic_management_canister_types::{CanisterIdRecord, HttpMethod};
use local_replica::outcalls::{Fault, FaultPlan, Lie, Target};
use release_types::{
    Ecosystem, FreezeArgs, FreezeScope, ProposalAction, ProposalStatus, PublicationState, RegistryId,
    alarms::{Alarm, AlarmKind, Funds},
    freeze::{FreezeDemand, FreezeError, FreezeView, UnfreezeProposal},
    proposal::{CredentialChange, CredentialProposal},
    watch::{FindingKind, WatchChange, WatchProposal, WatchView},
};
use serde_json::json;

const BOTH: [Ecosystem; 2] = [Ecosystem::Npm, Ecosystem::Pypi];
const HOUR: Duration = Duration::from_secs(3_600);
/// Liars that consensus tolerates: f of 3f+1.
const TOLERATED_LIARS: u32 = 4;

/// A published package that custody watches every hour.
fn watched(ecosystem: Ecosystem) -> Publisher {
    let mut publisher = Publisher::new(ecosystem);
    publisher.publish_behind_our_back("0.0.1", b"there from the start");
    start_watch(&mut publisher.world, ecosystem);
    let baseline = view(&mut publisher.world).baseline.expect("the registry answers");
    assert_eq!(baseline.entries, 1);
    publisher
}

fn start_watch(world: &mut World, ecosystem: Ecosystem) {
    let registry = RegistryId(if ecosystem == Ecosystem::Npm { "npm" } else { "pypi" }.into());
    let change = WatchChange::Start { interval_s: 3_600, read_credential: None };
    let watch = WatchProposal { registry, package: package(ecosystem).into(), change };
    assert_eq!(world.carry_out(ProposalAction::Watch(watch)), ProposalStatus::Executed);
    world.pass(Duration::from_secs(10));
}

fn view(world: &mut World) -> WatchView {
    let views: Vec<WatchView> =
        world.query(member(0), world.custody, "watched_packages", ()).expect("answers");
    views.into_iter().next().expect("one package is watched")
}

fn freezes(world: &mut World) -> Vec<FreezeView> {
    world.query(member(0), world.custody, "freezes", ()).expect("answers")
}

fn alarms(world: &mut World) -> Vec<AlarmKind> {
    let alarms: Vec<Alarm> = world.query(member(0), world.custody, "alarms", ()).expect("answers");
    alarms.into_iter().map(|alarm| alarm.kind).collect()
}

fn freeze(world: &mut World, caller: Principal) -> Result<FreezeDemand, FreezeError> {
    let args = FreezeArgs { scope: FreezeScope::Everything, reason: "a laptop was stolen".into() };
    world.update(caller, world.dao, "freeze", (args,)).expect("answers")
}

fn pass_hours(world: &mut World, hours: u32) {
    // In steps, as on a network whose clock does not jump.
    for _ in 0..hours * 12 {
        world.pass(HOUR / 12);
    }
}

fn upgrade_custody(world: &mut World) {
    let arg = Encode!().expect("encodes");
    world.replica.upgrade(world.custody, &canister_wasm("custody_canister"), arg).expect("upgrades");
}

/// The controller's call of the management canister.
fn manage(world: &mut World, method: &str, canister_id: Principal) {
    let arg = Encode!(&CanisterIdRecord { canister_id }).expect("encodes");
    world
        .replica
        .call(controller(), Principal::management_canister(), method, arg)
        .expect("the controller may");
}

/// What a node reports that shows one version more than there is, or hides one.
fn lie_about_list(ecosystem: Ecosystem, versions: &[(&str, &[u8])]) -> Fault {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256, Sha512};
    let body = match ecosystem {
        Ecosystem::Npm => {
            let versions: serde_json::Map<_, _> = versions
                .iter()
                .map(|(version, bytes)| {
                    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
                    ((*version).to_owned(), json!({"dist": {"integrity": integrity}}))
                })
                .collect();
            json!({"name": package(ecosystem), "versions": versions})
        }
        Ecosystem::Pypi => {
            let files = versions.iter().map(|(version, bytes)| {
                json!({"filename": format!("dao_demo-{version}-py3-none-any.whl"), "url": "file",
                       "hashes": {"sha256": hex::encode(Sha256::digest(bytes))}})
            });
            json!({"meta": {"api-version": "1.1"}, "name": package(ecosystem), "versions": [],
                   "files": files.collect::<Vec<_>>()})
        }
    };
    Fault::NodeLies(Lie { status: 200, body: body.to_string().into_bytes(), ..Lie::default() })
}

#[test]
fn should_freeze_within_one_interval_and_send_nothing_when_an_unapproved_version_appears() {
    for ecosystem in BOTH {
        let mut publisher = watched(ecosystem);
        let release = publisher.adopt_next();
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, "before");
        pass_hours(&mut publisher.world, 2);
        assert_eq!(alarms(&mut publisher.world), [], "{ecosystem}: what was approved is expected");

        publisher.publish_behind_our_back("6.6.6", b"a thief's");
        pass_hours(&mut publisher.world, 1);
        let findings = view(&mut publisher.world).findings;
        assert!(matches!(&findings[..], [found] if found.kind == FindingKind::Unapproved), "{findings:?}");
        let credential = FreezeScope::Credential(publisher.credential);
        assert_eq!(freezes(&mut publisher.world)[0].scope, credential);
        let kinds = alarms(&mut publisher.world);
        assert!(kinds.iter().any(|kind| matches!(kind, AlarmKind::UnapprovedVersion { .. })), "{kinds:?}");

        let before = publisher.writes().len();
        let release = publisher.adopt_next();
        pass_hours(&mut publisher.world, 1);
        upgrade_custody(&mut publisher.world);
        pass_hours(&mut publisher.world, 1);
        let order = publisher.world.order(release.proposal).expect("custody took the order");
        assert_eq!(order.artifacts[0].state, PublicationState::Prepared, "{ecosystem}");
        assert_eq!(publisher.writes().len(), before, "{ecosystem}: frozen custody sends nothing");

        let unfreeze = ProposalAction::Unfreeze(UnfreezeProposal { scope: credential });
        assert_eq!(publisher.world.carry_out(unfreeze), ProposalStatus::Executed);
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, "after the vote");
        pass_hours(&mut publisher.world, 2);
        assert!(
            freezes(&mut publisher.world).is_empty(),
            "{ecosystem}: what the group looked at stays settled"
        );
    }
}

#[test]
fn should_see_the_truth_when_as_many_nodes_lie_as_a_subnet_tolerates() {
    for ecosystem in BOTH {
        let mut publisher = watched(ecosystem);
        let read = Target::Method(HttpMethod::GET);
        let accused: &[(&str, &[u8])] = &[("0.0.1", b"there from the start"), ("6.6.6", b"invented")];
        let lie = lie_about_list(ecosystem, accused);
        publisher.world.replica.faults().next(read, FaultPlan::default().on(0..TOLERATED_LIARS, lie));
        pass_hours(&mut publisher.world, 1);
        assert_eq!(alarms(&mut publisher.world), [], "{ecosystem}: an invented version freezes nothing");

        publisher.publish_behind_our_back("6.6.6", b"a thief's");
        let flattery = lie_about_list(ecosystem, &accused[..1]);
        publisher.world.replica.faults().next(read, FaultPlan::default().on(0..TOLERATED_LIARS, flattery));
        pass_hours(&mut publisher.world, 1);
        assert_eq!(freezes(&mut publisher.world).len(), 1, "{ecosystem}: a hidden version is found");
    }
}

#[test]
fn should_agree_on_nothing_when_more_nodes_lie() {
    let mut publisher = watched(Ecosystem::Npm);
    let lie = lie_about_list(Ecosystem::Npm, &[("6.6.6", b"invented")]);
    let plan = FaultPlan::default().on(0..TOLERATED_LIARS + 1, lie);
    publisher.world.replica.faults().next(Target::Method(HttpMethod::GET), plan);
    pass_hours(&mut publisher.world, 1);
    let view = view(&mut publisher.world);
    assert_eq!(view.failed_looks, 1);
    assert!(view.findings.is_empty() && freezes(&mut publisher.world).is_empty());
}

#[test]
fn should_freeze_nothing_while_the_registry_is_down_and_say_that_it_cannot_see() {
    for ecosystem in BOTH {
        let mut publisher = watched(ecosystem);
        publisher.publish_behind_our_back("6.6.6", b"a thief's");
        publisher.misbehave(Misbehaviour {
            to: Requests::Reads,
            answer: Some(Answer::text(503, "<html>down for maintenance</html>")),
            processed: false,
            delivery: Delivery::AtOnce,
            times: usize::MAX,
        });
        pass_hours(&mut publisher.world, 3);
        upgrade_custody(&mut publisher.world);
        let kinds = alarms(&mut publisher.world);
        assert!(matches!(kinds[..], [AlarmKind::WatchFailing { failed_looks: 3, .. }]), "{kinds:?}");
        publisher.clear_faults();
        pass_hours(&mut publisher.world, 1);
        assert_eq!(freezes(&mut publisher.world).len(), 1, "{ecosystem}");
    }
}

#[test]
fn should_leave_a_version_alone_that_is_listed_while_its_order_is_under_way() {
    let mut publisher = watched(Ecosystem::Npm);
    publisher.hide(usize::MAX);
    let release = publisher.adopt_next();
    pass_hours(&mut publisher.world, 2);
    let order = publisher.world.order(release.proposal).expect("custody took the order");
    assert_eq!(order.artifacts[0].state, PublicationState::Pending);
    assert_eq!(alarms(&mut publisher.world), []);
    publisher.hide(0);
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, "shown late");
}

#[test]
fn should_stop_custody_on_the_word_of_any_member_until_the_group_votes() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let refused = freeze(&mut publisher.world, proposer());
    assert!(matches!(refused, Err(FreezeError::NotAllowed { .. })), "{refused:?}");
    let demand = freeze(&mut publisher.world, member(4)).expect("a member may");
    assert!(demand.confirmed_at_ns.is_some(), "custody confirms within the call");
    let release = publisher.adopt_next();
    pass_hours(&mut publisher.world, 1);
    assert!(publisher.writes().is_empty());
    let unfreeze = ProposalAction::Unfreeze(UnfreezeProposal { scope: FreezeScope::Everything });
    assert_eq!(publisher.world.carry_out(unfreeze), ProposalStatus::Executed);
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, "after the vote");
}

#[test]
fn should_freeze_as_soon_as_custody_can_be_reached_again() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let custody = publisher.world.custody;
    manage(&mut publisher.world, "stop_canister", custody);
    let demand = freeze(&mut publisher.world, member(1)).expect("is taken");
    assert_eq!(demand.confirmed_at_ns, None);
    pass_hours(&mut publisher.world, 1);
    manage(&mut publisher.world, "start_canister", custody);
    publisher.world.pass(Duration::from_secs(30));
    assert_eq!(freezes(&mut publisher.world).len(), 1);
}

#[test]
fn should_tell_a_working_token_from_one_that_the_registry_refuses() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let credential = publisher.credential;
    let probe =
        ProposalAction::Credential(CredentialProposal { credential, change: CredentialChange::Probe });
    assert_eq!(publisher.world.carry_out(probe.clone()), ProposalStatus::Executed);
    publisher.world.npm.with(|double| double.token = "npm_another".into());
    let status = publisher.world.carry_out(probe);
    assert!(
        matches!(&status, ProposalStatus::Failed { reason } if reason.contains("does not accept the token"))
    );
    let kinds = alarms(&mut publisher.world);
    assert!(matches!(kinds[..], [AlarmKind::CredentialDead { .. }]), "{kinds:?}");
}

#[test]
fn should_cost_no_more_than_it_says() {
    const VERSIONS: u32 = 500;
    let mut publisher = Publisher::new(Ecosystem::Npm);
    for patch in 0..VERSIONS {
        publisher.publish_behind_our_back(&format!("0.0.{patch}"), b"there from the start");
    }
    start_watch(&mut publisher.world, Ecosystem::Npm);
    let world = &mut publisher.world;
    let funds: Funds = world.query(member(0), world.custody, "funds", ()).expect("answers");
    let before = world.replica.cycles_balance(world.custody);
    pass_hours(world, 24);
    let spent = before - world.replica.cycles_balance(world.custody);
    println!("watching {VERSIONS} versions every hour for a day: {spent} cycles; {funds:?}");
    assert!(spent <= funds.watch_most_cycles_per_day, "{spent} of {}", funds.watch_most_cycles_per_day);
    assert!(funds.direct_release_most_cycles > 2 * 26_000_000_000, "a key and a signature at least");
    assert!(funds.direct_releases_affordable > 0 && funds.watch_days_left.is_some());
}
