use release_types::{Registry, RegistryId, Sha256Digest, credential::CredentialStatus};
use serde_bytes::ByteBuf;

use super::*;

/// A user-scoped token of the real shape, made for tests.
const PYPI_TOKEN: &str = "pypi-AgEMcHlwaS5leGFtcGxlAiQxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUAAipbMywiYWFhYWFhYWEtYmJiYi00Y2NjLThkZGQtZWVlZWVlZWVlZWVlIl0AAAYgGRsdSW29cw97Nvc_GI5tBxilJD7R7-zINvC-8AKOWkI";
const NOW_NS: u64 = 1_800_000_000 * NS_PER_S;
const DAY_NS: u64 = 86_400 * NS_PER_S;

fn custody() -> Principal {
    Principal::from_slice(&[1, 2, 3])
}

fn master() -> MasterKey {
    MasterKey::of_main_network("key_1").expect("known")
}

fn token(text: &str) -> SecretToken {
    SecretToken::new(text.as_bytes().to_vec()).expect("printable")
}

fn policy(ecosystem: Ecosystem, packages: &[&str]) -> CredentialPolicy {
    CredentialPolicy {
        custody: custody(),
        ecosystem,
        endpoint: "https://registry.example/".into(),
        packages: packages.iter().map(|name| (*name).into()).collect(),
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: NOW_NS + 90 * DAY_NS,
        epoch: 1,
    }
}

fn info(sealing_key: Option<Vec<u8>>) -> CustodyInfo {
    CustodyInfo {
        authority: Principal::from_slice(&[9]),
        key_name: "key_1".into(),
        sealing_key: sealing_key.map(ByteBuf::from),
        receipt_key: None,
    }
}

#[test]
fn should_seal_only_to_the_key_that_it_derives_itself() {
    let derived = sealing::custody_public_key(&master(), custody());
    let honest = info(Some(derived.to_bytes()));
    assert_eq!(custody_key(&master(), "key_1", custody(), &honest), Ok(derived));
}

#[test]
fn should_abort_when_the_canister_reports_another_key_or_none() {
    let other = sealing::custody_public_key(&master(), Principal::from_slice(&[7])).to_bytes();
    let failure = custody_key(&master(), "key_1", custody(), &info(Some(other))).expect_err("another key");
    assert!(failure.message.contains("nothing was sealed"), "{failure}");
    assert!(custody_key(&master(), "key_1", custody(), &info(None)).is_err());
}

#[test]
fn should_abort_when_the_canister_names_another_key_than_it_was_deployed_with() {
    let derived = sealing::custody_public_key(&master(), custody()).to_bytes();
    let failure =
        custody_key(&master(), "test_key_1", custody(), &info(Some(derived))).expect_err("another name");
    assert!(failure.message.contains("test_key_1"), "{failure}");
}

#[test]
fn should_narrow_a_pypi_token_to_its_package_and_the_policy_s_end() {
    let policy = policy(Ecosystem::Pypi, &["demo"]);
    let narrowed = narrow(token(PYPI_TOKEN), &policy, NOW_NS).expect("a macaroon");
    let allowed = macaroon::restrictions(&narrowed).expect("a macaroon");
    assert_eq!(allowed.projects, Some(vec!["demo".to_string()]));
    assert_eq!(allowed.expires_s, Some(policy.not_after_ns / NS_PER_S));
    assert!(allowed.not_before_s < Some(NOW_NS / NS_PER_S), "works on clocks that are behind");
}

#[test]
fn should_leave_room_for_custody_to_narrow_to_each_package_of_several() {
    let policy = policy(Ecosystem::Pypi, &["demo", "other"]);
    let narrowed = narrow(token(PYPI_TOKEN), &policy, NOW_NS).expect("a macaroon");
    let allowed = macaroon::restrictions(&narrowed).expect("a macaroon").projects.expect("limited");
    assert_eq!(allowed, ["demo", "other"]);
    let at_use = macaroon::narrow(&narrowed, "other", NOW_NS / NS_PER_S - 60, NOW_NS / NS_PER_S + 300);
    let allowed = macaroon::restrictions(&at_use.expect("narrows")).expect("a macaroon");
    assert_eq!(allowed.projects, Some(vec!["other".to_string()]));
}

#[test]
fn should_refuse_a_token_of_the_other_ecosystem_without_showing_it() {
    let npm = format!("npm_{}", "aZ09".repeat(9));
    for (text, ecosystem) in [(npm.as_str(), Ecosystem::Pypi), (PYPI_TOKEN, Ecosystem::Npm)] {
        let failure =
            narrow(token(text), &policy(ecosystem, &["demo"]), NOW_NS).expect_err("another ecosystem");
        let shown = format!("{failure:?}");
        assert!(!shown.contains("aZ09") && !shown.contains("AgEM"), "{shown}");
    }
}

#[test]
fn should_warn_when_the_token_cannot_do_what_the_policy_says() {
    let narrow = macaroon::narrow(&token(PYPI_TOKEN), "demo", 0, NOW_NS / NS_PER_S + 60).expect("narrows");
    let warnings = warnings(&narrow, &policy(Ecosystem::Pypi, &["demo", "other"]));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("expires") && warnings[1].contains("other"), "{warnings:?}");
}

#[test]
fn should_count_epochs_for_each_endpoint() {
    let view = |endpoint: &str, epoch| {
        let policy = CredentialPolicy { endpoint: endpoint.into(), epoch, ..policy(Ecosystem::Npm, &["a"]) };
        CredentialView {
            id: policy.id(),
            policy,
            status: CredentialStatus::Revoked,
            deposited_at_ns: 1,
            sealed_token_sha256: Sha256Digest::of(b""),
            probe: None,
            notice: None,
        }
    };
    let earlier = [view("https://a.example/", 3), view("https://b.example/", 8)];
    assert_eq!(next_epoch(&earlier, Ecosystem::Npm, "https://a.example/"), 4);
    assert_eq!(next_epoch(&earlier, Ecosystem::Pypi, "https://a.example/"), 1);
}

#[test]
fn should_warn_when_the_registry_stops_taking_direct_releases_within_the_credentials_time() {
    let direct = policy(Ecosystem::Npm, &["demo"]);
    let registry = |ends_at_ns| RegistryView {
        id: RegistryId("npm".into()),
        registry: Registry {
            direct_publishing_ends_at_ns: ends_at_ns,
            ..Registry::new(Ecosystem::Npm, &direct.endpoint, &direct.endpoint)
        },
    };
    let warning = announced_end(&direct, &[registry(Some(direct.not_after_ns))]).expect("within its time");
    assert!(warning.contains("--mode staged"), "{warning}");
    assert_eq!(announced_end(&direct, &[registry(Some(direct.not_after_ns + 1))]), None, "after its time");
    assert_eq!(announced_end(&direct, &[registry(None)]), None, "nothing announced");
    let staged = CredentialPolicy { mode: CredentialMode::Staged, ..direct.clone() };
    assert_eq!(announced_end(&staged, &[registry(Some(0))]), None, "a person approves what it stages");
    let elsewhere = CredentialPolicy { endpoint: "https://other.example/".into(), ..direct.clone() };
    assert_eq!(announced_end(&elsewhere, &[registry(Some(0))]), None, "another registry");
}
