use std::time::Duration;

use candid::Principal;
use release_types::{
    AmendmentState, Ecosystem, FreezeScope,
    PublicationState::{AwaitingRelease, Blocked, Prepared, Sent, Unknown, Verified},
    PublishingMode, Sha256Digest,
    control::{EndUpgradeArgs, LogTip, MAX_UPGRADE_ID_BYTES, UpgradeEnd, UpgradeId},
    freeze::FreezeReason,
};

use super::{
    amending,
    modes::order_in,
    registries::Behaviour,
    world::{NPM_ATTACHMENT, World, authority, npm_bytes, states, stranger},
};
use crate::{control, freeze, publish, queries, settings, storage};

const HOUR: Duration = Duration::from_secs(3_600);

fn upgrader() -> Principal {
    Principal::from_slice(&[3, 3, 3, 1])
}

fn id(text: &str) -> UpgradeId {
    UpgradeId(text.into())
}

fn begin(world: &World, upgrade: &str) {
    control::begin_upgrade(&world.runtime, upgrader(), true, id(upgrade)).expect("begins");
}

fn end(world: &World, upgrade: &str, end: UpgradeEnd) {
    let args = EndUpgradeArgs { upgrade: id(upgrade), end };
    control::end_upgrade(&world.runtime, upgrader(), true, args).expect("ends");
}

fn taken_back() -> UpgradeEnd {
    UpgradeEnd::TakenBack { lost: Some(LogTip { index: 99, hash: Sha256Digest([9; 32]) }) }
}

fn derivations(world: &World) -> usize {
    world.runtime.0.borrow().derivations
}

#[test]
fn should_derive_nothing_and_take_no_order_when_an_upgrade_is_under_way() {
    let world = World::with_credentials();
    let order = world.publish(world.npm_order()).id;
    begin(&world, "upgrade-1");
    let before = derivations(&world);
    world.runtime.run_for(HOUR);
    world.runtime.upgrade();
    world.runtime.run_for(HOUR);
    assert_eq!((derivations(&world), world.sent()), (before, 0));
    assert_eq!(states(&world.status(&order)), [Prepared]);
    let refused = publish::accept(&world.runtime, authority(), world.pypi_order()).expect_err("not now");
    assert!(refused.to_string().starts_with("BUSY: upgrade: found upgrade-1 under way"), "{refused}");
    let refused = settings::change(&world.runtime, authority(), settings::present()).expect_err("not now");
    assert!(refused.to_string().starts_with("BUSY: "), "{refused}");

    end(&world, "upgrade-1", UpgradeEnd::Stays);
    world.runtime.settle();
    assert_eq!(states(&world.status(&order)), [Verified]);
    assert_eq!(world.sent(), 1);
    assert!(freeze::in_force().is_empty());
}

#[test]
fn should_never_send_what_was_under_way_when_custody_was_taken_back() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let world = World::with_credentials();
        let order = world.publish(world.order_of(ecosystem)).id;
        begin(&world, "upgrade-1");
        let before = derivations(&world);
        end(&world, "upgrade-1", taken_back());
        let reason = FreezeReason::TakenBack { upgrade: id("upgrade-1") };
        assert_eq!(freeze::in_force()[0].reason, reason);
        world.runtime.run_for(4 * HOUR);
        freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("late enough");
        world.runtime.run_for(48 * HOUR);
        assert_eq!((derivations(&world), world.sent()), (before, 0), "{ecosystem}");
        assert!(matches!(&states(&world.status(&order))[0], Blocked { .. }), "{ecosystem}");
    }
}

#[test]
fn should_never_send_an_amendment_that_was_under_way_when_custody_was_taken_back() {
    let world = amending::world_with([]);
    amending::accept(&world, amending::order(&world, amending::promotion())).expect("a good amendment");
    begin(&world, "upgrade-1");
    let before = derivations(&world);
    end(&world, "upgrade-1", taken_back());
    world.runtime.run_for(HOUR);
    assert_eq!(amending::status(&world).state, AmendmentState::Unknown);
    world.runtime.run_for(3 * HOUR);
    freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("late enough");
    world.runtime.run_for(48 * HOUR);
    assert_eq!((derivations(&world), world.sent()), (before, 0));
    assert_eq!(amending::status(&world).state, AmendmentState::Unconfirmed);
}

#[test]
fn should_never_send_again_what_was_sent_when_custody_was_taken_back() {
    for was_answered in [false, true] {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::NeverArrive);
        let runtime = world.runtime.clone();
        let before_sending = move || {
            let mut surroundings = runtime.0.borrow_mut();
            surroundings.stuck_at = (!was_answered).then_some(surroundings.awaits + 1);
        };
        world.runtime.0.borrow_mut().before_key = Some(Box::new(before_sending));
        let order = world.publish(world.npm_order()).id;
        while world.sent() == 0 {
            world.runtime.run_next_timer().expect("it is taken up");
        }
        assert_eq!(states(&world.status(&order)), [if was_answered { Unknown } else { Sent }]);
        begin(&world, "upgrade-1");
        end(&world, "upgrade-1", taken_back());
        assert_eq!(states(&world.status(&order)), [Unknown]);
        world.runtime.run_for(4 * HOUR);
        freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("late enough");
        world.runtime.run_for(48 * HOUR);
        assert_eq!(world.sent(), 1, "answered: {was_answered}");
        assert!(matches!(&states(&world.status(&order))[0], Blocked { .. }));
    }
}

#[test]
fn should_go_on_waiting_for_others_when_custody_was_taken_back() {
    let world = World::new();
    let order = order_in(&world, PublishingMode::VerifyOnly, &npm_bytes());
    let order = world.publish(order).id;
    begin(&world, "upgrade-1");
    end(&world, "upgrade-1", taken_back());
    world.runtime.run_for(5 * HOUR);
    assert_eq!(states(&world.status(&order)), [AwaitingRelease], "custody sends nothing of it");
}

#[test]
fn should_call_people_when_the_bytes_of_what_may_have_been_sent_are_not_to_be_had() {
    let world = World::with_credentials();
    let order = world.publish(world.npm_order()).id;
    begin(&world, "upgrade-1");
    end(&world, "upgrade-1", taken_back());
    world.runtime.0.borrow_mut().source_is_down = true;
    world.runtime.run_for(2 * HOUR);
    assert_eq!(states(&world.status(&order)), [Unknown]);
    world.runtime.run_for(2 * HOUR);
    assert!(matches!(&states(&world.status(&order))[0], Blocked { .. }));
}

#[test]
fn should_end_the_upgrade_that_is_under_way_and_no_other_and_wake_its_timers() {
    let world = World::new();
    let log = || storage::read_log(|log| log.len());
    let told = |upgrade: &str, end| {
        let args = EndUpgradeArgs { upgrade: id(upgrade), end };
        control::end_upgrade(&world.runtime, upgrader(), true, args).map_err(|refusal| refusal.to_string())
    };
    for length in [0, MAX_UPGRADE_ID_BYTES + 1] {
        let name = id(&"x".repeat(length));
        let refused = control::begin_upgrade(&world.runtime, upgrader(), true, name).expect_err("refuses");
        assert!(refused.to_string().starts_with(&format!("REFUSED: upgrade: found {length} bytes")));
    }
    begin(&world, "upgrade-1");
    let noted = log();
    begin(&world, "upgrade-1");
    for end in [UpgradeEnd::Stays, taken_back()] {
        let refused = told("upgrade-2", end).expect_err("refuses");
        assert!(refused.starts_with("REFUSED: upgrade: found upgrade-2; allowed: upgrade-1"), "{refused}");
    }
    assert_eq!((log(), world.runtime.0.borrow().wakings), (noted, 0));
    told("upgrade-1", taken_back()).expect("it is under way");
    assert_eq!(world.runtime.0.borrow().wakings, 1, "a snapshot brings no timers back");
    let noted = log();
    for (upgrade, end) in [("upgrade-1", UpgradeEnd::Stays), ("upgrade-2", taken_back())] {
        told(upgrade, end).expect_err("that is not how it ended");
    }
    assert_eq!(log(), noted);
}

#[test]
fn should_verify_what_the_lost_code_had_published_when_it_shows_late() {
    let world = World::with_credentials();
    let order = world.publish(world.npm_order()).id;
    begin(&world, "upgrade-1");
    end(&world, "upgrade-1", taken_back());
    world.runtime.run_for(HOUR);
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, &npm_bytes());
    world.runtime.settle();
    assert!(world.status(&order).is_verified());
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_refuse_what_was_decided_before_custody_was_taken_back_and_take_what_is_decided_after() {
    let world = World::with_credentials();
    let mut early = world.npm_order();
    early.decision.vote.as_mut().expect("a vote").decided_at_ns = world.now_ns();
    begin(&world, "upgrade-1");
    end(&world, "upgrade-1", taken_back());
    let refused = publish::accept(&world.runtime, authority(), early.clone()).expect_err("too early");
    assert!(refused.to_string().starts_with("REFUSED: decision.vote.decided_at_ns: "), "{refused}");
    world.runtime.run_for(HOUR);
    let mut late = early;
    late.decision.vote.as_mut().expect("a vote").decided_at_ns = world.now_ns();
    publish::accept(&world.runtime, authority(), late).expect("decided after it");
}

#[test]
fn should_stay_frozen_until_late_publications_show_when_custody_was_taken_back() {
    let world = World::with_credentials();
    begin(&world, "upgrade-1");
    end(&world, "upgrade-1", taken_back());
    let lift = || freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything);
    world.runtime.run_for(3 * HOUR - Duration::from_nanos(1));
    let refused = lift().expect_err("a nanosecond too early");
    assert!(refused.to_string().starts_with("BUSY: scope: "), "{refused}");
    world.runtime.run_for(Duration::from_nanos(1));
    assert!(lift().expect("exactly then").is_empty());
}

#[test]
fn should_listen_to_its_controllers_alone_and_change_nothing_when_told_twice() {
    let world = World::new();
    let before = queries::state_digest();
    for caller in [authority(), stranger(), Principal::anonymous()] {
        let begun = control::begin_upgrade(&world.runtime, caller, false, id("upgrade-1"));
        assert!(begun.expect_err("refused").to_string().starts_with("REFUSED: caller: "));
        let args = EndUpgradeArgs { upgrade: id("upgrade-1"), end: taken_back() };
        let ended = control::end_upgrade(&world.runtime, caller, false, args);
        assert!(ended.expect_err("refused").to_string().starts_with("REFUSED: caller: "));
    }
    let args = EndUpgradeArgs { upgrade: id("upgrade-1"), end: taken_back() };
    let ended = control::end_upgrade(&world.runtime, upgrader(), true, args);
    assert!(ended.expect_err("never began").to_string().starts_with("REFUSED: upgrade: "));
    assert_eq!(queries::state_digest(), before);

    for stays in [false, true] {
        let told = || if stays { UpgradeEnd::Stays } else { taken_back() };
        let upgrade = format!("upgrade-{stays}");
        begin(&world, &upgrade);
        let begun = queries::state_digest();
        begin(&world, &upgrade);
        assert_eq!(queries::state_digest(), begun);
        end(&world, &upgrade, told());
        let ended = queries::state_digest();
        world.runtime.run_for(HOUR);
        end(&world, &upgrade, told());
        assert_eq!(queries::state_digest(), ended);
    }
}
