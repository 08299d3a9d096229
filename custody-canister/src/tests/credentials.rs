use candid::Principal;
use release_types::{
    CredentialPolicy, Ecosystem,
    credential::{CredentialStatus, CredentialView, DepositCredentialArgs, ListCredentialsArgs},
    custody::{ChangeCredentialArgs, CustodyInit},
    proposal::CredentialChange::{Activate, Revoke},
};

use sealing::SEALED_TOKEN_BYTES;

use super::{
    stub::StubRuntime,
    world::{NPM_TOKEN, World, authority, stranger},
};
use crate::{credentials, lifecycle, queries, storage};

fn refusal(world: &World, args: DepositCredentialArgs) -> String {
    let before = queries::state_digest();
    let refusal = credentials::deposit(&world.runtime, authority(), args).expect_err("refused").to_string();
    assert_eq!(queries::state_digest(), before, "a refusal leaves no trace");
    refusal
}

#[test]
fn should_learn_its_public_keys_after_installation() {
    let world = World::new();
    let info = queries::custody_info();
    assert_eq!(info.authority, authority());
    assert_eq!(info.sealing_key.expect("learned").to_vec(), StubRuntime::sealing_public_key());
    assert_eq!(info.receipt_key.expect("learned").len(), 32);
    world.runtime.settle();
}

#[test]
#[should_panic(expected = "ERROR: authority: found none")]
fn should_not_install_without_an_authority() {
    lifecycle::init(&StubRuntime::new(), CustodyInit { authority: None, key_name: "key_1".into() }, None);
}

#[test]
#[should_panic(expected = "ERROR: authority: found the anonymous principal")]
fn should_not_take_orders_from_nobody() {
    let init = CustodyInit { authority: Some(Principal::anonymous()), key_name: "key_1".into() };
    lifecycle::init(&StubRuntime::new(), init, None);
}

#[test]
fn should_take_the_authority_from_the_environment_for_want_of_an_argument() {
    let init = CustodyInit { authority: None, key_name: "key_1".into() };
    lifecycle::init(&StubRuntime::new(), init, Some(stranger()));
    assert_eq!(queries::custody_info().authority, stranger());
}

#[test]
fn should_refuse_deposits_and_changes_by_everyone_but_the_authority() {
    let world = World::new();
    let args = world.sealed(world.policy(Ecosystem::Npm), NPM_TOKEN);
    let id = world.deposit(Ecosystem::Npm);
    let before = queries::state_digest();
    for caller in [stranger(), Principal::anonymous(), world.runtime.custody()] {
        let deposit =
            credentials::deposit(&world.runtime, caller, args.clone()).expect_err("refused").to_string();
        assert!(deposit.starts_with("REFUSED: caller: "), "{deposit}");
        for change in [Activate, Revoke] {
            let args = ChangeCredentialArgs { credential: id, change };
            let change = credentials::change(&world.runtime, caller, args).expect_err("refused").to_string();
            assert!(change.starts_with("REFUSED: caller: "), "{change}");
        }
    }
    assert_eq!(queries::state_digest(), before);
}

#[test]
fn should_activate_after_a_trial_decryption() {
    let world = World::new();
    let id = world.deposit(Ecosystem::Pypi);
    assert_eq!(world.credential_status(id), CredentialStatus::Deposited);
    world.change(id, Activate);
    assert_eq!(world.credential_status(id), CredentialStatus::Activating);
    world.runtime.settle();
    assert_eq!(world.credential_status(id), CredentialStatus::Active);
}

#[test]
fn should_find_out_at_activation_when_a_token_was_sealed_to_another_policy() {
    let world = World::new();
    let policy = world.policy(Ecosystem::Npm);
    let other = CredentialPolicy { epoch: 2, ..policy.clone() };
    let args = DepositCredentialArgs { policy, ..world.sealed(other, NPM_TOKEN) };
    let id = credentials::deposit(&world.runtime, authority(), args).expect("deposits").id;
    world.change(id, Activate);
    world.runtime.settle();
    assert!(
        matches!(world.credential_status(id), CredentialStatus::Unusable { reason } if reason.contains("seal"))
    );
}

#[test]
fn should_give_up_an_activation_after_some_derivations_and_allow_another() {
    let world = World::new();
    let id = world.deposit(Ecosystem::Npm);
    world.runtime.0.borrow_mut().failing_derivations = 5;
    world.change(id, Activate);
    world.runtime.settle();
    assert!(matches!(world.credential_status(id), CredentialStatus::Unusable { .. }));
    assert_eq!(world.runtime.0.borrow().derivations, 5);
    world.change(id, Activate);
    world.runtime.settle();
    assert_eq!(world.credential_status(id), CredentialStatus::Active);
}

#[test]
fn should_wait_with_an_activation_that_cannot_be_paid() {
    let world = World::new();
    let id = world.deposit(Ecosystem::Npm);
    world.runtime.0.borrow_mut().cycles = 1_000;
    world.change(id, Activate);
    world.runtime.run_next_timer();
    assert_eq!(world.runtime.0.borrow().derivations, 0);
    world.runtime.0.borrow_mut().cycles = 1_000_000_000_000;
    world.runtime.settle();
    assert_eq!(world.credential_status(id), CredentialStatus::Active);
}

#[test]
fn should_stay_revoked_and_forget_the_sealed_token() {
    let world = World::new();
    let id = world.deposit(Ecosystem::Npm);
    world.change(id, Revoke);
    world.change(id, Revoke);
    assert_eq!(storage::sealed_token(&id), None);
    let args = ChangeCredentialArgs { credential: id, change: Activate };
    let refusal = credentials::change(&world.runtime, authority(), args).expect_err("refused").to_string();
    assert!(refusal.starts_with("REFUSED: credential: found revoked"), "{refusal}");
}

#[test]
fn should_not_activate_what_was_revoked_while_its_key_was_derived() {
    let world = World::new();
    let id = world.deposit(Ecosystem::Npm);
    world.change(id, Activate);
    let revoking = World { runtime: world.runtime.clone() };
    world.runtime.0.borrow_mut().before_key = Some(Box::new(move || revoking.change(id, Revoke)));
    world.runtime.settle();
    assert_eq!(world.credential_status(id), CredentialStatus::Revoked);
}

#[test]
fn should_take_the_same_deposit_twice_but_no_other_token_under_its_policy() {
    let world = World::new();
    let args = world.sealed(world.policy(Ecosystem::Npm), NPM_TOKEN);
    let first = credentials::deposit(&world.runtime, authority(), args.clone()).expect("deposits");
    let again = credentials::deposit(&world.runtime, authority(), args.clone()).expect("the same");
    assert_eq!(first, again);
    let mut other = args;
    other.sealed_token[0] ^= 1;
    assert!(refusal(&world, other).contains("sealed_token: found another token"));
}

#[test]
fn should_name_the_field_of_each_defect_of_a_deposit() {
    let world = World::new();
    let good = world.sealed(world.policy(Ecosystem::Npm), NPM_TOKEN);
    let cases: [(&str, &dyn Fn(&mut DepositCredentialArgs)); 13] = [
        ("policy.custody: ", &|d| d.policy.custody = stranger()),
        ("policy.endpoint: ", &|d| d.policy.endpoint = "http://npm.registry.example/".into()),
        ("policy.packages: ", &|d| d.policy.packages.clear()),
        ("policy.packages: ", &|d| d.policy.packages = vec!["p".into(); 51]),
        ("policy.packages[0]: ", &|d| d.policy.packages[0] = "p".repeat(215)),
        ("policy.endpoint: ", &|d| d.policy.endpoint = format!("https://e.example/{}", "a".repeat(2_048))),
        ("policy.packages[0]: ", &|d| d.policy.packages[0] = "a b".into()),
        ("policy.epoch: ", &|d| d.policy.epoch = 0),
        ("policy.not_after_ns: ", &|d| d.policy.not_after_ns = 1),
        ("sealed_token: ", &|d| d.sealed_token.clear()),
        ("sealed_token: ", &|d| d.sealed_token = vec![0]),
        ("sealed_token: ", &|d| d.sealed_token.truncate(SEALED_TOKEN_BYTES - 1)),
        ("sealed_token: ", &|d| d.sealed_token.push(0)),
    ];
    for (field, defect) in cases {
        let mut args = good.clone();
        defect(&mut args);
        let refusal = refusal(&world, args);
        assert!(refusal.contains(&format!("REFUSED: {field}")), "expected {field} in {refusal}");
    }
}

#[test]
fn should_take_a_bounded_number_of_deposits() {
    let world = World::new();
    let good = world.sealed(world.policy(Ecosystem::Npm), NPM_TOKEN);
    let deposit = |epoch: u32| DepositCredentialArgs {
        policy: CredentialPolicy { epoch, ..good.policy.clone() },
        sealed_token: good.sealed_token.clone(),
    };
    for epoch in 1..=credentials::MAX_CREDENTIALS as u32 {
        credentials::deposit(&world.runtime, authority(), deposit(epoch)).expect("deposits");
    }
    assert!(refusal(&world, deposit(501)).contains("credentials: found 500 in custody"));
    world.change(deposit(7).policy.id(), Revoke);
    credentials::deposit(&world.runtime, authority(), deposit(501)).expect("a revoked one makes room");
    assert!(refusal(&world, deposit(502)).contains("credentials: found 500 in custody"));
}

#[test]
fn should_list_credentials_oldest_first_in_pages_that_fit_one_answer() {
    let world = World::new();
    let good = world.sealed(world.policy(Ecosystem::Npm), NPM_TOKEN);
    let largest = |epoch: u32| CredentialPolicy {
        endpoint: format!("https://npm.registry.example/{}", "a".repeat(2_019)),
        packages: vec!["p".repeat(214); 50],
        epoch,
        ..good.policy.clone()
    };
    for epoch in 1..=120 {
        world.runtime.0.borrow_mut().now_ns += 1;
        let args = DepositCredentialArgs { policy: largest(epoch), sealed_token: good.sealed_token.clone() };
        credentials::deposit(&world.runtime, authority(), args).expect("deposits");
    }
    let page = |start, limit| queries::list_credentials(&ListCredentialsArgs { start, limit });
    let epochs =
        |page: Vec<CredentialView>| page.into_iter().map(|view| view.policy.epoch).collect::<Vec<_>>();
    assert!(candid::encode_one(page(0, Some(u32::MAX))).expect("encodes").len() < 1_000_000);
    assert_eq!(epochs(page(0, Some(u32::MAX))), (1..=50).collect::<Vec<_>>());
    assert_eq!(epochs(page(50, None)), (51..=70).collect::<Vec<_>>());
    assert_eq!(epochs(page(118, Some(50))), [119, 120]);
    assert_eq!(epochs(page(u64::MAX, None)), [0; 0]);
    let id = largest(77).id();
    assert_eq!(queries::credential(&id).expect("it is kept").policy, largest(77));
    assert_eq!(queries::credential(&largest(121).id()), None);
}
