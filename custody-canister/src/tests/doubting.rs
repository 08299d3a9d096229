//! What a registry, or one node, says that must not be believed at once: pages of excuses in the place of files, looks
//! that are refused for a while, refusals while nobody could see the staging area, and silence right at the end.

use std::time::Duration;

use release_types::{
    FreezeArgs, FreezeScope, Obstacle, OrderId, OrderStatus, PublicationState, PublishOrder, PublishingMode,
};

use super::{
    modes::{only, order_in, put, serve, stage},
    registries::{Behaviour, ReadBackMode, Serving},
    stub::assert_log_adds_up,
    world::{World, authority, npm_bytes, states},
};
use crate::freeze;
use PublicationState::{AwaitingRelease, Blocked, Mismatch, Prepared, Refused, Shown, Staged, Verified};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn obstacle(status: &OrderStatus) -> Option<Obstacle> {
    status.waiting.as_ref().and_then(|wait| wait.obstacle).map(|met| met.obstacle)
}

fn freeze_all(world: &World) {
    let reason = "a laptop was stolen".into();
    freeze::freeze(&world.runtime, authority(), FreezeArgs { scope: FreezeScope::Everything, reason })
        .expect("freezes");
}

fn unfreeze(world: &World) {
    freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("lifts");
}

/// What registries answer with status 200 in the place of a file while something is wrong.
fn excuses() -> [Serving; 3] {
    [Serving::Status(200), Serving::Other(Vec::new()), Serving::Other(npm_bytes()[..550_000].to_vec())]
}

/// Published as approved, and verified once the registry serves the file.
fn shown(serving: Serving) -> (World, OrderId) {
    let world = World::new();
    put(&world, &npm_bytes());
    serve(&world, serving);
    let id = world.publish(order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())).id;
    (world, id)
}

#[test]
fn should_wait_when_something_else_than_the_file_is_served_for_a_while() {
    for excuse in excuses() {
        let run = std::thread::spawn(move || {
            let (world, id) = shown(excuse);
            world.runtime.run_for(110 * MINUTE);
            assert_eq!(only(&world.status(&id)), Shown);
            assert_eq!(obstacle(&world.status(&id)), Some(Obstacle::OtherBytesServed));
            serve(&world, Serving::Honest);
            world.runtime.run_for(10 * MINUTE);
            assert!(world.status(&id).is_verified());
            assert_log_adds_up();
        });
        run.join().expect("it is verified");
    }
}

#[test]
fn should_raise_the_alarm_when_the_same_other_bytes_stay_also_across_an_upgrade() {
    let mut same_size = npm_bytes();
    same_size[7] ^= 1;
    for (other, waited) in [(same_size, 12 * MINUTE), (b"other".to_vec(), 130 * MINUTE)] {
        let run = std::thread::spawn(move || {
            let (world, id) = shown(Serving::Other(other));
            world.runtime.run_for(4 * MINUTE);
            assert_eq!(only(&world.status(&id)), Shown);
            world.runtime.upgrade();
            world.runtime.run_for(waited - 4 * MINUTE);
            assert!(matches!(only(&world.status(&id)), Mismatch { .. }), "{:?}", world.status(&id));
        });
        run.join().expect("an alarm");
    }
}

#[test]
fn should_call_people_when_ever_other_bytes_are_served() {
    let (world, id) = shown(Serving::Honest);
    for minute in 0..200 {
        serve(&world, Serving::Other(format!("sorry, it is minute {minute}").into_bytes()));
        world.runtime.run_for(MINUTE);
    }
    let Blocked { reason } = only(&world.status(&id)) else { panic!("{:?}", world.status(&id)) };
    assert!(reason.contains("OTHER bytes"), "{reason}");
    serve(&world, Serving::Honest);
    world.runtime.run_for(7 * HOUR);
    assert!(world.status(&id).is_verified());
}

#[test]
fn should_not_have_the_right_stage_rejected_when_something_else_is_served_for_a_while() {
    for excuse in excuses() {
        let run = std::thread::spawn(move || {
            let world = World::new();
            serve(&world, excuse);
            let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
            world.runtime.run_for(100 * MINUTE);
            let status = world.status(&id);
            assert!(!only(&status).is_final(), "{status:?}");
            assert_eq!(obstacle(&status), Some(Obstacle::OtherBytesServed));
            serve(&world, Serving::Honest);
            world.runtime.run_for(HOUR);
            assert!(matches!(only(&world.status(&id)), Staged { .. }), "{:?}", world.status(&id));
        });
        run.join().expect("it is proven");
    }
}

#[test]
fn should_call_people_when_ever_other_bytes_are_served_for_a_stage() {
    let world = World::new();
    stage(&world, &npm_bytes());
    let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes())).id;
    for minute in 0..420 {
        serve(&world, Serving::Other(format!("sorry, it is minute {minute}").into_bytes()));
        world.runtime.run_for(MINUTE);
    }
    let Blocked { reason } = only(&world.status(&id)) else { panic!("{:?}", world.status(&id)) };
    assert!(reason.contains("OTHER bytes") && reason.contains("do not approve"), "{reason}");
    serve(&world, Serving::Honest);
    world.runtime.run_for(9 * HOUR);
    assert!(matches!(only(&world.status(&id)), Staged { .. }));
}

/// Has custody stage, and freezes it before it can look for the stage.
fn staged_and_frozen(behaviour: Behaviour) -> (World, OrderId) {
    let world = World::new();
    world.runtime.0.borrow_mut().registries.behaviours = [behaviour].into();
    let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
    world.runtime.run_for(Duration::from_secs(1));
    assert_eq!(world.sent(), 1);
    freeze_all(&world);
    (world, id)
}

#[test]
fn should_find_what_it_staged_after_a_freeze_that_outlasted_the_search() {
    for behaviour in [Behaviour::Publish, Behaviour::DropAnswer, Behaviour::PublishAndAnswer(403, "no")] {
        let run = std::thread::spawn(move || {
            let (world, id) = staged_and_frozen(behaviour);
            world.runtime.run_for(2 * DAY);
            assert!(matches!(only(&world.status(&id)), Blocked { .. }), "{:?}", world.status(&id));
            unfreeze(&world);
            world.runtime.run_for(9 * HOUR);
            assert!(matches!(only(&world.status(&id)), Staged { .. }), "{:?}", world.status(&id));
            assert_eq!(world.sent(), 1);
        });
        run.join().expect("it is found");
    }
}

#[test]
fn should_believe_that_staging_was_refused_only_when_the_staging_area_is_seen_empty() {
    let (world, id) = staged_and_frozen(Behaviour::Answer(403, "no"));
    world.runtime.run_for(2 * DAY);
    assert!(matches!(only(&world.status(&id)), Blocked { .. }), "{:?}", world.status(&id));
    unfreeze(&world);
    world.runtime.run_for(9 * HOUR);
    assert!(matches!(only(&world.status(&id)), Refused { .. }), "{:?}", world.status(&id));

    let world = World::new();
    world.runtime.0.borrow_mut().registries.behaviours = [Behaviour::Answer(403, "no")].into();
    let id = world.publish(order_in(&world, PublishingMode::Staged, &npm_bytes())).id;
    world.runtime.run_for(33 * HOUR);
    assert!(matches!(only(&world.status(&id)), Refused { .. }), "{:?}", world.status(&id));
    assert!(world.runtime.0.borrow().derivations < 30, "the search is rare");
}

#[test]
fn should_verify_what_others_published_in_time_and_the_registry_showed_later() {
    let world = World::new();
    let order = PublishOrder {
        expires_at_ns: world.now_ns() + DAY.as_nanos() as u64,
        ..order_in(&world, PublishingMode::VerifyOnly, &npm_bytes())
    };
    let id = world.publish(order).id;
    world.runtime.run_for(DAY + 2 * HOUR);
    assert_eq!(only(&world.status(&id)), AwaitingRelease);
    put(&world, &npm_bytes());
    world.runtime.run_for(30 * MINUTE);
    assert!(world.status(&id).is_verified());
}

#[test]
fn should_prove_what_others_staged_just_before_the_end() {
    let world = World::new();
    let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes())).id;
    world.runtime.run_for(14 * DAY - 10 * MINUTE);
    stage(&world, &npm_bytes());
    world.runtime.run_for(4 * HOUR);
    assert!(matches!(only(&world.status(&id)), Staged { .. }), "{:?}", world.status(&id));
}

#[test]
fn should_call_people_when_the_staging_area_cannot_be_seen_at_the_end() {
    let world = World::new();
    let id = world.publish(order_in(&world, PublishingMode::StagedElsewhere, &npm_bytes())).id;
    world.runtime.run_for(13 * DAY);
    freeze_all(&world);
    world.runtime.run_for(DAY + 4 * HOUR);
    let Blocked { reason } = only(&world.status(&id)) else { panic!("{:?}", world.status(&id)) };
    assert!(reason.contains("could not be read"), "{reason}");
}

#[test]
fn should_go_on_with_the_second_file_when_looks_were_refused_for_a_while() {
    for status in [401, 403, 302] {
        let world = World::with_credentials();
        let id = world.publish(world.pypi_order()).id;
        while states(&world.status(&id))[0] != Verified {
            world.runtime.run_next_timer().expect("something is due");
        }
        world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Status(status);
        world.runtime.run_for(2 * HOUR);
        assert_eq!(states(&world.status(&id)), [Verified, Prepared], "{status}");
        assert_eq!(obstacle(&world.status(&id)), Some(Obstacle::RegistryUnreadable));
        world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
        world.runtime.run_for(10 * MINUTE);
        assert!(world.status(&id).is_verified(), "{status}");
        assert_eq!(world.sent(), 2);
    }
}

#[test]
fn should_say_that_a_page_is_too_large_to_be_read() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.page_is_too_large = true;
    let id = world.publish(world.pypi_order()).id;
    world.runtime.run_for(HOUR);
    assert_eq!(obstacle(&world.status(&id)), Some(Obstacle::DocumentTooLarge));
    assert_eq!(world.sent(), 0);
    world.runtime.0.borrow_mut().registries.page_is_too_large = false;
    world.runtime.run_for(10 * MINUTE);
    assert!(world.status(&id).is_verified());
}
