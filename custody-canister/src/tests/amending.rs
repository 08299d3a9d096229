use std::time::Duration;

use release_types::{
    AmendOrder, Amendment, AmendmentState, AmendmentStatus, Ecosystem, Obstacle, OrderId, PublishOrder,
    alarms::AlarmKind,
    freeze::{FreezeArgs, FreezeScope},
    proposal::CredentialChange,
};

use super::{
    amendable::Shown,
    registries::{Behaviour, ReadBackMode},
    stub::{Run, assert_log_adds_up},
    world::{NPM_ATTACHMENT, NPM_READ_TOKEN, NPM_TOKEN, World, authority, npm_bytes, stranger},
};
use crate::{
    alarms, amend, freeze, funds, publish,
    refusal::Refusal,
    state::{Event, event::DerivationPurpose},
    storage, validators,
};
use AmendmentState::{Accepted, Conflict, Refused, Unconfirmed, Unknown, Verified};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// A registry in which `latest` names 1.0.0, and what it does with the next changes.
pub(super) fn world_with(behaviours: impl IntoIterator<Item = Behaviour>) -> World {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.behaviours = behaviours.into_iter().collect();
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, &npm_bytes());
    tag_latest(&world, "1.0.0");
    world
}

pub(super) fn tag_latest(world: &World, version: &str) {
    let mut surroundings = world.runtime.0.borrow_mut();
    let now_ns = surroundings.now_ns;
    let tags = [("latest".to_owned(), version.to_owned())].into();
    surroundings.registries.amendable.set(now_ns, Shown { tags, deprecated: None });
}

pub(super) fn promotion() -> Amendment {
    Amendment::DistTag { tag: "latest".into(), version: "1.0.1".into(), replaces: Some("1.0.0".into()) }
}

pub(super) fn deprecation(message: &str) -> Amendment {
    Amendment::Deprecation { version: "1.0.0".into(), message: message.into() }
}

pub(super) fn order(world: &World, amendment: Amendment) -> AmendOrder {
    let PublishOrder { credential, registry, package, decision, expires_at_ns, .. } = world.npm_order();
    let (id, credential) = (OrderId("proposal-9".into()), credential.expect("a direct order names one"));
    let read_credential = None;
    AmendOrder { id, credential, read_credential, registry, package, amendment, decision, expires_at_ns }
}

pub(super) fn accept(world: &World, order: AmendOrder) -> Result<AmendmentStatus, Refusal> {
    amend::accept(&world.runtime, authority(), order)
}

pub(super) fn status(_world: &World) -> AmendmentStatus {
    assert_log_adds_up();
    amend::status(&OrderId("proposal-9".into())).expect("an accepted amendment")
}

pub(super) fn carry_out(world: &World, amendment: Amendment) -> AmendmentState {
    accept(world, order(world, amendment)).expect("a good amendment");
    world.runtime.settle();
    let status = status(world);
    assert!(status.state.is_final() && status.waiting.is_none(), "{status:?}");
    status.state
}

fn shown(world: &World) -> Shown {
    let surroundings = world.runtime.0.borrow();
    surroundings.registries.amendable.shown(surroundings.now_ns)
}

pub(super) fn fields(refused: Result<AmendmentStatus, Refusal>) -> Vec<String> {
    refused.expect_err("refuses").defects().iter().map(|defect| defect.field.clone()).collect()
}

#[test]
fn should_move_a_tag_once_and_prove_it_when_npm_answers() {
    let world = world_with([]);
    assert_eq!(carry_out(&world, promotion()), Verified);
    assert_eq!(shown(&world).tags["latest"], "1.0.1");
    let surroundings = world.runtime.0.borrow();
    let [received] = &surroundings.registries.received[..] else { panic!("it was not sent once") };
    assert_eq!(received.url, "https://npm.registry.example/-/package/@dao%2fdemo/dist-tags/latest");
    assert_eq!(received.bytes, b"\"1.0.1\"");
    assert_eq!(received.authorization, format!("Bearer {NPM_TOKEN}"));
}

#[test]
fn should_write_down_the_derivation_for_an_amendment() {
    let world = world_with([]);
    carry_out(&world, promotion());
    let purpose = storage::events().into_iter().rev().find_map(|entry| match entry.expect("replays").1 {
        Event::BoundDerivation { purpose } => Some(purpose),
        _ => None,
    });
    assert!(matches!(purpose, Some(DerivationPurpose::Amendment { order, .. }) if order.0 == "proposal-9"));
}

#[test]
fn should_deprecate_and_take_it_back_changing_one_field_of_the_document() {
    let world = world_with([]);
    assert_eq!(carry_out(&world, deprecation("use \"2\"")), Verified);
    assert_eq!(shown(&world).deprecated.as_deref(), Some("use \"2\""));
    let back = AmendOrder { id: OrderId("proposal-10".into()), ..order(&world, deprecation("")) };
    accept(&world, back.clone()).expect("a good amendment");
    world.runtime.settle();
    assert_eq!(amend::status(&back.id).expect("accepted").state, Verified);
    assert_eq!(shown(&world).deprecated, None);
    assert_eq!(world.sent(), 2);
}

#[test]
fn should_send_nothing_when_the_registry_shows_it_as_voted_already() {
    let world = world_with([]);
    tag_latest(&world, "1.0.1");
    let derivations = world.runtime.0.borrow().derivations;
    assert_eq!(carry_out(&world, promotion()), Verified);
    assert_eq!((world.sent(), world.runtime.0.borrow().derivations), (0, derivations));
}

#[test]
fn should_change_nothing_when_the_tag_names_another_version_than_the_voted_one() {
    let world = world_with([]);
    tag_latest(&world, "0.9.0");
    assert_eq!(carry_out(&world, promotion()), Conflict { shown: Some("0.9.0".into()) });
    let new =
        Amendment::DistTag { tag: "next".into(), version: "1.0.1".into(), replaces: Some("1.0.0".into()) };
    let world = world_with([]);
    assert_eq!(carry_out(&world, new), Conflict { shown: None });
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_make_a_tag_that_is_new() {
    let world = world_with([]);
    let new = Amendment::DistTag { tag: "next".into(), version: "1.0.1".into(), replaces: None };
    assert_eq!(carry_out(&world, new), Verified);
    assert_eq!(shown(&world).tags["next"], "1.0.1");
}

#[test]
fn should_prove_it_without_sending_again_when_the_answer_is_lost_or_a_lie() {
    for behaviour in [Behaviour::DropAnswer, Behaviour::PublishAndAnswer(401, "unauthorized")] {
        for amendment in [promotion(), deprecation("old")] {
            let world = world_with([behaviour.clone()]);
            assert_eq!(carry_out(&world, amendment), Verified);
            assert_eq!(world.sent(), 1);
        }
    }
}

#[test]
fn should_send_again_only_after_nothing_changed_for_long() {
    let world = world_with([Behaviour::NeverArrive]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(4 * MINUTE);
    assert_eq!((status(&world).state, world.sent()), (Unknown, 1));
    world.runtime.settle();
    assert_eq!((status(&world).state, world.sent()), (Verified, 2));
}

#[test]
fn should_end_unconfirmed_and_never_send_again_when_a_node_invents_a_success() {
    let world = world_with([Behaviour::InventSuccess]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(2 * HOUR);
    assert_eq!(status(&world).state, Accepted);
    world.runtime.settle();
    assert_eq!((status(&world).state, world.sent()), (Unconfirmed, 1));
}

#[test]
fn should_tell_people_of_a_no_after_half_an_hour_and_believe_it_only_after_a_day() {
    let world = world_with([Behaviour::Answer(401, "unauthorized")]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    let is_told = || {
        let doubted = AlarmKind::AmendmentDoubted { order: OrderId("proposal-9".into()) };
        alarms::alarms(&world.runtime).into_iter().find(|alarm| alarm.kind == doubted)
    };
    world.runtime.run_for(29 * MINUTE);
    assert_eq!((status(&world).state, is_told()), (Unknown, None));
    world.runtime.run_for(2 * MINUTE);
    assert!(is_told().is_some_and(|alarm| alarm.advice.contains("token-invalid: ")));
    let reads = world.runtime.0.borrow().registries.reads;
    world.runtime.run_for(22 * HOUR);
    assert_eq!(status(&world).state, Unknown);
    assert!(world.runtime.0.borrow().registries.reads < reads + 40, "people were told: it looks rarely");
    world.runtime.settle();
    let Refused { reason } = status(&world).state else { panic!("not refused") };
    assert!(reason.starts_with("token-invalid: "), "{reason}");
    assert_eq!(is_told(), None);
}

#[test]
fn should_verify_what_shows_hours_after_a_node_brought_a_no() {
    let world = world_with([Behaviour::Answer(401, "unauthorized")]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(4 * HOUR);
    tag_latest(&world, "1.0.1");
    world.runtime.settle();
    assert_eq!((status(&world).state, world.sent()), (Verified, 1));
}

#[test]
fn should_leave_a_registry_alone_for_as_long_as_it_asks_before_and_after_a_change() {
    for amendment in [promotion(), deprecation("old")] {
        for is_sent in [false, true] {
            let world = world_with([Behaviour::DropAnswer]);
            accept(&world, order(&world, amendment.clone())).expect("a good amendment");
            while is_sent && world.sent() == 0 {
                world.runtime.run_next_timer().expect("it is taken up");
            }
            world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::ComeBackLater(429, "600");
            world.runtime.run_for(MINUTE);
            let reads = || world.runtime.0.borrow().registries.reads;
            let before = reads();
            let met = status(&world).waiting.expect("it waits").obstacle.expect("something in the way");
            assert!(matches!(met.obstacle, Obstacle::AskedToWait { .. }), "{met:?}");
            world.runtime.upgrade();
            world.runtime.run_for(14 * MINUTE);
            assert_eq!(reads(), before);
            world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
            world.runtime.run_for(3 * MINUTE);
            assert!(reads() > before);
            assert_eq!(status(&world).state, Verified);
        }
    }
}

#[test]
fn should_say_that_somebody_else_was_at_it_when_a_third_version_shows() {
    let world = world_with([Behaviour::InventSuccess]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(MINUTE);
    tag_latest(&world, "6.6.6");
    world.runtime.settle();
    assert_eq!(status(&world).state, Conflict { shown: Some("6.6.6".into()) });
}

#[test]
fn should_refuse_with_advice_when_the_document_fits_no_outcall() {
    let world = world_with([]);
    world.runtime.0.borrow_mut().registries.amendable.is_large = true;
    let Refused { reason } = carry_out(&world, deprecation("old")) else { panic!("not refused") };
    assert!(reason.contains("npm client"), "{reason}");
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_refuse_with_advice_when_the_document_shows_no_revision() {
    let world = world_with([]);
    world.runtime.0.borrow_mut().registries.amendable.is_without_revision = true;
    let Refused { reason } = carry_out(&world, deprecation("old")) else { panic!("not refused") };
    assert!(reason.contains("no revision") && reason.contains("npm client"), "{reason}");
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_wait_and_say_why_when_something_stands_in_the_way() {
    for (mode, expected) in [
        (ReadBackMode::NoConsensus, Obstacle::NodesDisagree),
        (ReadBackMode::Status(500), Obstacle::RegistryUnreadable),
    ] {
        let world = world_with([]);
        world.runtime.0.borrow_mut().registries.read_backs = mode;
        accept(&world, order(&world, promotion())).expect("a good amendment");
        world.runtime.run_for(MINUTE);
        let wait = status(&world).waiting.expect("it waits");
        assert_eq!(wait.obstacle.map(|met| met.obstacle), Some(expected));
        assert!(wait.next_look_at_ns.is_some());
        world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
        world.runtime.settle();
        assert_eq!(status(&world).state, Verified);
    }
}

#[test]
fn should_derive_nothing_while_frozen_and_go_on_afterwards() {
    let world = world_with([]);
    let freezing = FreezeArgs { scope: FreezeScope::Everything, reason: "a leak".into() };
    freeze::freeze(&world.runtime, authority(), freezing).expect("freezes");
    let derivations = world.runtime.0.borrow().derivations;
    accept(&world, order(&world, promotion())).expect("a good amendment");
    world.runtime.run_for(HOUR);
    let wait = status(&world).waiting.expect("it waits");
    assert_eq!(wait.obstacle.map(|met| met.obstacle), Some(Obstacle::Frozen));
    assert_eq!(world.runtime.0.borrow().derivations, derivations);
    freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("lifts");
    world.runtime.settle();
    assert_eq!(status(&world).state, Verified);
}

#[test]
fn should_send_nothing_when_the_credential_is_revoked_or_the_time_is_over() {
    let world = world_with([]);
    let order_1 = order(&world, promotion());
    accept(&world, order_1.clone()).expect("a good amendment");
    world.change(order_1.credential, CredentialChange::Revoke);
    world.runtime.settle();
    assert!(matches!(status(&world).state, Refused { .. }));
    let world = world_with([]);
    accept(&world, order(&world, promotion())).expect("a good amendment");
    let expires_at_ns = order(&world, promotion()).expires_at_ns;
    world.runtime.0.borrow_mut().now_ns = expires_at_ns;
    world.runtime.settle();
    assert!(matches!(status(&world).state, Refused { .. }));
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_send_nothing_when_the_credential_is_revoked_or_the_time_runs_out_while_the_key_comes() {
    for is_revoked in [true, false] {
        let world = world_with([]);
        let order = order(&world, promotion());
        let (credential, expires_at_ns) = (order.credential, order.expires_at_ns);
        accept(&world, order).expect("a good amendment");
        let meanwhile = World { runtime: world.runtime.clone() };
        let happening = move || match is_revoked {
            true => meanwhile.change(credential, CredentialChange::Revoke),
            false => meanwhile.runtime.0.borrow_mut().now_ns = expires_at_ns,
        };
        world.runtime.0.borrow_mut().before_key = Some(Box::new(happening));
        world.runtime.settle();
        assert!(matches!(status(&world).state, Refused { .. }), "{:?}", status(&world));
        assert_eq!(world.sent(), 0);
    }
}

#[test]
fn should_lose_nothing_when_upgraded_or_trapped_at_any_await() {
    for amendment in [promotion(), deprecation("old")] {
        for is_upgrade in [true, false] {
            let mut interrupted = 0;
            for at in 1.. {
                // Each run is a canister of its own; its memory lives in its thread.
                let amendment = amendment.clone();
                let run = std::thread::spawn(move || amend_interrupted(amendment, at, is_upgrade));
                if !run.join().expect("the run's own assertions hold") {
                    break;
                }
                interrupted += 1;
            }
            assert!(interrupted >= 5, "only {interrupted} awaits were interrupted");
        }
    }
}

fn amend_interrupted(amendment: Amendment, at: usize, is_upgrade: bool) -> bool {
    let world = world_with([]);
    {
        let mut surroundings = world.runtime.0.borrow_mut();
        surroundings.stuck_at = Some(surroundings.awaits + at);
    }
    accept(&world, order(&world, amendment)).expect("a good amendment");
    let mut was_interrupted = false;
    while let Some(run) = world.runtime.run_next_timer() {
        if run == Run::Dropped {
            was_interrupted = true;
            if is_upgrade {
                world.runtime.upgrade();
            }
        }
        assert_log_adds_up();
    }
    assert_eq!(status(&world).state, Verified, "await {at}");
    assert!(world.sent() <= 2, "await {at}");
    was_interrupted
}

#[test]
fn should_refuse_orders_that_are_not_in_order() {
    let world = world_with([]);
    let good = order(&world, promotion());
    assert!(validators::amend(&world.runtime, &good).is_ok());
    // What the method refuses, its validator refuses in the same words.
    let refused = |order: AmendOrder| {
        let foreseen = validators::amend(&world.runtime, &order).expect_err("refuses");
        let refusal = accept(&world, order);
        assert_eq!(refusal.as_ref().expect_err("refuses").to_string(), foreseen);
        fields(refusal)
    };
    assert_eq!(fields(amend::accept(&world.runtime, stranger(), good.clone())), ["caller"]);
    let pypi = world.pypi_order();
    let with = |amendment| AmendOrder { amendment, ..good.clone() };
    assert_eq!(refused(AmendOrder { registry: pypi.registry, ..good.clone() }), ["registry"]);
    assert_eq!(
        refused(AmendOrder { credential: world.policy(Ecosystem::Pypi).id(), ..good.clone() }),
        ["credential"]
    );
    assert_eq!(refused(AmendOrder { expires_at_ns: world.now_ns(), ..good.clone() }), ["expires_at_ns"]);
    assert_eq!(refused(AmendOrder { id: OrderId("a b".into()), ..good.clone() }), ["id"]);
    assert_eq!(refused(with(deprecation(&"x".repeat(1_001)))), ["amendment.message"]);
    let escaping =
        Amendment::DistTag { tag: "../x".into(), version: "1.0.1".into(), replaces: Some("1.0.0".into()) };
    assert_eq!(refused(with(escaping)), ["amendment"]);
    let idle =
        Amendment::DistTag { tag: "latest".into(), version: "1.0.0".into(), replaces: Some("1.0.0".into()) };
    assert_eq!(refused(with(idle)), ["amendment.replaces"]);
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_take_an_id_once_whether_for_a_release_or_an_amendment() {
    let world = world_with([]);
    let first = accept(&world, order(&world, promotion())).expect("a good amendment");
    assert_eq!(accept(&world, order(&world, promotion())), Ok(first), "the same again changes nothing");
    assert_eq!(fields(accept(&world, order(&world, deprecation("old")))), ["id"]);
    let release = PublishOrder { id: OrderId("proposal-9".into()), ..world.npm_order() };
    publish::accept(&world.runtime, authority(), release).expect_err("an amendment has this id");
    let released = world.publish(world.npm_order()).id;
    assert_eq!(fields(accept(&world, AmendOrder { id: released, ..order(&world, promotion()) })), ["id"]);
}

#[test]
fn should_amend_at_a_registry_that_shows_nothing_without_a_token() {
    for amendment in [promotion(), deprecation("old")] {
        let world = world_with([]);
        let read_credential = Some(world.close_to_the_public(Ecosystem::Npm));
        let is_deprecation = matches!(amendment, Amendment::Deprecation { .. });
        let events_before = storage::events().len();
        accept(&world, AmendOrder { read_credential, ..order(&world, amendment) }).expect("a good amendment");
        world.runtime.settle();
        assert_eq!((status(&world).state, world.sent()), (Verified, 1));
        let surroundings = world.runtime.0.borrow();
        for (url, authorization) in &surroundings.registries.readers {
            let token = if url.ends_with("?write=true") { NPM_TOKEN } else { NPM_READ_TOKEN };
            assert_eq!(*authorization, format!("Bearer {token}"), "{url}");
        }
        assert!(!is_deprecation || !surroundings.registries.readers.is_empty());
        let purposes: Vec<_> = storage::events()
            .into_iter()
            .skip(events_before)
            .filter_map(|entry| match entry.expect("replays").1 {
                Event::BoundDerivation {
                    purpose: DerivationPurpose::AmendmentReading { credential, .. },
                } => Some(credential),
                _ => None,
            })
            .collect();
        assert!(read_credential.is_some_and(|id| purposes.contains(&id)), "every reading is on the log");
    }
}

#[test]
fn should_say_what_to_do_when_a_private_registry_is_amended_without_a_token_to_read_with() {
    let world = world_with([]);
    world.close_to_the_public(Ecosystem::Npm);
    let Refused { reason } = carry_out(&world, promotion()) else { panic!("not refused") };
    assert!(reason.contains("mode read"), "{reason}");
    let read_credential = Some(order(&world, promotion()).credential);
    let swapped =
        AmendOrder { id: OrderId("proposal-10".into()), read_credential, ..order(&world, promotion()) };
    assert_eq!(fields(accept(&world, swapped)), ["read_credential"]);
}

#[test]
fn should_end_by_itself_whatever_stands_in_the_way_for_ever() {
    for mode in [ReadBackMode::NoConsensus, ReadBackMode::Status(500), ReadBackMode::Status(401)] {
        for is_sent in [false, true] {
            let world = world_with([Behaviour::DropAnswer]);
            let accepted = order(&world, promotion());
            let expires_at_ns = accepted.expires_at_ns;
            accept(&world, accepted).expect("a good amendment");
            if is_sent {
                while world.sent() == 0 {
                    world.runtime.run_next_timer().expect("it is taken up");
                }
            }
            world.runtime.0.borrow_mut().registries.read_backs = mode;
            world.runtime.settle();
            let ended = status(&world);
            assert!(matches!(ended.state, Refused { .. } | Unconfirmed), "{mode:?}: {ended:?}");
            assert_eq!(
                matches!(ended.state, Unconfirmed),
                is_sent,
                "{mode:?}: what was sent is never called unsent"
            );
            assert!(world.now_ns() <= expires_at_ns + 4 * HOUR.as_nanos() as u64, "{mode:?}");
        }
    }
}

#[test]
fn should_begin_no_amendment_that_it_could_not_pay_to_its_end() {
    for amendment in [promotion(), deprecation("old")] {
        let world = world_with([]);
        let needed = funds::funds(&world.runtime).amendment_most_cycles;
        let (derivations, reads) = {
            let mut surroundings = world.runtime.0.borrow_mut();
            surroundings.cycles = needed;
            (surroundings.derivations, surroundings.registries.reads)
        };
        accept(&world, order(&world, amendment)).expect("a good amendment");
        world.runtime.run_for(HOUR);
        let wait = status(&world).waiting.expect("it waits");
        assert_eq!(wait.obstacle.map(|met| met.obstacle), Some(Obstacle::TooFewCycles));
        let now = world.runtime.0.borrow();
        assert_eq!((now.derivations, now.registries.reads), (derivations, reads));
        drop(now);
        world.runtime.0.borrow_mut().cycles = needed + 1;
        world.runtime.settle();
        assert_eq!(status(&world).state, Verified);
    }
}
