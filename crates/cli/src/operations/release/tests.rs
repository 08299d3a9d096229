use candid::Principal;
use release_types::{CredentialMode, CredentialPolicy, Registry, Sha256Digest};

use super::*;

fn registry(id: &str, ecosystem: Ecosystem) -> RegistryView {
    let url = format!("https://{id}.registry.example/");
    let registry = Registry::new(ecosystem, url.clone(), url);
    RegistryView { id: RegistryId(id.into()), registry }
}

fn credential(
    registry: &RegistryView,
    package: &str,
    epoch: u32,
    status: CredentialStatus,
) -> CredentialView {
    let policy = CredentialPolicy {
        custody: Principal::from_slice(&[1]),
        ecosystem: registry.registry.ecosystem,
        endpoint: registry.registry.upload_url.clone(),
        packages: vec![package.into()],
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: 100,
        epoch,
    };
    let sealed_token_sha256 = Sha256Digest::of(b"");
    CredentialView {
        id: policy.id(),
        policy,
        status,
        deposited_at_ns: 1,
        sealed_token_sha256,
        probe: None,
        notice: None,
    }
}

#[test]
fn should_choose_the_only_registry_of_the_ecosystem() {
    let registries = [registry("npm", Ecosystem::Npm), registry("pypi", Ecosystem::Pypi)];
    let chosen = choose_registry(&registries, None, Some(Ecosystem::Pypi)).expect("one fits");
    assert_eq!(chosen.id.0, "pypi");
    let ambiguous = choose_registry(&registries, None, None).expect_err("two fit");
    assert!(ambiguous.message.contains("npm, pypi"), "{ambiguous}");
    assert!(choose_registry(&[], None, None).is_err());
}

#[test]
fn should_refuse_a_named_registry_that_is_missing_or_of_another_ecosystem() {
    let registries = [registry("npm", Ecosystem::Npm)];
    let npm = RegistryId("npm".into());
    assert!(choose_registry(&registries, Some(&npm), Some(Ecosystem::Npm)).is_ok());
    assert!(choose_registry(&registries, Some(&npm), Some(Ecosystem::Pypi)).is_err());
    assert!(choose_registry(&registries, Some(&RegistryId("other".into())), None).is_err());
}

#[test]
fn should_choose_the_newest_active_credential_that_covers_the_package() {
    let npm = registry("npm", Ecosystem::Npm);
    let active = |package, epoch| credential(&npm, package, epoch, CredentialStatus::Active);
    let all = [active("demo", 1), active("demo", 2), active("other", 3)];
    assert_eq!(choose_credential(&all, None, &npm, "demo", CredentialMode::Direct, 99), Ok(all[1].id));
    assert!(choose_credential(&all, None, &npm, "demo", CredentialMode::Direct, 100).is_err(), "expired");
    let staged = choose_credential(&all, None, &npm, "demo", CredentialMode::Staged, 99);
    assert!(staged.expect_err("of another kind").hint.expect("has one").contains("--mode staged"));
    assert!(
        choose_credential(&all, Some(all[2].id), &npm, "demo", CredentialMode::Direct, 99).is_err(),
        "another package"
    );
}

#[test]
fn should_say_what_to_do_when_no_credential_is_active() {
    let npm = registry("npm", Ecosystem::Npm);
    let deposited = [credential(&npm, "demo", 1, CredentialStatus::Deposited)];
    let failure =
        choose_credential(&deposited, None, &npm, "demo", CredentialMode::Direct, 99).expect_err("inactive");
    assert!(failure.hint.expect("has one").contains(&deposited[0].id.to_string()));
    let both = [deposited[0].clone(), credential(&npm, "demo", 2, CredentialStatus::Activating)];
    let failure =
        choose_credential(&both, None, &npm, "demo", CredentialMode::Direct, 99).expect_err("inactive");
    let hint = failure.hint.expect("has one");
    assert!(hint.contains(&format!("credential status {}", both[1].id)), "{hint}");
    let failure = choose_credential(&[], None, &npm, "demo", CredentialMode::Direct, 99).expect_err("none");
    assert!(failure.hint.expect("has one").contains("--package demo"));
}
