use std::{
    future::Future,
    task::{Context, Waker},
    time::Duration,
};

use release_types::{
    Ecosystem, OrderId, PublishOrder, credential::CredentialStatus, proposal::CredentialChange,
};

use super::{
    registries::Behaviour,
    stub::{Run, assert_log_adds_up},
    world::{NPM_ATTACHMENT, SDIST, WHEEL, World, npm_bytes},
};
use crate::{
    publish::driver,
    tasks::{self, Task},
};

/// What a message that never comes back is due to.
#[derive(Clone, Copy, Debug)]
enum Interruption {
    /// The callback trapped: its future is dropped in the cleanup.
    Trap,
    /// The canister was stopped and upgraded.
    Upgrade,
}

/// Runs one order with an interruption at its `at`-th await. False if there are fewer.
fn publish_interrupted(
    ecosystem: Ecosystem,
    behaviour: Behaviour,
    at: usize,
    interruption: Interruption,
) -> bool {
    let world = World::with_credentials();
    let order = world.order_of(ecosystem);
    {
        let mut surroundings = world.runtime.0.borrow_mut();
        surroundings.registries.behaviours = [behaviour].into();
        surroundings.stuck_at = Some(surroundings.awaits + at);
    }
    let id = world.publish(order).id;
    let mut was_interrupted = false;
    while let Some(run) = world.runtime.run_next_timer() {
        if run == Run::Dropped {
            was_interrupted = true;
            if matches!(interruption, Interruption::Upgrade) {
                world.runtime.upgrade();
            }
        }
        assert_log_adds_up();
    }
    let context = format!("{ecosystem:?}, await {at}, {interruption:?}");
    assert!(world.status(&id).is_verified(), "{context}: {:?}", world.status(&id));
    assert_right_bytes(&world, ecosystem);
    assert!(world.sent() <= 3, "{context}");
    was_interrupted
}

fn assert_right_bytes(world: &World, ecosystem: Ecosystem) {
    let surroundings = world.runtime.0.borrow();
    let published = |filename| surroundings.registries.published(filename);
    match ecosystem {
        Ecosystem::Npm => assert_eq!(published(NPM_ATTACHMENT), Some(npm_bytes().as_slice())),
        Ecosystem::Pypi => {
            assert_eq!(published(WHEEL), Some(&b"the wheel's bytes"[..]));
            assert_eq!(published(SDIST), Some(&b"the source distribution's bytes"[..]));
        }
    }
}

fn interrupt_everywhere(ecosystem: Ecosystem, behaviour: Behaviour, interruption: Interruption) {
    let mut interrupted = 0;
    for at in 1.. {
        // Each run is a canister of its own; its memory lives in its thread.
        let behaviour = behaviour.clone();
        let run = std::thread::spawn(move || publish_interrupted(ecosystem, behaviour, at, interruption));
        if !run.join().expect("the run's own assertions hold") {
            break;
        }
        interrupted += 1;
    }
    assert!(interrupted >= 8, "only {interrupted} awaits were interrupted");
}

#[test]
fn should_lose_nothing_when_upgraded_at_any_await_of_an_npm_release() {
    interrupt_everywhere(Ecosystem::Npm, Behaviour::Publish, Interruption::Upgrade);
}

#[test]
fn should_lose_nothing_when_upgraded_at_any_await_of_a_release_with_two_files() {
    interrupt_everywhere(Ecosystem::Pypi, Behaviour::Publish, Interruption::Upgrade);
}

#[test]
fn should_lose_nothing_when_upgraded_while_the_outcome_is_open() {
    interrupt_everywhere(Ecosystem::Npm, Behaviour::NeverArrive, Interruption::Upgrade);
}

#[test]
fn should_take_up_again_when_a_callback_traps_at_any_await() {
    interrupt_everywhere(Ecosystem::Npm, Behaviour::Publish, Interruption::Trap);
    interrupt_everywhere(Ecosystem::Pypi, Behaviour::DropAnswer, Interruption::Trap);
}

#[test]
fn should_finish_an_activation_when_interrupted_at_any_await() {
    for interruption in [Interruption::Trap, Interruption::Upgrade] {
        for at in 1..=2 {
            let run = std::thread::spawn(move || {
                let world = World::new();
                let id = world.deposit(Ecosystem::Npm);
                let awaits = world.runtime.0.borrow().awaits;
                world.runtime.0.borrow_mut().stuck_at = Some(awaits + at);
                world.change(id, CredentialChange::Activate);
                assert_eq!(world.runtime.run_next_timer(), Some(Run::Dropped));
                if matches!(interruption, Interruption::Upgrade) {
                    world.runtime.upgrade();
                }
                world.runtime.settle();
                assert_eq!(world.credential_status(id), CredentialStatus::Active);
                assert_log_adds_up();
            });
            run.join().expect("the run's own assertions hold");
        }
    }
}

#[test]
fn should_not_drive_an_order_twice_at_a_time() {
    let world = World::with_credentials();
    let order = world.npm_order();
    world.publish(order.clone());
    // While the driver awaits its first answer, timers of other drivers go off.
    let awaits = world.runtime.0.borrow().awaits;
    world.runtime.0.borrow_mut().stuck_at = Some(awaits + 1);
    let task = Task::DriveOrder(order.id.clone());
    let mut first = Box::pin(driver::drive(world.runtime.clone(), order.id.clone()));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    world.runtime.settle();
    assert_eq!(world.sent(), 0, "the first driver holds the order");
    drop(first);
    tasks::schedule(&world.runtime, task, Duration::ZERO);
    world.runtime.settle();
    assert!(world.status(&OrderId("proposal-1".into())).is_verified());
    assert_eq!(world.sent(), 1);
}

#[test]
fn should_take_an_order_up_again_when_its_answer_never_comes() {
    let world = World::with_credentials();
    let order = world.npm_order();
    world.publish(order.clone());
    {
        let mut surroundings = world.runtime.0.borrow_mut();
        surroundings.timers.retain(|(_, task)| *task == Task::Sweep);
        surroundings.stuck_at = Some(surroundings.awaits + 1);
    }
    tasks::forget_timers();
    let mut lost = Box::pin(driver::drive(world.runtime.clone(), order.id.clone()));
    assert!(lost.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let sweep_after = |minutes: u64| {
        world.runtime.run_for(Duration::from_secs(60 * minutes));
        tasks::arm(&world.runtime);
        world.runtime.settle();
    };
    sweep_after(29);
    assert_eq!(world.sent(), 0, "the answer may come yet");
    sweep_after(1);
    assert!(world.status(&order.id).is_verified(), "{:?}", world.status(&order.id));
    // Should the answer come after all, nobody listens any more.
    let events = crate::storage::events().into_iter().count();
    assert!(lost.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    drop(lost);
    world.runtime.settle();
    assert_eq!((world.sent(), crate::storage::events().into_iter().count()), (1, events));
}

#[test]
fn should_not_go_on_when_another_run_took_the_order_up_and_leave_it_to_that() {
    let world = World::with_credentials();
    let order = world.npm_order();
    world.publish(order.clone());
    world.runtime.0.borrow_mut().timers.clear();
    let mut context = Context::from_waker(Waker::noop());
    let mut begin_stuck = || {
        let awaits = world.runtime.0.borrow().awaits;
        world.runtime.0.borrow_mut().stuck_at = Some(awaits + 1);
        let mut run = Box::pin(driver::drive(world.runtime.clone(), order.id.clone()));
        assert!(run.as_mut().poll(&mut context).is_pending());
        run
    };
    let mut lost = begin_stuck();
    world.runtime.0.borrow_mut().now_ns += 30 * 60 * 1_000_000_000;
    let present = begin_stuck();
    let facts = || crate::storage::events().len();
    let before = facts();
    let mut context = Context::from_waker(Waker::noop());
    assert!(lost.as_mut().poll(&mut context).is_ready(), "it ends");
    drop(lost);
    assert_eq!((facts(), world.runtime.0.borrow().timers.len()), (before, 0), "and does nothing more");
    let mut third = Box::pin(driver::drive(world.runtime.clone(), order.id.clone()));
    assert!(third.as_mut().poll(&mut context).is_ready(), "the order is still held");
    assert_eq!((facts(), world.sent()), (before, 0));
    drop(present);
    world.runtime.settle();
    assert!(world.status(&order.id).is_verified());
}

#[test]
fn should_drive_four_orders_at_a_time_and_count_none_whose_answer_never_comes() {
    let world = World::with_credentials();
    let ids: Vec<_> = (0..5).map(|number| OrderId(format!("order-{number}"))).collect();
    for id in &ids {
        world.publish(PublishOrder { id: id.clone(), ..world.npm_order() });
    }
    world.runtime.0.borrow_mut().timers.clear();
    let mut context = Context::from_waker(Waker::noop());
    let mut lost: Vec<_> = ids[..4]
        .iter()
        .map(|id| {
            let awaits = world.runtime.0.borrow().awaits;
            world.runtime.0.borrow_mut().stuck_at = Some(awaits + 1);
            let mut run = Box::pin(driver::drive(world.runtime.clone(), id.clone()));
            assert!(run.as_mut().poll(&mut context).is_pending());
            run
        })
        .collect();
    let awaits = || world.runtime.0.borrow().awaits;
    let before = awaits();
    let mut drive_fifth = || {
        let mut run = Box::pin(driver::drive(world.runtime.clone(), ids[4].clone()));
        assert!(run.as_mut().poll(&mut context).is_ready());
    };
    drive_fifth();
    assert_eq!(awaits(), before, "four are under way");
    world.runtime.0.borrow_mut().now_ns += 30 * 60 * 1_000_000_000;
    drive_fifth();
    assert!(awaits() > before);
    lost.clear();
}
