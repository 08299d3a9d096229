use candid::Principal;
use release_types::CredentialMode;

use super::*;

/// A user-scoped token of the real shape, made for tests.
const PYPI_TOKEN: &str = "pypi-AgEMcHlwaS5leGFtcGxlAiQxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUAAipbMywiYWFhYWFhYWEtYmJiYi00Y2NjLThkZGQtZWVlZWVlZWVlZWVlIl0AAAYgGRsdSW29cw97Nvc_GI5tBxilJD7R7-zINvC-8AKOWkI";
const NOW_S: u64 = 1_800_000_000;
const NOW_NS: u64 = NOW_S * NS_PER_S;

fn token() -> SecretToken {
    SecretToken::new(PYPI_TOKEN.into()).expect("printable")
}

fn first() -> CredentialPolicy {
    CredentialPolicy {
        custody: Principal::from_slice(&[1]),
        ecosystem: Ecosystem::Pypi,
        endpoint: "https://pypi.registry.example/legacy/".into(),
        packages: vec!["demo".into()],
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: 0,
        epoch: 4,
    }
}

#[test]
fn should_cut_slices_that_follow_each_other_and_hold_a_minute_longer_than_their_policies() {
    let slices = cut(&token(), &first(), Plan { slices: 3, days: 30 }, NOW_NS).expect("cut");
    assert_eq!(slices.iter().map(|slice| slice.policy.epoch).collect::<Vec<_>>(), [4, 5, 6]);
    for slice in &slices {
        let own = macaroon::restrictions(&slice.token).expect("a macaroon");
        assert_eq!(own.projects, Some(vec!["demo".to_string()]));
        assert_eq!(own.not_before_s.map(|at| (at + 60) * NS_PER_S), Some(slice.policy.not_before_ns));
        assert_eq!(own.expires_s.map(|at| (at - 60) * NS_PER_S), Some(slice.policy.not_after_ns));
    }
    for pair in slices.windows(2) {
        assert_eq!(pair[0].policy.not_after_ns, pair[1].policy.not_before_ns);
        assert_ne!(pair[0].policy.id(), pair[1].policy.id());
    }
    assert!(slices[0].policy.not_before_ns < NOW_NS, "usable at once");
    let length_ns = slices[2].policy.not_after_ns - slices[0].policy.not_before_ns;
    assert_eq!(length_ns, 90 * S_PER_DAY * NS_PER_S);
}

#[test]
fn should_cut_nothing_that_would_not_work_when_its_time_comes() {
    let plan = Plan { slices: 3, days: 30 };
    let message = |token: &SecretToken, first: &CredentialPolicy| {
        cut(token, first, plan, NOW_NS).expect_err("refused").message
    };
    let brief = macaroon::narrow(&token(), "demo", NOW_S, NOW_S + 40 * S_PER_DAY).expect("a macaroon");
    assert!(message(&brief, &first()).contains("expires in 40 days"));
    let other = macaroon::narrow(&token(), "other", NOW_S, NOW_S + 400 * S_PER_DAY).expect("a macaroon");
    assert!(message(&other, &first()).contains("does not allow demo"));
    let npm = CredentialPolicy { ecosystem: Ecosystem::Npm, ..first() };
    assert!(message(&token(), &npm).contains("cannot be narrowed"));
    let garbage = SecretToken::new(b"npm_x".to_vec()).expect("printable");
    assert!(message(&garbage, &first()).contains("pypi-"));
}
