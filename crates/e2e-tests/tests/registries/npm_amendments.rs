//! Moving a dist-tag, taking it back and deprecating a version, at every npm server that can do so; what npm then shows.

use std::time::Duration;

use e2e_tests::publishing::package;
use registry_protocols::verdict::Refusal;
use release_types::{
    Amendment, AmendmentProposal, AmendmentState, AmendmentStatus, Ecosystem, ProposalAction, ProposalStatus,
    RegistryId,
};
use serde_json::{Value, json};

use crate::{
    clients,
    npm_answers::DOUBLE,
    setting::{Setting, Shared, take, text},
};

const MINUTE_S: u64 = 60;

fn name() -> &'static str {
    package(Ecosystem::Npm)
}

/// Publishes a new version under a tag.
#[track_caller]
fn release(setting: &mut Setting, tag: &str) -> String {
    let (version, bytes) = setting.next_artifact();
    let mut action = setting.world.npm_release(setting.credential, name(), &version, &bytes);
    let ProposalAction::Release(release) = &mut action else { panic!("a release") };
    release.npm.as_mut().expect("npm's options").dist_tag = tag.into();
    let proposal = setting.adopt_action(action);
    setting.settle(proposal);
    // Only now does the group's own canister hear of it, which promotes what was verified.
    assert_eq!(setting.world.settle(proposal), ProposalStatus::Executed);
    version
}

/// Has the group vote an amendment, and waits for its end.
#[track_caller]
fn amend(setting: &mut Setting, amendment: Amendment) -> AmendmentStatus {
    let proposal = setting.adopt_action(ProposalAction::Amendment(AmendmentProposal {
        registry: RegistryId("npm".into()),
        credential: setting.credential,
        read_credential: None,
        package: name().into(),
        amendment,
        allow_unverified: false,
    }));
    // An hour in small steps, then a day and the longest pause in coarse ones: so long a no is doubted.
    for step_s in std::iter::repeat_n(30, 120).chain(std::iter::repeat_n(600, 200)) {
        let status = setting.world.proposal(proposal).amendment;
        if let Some(status) = status.filter(|status| status.state.is_final()) {
            return status;
        }
        setting.pass(Duration::from_secs(step_s));
    }
    panic!("no end: {:?}", setting.world.proposal(proposal))
}

fn tag(version: &str, replaces: &str) -> Amendment {
    Amendment::DistTag { tag: "latest".into(), version: version.into(), replaces: Some(replaces.into()) }
}

fn deprecation(version: &str, message: &str) -> Amendment {
    Amendment::Deprecation { version: version.into(), message: message.into() }
}

/// What npm's own command shows.
fn shown(setting: &Setting, what: &str, field: &str) -> Value {
    let registry = format!("--registry={}", text(&setting.about, "url"));
    let told = clients::npm(&["view", "--json", "--prefer-online", &registry, what, field], &setting.home);
    serde_json::from_str(told.trim()).unwrap_or(Value::Null)
}

/// Promotes a version and takes that back, as npm's own client sees it.
pub fn assert_moves_tags(shared: &'static Shared) {
    let mut setting = take(shared);
    let (old, new) = (release(&mut setting, "latest"), release(&mut setting, "next"));
    assert_eq!(shown(&setting, name(), "dist-tags.latest"), json!(old));
    for (version, replaces) in [(&new, &old), (&old, &new)] {
        let status = amend(&mut setting, tag(version, replaces));
        assert_eq!(status.state, AmendmentState::Verified, "{status:?}");
        assert_eq!(shown(&setting, name(), "dist-tags.latest"), json!(version));
    }
}

/// Deprecates a version and takes that back, as npm's own client sees it.
pub fn assert_deprecates(shared: &'static Shared) {
    let mut setting = take(shared);
    let version = release(&mut setting, "latest");
    let named = format!("{}@{version}", name());
    let integrity = shown(&setting, &named, "dist.integrity");
    for message in ["use another", ""] {
        let status = amend(&mut setting, deprecation(&version, message));
        assert_eq!(status.state, AmendmentState::Verified, "{status:?}");
        let expected = if message.is_empty() { Value::Null } else { json!(message) };
        assert_eq!(shown(&setting, &named, "deprecated"), expected);
        assert_eq!(shown(&setting, &named, "dist.integrity"), integrity, "nothing else changed");
        assert_eq!(shown(&setting, name(), "dist-tags.latest"), json!(version));
    }
}

/// Sends nothing to a registry whose documents cannot be put back without undoing what others do meanwhile.
pub fn assert_refuses_to_deprecate(shared: &'static Shared) {
    let mut setting = take(shared);
    let version = release(&mut setting, "latest");
    let status = amend(&mut setting, deprecation(&version, "use another"));
    assert!(matches!(status.state, AmendmentState::Refused { .. }), "{status:?}");
    assert_eq!(shown(&setting, &format!("{}@{version}", name()), "deprecated"), Value::Null);
}

#[test]
fn should_move_a_tag_and_take_that_back() {
    assert_moves_tags(&DOUBLE);
}

#[test]
fn should_deprecate_and_take_that_back() {
    assert_deprecates(&DOUBLE);
}

#[test]
fn should_wait_as_long_as_npm_says_when_an_amendment_is_answered_with_429() {
    const ASKED_S: u64 = 1_934;
    let mut setting = take(&DOUBLE);
    let (old, new) = (release(&mut setting, "latest"), release(&mut setting, "next"));
    let before = setting.control().writes().len();
    setting.control().answer_write(429, &json!({"retry-after": ASKED_S.to_string()}), "{}", false);
    let status = amend(&mut setting, tag(&new, &old));
    assert_eq!(status.state, AmendmentState::Verified, "{status:?}");
    let writes = setting.control().writes().split_off(before);
    assert_eq!(writes.len(), 2, "sent again once");
    let waited_s = writes[1].at_s - writes[0].at_s;
    assert!((ASKED_S..ASKED_S + 15 * MINUTE_S).contains(&waited_s), "{waited_s} s");
}

#[test]
fn should_name_the_remedy_when_the_token_may_not_amend() {
    let mut setting = take(&DOUBLE);
    let (old, new) = (release(&mut setting, "latest"), release(&mut setting, "next"));
    let expired = json!({"token": e2e_tests::world::NPM_TOKEN, "standing": "expired"});
    setting.control().tell("token", &expired);
    let status = amend(&mut setting, tag(&new, &old));
    let AmendmentState::Refused { reason } = &status.state else { panic!("{status:?}") };
    assert!(reason.contains(Refusal::NotFoundOrNotAllowed.advice()), "{reason}");
    assert_eq!(shown(&setting, name(), "dist-tags.latest"), json!(old));
}
