use candid::Principal;
use release_types::Sha256Digest;

use super::*;
use crate::failure::FailureKind;

/// Within the time of every policy here, unless a test says otherwise.
const NOW_NS: u64 = 500;

fn view(epoch: u32, status: CredentialStatus) -> CredentialView {
    let policy = policy(epoch);
    CredentialView {
        id: policy.id(),
        policy,
        status,
        deposited_at_ns: 1,
        probe: None,
        notice: None,
        sealed_token_sha256: Sha256Digest::of(&epoch.to_be_bytes()),
    }
}

fn changed(epoch: u32, change: impl FnOnce(&mut CredentialPolicy)) -> CredentialView {
    let mut view = view(epoch, CredentialStatus::Active);
    change(&mut view.policy);
    view.id = view.policy.id();
    view
}

#[test]
fn should_go_on_from_wherever_a_rotation_was_interrupted() {
    use CredentialStatus::{Activating, Active, Deposited, Revoked};
    let successor = view(2, Deposited).id;
    let steps = [
        (Active, None, Step::Seal { epoch: 2 }),
        (Active, Some(Deposited), Step::Activate { successor }),
        (Active, Some(Activating), Step::WaitForTrial { successor }),
        (Active, Some(Active), Step::RevokeOld { successor }),
        (Revoked, Some(Active), Step::Done { successor }),
        // An old token that was revoked first, for it had leaked, is replaced all the same.
        (Revoked, None, Step::Seal { epoch: 2 }),
    ];
    for (old, new, expected) in steps {
        let old = view(1, old);
        let all: Vec<_> = [old.clone()].into_iter().chain(new.map(|status| view(2, status))).collect();
        assert_eq!(next_step(&old, &all, NOW_NS), expected, "{all:?}");
    }
}

#[test]
fn should_seal_under_an_epoch_of_its_own_when_a_successor_proved_unusable() {
    let old = view(1, CredentialStatus::Active);
    let spoilt = view(2, CredentialStatus::Unusable { reason: "not for this key".into() });
    assert_eq!(next_step(&old, &[old.clone(), spoilt], NOW_NS), Step::Seal { epoch: 3 });
}

#[test]
fn should_take_no_credential_of_another_use_for_the_successor() {
    let old = view(1, CredentialStatus::Active);
    let others = [
        changed(2, |policy| policy.packages.push("other".into())),
        changed(2, |policy| policy.endpoint.push('x')),
        changed(2, |policy| policy.ecosystem = Ecosystem::Pypi),
        changed(2, |policy| policy.mode = CredentialMode::Read),
    ];
    for other in others {
        let step = next_step(&old, &[old.clone(), other.clone()], NOW_NS);
        assert_eq!(step, Step::Seal { epoch: 2 }, "{other:?}");
    }
}

#[test]
fn should_revoke_nothing_for_a_token_whose_time_has_not_come_or_is_over() {
    let old = view(1, CredentialStatus::Active);
    for other in [
        changed(2, |policy| policy.not_before_ns = NOW_NS + 1),
        changed(2, |policy| policy.not_after_ns = NOW_NS),
    ] {
        let step = next_step(&old, &[old.clone(), other.clone()], NOW_NS);
        assert_eq!(step, Step::Seal { epoch: 3 }, "{other:?}");
    }
}

#[test]
fn should_refuse_more_than_90_days_for_npm_tokens_that_may_write() {
    let now_ns = 7 * NS_PER_DAY;
    let until = |days: u64| CredentialPolicy { not_after_ns: now_ns + days * NS_PER_DAY, ..policy(1) };
    assert_eq!(check_period(&until(90), now_ns), Ok(()));
    let failure = check_period(&until(91), now_ns).expect_err("too long");
    assert_eq!(failure.kind, FailureKind::Usage);
    assert!(failure.message.contains("90 days"), "{failure}");
    let python = CredentialPolicy { ecosystem: Ecosystem::Pypi, ..until(365) };
    assert_eq!(check_period(&python, now_ns), Ok(()));
    assert_eq!(check_period(&CredentialPolicy { mode: CredentialMode::Read, ..until(365) }, now_ns), Ok(()));
}

fn policy(epoch: u32) -> CredentialPolicy {
    CredentialPolicy {
        custody: Principal::from_slice(&[1]),
        ecosystem: Ecosystem::Npm,
        endpoint: "https://npm.registry.example/".into(),
        packages: vec!["demo".into()],
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: 1_000,
        epoch,
    }
}
