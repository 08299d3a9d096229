//! Releases that wait: for a registry that shows nothing, through a stop, a lack of cycles and an upgrade; and how a vote
//! ends what never appears.

use std::time::Duration;

use candid::{Encode, Principal};
use e2e_tests::{
    canister_wasm::canister_wasm,
    people::{controller, member},
    publishing::{Publisher, Release},
};
use ic_management_canister_types::{CanisterIdRecord, HttpMethod};
use local_replica::{
    Reject,
    outcalls::{Fault, Lie, Target},
};
use release_types::{
    DeclarationProposal, DeclareOutcomeArgs, Ecosystem, OrderStatus, ProposalAction, ProposalStatus,
    PublicationState, Waiting,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOURS_OF_A_DAY: u32 = 24;
/// Too few for anything but keeping the code for some days.
const NOTHING_CYCLES: u128 = 1_000_000_000;

fn manage(publisher: &mut Publisher, method: &str) {
    let canister_id = publisher.world.custody;
    let arg = Encode!(&CanisterIdRecord { canister_id }).expect("encodes");
    let management = Principal::management_canister();
    publisher.world.replica.call(controller(), management, method, arg).expect(method);
}

fn pass_hours(publisher: &mut Publisher, hours: u32) {
    for _ in 0..2 * hours {
        publisher.world.pass(30 * MINUTE);
    }
}

fn order(publisher: &mut Publisher, release: &Release) -> OrderStatus {
    publisher.world.order(release.proposal).expect("custody took the order")
}

/// A release that the registry accepted and does not show.
fn hidden() -> (Publisher, Release) {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.adopt_next();
    publisher.hide(usize::MAX);
    publisher.world.pass(MINUTE);
    publisher.world.pass(MINUTE);
    assert_eq!(order(&mut publisher, &release).artifacts[0].state, PublicationState::Pending);
    (publisher, release)
}

#[test]
fn should_find_what_appeared_when_custody_was_stopped_for_a_day_and_out_of_cycles_for_another() {
    let (mut publisher, release) = hidden();
    manage(&mut publisher, "stop_canister");
    pass_hours(&mut publisher, HOURS_OF_A_DAY);
    manage(&mut publisher, "start_canister");
    pass_hours(&mut publisher, 1);
    let status = order(&mut publisher, &release);
    assert!(matches!(status.artifacts[0].state, PublicationState::Blocked { .. }), "{status:?}");
    let wait = status.waiting.expect("it waits");
    assert_eq!(wait.reason, Waiting::People);
    assert!(wait.next_look_at_ns.is_some_and(|at_ns| at_ns > publisher.world.replica.time_ns()));

    let custody = publisher.world.custody;
    let balance_cycles = publisher.world.replica.cycles_balance(custody);
    publisher.world.replica.set_cycles_balance(custody, NOTHING_CYCLES);
    pass_hours(&mut publisher, HOURS_OF_A_DAY);
    publisher.world.replica.set_cycles_balance(custody, balance_cycles);
    publisher.hide(0);
    pass_hours(&mut publisher, 14);
    let status = publisher.world.proposal(release.proposal).status;
    publisher.assert_published(&release, &status, "after two days");
    assert_eq!(publisher.writes().len(), 1, "sent once");
}

#[test]
fn should_look_at_once_after_an_upgrade() {
    let (mut publisher, release) = hidden();
    pass_hours(&mut publisher, HOURS_OF_A_DAY);
    publisher.hide(0);
    let custody = publisher.world.custody;
    let nothing = Encode!().expect("encodes");
    publisher.world.replica.upgrade(custody, &canister_wasm("custody_canister"), nothing).expect("upgrades");
    publisher.world.pass(MINUTE);
    let status = order(&mut publisher, &release);
    assert!(status.is_verified(), "{status:?}");
}

#[test]
fn should_end_what_never_appears_when_the_group_declares_it() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let lie = Fault::NodeLies(Lie { status: 201, body: "{}".into(), ..Lie::default() });
    publisher.world.replica.faults().next(Target::Method(HttpMethod::PUT), lie);
    let release = publisher.adopt_next();
    assert_eq!(publisher.world.settle(release.proposal), ProposalStatus::Executing);
    let view = publisher.world.proposal(release.proposal);
    let shown = view.order.expect("the DAO follows it");
    assert!(matches!(shown.artifacts[0].state, PublicationState::Blocked { .. }), "{shown:?}");

    let reason = "the registry's support says that it was never received".to_owned();
    let filename = shown.artifacts[0].filename.clone();
    let declaration =
        DeclarationProposal { release: release.proposal, filename, published: false, reason: reason.clone() };
    let action = ProposalAction::Declaration(declaration);
    let id = publisher.world.submit(member(0), action).expect("a good proposal");
    publisher.world.adopt(id);
    assert_eq!(publisher.world.settle(id), ProposalStatus::Executed);
    let status = publisher.world.settle(release.proposal);
    assert!(matches!(status, ProposalStatus::Failed { .. }), "{status:?}");
    let ended = order(&mut publisher, &release);
    assert_eq!(ended.artifacts[0].state, PublicationState::Declared { published: false, reason });
    assert!(publisher.world.receipt(release.proposal).is_none(), "a declaration is no proof");
}

#[test]
fn should_take_no_declaration_from_anybody_while_custody_still_looks() {
    let (mut publisher, release) = hidden();
    publisher.world.pass(10 * MINUTE);
    let before = order(&mut publisher, &release);
    let filename = before.artifacts[0].filename.clone();
    let reason = "it takes us too long".to_owned();
    let declaration =
        DeclarationProposal { release: release.proposal, filename, published: false, reason: reason.clone() };
    let refused = publisher.world.submit(member(0), ProposalAction::Declaration(declaration));
    assert!(refused.is_err(), "{refused:?}");

    // Nor does custody take it from its authority.
    let args = DeclareOutcomeArgs { order: before.id.clone(), artifact: 0, published: false, reason };
    let (dao, custody) = (publisher.world.dao, publisher.world.custody);
    let refused: Result<OrderStatus, Reject> =
        publisher.world.update(dao, custody, "declare_outcome", (args,));
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(order(&mut publisher, &release).artifacts[0].state, PublicationState::Pending);
}
