use std::time::Duration;

use release_types::{
    DeclareOutcomeArgs, Obstacle, OrderId, OrderStatus, PublicationState, Wait, Waiting,
    proposal::CredentialChange,
};

use super::{
    registries::{Behaviour, ReadBackMode, Serving},
    stub::assert_log_adds_up,
    world::{NPM_ATTACHMENT, World, authority, npm_bytes, states, stranger},
};
use crate::{
    publish::declaring::declare,
    refusal::Refusal,
    state::{Event, read_state},
    storage,
    tasks::{self, Task},
};
use PublicationState::{Blocked, Declared, Pending, Refused, Unknown};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn world_with(behaviour: Behaviour) -> World {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.behaviours = [behaviour].into();
    world
}

/// An order that was accepted by the registry and never appeared.
fn blocked() -> (World, OrderId) {
    let world = world_with(Behaviour::InventSuccess);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(4 * HOUR);
    assert!(matches!(states(&world.status(&id))[..], [Blocked { .. }]));
    (world, id)
}

fn appear(world: &World) {
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, &npm_bytes());
}

fn wait(status: &OrderStatus) -> &Wait {
    status.waiting.as_ref().expect("it waits")
}

fn obstacle(status: &OrderStatus) -> Option<Obstacle> {
    wait(status).obstacle.map(|met| met.obstacle)
}

fn declaration(order: &OrderId, published: bool) -> DeclareOutcomeArgs {
    let reason = "the registry's support says so".into();
    DeclareOutcomeArgs { order: order.clone(), artifact: 0, published, reason }
}

fn fields(refused: Result<OrderStatus, Refusal>) -> Vec<String> {
    refused.expect_err("refuses").defects().iter().map(|defect| defect.field.clone()).collect()
}

#[test]
fn should_go_on_looking_ever_more_rarely_when_people_must_look() {
    let (world, id) = blocked();
    let looks_within = |time: Duration| {
        let before = world.runtime.0.borrow().registries.reads;
        world.runtime.run_for(time);
        world.runtime.0.borrow().registries.reads - before
    };
    let (first, second, later) = (looks_within(6 * HOUR), looks_within(6 * HOUR), looks_within(10 * DAY));
    assert!(first > second && second >= 1, "{first}, then {second}");
    assert!((40..=60).contains(&later), "{later} looks in ten days: about every six hours at last");
    assert_eq!(wait(&world.status(&id)).reason, Waiting::People);
    assert_eq!(world.sent(), 1, "it is never sent again");

    appear(&world);
    world.runtime.run_for(7 * HOUR);
    assert!(world.status(&id).is_verified());
    assert_eq!(world.status(&id).waiting, None);
    assert_log_adds_up();
}

#[test]
fn should_raise_the_alarm_when_other_bytes_appear_after_days() {
    let (world, id) = blocked();
    world.runtime.run_for(3 * DAY);
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, b"an attacker's bytes");
    world.runtime.run_for(7 * HOUR);
    assert!(matches!(states(&world.status(&id))[..], [PublicationState::Mismatch { .. }]));
}

#[test]
fn should_keep_its_rare_looks_when_the_sweep_runs() {
    let (world, id) = blocked();
    world.runtime.run_for(5 * DAY);
    let next_look_at_ns = wait(&world.status(&id)).next_look_at_ns.expect("a look is due");
    tasks::arm(&world.runtime);
    assert_eq!(wait(&world.status(&id)).next_look_at_ns, Some(next_look_at_ns));
    assert!(next_look_at_ns <= world.now_ns() + (6 * HOUR).as_nanos() as u64);
}

#[test]
fn should_look_again_when_upgraded_in_between() {
    let (world, id) = blocked();
    appear(&world);
    world.runtime.upgrade();
    world.runtime.run_for(MINUTE);
    assert!(world.status(&id).is_verified());
}

#[test]
fn should_take_up_a_lost_look_when_the_sweep_runs() {
    let (world, id) = blocked();
    appear(&world);
    let task = Task::DriveOrder(id.clone());
    world.runtime.0.borrow_mut().timers.retain(|(_, other)| *other != task);
    world.runtime.run_for(7 * HOUR);
    assert!(!world.status(&id).is_verified(), "its timer is lost");
    tasks::arm(&world.runtime);
    world.runtime.run_for(MINUTE);
    assert!(world.status(&id).is_verified());
}

#[test]
fn should_end_only_as_declared_and_never_with_a_receipt_when_the_group_declares() {
    for published in [true, false] {
        let (world, id) = blocked();
        let args = declaration(&id, published);
        let status = declare(&world.runtime, authority(), args.clone()).expect("declares");
        let ended = Declared { published, reason: args.reason.clone() };
        assert_eq!(states(&status), std::slice::from_ref(&ended));
        assert!(status.is_final() && !status.is_verified() && status.waiting.is_none());
        assert_eq!(declare(&world.runtime, authority(), args).map(|again| states(&again)), Ok(vec![ended]));
        appear(&world);
        world.runtime.upgrade();
        world.runtime.run_for(DAY);
        assert!(!world.status(&id).receipt, "a declaration is no proof");
        assert_log_adds_up();
    }
}

#[test]
fn should_refuse_declarations_that_are_not_due() {
    let (world, id) = blocked();
    let by = |caller, args| declare(&world.runtime, caller, args);
    assert_eq!(fields(by(stranger(), declaration(&id, true))), ["caller"]);
    for length in [0, 501] {
        let args = DeclareOutcomeArgs { reason: "a".repeat(length), ..declaration(&id, true) };
        assert_eq!(fields(by(authority(), args)), ["reason"]);
    }
    let second = DeclareOutcomeArgs { artifact: 1, ..declaration(&id, true) };
    assert_eq!(fields(by(authority(), second)), ["order"]);
    assert_eq!(fields(by(authority(), declaration(&OrderId("other".into()), true))), ["order"]);
    assert!(matches!(states(&world.status(&id))[..], [Blocked { .. }]), "a refusal changes nothing");

    by(authority(), declaration(&id, true)).expect("declares");
    assert_eq!(fields(by(authority(), declaration(&id, false))), ["artifact"], "it ended already");
    let verified = World::with_credentials();
    let id = verified.carry_out(verified.npm_order()).id;
    assert_eq!(fields(declare(&verified.runtime, authority(), declaration(&id, false))), ["artifact"]);
    let searched = world_with(Behaviour::InventSuccess);
    let id = searched.publish(searched.npm_order()).id;
    searched.runtime.run_for(HOUR);
    assert_eq!(states(&searched.status(&id)), [Pending]);
    assert_eq!(fields(declare(&searched.runtime, authority(), declaration(&id, false))), ["artifact"]);
}

#[test]
fn should_not_send_the_other_files_when_one_is_declared() {
    let world = world_with(Behaviour::InventSuccess);
    let id = world.publish(world.pypi_order()).id;
    world.runtime.run_for(4 * HOUR);
    let waiting = world.status(&id);
    assert!(matches!(states(&waiting)[..], [Blocked { .. }, PublicationState::Prepared]), "{waiting:?}");
    assert_eq!(wait(&waiting).artifact, Some(0));
    declare(&world.runtime, authority(), declaration(&id, true)).expect("declares");
    world.runtime.settle();
    assert!(matches!(states(&world.status(&id))[..], [Declared { .. }, Refused { .. }]));
    assert_eq!(world.sent(), 1);
}

/// What stands in the way, how it comes about before an order is given, and how it goes away.
type Case = (Obstacle, fn(&World), fn(&World));

const BEFORE_SENDING: [Case; 5] = [
    (
        Obstacle::SourceSilent,
        |world| world.runtime.0.borrow_mut().source_is_down = true,
        |world| {
            world.runtime.0.borrow_mut().source_is_down = false;
        },
    ),
    (
        Obstacle::RegistryUnreadable,
        |world| read_backs(world, ReadBackMode::Status(500)),
        |world| {
            read_backs(world, ReadBackMode::Honest);
        },
    ),
    (
        Obstacle::NodesDisagree,
        |world| read_backs(world, ReadBackMode::NoConsensus),
        |world| {
            read_backs(world, ReadBackMode::Honest);
        },
    ),
    (
        Obstacle::TooFewCycles,
        |world| world.runtime.0.borrow_mut().cycles = 1_000,
        |world| {
            world.runtime.0.borrow_mut().cycles = 1_000_000_000_000;
        },
    ),
    (Obstacle::KeyNotDelivered, |world| world.runtime.0.borrow_mut().failing_derivations = 2, |_| {}),
];

fn read_backs(world: &World, mode: ReadBackMode) {
    world.runtime.0.borrow_mut().registries.read_backs = mode;
}

#[test]
fn should_say_what_stands_in_the_way_since_when_and_when_it_looks_next() {
    for (expected, arrange, clear) in BEFORE_SENDING {
        let world = World::with_credentials();
        arrange(&world);
        let accepted_at_ns = world.now_ns();
        let id = world.publish(world.npm_order()).id;
        world.runtime.run_for(Duration::from_secs(9));
        let status = world.status(&id);
        assert_eq!(wait(&status).reason, Waiting::Turn);
        let met = wait(&status).obstacle.unwrap_or_else(|| panic!("{expected:?} is not seen"));
        assert_eq!((met.obstacle, met.since_ns), (expected, accepted_at_ns));
        let next_look_at_ns = wait(&status).next_look_at_ns.expect("a look is due");
        assert!(next_look_at_ns > world.now_ns(), "{expected:?}");
        clear(&world);
        world.runtime.settle();
        assert!(world.status(&id).is_verified(), "{expected:?}");
        assert_log_adds_up();
    }
}

#[test]
fn should_note_an_obstacle_once_however_long_it_lasts() {
    let world = World::with_credentials();
    read_backs(&world, ReadBackMode::NoConsensus);
    world.publish(world.npm_order());
    world.runtime.run_for(2 * HOUR);
    let met = |entry: &Result<(u64, Event), _>| matches!(entry, Ok((_, Event::MetObstacle { .. })));
    assert_eq!(storage::events().iter().filter(|entry| met(entry)).count(), 1);
}

#[test]
fn should_say_that_cycles_lack_and_finish_when_funded_after_a_day() {
    let world = world_with(Behaviour::PublishLate(HOUR.as_nanos() as u64));
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(MINUTE);
    world.runtime.0.borrow_mut().cycles = 0;
    world.runtime.run_for(DAY);
    let status = world.status(&id);
    assert!(matches!(states(&status)[..], [Blocked { .. }]), "{status:?}");
    assert_eq!(obstacle(&status), Some(Obstacle::TooFewCycles));
    world.runtime.0.borrow_mut().cycles = 1_000_000_000_000;
    world.runtime.run_for(7 * HOUR);
    assert!(world.status(&id).is_verified());
}

#[test]
fn should_say_what_each_stage_waits_for_when_nothing_stands_in_the_way() {
    let reason_after = |behaviour| {
        let world = world_with(behaviour);
        let id = world.publish(world.npm_order()).id;
        world.runtime.run_for(MINUTE);
        let status = world.status(&id);
        assert_eq!(obstacle(&status), None);
        (wait(&status).reason, world.now_ns())
    };
    assert_eq!(reason_after(Behaviour::InventSuccess).0, Waiting::Appearance);
    assert_eq!(reason_after(Behaviour::NeverArrive).0, Waiting::Outcome);
    assert_eq!(reason_after(Behaviour::Answer(401, "no")).0, Waiting::Confirmation);
    let (Waiting::Until { at_ns }, now_ns) = reason_after(Behaviour::AskToWait("18000")) else {
        panic!("it waits for no moment")
    };
    assert_eq!(at_ns, now_ns - MINUTE.as_nanos() as u64 + 18_000_000_000_000);
}

#[test]
fn should_take_other_orders_when_many_wait_for_people() {
    let (world, _) = blocked();
    assert_eq!(read_state(|state| (state.unfinished_orders().count(), state.busy_orders())), (1, 0));
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_say_that_the_credential_matters_no_more_when_it_is_revoked_while_people_look() {
    let (world, id) = blocked();
    let credential = world.npm_order().credential.expect("a direct order names one");
    world.change(credential, CredentialChange::Revoke);
    appear(&world);
    world.runtime.run_for(7 * HOUR);
    assert!(world.status(&id).is_verified(), "reading back needs no token");
}

#[test]
fn should_tell_people_of_a_no_after_half_an_hour_and_believe_it_after_a_day() {
    let world = world_with(Behaviour::Answer(401, "no"));
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(29 * MINUTE);
    assert_eq!(states(&world.status(&id)), [Unknown]);
    world.runtime.run_for(10 * MINUTE);
    assert!(matches!(states(&world.status(&id))[..], [Blocked { .. }]));
    world.runtime.run_for(23 * HOUR);
    assert!(matches!(states(&world.status(&id))[..], [Blocked { .. }]));
    world.runtime.run_for(7 * HOUR);
    assert!(matches!(states(&world.status(&id))[..], [Refused { .. }]));
    assert_eq!(world.status(&id).waiting, None);
}

#[test]
fn should_leave_a_registry_alone_for_as_long_as_it_asks() {
    for (status, asked, waited_s) in
        [(429, "1934", 3_600), (503, "90", 120), (429, "0", 60), (429, "999999", 3_600)]
    {
        let world = world_with(Behaviour::PublishLate(8 * HOUR.as_nanos() as u64));
        let order = world.npm_order();
        let id = world.publish(order.clone()).id;
        world.runtime.run_for(Duration::from_secs(1));
        read_backs(&world, ReadBackMode::ComeBackLater(status, asked));
        let reads = || world.runtime.0.borrow().registries.reads;
        while obstacle(&world.status(&id)).is_none() {
            world.runtime.run_next_timer().expect("it is read back");
        }
        let (looked_at_ns, before) = (world.now_ns(), reads());
        let until_ns = looked_at_ns + waited_s * 1_000_000_000;
        let expected = Some(Obstacle::AskedToWait { until_ns });
        assert_eq!(obstacle(&world.status(&id)), expected, "{status} {asked}");
        assert_eq!(wait(&world.status(&id)).next_look_at_ns, Some(until_ns));
        // Neither the authority's asking again nor an upgrade makes it look before.
        world.runtime.run_for(Duration::from_secs(waited_s / 2));
        world.publish(order);
        world.runtime.upgrade();
        world.runtime.run_for(Duration::from_secs(waited_s / 2 - 1));
        assert_eq!((reads(), obstacle(&world.status(&id))), (before, expected), "{status} {asked}");
        read_backs(&world, ReadBackMode::Honest);
        world.runtime.run_for(MINUTE);
        assert!(reads() > before && obstacle(&world.status(&id)).is_none(), "{status} {asked}");
    }
}

#[test]
fn should_leave_a_registry_alone_before_sending_and_while_the_bytes_are_compared() {
    for is_shown in [false, true] {
        let world = World::with_credentials();
        if is_shown {
            appear(&world);
            world.runtime.0.borrow_mut().registries.serving = Serving::ComeBackLater("600");
        } else {
            read_backs(&world, ReadBackMode::ComeBackLater(429, "600"));
        }
        let id = world.publish(world.npm_order()).id;
        world.runtime.run_for(MINUTE);
        let reads = || world.runtime.0.borrow().registries.reads;
        let before = reads();
        assert!(matches!(obstacle(&world.status(&id)), Some(Obstacle::AskedToWait { .. })), "{is_shown}");
        world.runtime.run_for(14 * MINUTE);
        assert_eq!((reads(), world.sent()), (before, 0), "{is_shown}");
        read_backs(&world, ReadBackMode::Honest);
        world.runtime.0.borrow_mut().registries.serving = Serving::Honest;
        world.runtime.run_for(5 * MINUTE);
        assert!(world.status(&id).is_verified(), "{is_shown}");
    }
}
