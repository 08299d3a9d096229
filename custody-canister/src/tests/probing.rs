use std::time::Duration;

use candid::Principal;
use release_types::{
    CredentialId, Ecosystem, FreezeArgs, FreezeScope,
    credential::ProbeOutcome,
    custody::ChangeCredentialArgs,
    proposal::CredentialChange::{Probe, Revoke},
};

use super::{
    registries::ReadBackMode,
    world::{NPM_TOKEN, PYPI_TOKEN, World, authority},
};
use crate::{credentials, freeze, queries, storage};

fn outcome(id: CredentialId) -> Option<ProbeOutcome> {
    queries::credential(&id).expect("in custody").probe.expect("was probed").outcome
}

fn probe(world: &World, ecosystem: Ecosystem) -> Option<ProbeOutcome> {
    let id = world.policy(ecosystem).id();
    world.change(id, Probe);
    world.runtime.run_for(Duration::from_secs(600));
    outcome(id)
}

#[test]
fn should_say_whether_npm_knows_the_token_and_not_whose_it_is() {
    for (status, body, expected) in [
        (200, r#"{"username":"ada-the-owner"}"#, ProbeOutcome::Alive),
        (200, "{}", ProbeOutcome::RefusedByRegistry),
        (401, "{}", ProbeOutcome::RefusedByRegistry),
        (500, "oops", ProbeOutcome::NotAnswered),
    ] {
        let world = World::with_credentials();
        world.runtime.0.borrow_mut().registries.whoami = (status, body);
        assert_eq!(probe(&world, Ecosystem::Npm), Some(expected), "{status} {body}");
        let log = storage::read_log(|log| format!("{:?}", log.blocks(0, log.len())));
        assert!(!log.contains("ada-the-owner") && !log.contains(NPM_TOKEN));
    }
}

#[test]
fn should_read_the_dates_of_a_token_that_no_index_can_be_asked_about() {
    use registry_protocols::{macaroon, secret::SecretToken};
    let dated = |from_s, until_s| {
        let token = SecretToken::new(PYPI_TOKEN.as_bytes().to_vec()).expect("a token");
        let narrowed = macaroon::narrow(&token, "demo", from_s, until_s).expect("narrows");
        String::from_utf8(narrowed.expose().to_vec()).expect("ASCII")
    };
    let world = World::with_credentials();
    let now_s = world.now_ns() / 1_000_000_000;
    assert_eq!(probe(&world, Ecosystem::Pypi), Some(ProbeOutcome::Alive));
    for (epoch, token) in [(2, dated(1, now_s + 100)), (3, dated(now_s + 90_000, now_s + 100_000))] {
        let policy = release_types::CredentialPolicy { epoch, ..world.policy(Ecosystem::Pypi) };
        let id = world.activate(policy, &token);
        world.runtime.run_for(Duration::from_secs(200));
        world.change(id, Probe);
        world.runtime.run_for(Duration::from_secs(60));
        assert_eq!(outcome(id), Some(ProbeOutcome::OutOfDate), "epoch {epoch}");
    }
}

#[test]
fn should_derive_a_bounded_number_of_keys_for_a_probe_that_nobody_answers() {
    let world = World::with_credentials();
    let before = world.runtime.0.borrow().derivations;
    world.runtime.0.borrow_mut().failing_derivations = 100;
    assert_eq!(probe(&world, Ecosystem::Npm), Some(ProbeOutcome::NotAnswered));
    assert_eq!(world.runtime.0.borrow().derivations - before, 3);
}

#[test]
fn should_probe_once_when_asked_twice_and_only_what_can_be_paid_for() {
    let world = World::with_credentials();
    let id = world.policy(Ecosystem::Npm).id();
    let before = world.runtime.0.borrow().derivations;
    world.runtime.0.borrow_mut().cycles = 26_153_846_153 + 1_000_000_000;
    world.change(id, Probe);
    world.change(id, Probe);
    world.runtime.run_for(Duration::from_secs(600));
    assert_eq!((world.runtime.0.borrow().derivations, outcome(id)), (before, None));
    world.runtime.0.borrow_mut().cycles += 1;
    world.runtime.run_for(Duration::from_secs(60));
    assert_eq!((world.runtime.0.borrow().derivations, outcome(id)), (before + 1, Some(ProbeOutcome::Alive)));
}

#[test]
fn should_probe_nothing_while_frozen_and_go_on_across_an_upgrade() {
    let world = World::with_credentials();
    let args = FreezeArgs { scope: FreezeScope::Everything, reason: "a test".into() };
    freeze::freeze(&world.runtime, authority(), args).expect("freezes");
    let before = world.runtime.0.borrow().derivations;
    assert_eq!(probe(&world, Ecosystem::Npm), None);
    assert_eq!(world.runtime.0.borrow().derivations, before);
    freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("lifts");
    world.runtime.upgrade();
    world.runtime.run_for(Duration::from_secs(60));
    assert_eq!(outcome(world.policy(Ecosystem::Npm).id()), Some(ProbeOutcome::Alive));
}

#[test]
fn should_probe_for_the_authority_alone_and_nothing_that_was_revoked() {
    let world = World::with_credentials();
    let credential = world.policy(Ecosystem::Npm).id();
    let args = ChangeCredentialArgs { credential, change: Probe };
    let refused = credentials::change(&world.runtime, Principal::anonymous(), args.clone());
    assert!(refused.expect_err("refused").to_string().starts_with("REFUSED: caller: "));
    world.change(credential, Revoke);
    let refused = credentials::change(&world.runtime, authority(), args).expect_err("refused").to_string();
    assert!(refused.contains("found revoked"), "{refused}");
}

#[test]
fn should_ask_again_only_when_the_registry_allows_it() {
    let world = World::with_credentials();
    let id = world.policy(Ecosystem::Npm).id();
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::ComeBackLater(429, "600");
    world.change(id, Probe);
    world.runtime.run_for(Duration::from_secs(900));
    assert_eq!((world.runtime.0.borrow().registries.reads, outcome(id)), (1, None));
    world.runtime.0.borrow_mut().registries.read_backs = ReadBackMode::Honest;
    world.runtime.run_for(Duration::from_secs(120));
    assert_eq!((world.runtime.0.borrow().registries.reads, outcome(id)), (2, Some(ProbeOutcome::Alive)));
}
