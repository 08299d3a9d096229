//! What a watch may cause: which tokens it freezes, what it asks for and how often, what it leaves behind.

use std::time::Duration;

use release_types::{
    CredentialPolicy, Ecosystem, FreezeScope,
    PublicationState::{Blocked, Declared},
    Registry,
    declaration::DeclareOutcomeArgs,
    proposal::CredentialChange,
    watch::{FindingKind, WatchArgs},
};

use super::{
    registries::{Behaviour, ReadBackMode},
    watching::frozen_scopes,
    world::{NPM_ATTACHMENT, NPM_TOKEN, PYPI_TOKEN, World, authority, npm_bytes, states},
};
use crate::{publish::declaring, storage, watch};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Lets the registry answer every look so.
fn answer_looks(world: &World, read_backs: ReadBackMode) {
    world.runtime.0.borrow_mut().registries.read_backs = read_backs;
}

fn begin(world: &World, args: WatchArgs) {
    watch::watch(&world.runtime, authority(), args).expect("watches");
    world.runtime.run_for(Duration::from_secs(1));
}

#[test]
fn should_freeze_no_token_that_could_not_publish_the_package() {
    let world = World::with_credentials();
    let npm = world.policy(Ecosystem::Npm);
    world.activate(
        CredentialPolicy { packages: vec!["@dao/other".into()], epoch: 2, ..npm.clone() },
        NPM_TOKEN,
    );
    let revoked = world.activate(CredentialPolicy { epoch: 3, ..npm.clone() }, NPM_TOKEN);
    world.change(revoked, CredentialChange::Revoke);
    world.activate(CredentialPolicy { ecosystem: Ecosystem::Pypi, epoch: 4, ..npm.clone() }, PYPI_TOKEN);
    world.watch(Ecosystem::Npm);
    world.list("0.9.1", b"a thief's");
    world.runtime.run_for(HOUR);
    assert_eq!(frozen_scopes(), [FreezeScope::Credential(npm.id())]);
}

#[test]
fn should_take_a_version_for_unapproved_while_another_is_under_way() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::InventSuccess);
    world.publish(world.npm_order());
    world.list("0.9.1", &npm_bytes());
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "0.9.1".into())]);
}

#[test]
fn should_take_for_approved_what_was_declared_published_and_nothing_else_under_its_name() {
    for (bytes, findings) in [(npm_bytes(), 0), (b"a thief's".to_vec(), 1)] {
        let world = World::with_credentials();
        world.watch(Ecosystem::Npm);
        world.runtime.0.borrow_mut().registries.behaviours.push_back(Behaviour::InventSuccess);
        let order = world.publish(world.npm_order()).id;
        world.runtime.run_for(5 * HOUR);
        assert!(matches!(states(&world.status(&order))[0], Blocked { .. }));
        let reason = "the registry's support says so".to_owned();
        let args = DeclareOutcomeArgs { order: order.clone(), artifact: 0, published: true, reason };
        declaring::declare(&world.runtime, authority(), args).expect("it is blocked");
        assert!(matches!(states(&world.status(&order))[0], Declared { .. }));
        world.runtime.0.borrow_mut().registries.put(NPM_ATTACHMENT, &bytes);
        world.runtime.run_for(HOUR);
        assert_eq!((world.findings().len(), frozen_scopes().len()), (findings, findings));
    }
}

#[test]
fn should_take_a_package_that_was_never_published_for_an_empty_baseline() {
    let world = World::with_credentials();
    answer_looks(&world, ReadBackMode::Status(404));
    world.watch(Ecosystem::Npm);
    assert_eq!(world.view().baseline.expect("taken").entries, 0);
    answer_looks(&world, ReadBackMode::Honest);
    world.list("0.1.0", b"a squatter's");
    world.runtime.run_for(HOUR);
    assert_eq!(world.findings(), [(FindingKind::Unapproved, "0.1.0".into())]);
}

#[test]
fn should_hurry_to_a_baseline_only_where_a_look_derives_no_key() {
    for is_private in [false, true] {
        let world = World::with_credentials();
        let read_credential = is_private.then(|| world.close_to_the_public(Ecosystem::Npm));
        answer_looks(&world, ReadBackMode::Status(500));
        begin(&world, WatchArgs { read_credential, ..world.watch_args(Ecosystem::Npm) });
        answer_looks(&world, ReadBackMode::Honest);
        world.runtime.run_for(5 * MINUTE);
        assert_eq!(world.view().baseline.is_none(), is_private);
        world.runtime.run_for(55 * MINUTE);
        assert!(world.view().baseline.is_some());
    }
}

#[test]
fn should_forget_earlier_looks_when_watched_anew_and_everything_when_watched_no_longer() {
    let world = World::with_credentials();
    world.watch(Ecosystem::Npm);
    answer_looks(&world, ReadBackMode::ComeBackLater(429, "3600"));
    world.runtime.run_for(HOUR);
    assert_eq!(world.view().failed_looks, 1);
    let view = watch::watch(&world.runtime, authority(), world.watch_args(Ecosystem::Npm)).expect("watches");
    assert_eq!((view.failed_looks, view.looked_at_ns, view.answered_at_ns), (0, None, None));
    answer_looks(&world, ReadBackMode::Honest);
    world.runtime.run_for(Duration::from_secs(1));
    let key = world.watched(Ecosystem::Npm);
    assert!(storage::look(&key).is_some() && storage::listing(&key).is_some());
    watch::unwatch(&world.runtime, authority(), key.clone()).expect("ends");
    assert!(storage::look(&key).is_none() && storage::listing(&key).is_none());
}

#[test]
fn should_ask_nothing_when_the_watch_ends_while_its_key_comes() {
    let world = World::with_credentials();
    let read_credential = Some(world.close_to_the_public(Ecosystem::Npm));
    let (runtime, key) = (world.runtime.clone(), world.watched(Ecosystem::Npm));
    let unwatch = move || {
        watch::unwatch(&runtime, authority(), key).expect("ends");
    };
    world.runtime.0.borrow_mut().before_key = Some(Box::new(unwatch));
    begin(&world, WatchArgs { read_credential, ..world.watch_args(Ecosystem::Npm) });
    assert!(world.runtime.0.borrow().before_key.is_none(), "the key came");
    assert_eq!(world.runtime.0.borrow().registries.reads, 0);
}

#[test]
fn should_refuse_a_watch_at_no_url_or_of_a_project_by_another_spelling() {
    let world = World::new();
    let refused = |args: WatchArgs| {
        let refusal = watch::watch(&world.runtime, authority(), args).expect_err("refuses");
        refusal.defects().iter().map(|defect| defect.field.clone()).collect::<Vec<_>>()
    };
    let npm = world.watch_args(Ecosystem::Npm);
    let nowhere = Registry { read_url: "http://npm.registry.example/".into(), ..npm.registry.clone() };
    assert_eq!(refused(WatchArgs { registry: nowhere, ..npm }), ["read_url"]);
    let pypi = world.watch_args(Ecosystem::Pypi);
    assert_eq!(refused(WatchArgs { package: "Demo".into(), ..pypi }), ["package"]);
}
