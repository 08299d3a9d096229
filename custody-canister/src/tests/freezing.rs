use std::time::Duration;

use release_types::{
    CredentialId, Ecosystem, FreezeArgs, FreezeScope,
    PublicationState::{Prepared, Verified},
    Sha256Digest,
    credential::CredentialStatus,
    freeze::{FreezeReason, FreezeView, MAX_FREEZE_REASON_BYTES},
    proposal::CredentialChange::Activate,
};

use super::{
    registries::Behaviour,
    world::{World, authority, states, stranger},
};
use crate::{
    freeze, queries,
    state::{Event, event::DerivationPurpose, process_event},
};

fn demand(scope: FreezeScope) -> FreezeArgs {
    FreezeArgs { scope, reason: "a laptop was stolen".into() }
}

fn freeze_all(world: &World) {
    freeze::freeze(&world.runtime, authority(), demand(FreezeScope::Everything)).expect("freezes");
}

fn derivations(world: &World) -> usize {
    world.runtime.0.borrow().derivations
}

#[test]
fn should_derive_nothing_while_frozen_and_go_on_when_the_freeze_is_lifted() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let world = World::with_credentials();
        let credential = world.policy(ecosystem).id();
        for scope in [FreezeScope::Everything, FreezeScope::Credential(credential)] {
            freeze::freeze(&world.runtime, authority(), demand(scope)).expect("freezes");
        }
        let before = derivations(&world);
        let id = world.publish(world.order_of(ecosystem)).id;
        world.runtime.run_for(Duration::from_secs(3_600));
        freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("lifts");
        world.runtime.run_for(Duration::from_secs(3_600));
        assert_eq!(derivations(&world), before, "one of the two freezes is in force still");
        assert_eq!(world.sent(), 0);
        assert!(states(&world.status(&id)).iter().all(|state| *state == Prepared));
        freeze::unfreeze(&world.runtime, authority(), FreezeScope::Credential(credential)).expect("lifts");
        world.runtime.settle();
        assert!(states(&world.status(&id)).iter().all(|state| *state == Verified));
    }
}

#[test]
fn should_freeze_one_credential_and_let_the_others_work() {
    let world = World::with_credentials();
    let frozen = FreezeScope::Credential(world.policy(Ecosystem::Npm).id());
    freeze::freeze(&world.runtime, authority(), demand(frozen)).expect("freezes");
    let status = world.carry_out(world.pypi_order());
    assert!(status.is_verified(), "{status:?}");
}

#[test]
fn should_send_nothing_when_frozen_while_the_key_is_on_its_way() {
    let world = World::with_credentials();
    let runtime = world.runtime.clone();
    let freeze = move || {
        freeze::freeze(&runtime, authority(), demand(FreezeScope::Everything)).expect("freezes");
    };
    world.runtime.0.borrow_mut().before_key = Some(Box::new(freeze));
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_secs(3_600));
    assert_eq!(world.sent(), 0);
    assert_eq!(states(&world.status(&id)), [Prepared]);
}

#[test]
fn should_read_back_what_was_sent_before_the_freeze() {
    let world = World::with_credentials();
    let late = Behaviour::PublishLate(600 * 1_000_000_000);
    world.runtime.0.borrow_mut().registries.behaviours.push_back(late);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_secs(60));
    assert_eq!(world.sent(), 1);
    freeze_all(&world);
    world.runtime.settle();
    assert!(world.status(&id).is_verified(), "neither reading nor signing the receipt uses the token");
}

#[test]
fn should_not_try_a_credential_while_frozen() {
    let world = World::new();
    freeze_all(&world);
    let id = world.deposit(Ecosystem::Npm);
    world.change(id, Activate);
    world.runtime.run_for(Duration::from_secs(3_600));
    assert_eq!(world.credential_status(id), CredentialStatus::Activating);
    assert_eq!(derivations(&world), 0);
    freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("lifts");
    world.runtime.settle();
    assert_eq!(world.credential_status(id), CredentialStatus::Active);
}

#[test]
fn should_ask_for_no_key_when_frozen_while_randomness_comes() {
    let world = World::with_credentials();
    let runtime = world.runtime.clone();
    let freeze = move || {
        freeze::freeze(&runtime, authority(), demand(FreezeScope::Everything)).expect("freezes");
    };
    world.runtime.0.borrow_mut().before_seed = Some(Box::new(freeze));
    let before = derivations(&world);
    let id = world.publish(world.npm_order()).id;
    world.runtime.run_for(Duration::from_secs(3_600));
    assert!(world.runtime.0.borrow().before_seed.is_none(), "randomness was asked for");
    assert_eq!((derivations(&world), world.sent()), (before, 0));
    assert_eq!(states(&world.status(&id)), [Prepared]);
}

#[test]
fn should_stay_frozen_across_an_upgrade() {
    let world = World::with_credentials();
    freeze_all(&world);
    let before = derivations(&world);
    world.runtime.upgrade();
    world.publish(world.npm_order());
    world.runtime.run_for(Duration::from_secs(3_600));
    assert_eq!(derivations(&world), before);
    let reason = FreezeReason::Demanded { reason: "a laptop was stolen".into() };
    let views = freeze::in_force();
    assert!(
        matches!(&views[..], [FreezeView { scope: FreezeScope::Everything, reason: r, .. }] if *r == reason)
    );
}

#[test]
fn should_change_nothing_when_frozen_or_lifted_twice() {
    let world = World::new();
    freeze_all(&world);
    let before = queries::state_digest();
    freeze_all(&world);
    assert_eq!(queries::state_digest(), before);
    for _ in 0..2 {
        let left = freeze::unfreeze(&world.runtime, authority(), FreezeScope::Everything).expect("lifts");
        assert!(left.is_empty());
    }
}

#[test]
fn should_freeze_and_unfreeze_for_the_authority_alone_and_only_what_exists() {
    let world = World::new();
    let everything = FreezeScope::Everything;
    let before = queries::state_digest();
    let unknown = FreezeScope::Credential(CredentialId(Sha256Digest([9; 32])));
    let no_reason = FreezeArgs { scope: everything, reason: String::new() };
    let endless = FreezeArgs { scope: everything, reason: "x".repeat(MAX_FREEZE_REASON_BYTES + 1) };
    let refused =
        |caller, args| freeze::freeze(&world.runtime, caller, args).expect_err("refused").to_string();
    assert!(refused(stranger(), demand(everything)).starts_with("REFUSED: caller: "));
    assert!(refused(authority(), demand(unknown)).starts_with("REFUSED: scope: "));
    assert!(refused(authority(), no_reason).starts_with("REFUSED: reason: found 0 bytes"));
    assert!(refused(authority(), endless).starts_with("REFUSED: reason: found 501 bytes"));
    let lifting =
        |caller, scope| freeze::unfreeze(&world.runtime, caller, scope).expect_err("refused").to_string();
    assert!(lifting(stranger(), everything).starts_with("REFUSED: caller: "));
    assert!(lifting(authority(), unknown).starts_with("REFUSED: scope: "));
    assert_eq!(queries::state_digest(), before);
}

/// The last line of defence: even if some path forgot to ask, the log cannot take the derivation.
#[test]
#[should_panic(expected = "which is frozen")]
fn should_never_record_a_derivation_while_frozen() {
    let world = World::new();
    let credential = world.deposit(Ecosystem::Npm);
    world.change(credential, Activate);
    freeze_all(&world);
    let purpose = DerivationPurpose::Activation { credential };
    process_event(&world.runtime, Event::BoundDerivation { purpose });
}
