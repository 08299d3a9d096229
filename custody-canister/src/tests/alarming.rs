use std::time::Duration;

use release_types::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, FreezeArgs, FreezeScope, Notice, Obstacle,
    OrderId, PackageKey,
    PublicationState::Prepared,
    PublishOrder, PublishingMode,
    alarms::{AlarmKind, MAX_ALARMS},
    credential::ProbeOutcome,
    proposal::CredentialChange,
    watch::WatchArgs,
};

use super::{
    registries::{Behaviour, ReadBackMode},
    world::{NPM_TOKEN, World, authority, states},
};
use crate::{
    alarms, credentials, freeze, funds,
    runtime::Runtime as _,
    state::{Event, event::DerivationPurpose, process_event, watch::WatchFact},
    storage, watch,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn kinds(world: &World) -> Vec<AlarmKind> {
    alarms::alarms(&world.runtime).into_iter().map(|alarm| alarm.kind).collect()
}

fn watch_npm(world: &World) {
    let order = world.npm_order();
    let args = WatchArgs {
        registry: order.registry,
        package: order.package,
        interval_s: 3_600,
        read_credential: None,
    };
    watch::watch(&world.runtime, authority(), args).expect("watches");
    world.runtime.run_for(Duration::from_secs(1));
}

#[test]
fn should_be_silent_when_all_is_well() {
    let world = World::with_credentials();
    watch_npm(&world);
    assert_eq!(kinds(&world), []);
}

#[test]
fn should_count_down_to_the_end_of_a_credential_until_another_takes_its_place() {
    let world = World::with_credentials();
    let npm = world.policy(Ecosystem::Npm);
    let days_left = |world: &World| {
        kinds(world).into_iter().find_map(|kind| match kind {
            AlarmKind::CredentialExpiring { credential, days_left } if credential == npm.id() => {
                Some(days_left)
            }
            _ => None,
        })
    };
    assert_eq!(days_left(&world), None);
    world.runtime.run_for(61 * DAY + Duration::from_secs(1));
    assert_eq!(days_left(&world), Some(28));
    let began_ns = |world: &World| alarms::alarms(&world.runtime)[0].since_ns;
    assert_eq!(began_ns(&world), npm.not_after_ns - 30 * DAY.as_nanos() as u64);
    world.runtime.run_for(27 * DAY);
    assert_eq!(days_left(&world), Some(1));
    assert_eq!(began_ns(&world), npm.not_after_ns - 2 * DAY.as_nanos() as u64, "each stage alarms anew");
    world.runtime.run_for(2 * DAY);
    let expired = AlarmKind::CredentialExpired { credential: npm.id() };
    assert!(kinds(&world).contains(&expired));
    let not_after_ns = npm.not_after_ns + 80 * DAY.as_nanos() as u64;
    let now_ns = world.runtime.time_ns();
    let later = CredentialPolicy {
        epoch: 2,
        not_before_ns: now_ns + DAY.as_nanos() as u64,
        not_after_ns,
        ..npm.clone()
    };
    world.activate(later, NPM_TOKEN);
    assert!(kinds(&world).contains(&expired), "nothing is usable until the successor begins");
    world.runtime.run_for(DAY);
    assert!(!kinds(&world).contains(&expired), "what has a successor is nobody's concern");
}

#[test]
fn should_count_down_all_the_same_when_another_credential_covers_less() {
    let world = World::with_credentials();
    let npm = world.policy(Ecosystem::Npm);
    world.runtime.run_for(61 * DAY);
    let not_after_ns = npm.not_after_ns + 80 * DAY.as_nanos() as u64;
    let others = [
        CredentialPolicy { packages: vec!["@dao/other".into()], ..npm.clone() },
        CredentialPolicy { endpoint: "https://mirror.registry.example/".into(), ..npm.clone() },
        CredentialPolicy { mode: CredentialMode::Staged, ..npm.clone() },
    ];
    for (epoch, other) in (2..).zip(others) {
        world.activate(CredentialPolicy { epoch, not_after_ns, ..other }, NPM_TOKEN);
        let is_told = kinds(&world).iter().any(|kind| {
            matches!(kind, AlarmKind::CredentialExpiring { credential, .. } if *credential == npm.id())
        });
        assert!(is_told, "epoch {epoch}");
    }
}

#[test]
fn should_count_down_until_the_successor_is_in_use() {
    let world = World::with_credentials();
    let npm = world.policy(Ecosystem::Npm);
    world.runtime.run_for(61 * DAY);
    let is_told = || {
        kinds(&world).iter().any(|kind| {
            matches!(kind, AlarmKind::CredentialExpiring { credential, .. } if *credential == npm.id())
        })
    };
    let not_after_ns = npm.not_after_ns + 80 * DAY.as_nanos() as u64;
    let args = world.sealed(CredentialPolicy { epoch: 2, not_after_ns, ..npm.clone() }, NPM_TOKEN);
    let successor = credentials::deposit(&world.runtime, authority(), args).expect("deposits").id;
    assert!(is_told(), "it is only deposited");
    world.change(successor, CredentialChange::Activate);
    world.runtime.settle();
    assert!(!is_told());
}

#[test]
fn should_tell_of_a_token_that_the_registry_refuses_and_not_of_one_that_nobody_answered_for() {
    let world = World::with_credentials();
    let credential = world.policy(Ecosystem::Npm).id();
    let probe = |answer| {
        world.runtime.0.borrow_mut().registries.whoami = answer;
        world.change(credential, CredentialChange::Probe);
        world.runtime.run_for(Duration::from_secs(600));
        kinds(&world)
    };
    assert_eq!(probe((500, "oops")), []);
    let outcome = ProbeOutcome::RefusedByRegistry;
    assert_eq!(probe((401, "{}")), [AlarmKind::CredentialDead { credential, outcome }]);
    assert_eq!(probe((200, r#"{"username":"ada"}"#)), []);
    probe((401, "{}"));
    world.change(credential, CredentialChange::Revoke);
    assert_eq!(kinds(&world), [], "what is not used is nobody's concern");
}

#[test]
fn should_show_the_newest_alarms_first_and_no_more_than_a_page_of_them() {
    let world = World::with_credentials();
    watch_npm(&world);
    let order = world.npm_order();
    let endpoint = order.registry.upload_url;
    let package = PackageKey { ecosystem: Ecosystem::Npm, endpoint, package: order.package };
    for number in 0..=MAX_ALARMS {
        world.runtime.run_for(Duration::from_secs(1));
        let (package, name) = (package.clone(), format!("{number:03}"));
        process_event(&world.runtime, Event::Watch(WatchFact::Missed { package, name }));
    }
    let alarms = alarms::alarms(&world.runtime);
    assert_eq!(alarms.len(), MAX_ALARMS);
    assert!(matches!(&alarms[0].kind, AlarmKind::Vanished { name, .. } if *name == MAX_ALARMS.to_string()));
    assert!(alarms.is_sorted_by_key(|alarm| std::cmp::Reverse(alarm.since_ns)));
}

#[test]
fn should_warn_when_no_release_can_be_paid_for() {
    let world = World::with_credentials();
    let needed = funds::funds(&world.runtime).direct_release_most_cycles;
    world.runtime.0.borrow_mut().cycles = needed;
    assert_eq!(kinds(&world), []);
    world.runtime.0.borrow_mut().cycles = needed - 1;
    assert_eq!(kinds(&world), [AlarmKind::LowCycles { liquid_cycles: needed - 1 }]);
}

#[test]
fn should_name_what_is_frozen_unapproved_or_mismatched() {
    let world = World::with_credentials();
    watch_npm(&world);
    world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::PublishOtherBytes);
    world.publish(world.npm_order());
    world.runtime.0.borrow_mut().registries.listed.insert("0.9.1".into(), b"a thief's".to_vec());
    world.runtime.run_for(DAY);
    let kinds = kinds(&world);
    let has = |is: fn(&AlarmKind) -> bool| kinds.iter().any(is);
    assert!(
        has(|kind| matches!(kind, AlarmKind::Frozen { scope: FreezeScope::Credential(_), .. })),
        "{kinds:?}"
    );
    assert!(has(|kind| matches!(kind, AlarmKind::UnapprovedVersion { .. })), "{kinds:?}");
    assert!(has(|kind| matches!(kind, AlarmKind::Mismatch { .. })), "{kinds:?}");
    let alarms = alarms::alarms(&world.runtime);
    assert!(alarms.is_sorted_by_key(|alarm| std::cmp::Reverse(alarm.since_ns)));
    assert!(alarms.iter().all(|alarm| !alarm.advice.is_empty()));
}

#[test]
fn should_tell_when_a_package_cannot_be_looked_at() {
    let world = World::with_credentials();
    watch_npm(&world);
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Status(503);
    world.runtime.run_for(DAY / 12);
    assert_eq!(kinds(&world), [], "two failures are no reason");
    world.runtime.run_for(DAY / 24);
    assert!(matches!(&kinds(&world)[..], [AlarmKind::WatchFailing { failed_looks: 3, .. }]));
}

#[test]
fn should_reckon_with_the_subnets_prices_and_warn_in_time() {
    let world = World::with_credentials();
    watch_npm(&world);
    let funds = funds::funds(&world.runtime);
    assert_eq!(funds.watch_most_cycles_per_day, 24_000_000_000);
    // A derivation, a signature, a sending and 21 reads, as the stub prices them.
    assert_eq!(funds.direct_release_most_cycles, 2 * 26_153_846_153 + 22_000_000_000);
    assert_eq!(funds.direct_releases_affordable, 13);
    // Four readings of the staging area more, each a derivation and four reads.
    let staging = 4 * (26_153_846_153 + 4_000_000_000);
    assert_eq!(funds.staged_release_most_cycles, funds.direct_release_most_cycles + staging);
    assert_eq!(funds.staged_releases_affordable, 5);
    // Twenty reads and a signature.
    assert_eq!(funds.verify_only_release_most_cycles, 26_153_846_153 + 20_000_000_000);
    // A derivation, a sending, the document and 21 reads.
    assert_eq!(funds.amendment_most_cycles, 26_153_846_153 + 23_000_000_000);
    assert_eq!(funds.watch_days_left, Some(41));
    world.runtime.0.borrow_mut().cycles = 14 * 24_000_000_000 - 1;
    assert!(matches!(kinds(&world)[..], [AlarmKind::LowCycles { .. }]));
}

#[test]
fn should_begin_no_release_that_it_could_not_pay_to_its_end() {
    let world = World::with_credentials();
    let needed = funds::funds(&world.runtime).direct_release_most_cycles;
    let before = world.runtime.0.borrow().derivations;
    world.runtime.0.borrow_mut().cycles = needed - 2_000_000_000;
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_secs(3_600));
    assert_eq!(states(&world.status(&id)), [Prepared]);
    assert_eq!(world.runtime.0.borrow().derivations, before);
    let wait = world.status(&id).waiting.expect("it waits");
    assert_eq!(wait.obstacle.expect("for something").obstacle, Obstacle::TooFewCycles);
    world.runtime.0.borrow_mut().cycles = needed;
    world.runtime.settle();
    assert!(world.status(&id).is_verified());
}

/// A staged or read credential of npm's package.
fn npm_credential(world: &World, mode: CredentialMode) -> CredentialId {
    world.activate(CredentialPolicy { mode, ..world.policy(Ecosystem::Npm) }, NPM_TOKEN)
}

/// How often a key was derived to publish or stage with; the log is that of every world of this thread.
fn publications() -> usize {
    let is_publication = |event: &Event| {
        matches!(event, Event::BoundDerivation { purpose: DerivationPurpose::Publication { .. } })
    };
    storage::events()
        .iter()
        .filter(|entry| entry.as_ref().is_ok_and(|(_, event)| is_publication(event)))
        .count()
}

#[test]
fn should_begin_nothing_in_any_mode_that_it_could_not_pay_to_its_end() {
    const KEY: u128 = 26_153_846_153;
    const READ: u128 = 1_000_000_000;
    let reading_back = 20 * READ + KEY;
    let staging = 4 * (KEY + 4 * READ);
    let private = 12 * (KEY + READ) + KEY;
    // What must be there when a key is derived to send with, or before it is waited for others; the fees of the looks
    // before are not.
    let cases = [
        (PublishingMode::Direct, false, KEY + READ + reading_back),
        (PublishingMode::Direct, true, KEY + READ + private),
        (PublishingMode::Staged, false, KEY + READ + staging + reading_back),
        (PublishingMode::StagedElsewhere, false, staging + reading_back),
        (PublishingMode::VerifyOnly, false, reading_back),
        (PublishingMode::VerifyOnly, true, private),
    ];
    for (mode, is_private, needed) in cases {
        let world = World::with_credentials();
        let credential = mode.credential_mode().map(|mode| match mode {
            CredentialMode::Direct => world.policy(Ecosystem::Npm).id(),
            mode => npm_credential(&world, mode),
        });
        let read_credential = is_private.then(|| world.close_to_the_public(Ecosystem::Npm));
        let order = PublishOrder { mode, credential, read_credential, ..world.npm_order() };
        let publications_before = publications();
        world.runtime.0.borrow_mut().cycles = needed;
        let id = world.publish(order).id;
        world.runtime.run_for(Duration::from_secs(3_600));
        assert_eq!(states(&world.status(&id)), [Prepared], "{mode} {is_private}");
        let wait = world.status(&id).waiting.expect("it waits");
        assert_eq!(
            wait.obstacle.map(|met| met.obstacle),
            Some(Obstacle::TooFewCycles),
            "{mode} {is_private}"
        );
        assert_eq!((publications(), world.sent()), (publications_before, 0), "{mode} {is_private}");
        world.runtime.0.borrow_mut().cycles = needed + 1;
        world.runtime.run_for(Duration::from_secs(3_600));
        assert_ne!(states(&world.status(&id)), [Prepared], "{mode} {is_private}");
    }
}

#[test]
fn should_begin_no_release_whose_last_file_it_could_not_pay_for() {
    const KEY: u128 = 26_153_846_153;
    const READ: u128 = 1_000_000_000;
    // For each file a look, a key, a sending and twenty reads; in the end one signature.
    let cases = [
        (PublishingMode::Direct, 2 * (22 * READ + KEY) + KEY),
        (PublishingMode::VerifyOnly, 2 * 20 * READ + READ + KEY),
    ];
    for (mode, needed) in cases {
        let world = World::with_credentials();
        let credential = mode.credential_mode().map(|_| world.policy(Ecosystem::Pypi).id());
        let order = PublishOrder { mode, credential, ..world.pypi_order() };
        assert_eq!(order.artifacts.len(), 2);
        let publications_before = publications();
        world.runtime.0.borrow_mut().cycles = needed - if mode.sends_bytes() { READ + KEY } else { 0 };
        let id = world.publish(order).id;
        world.runtime.run_for(Duration::from_secs(3_600));
        assert_eq!(states(&world.status(&id)), [Prepared, Prepared], "{mode}");
        let wait = world.status(&id).waiting.expect("it waits");
        assert_eq!(wait.obstacle.map(|met| met.obstacle), Some(Obstacle::TooFewCycles), "{mode}");
        assert_eq!((publications(), world.sent()), (publications_before, 0), "{mode}");
        world.runtime.0.borrow_mut().cycles = needed + 1;
        world.runtime.run_for(Duration::from_secs(3_600));
        assert_ne!(states(&world.status(&id))[0], Prepared, "{mode}");
    }
}

#[test]
fn should_warn_when_a_group_that_stages_cannot_pay_for_another_staged_release() {
    let world = World::with_credentials();
    let funds = funds::funds(&world.runtime);
    world.runtime.0.borrow_mut().cycles = funds.staged_release_most_cycles - 1;
    assert_eq!(kinds(&world), [], "nobody stages");
    world.runtime.0.borrow_mut().cycles = 1_000_000_000_000;
    npm_credential(&world, CredentialMode::Staged);
    world.runtime.0.borrow_mut().cycles = funds.staged_release_most_cycles - 1;
    assert!(matches!(kinds(&world)[..], [AlarmKind::LowCycles { .. }]));
}

#[test]
fn should_show_a_freeze_as_an_alarm_until_it_is_lifted() {
    let world = World::with_credentials();
    let scope = FreezeScope::Everything;
    freeze::freeze(&world.runtime, authority(), FreezeArgs { scope, reason: "a test".into() })
        .expect("freezes");
    assert!(matches!(kinds(&world)[..], [AlarmKind::Frozen { scope: FreezeScope::Everything, .. }]));
    freeze::unfreeze(&world.runtime, authority(), scope).expect("lifts");
    assert_eq!(kinds(&world), []);
}

#[test]
fn should_warn_ninety_days_before_the_end_that_a_registry_announced() {
    let ends_in = |days: u64| {
        let world = World::with_credentials();
        let mut order = world.npm_order();
        order.registry.direct_publishing_ends_at_ns = Some(world.now_ns() + days * DAY.as_nanos() as u64);
        (world, order)
    };
    let warned = |world: &World| {
        kinds(world).into_iter().any(|kind| {
            matches!(kind, AlarmKind::DirectPublishingEnds { credential, .. }
                if credential == world.policy(Ecosystem::Npm).id())
        })
    };
    let (world, order) = ends_in(100);
    assert!(world.carry_out(order.clone()).is_verified());
    assert!(!warned(&world), "it ends in a hundred days");
    world.runtime.run_for(10 * DAY);
    assert!(warned(&world), "by the order's word");
    let retracted = PublishOrder { id: OrderId("second".into()), ..world.npm_order() };
    world.publish(retracted);
    assert!(!warned(&world), "the latest word counts");

    let (world, order) = ends_in(1);
    let args = WatchArgs {
        registry: order.registry.clone(),
        package: order.package.clone(),
        interval_s: 3_600,
        read_credential: None,
    };
    watch::watch(&world.runtime, authority(), args).expect("watches");
    assert!(warned(&world), "by the watch's word");
    world.runtime.run_for(2 * DAY);
    assert!(warned(&world), "also once it has come");
    world.change(world.policy(Ecosystem::Npm).id(), CredentialChange::Revoke);
    assert!(!warned(&world), "what is not used is nobody's concern");
}

#[test]
fn should_pass_a_registrys_notice_on_for_a_month_in_its_own_words() {
    let world = World::with_credentials();
    let notice = "Granular access tokens with bypass-2FA are being restricted npm_secret";
    world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::PublishWithNotice(notice));
    world.carry_out(world.npm_order());
    let noticed = |world: &World| {
        alarms::alarms(&world.runtime)
            .into_iter()
            .find(|alarm| matches!(alarm.kind, AlarmKind::RegistryNotice { .. }))
    };
    let alarm = noticed(&world).expect("an alarm");
    assert!(matches!(alarm.kind, AlarmKind::RegistryNotice { notice: Notice::TokenRestricted, .. }));
    assert!(!alarm.advice.contains("npm_secret") && alarm.advice.contains("stage"), "{}", alarm.advice);
    world.runtime.run_for(31 * DAY);
    assert_eq!(noticed(&world), None);
}
