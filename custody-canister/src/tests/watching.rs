use std::time::Duration;

use release_types::{
    CredentialPolicy, Ecosystem, FreezeScope, OrderId, PackageKey,
    PublicationState::{Blocked, Prepared, Verified},
    Sha256Digest,
    alarms::AlarmKind,
    freeze::FreezeReason,
    proposal::CredentialChange,
    watch::{FindingKind, ListingKind, WatchArgs, WatchView},
};

use super::{
    registries::{Behaviour, ReadBackMode},
    world::{
        NPM_ATTACHMENT, NPM_FILE, NPM_TOKEN, SDIST, WHEEL, World, authority, npm_bytes, states, stranger,
    },
};
use crate::{alarms, freeze, publish, queries, watch};

const HOUR: Duration = Duration::from_secs(3_600);

impl World {
    pub(super) fn watch_args(&self, ecosystem: Ecosystem) -> WatchArgs {
        let order = self.order_of(ecosystem);
        let (registry, package) = (order.registry, order.package);
        WatchArgs { registry, package, interval_s: 3_600, read_credential: None }
    }

    pub(super) fn watched(&self, ecosystem: Ecosystem) -> PackageKey {
        let WatchArgs { registry, package, .. } = self.watch_args(ecosystem);
        PackageKey { ecosystem, endpoint: registry.upload_url, package }
    }

    /// Begins to watch and takes the baseline.
    pub(super) fn watch(&self, ecosystem: Ecosystem) {
        watch::watch(&self.runtime, authority(), self.watch_args(ecosystem)).expect("watches");
        self.runtime.run_for(Duration::from_secs(1));
        assert!(self.view().baseline.is_some());
    }

    pub(super) fn view(&self) -> WatchView {
        watch::views(&self.runtime).pop().expect("a watch")
    }

    pub(super) fn findings(&self) -> Vec<(FindingKind, String)> {
        self.view().findings.into_iter().map(|finding| (finding.kind, finding.name)).collect()
    }

    pub(super) fn list(&self, version: &str, bytes: &[u8]) {
        self.runtime.0.borrow_mut().registries.listed.insert(version.into(), bytes.to_vec());
    }
}

pub(super) fn frozen_scopes() -> Vec<FreezeScope> {
    freeze::in_force().into_iter().map(|freeze| freeze.scope).collect()
}

#[test]
fn should_freeze_the_packages_credentials_when_a_version_appears_that_nobody_approved() {
    let world = World::with_credentials();
    world.list("0.9.0", b"there from the start");
    world.watch(Ecosystem::Npm);
    world.runtime.run_for(3 * HOUR);
    assert!(world.findings().is_empty() && frozen_scopes().is_empty());
    world.list("0.9.1", b"a thief's");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "0.9.1".into())]);
    let credential = world.policy(Ecosystem::Npm).id();
    assert_eq!(frozen_scopes(), [FreezeScope::Credential(credential)], "and no other credential");
    let reason = FreezeReason::UnapprovedVersion { package: "@dao/demo".into(), name: "0.9.1".into() };
    assert_eq!(freeze::in_force()[0].reason, reason);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(HOUR);
    assert_eq!(states(&world.status(&id)), [Prepared]);
    assert_eq!(world.sent(), 0);
}

#[test]
fn should_freeze_when_a_file_appears_at_an_index_that_nobody_approved() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.put("demo-0.9.0.tar.gz", b"there from the start");
    world.watch(Ecosystem::Pypi);
    assert_eq!(world.view().baseline.expect("taken").kind, ListingKind::Files);
    world.runtime.0.borrow_mut().registries.put(SDIST, b"a thief's");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, SDIST.into())]);
    assert_eq!(frozen_scopes(), [FreezeScope::Credential(world.policy(Ecosystem::Pypi).id())]);
}

#[test]
fn should_freeze_when_known_bytes_change() {
    let world = World::with_credentials();
    world.list("0.9.0", b"there from the start");
    world.watch(Ecosystem::Npm);
    world.list("0.9.0", b"others");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::DigestChanged, "0.9.0".into())]);
    assert_eq!(frozen_scopes().len(), 1);
}

#[test]
fn should_freeze_when_approved_bytes_change_after_the_receipt() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let world = World::with_credentials();
        world.watch(ecosystem);
        let id = world.publish(world.order_of(ecosystem)).id;
        world.runtime.run_for(2 * HOUR);
        assert!(world.status(&id).is_verified());
        assert!(world.findings().is_empty() && frozen_scopes().is_empty());
        let file = if ecosystem == Ecosystem::Npm { NPM_ATTACHMENT } else { WHEEL };
        world.runtime.0.borrow_mut().registries.put(file, b"others");
        world.runtime.run_for(HOUR);
        assert_eq!(world.findings()[0].0, FindingKind::DigestChanged);
        assert_eq!(frozen_scopes().len(), 1);
    }
}

#[test]
fn should_leave_a_version_alone_while_its_order_is_under_way_or_unsettled() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    // Published and listed, and yet the version document is not to be had for longer than anybody waits.
    world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::DropAnswer);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_secs(1));
    world.runtime.0.borrow_mut().registries.hide_documents = true;
    world.runtime.run_for(5 * HOUR);
    assert!(!states(&world.status(&id)).contains(&Verified));
    assert!(world.findings().is_empty() && frozen_scopes().is_empty());
}

#[test]
fn should_freeze_when_other_bytes_appear_under_the_name_of_a_file_that_was_not_sent_yet() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Pypi);
    // Its turn never comes, because the first file never appears.
    world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::InventSuccess);
    let id = world.publish(world.pypi_order()).id;
    world.runtime.run_for(5 * HOUR);
    assert!(matches!(states(&world.status(&id))[..], [Blocked { .. }, Prepared]));
    assert!(world.findings().is_empty());
    world.runtime.0.borrow_mut().registries.put(SDIST, b"a thief's");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::DigestChanged, SDIST.into())]);
    assert_eq!(frozen_scopes(), [FreezeScope::Credential(world.policy(Ecosystem::Pypi).id())]);
}

#[test]
fn should_not_freeze_on_verified_bytes_when_others_are_approved_under_the_same_name() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Pypi);
    let first = world.publish(world.pypi_order()).id;
    world.runtime.run_for(2 * HOUR);
    assert!(world.status(&first).is_verified());
    let mut second = world.pypi_order();
    second.id = OrderId("proposal-2".into());
    second.artifacts[0].sha256 = Sha256Digest::of(b"other bytes");
    world.runtime.0.borrow_mut().source_is_down = true;
    world.publish(second);
    world.runtime.run_for(2 * HOUR);
    assert!(world.findings().is_empty() && frozen_scopes().is_empty());
    world.runtime.0.borrow_mut().registries.put(WHEEL, b"a thief's");
    world.runtime.run_for(HOUR);
    assert_eq!(frozen_scopes().len(), 1);
}

#[test]
fn should_freeze_when_a_refused_version_appears_after_all() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::Answer(403, "no"));
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(30 * HOUR);
    assert!(world.status(&id).is_final());
    world.runtime.0.borrow_mut().registries.put(NPM_FILE, b"published by somebody");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "1.0.0".into())]);
    assert_eq!(frozen_scopes().len(), 1);
}

#[test]
fn should_report_and_not_freeze_when_a_version_vanishes() {
    let world = World::with_credentials();
    world.list("0.9.0", b"there from the start");
    world.list("0.9.1", b"there as well");
    world.watch(Ecosystem::Npm);
    world.runtime.0.borrow_mut().registries.listed.remove("0.9.0");
    world.runtime.run_for(2 * HOUR);
    assert_eq!(world.findings(), [(FindingKind::Vanished, "0.9.0".into())]);
    world.runtime.0.borrow_mut().registries.listed.clear();
    world.runtime.run_for(2 * HOUR);
    let whole = (FindingKind::Vanished, "@dao/demo".to_owned());
    assert!(world.findings().contains(&whole) && world.findings().len() == 2);
    assert!(frozen_scopes().is_empty());
    let alarms = alarms::alarms(&world.runtime);
    let told = alarms.iter().filter(|alarm| matches!(alarm.kind, AlarmKind::Vanished { .. })).count();
    assert_eq!(told, 2, "{alarms:?}");
}

#[test]
fn should_never_freeze_on_a_look_that_failed() {
    let world = World::with_credentials();
    world.list("0.9.0", b"there from the start");
    world.watch(Ecosystem::Npm);
    world.list("0.9.1", b"a thief's");
    for mode in [ReadBackMode::NoConsensus, ReadBackMode::Status(500), ReadBackMode::Status(403)] {
        world.runtime.0.borrow_mut().registries.read_backs = mode;
        world.runtime.run_for(HOUR);
        assert!(world.findings().is_empty() && frozen_scopes().is_empty(), "{mode:?}");
    }
    assert_eq!(world.view().failed_looks, 3);
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
    world.runtime.run_for(HOUR);
    assert_eq!(world.view().failed_looks, 0);
    assert_eq!(frozen_scopes().len(), 1);
}

#[test]
fn should_freeze_once_for_each_finding_and_take_a_new_baseline_when_watched_anew() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    world.list("0.9.1", b"known to be harmless by now");
    world.runtime.run_for(HOUR);
    for scope in frozen_scopes() {
        freeze::unfreeze(&world.runtime, authority(), scope).expect("lifts");
    }
    world.runtime.run_for(3 * HOUR);
    assert!(frozen_scopes().is_empty(), "what the group looked at does not freeze again");
    world.list("0.9.1", b"other bytes");
    world.runtime.run_for(HOUR);
    assert_eq!(frozen_scopes().len(), 1, "what changed since does");
    world.watch(Ecosystem::Npm);
    let view = world.view();
    assert_eq!(view.baseline.expect("taken").entries, 1);
    assert!(view.findings.is_empty());
}

#[test]
fn should_go_on_looking_at_the_same_times_after_an_upgrade() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    world.runtime.run_for(HOUR / 2);
    let reads = || world.runtime.0.borrow().registries.reads;
    let before = reads();
    world.runtime.upgrade();
    world.runtime.run_for(HOUR / 4);
    assert_eq!(reads(), before, "an upgrade is no reason to look");
    world.list("0.9.1", b"a thief's");
    world.runtime.run_for(HOUR / 2);
    assert_eq!(reads(), before + 1);
    assert_eq!(frozen_scopes().len(), 1);
}

#[test]
fn should_watch_tagged_versions_when_the_list_is_too_long() {
    let world = World::with_credentials();
    world.runtime.0.borrow_mut().registries.list_is_too_long = true;
    world.list("0.9.0", b"there from the start");
    world.watch(Ecosystem::Npm);
    assert_eq!(world.view().baseline.expect("taken").kind, ListingKind::TaggedVersions);
    world.runtime.0.borrow_mut().registries.listed.clear();
    world.list("0.9.1", b"a thief's");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "0.9.1".into())]);
    assert_eq!(frozen_scopes().len(), 1);
}

#[test]
fn should_freeze_when_a_thiefs_version_makes_the_list_too_long() {
    let world = World::with_credentials();
    world.list("0.9.0", b"there from the start");
    world.watch(Ecosystem::Npm);
    world.runtime.0.borrow_mut().registries.list_is_too_long = true;
    world.runtime.run_for(HOUR);
    assert!(world.findings().is_empty(), "what was there is known by its name");
    world.list("0.9.1", b"a thief's, with very many dependencies");
    world.runtime.run_for(2 * HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "0.9.1".into())]);
    assert_eq!(frozen_scopes().len(), 1);
    assert_eq!(world.view().failed_looks, 3, "and people hear that not everything is seen");
}

#[test]
fn should_freeze_whatever_was_found_and_lost_before() {
    let world = World::with_credentials();
    for minor in 0..60 {
        world.list(&format!("0.{minor}.0"), b"there from the start");
    }
    world.watch(Ecosystem::Npm);
    for minor in 1..60 {
        world.runtime.0.borrow_mut().registries.listed.remove(&format!("0.{minor}.0"));
    }
    world.runtime.run_for(2 * HOUR);
    assert_eq!(world.findings().len(), 50);
    assert!(frozen_scopes().is_empty());
    for round in 1..=2 {
        for number in 0..60 {
            world.list(&format!("{round}.0.{number}"), b"a thief's");
        }
        world.runtime.run_for(HOUR);
        assert_eq!(frozen_scopes().len(), 1, "round {round}");
        for scope in frozen_scopes() {
            freeze::unfreeze(&world.runtime, authority(), scope).expect("lifts");
        }
    }
}

#[test]
fn should_show_what_the_baseline_is_and_what_watching_costs() {
    let world = World::with_credentials();
    for minor in 0..20 {
        world.list(&format!("0.{minor}.0"), b"there from the start");
    }
    world.watch(Ecosystem::Npm);
    let view = world.view();
    let baseline = view.baseline.expect("taken");
    assert_eq!((baseline.entries, baseline.sample.len()), (20, 10));
    assert_eq!(view.most_cycles_per_day, 24 * 1_000_000_000);
    assert_eq!(view.answered_at_ns, view.looked_at_ns);
}

#[test]
fn should_cause_no_outcall_for_a_package_that_is_not_watched_any_more() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    let reads = || world.runtime.0.borrow().registries.reads;
    let before = reads();
    for _ in 0..2 {
        watch::unwatch(&world.runtime, authority(), world.watched(Ecosystem::Npm)).expect("ends");
    }
    world.runtime.run_for(24 * HOUR);
    assert_eq!(reads(), before);
    assert!(watch::views(&world.runtime).is_empty());
}

#[test]
fn should_watch_for_the_authority_alone_within_bounds() {
    let world = World::new();
    let before = queries::state_digest();
    let refused = |caller, args| watch::watch(&world.runtime, caller, args).expect_err("refused").to_string();
    let args = || world.watch_args(Ecosystem::Npm);
    assert!(refused(stranger(), args()).starts_with("REFUSED: caller: "));
    for interval_s in [0, 599, 86_401] {
        assert!(refused(authority(), WatchArgs { interval_s, ..args() }).contains("interval_s: found"));
    }
    for package in ["", "../x", "a b"] {
        assert!(
            refused(authority(), WatchArgs { package: package.into(), ..args() }).contains("package: found")
        );
    }
    let unwatch = watch::unwatch(&world.runtime, stranger(), world.watched(Ecosystem::Npm));
    assert!(unwatch.expect_err("refused").to_string().starts_with("REFUSED: caller: "));
    assert_eq!(queries::state_digest(), before);
    for number in 0..watch::MAX_WATCHES {
        let args = WatchArgs { package: format!("demo-{number}"), ..args() };
        watch::watch(&world.runtime, authority(), args).expect("within the bound");
    }
    assert!(refused(authority(), args()).starts_with("REFUSED: watches: found 50 packages"));
    let again = WatchArgs { package: "demo-0".into(), ..args() };
    watch::watch(&world.runtime, authority(), again).expect("it is watched already");
}

#[test]
fn should_put_orders_off_when_a_package_was_released_often_within_a_day() {
    use crate::settings;
    use release_types::{OrderId, Settings};
    let world = World::with_credentials();
    let numbered = |number: u32| {
        let mut order = world.npm_order();
        order.id = OrderId(format!("order-{number}"));
        order.expires_at_ns += 2 * 24 * HOUR.as_nanos() as u64;
        order
    };
    let two = Settings { releases_per_package_and_day: 2 };
    assert!(settings::change(&world.runtime, stranger(), two).is_err());
    let nothing = Settings { releases_per_package_and_day: 0 };
    assert!(settings::change(&world.runtime, authority(), nothing).is_err());
    assert_eq!(settings::present(), Settings::default());
    settings::change(&world.runtime, authority(), two).expect("within bounds");
    world.publish(numbered(1));
    let first_ns = world.now_ns();
    world.runtime.run_for(HOUR);
    world.publish(numbered(2));
    world.publish(numbered(2));
    let refusal = publish::accept(&world.runtime, authority(), numbered(3)).expect_err("put off").to_string();
    let frees_at_ns = first_ns + 24 * HOUR.as_nanos() as u64;
    assert!(refusal.starts_with("BUSY: releases_per_package_and_day: found 2 orders"), "{refusal}");
    assert!(refusal.contains(&frees_at_ns.to_string()), "{refusal}");
    world.publish(world.pypi_order());
    world.runtime.run_for(23 * HOUR);
    world.publish(numbered(3));
    world.runtime.upgrade();
    assert_eq!(settings::present(), two);
}

#[test]
fn should_watch_a_registry_that_lists_nothing_without_a_token_and_derive_once_a_look() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let world = World::with_credentials();
        let read_credential = Some(world.close_to_the_public(ecosystem));
        let args = WatchArgs { read_credential, ..world.watch_args(ecosystem) };
        let derivations = |world: &World| world.runtime.0.borrow().derivations;
        let before = derivations(&world);
        let view = watch::watch(&world.runtime, authority(), args).expect("watches");
        assert_eq!(view.read_credential, read_credential);
        assert_eq!(view.most_cycles_per_day, 24 * (26_153_846_153 + 1_000_000_000));
        world.runtime.run_for(Duration::from_secs(1));
        assert!(world.view().baseline.is_some(), "{ecosystem}");
        world.runtime.run_for(Duration::from_secs(3 * 3_600));
        assert_eq!(derivations(&world), before + 4, "{ecosystem}: one a look");

        world.change(read_credential.expect("one"), CredentialChange::Revoke);
        world.runtime.run_for(Duration::from_secs(3 * 3_600));
        assert_eq!((derivations(&world), world.view().failed_looks), (before + 4, 3), "{ecosystem}");
    }
}

#[test]
fn should_go_on_seeing_when_what_it_sees_freezes_what_publishes() {
    let world = World::with_credentials();
    let read_credential = Some(world.close_to_the_public(Ecosystem::Npm));
    let args = WatchArgs { read_credential, ..world.watch_args(Ecosystem::Npm) };
    watch::watch(&world.runtime, authority(), args).expect("watches");
    world.runtime.run_for(Duration::from_secs(1));
    world.runtime.0.borrow_mut().registries.listed.insert("0.9.1".into(), b"a thief's".to_vec());
    world.runtime.run_for(Duration::from_secs(2 * 3_600));
    let frozen: Vec<_> = freeze::in_force().into_iter().map(|freeze| freeze.scope).collect();
    assert_eq!(frozen, [FreezeScope::Credential(world.policy(Ecosystem::Npm).id())]);
    assert_eq!(world.view().failed_looks, 0);
}

#[test]
fn should_refuse_a_watch_whose_token_may_not_read_or_would_be_used_too_often() {
    let world = World::with_credentials();
    let read_credential = Some(world.close_to_the_public(Ecosystem::Npm));
    let good = WatchArgs { read_credential, ..world.watch_args(Ecosystem::Npm) };
    let refused = |args: WatchArgs| {
        watch::watch(&world.runtime, authority(), args).expect_err("refuses").defects()[0].field.clone()
    };
    assert_eq!(refused(WatchArgs { interval_s: 3_599, ..good.clone() }), "interval_s");
    let publishing = Some(world.policy(Ecosystem::Npm).id());
    assert_eq!(refused(WatchArgs { read_credential: publishing, ..good.clone() }), "read_credential");
    assert_eq!(refused(WatchArgs { package: "other".into(), ..good }), "read_credential");
}

#[test]
fn should_leave_a_watched_registry_alone_for_as_long_as_it_asks() {
    let world = World::with_credentials();
    let args = WatchArgs { interval_s: 600, ..world.watch_args(Ecosystem::Npm) };
    watch::watch(&world.runtime, authority(), args).expect("watches");
    world.runtime.run_for(Duration::from_secs(1));
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::ComeBackLater(429, "3000");
    let reads = || world.runtime.0.borrow().registries.reads;
    world.runtime.run_for(Duration::from_secs(600));
    let before = reads();
    world.runtime.upgrade();
    world.runtime.run_for(Duration::from_secs(3_590));
    assert_eq!((reads(), world.view().failed_looks), (before, 1));
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
    world.runtime.run_for(Duration::from_secs(20));
    assert_eq!((reads(), world.view().failed_looks), (before + 1, 0));
    world.runtime.run_for(Duration::from_secs(600));
    assert_eq!(reads(), before + 2, "what was asked for once is over");
}

#[test]
fn should_take_a_release_at_another_registry_for_none_at_the_watched_one_and_freeze_no_token_of_that() {
    let world = World::with_credentials();
    let elsewhere = "https://mirror.registry.example/npm.registry.example/";
    let policy = CredentialPolicy { endpoint: elsewhere.into(), epoch: 2, ..world.policy(Ecosystem::Npm) };
    let credential = world.activate(policy, NPM_TOKEN);
    let mut order = world.npm_order();
    (order.registry.upload_url, order.registry.read_url) = (elsewhere.into(), elsewhere.into());
    order.credential = Some(credential);
    assert!(world.carry_out(order).is_verified());
    world.runtime.0.borrow_mut().registries.retract(NPM_ATTACHMENT);
    world.watch(Ecosystem::Npm);
    // The same bytes under the same name, which nobody approved for this registry.
    world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, &npm_bytes());
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "1.0.0".into())]);
    assert_eq!(frozen_scopes(), [FreezeScope::Credential(world.policy(Ecosystem::Npm).id())]);
}

#[test]
fn should_drop_the_answer_to_a_look_of_an_earlier_watch() {
    let world = World::with_credentials();
    world.list("0.9.0", b"there from the start");
    world.watch(Ecosystem::Npm);
    world.list("0.9.1", b"there when it is watched anew");
    let (runtime, args) = (world.runtime.clone(), world.watch_args(Ecosystem::Npm));
    let watch_anew = move || {
        runtime.0.borrow_mut().now_ns += 1;
        watch::watch(&runtime, authority(), args).expect("watches");
    };
    world.runtime.0.borrow_mut().before_answer = Some(Box::new(watch_anew));
    while world.runtime.0.borrow().before_answer.is_some() {
        world.runtime.run_next_timer().expect("a look is due");
    }
    assert!(world.view().baseline.is_none(), "the answer belongs to another watch");
    assert!(world.findings().is_empty() && frozen_scopes().is_empty());
    world.runtime.run_for(Duration::from_secs(1));
    assert_eq!(world.view().baseline.expect("taken").entries, 2);
}
