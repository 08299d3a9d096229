//! Moving tags and deprecating versions on the shipped wasm: what is sent, what is proven, what a lie achieves.

use e2e_tests::{people::member, publishing::Publisher};
use ic_management_canister_types::HttpMethod;
use local_replica::outcalls::{Fault, Lie, Target};
use release_types::{
    Amendment, AmendmentProposal, AmendmentState, Ecosystem, ProposalAction, ProposalId, ProposalStatus,
    RegistryId,
};
use serde_json::{Value, json};

const PACKAGE: &str = "@dao/demo";

/// A package with 1.0.1 under `latest` and 1.0.2 under `next`.
fn released() -> Publisher {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    for tag in ["latest", "next"] {
        let version = publisher.next_version();
        let tarball = publisher.artifact(&version);
        let credential = publisher.credential;
        let mut action = publisher.world.npm_release(credential, PACKAGE, &version, &tarball);
        let ProposalAction::Release(release) = &mut action else { panic!("a release") };
        release.npm.as_mut().expect("npm's options").dist_tag = tag.into();
        assert_eq!(publisher.world.carry_out(action), ProposalStatus::Executed);
    }
    publisher
}

fn proposal(publisher: &Publisher, amendment: Amendment) -> ProposalAction {
    ProposalAction::Amendment(AmendmentProposal {
        read_credential: None,
        registry: RegistryId("npm".into()),
        credential: publisher.credential,
        package: PACKAGE.into(),
        amendment,
        allow_unverified: false,
    })
}

fn promotion() -> Amendment {
    Amendment::DistTag { tag: "latest".into(), version: "1.0.2".into(), replaces: Some("1.0.1".into()) }
}

fn deprecation(message: &str) -> Amendment {
    Amendment::Deprecation { version: "1.0.1".into(), message: message.into() }
}

fn carry_out(publisher: &mut Publisher, amendment: Amendment) -> (ProposalId, ProposalStatus) {
    let action = proposal(publisher, amendment);
    let id = publisher.world.submit(member(0), action).expect("a good proposal");
    publisher.world.adopt(id);
    (id, publisher.world.settle(id))
}

fn latest(publisher: &Publisher) -> String {
    publisher.world.npm.with(|double| double.tags[PACKAGE]["latest"].clone())
}

fn packument(publisher: &Publisher) -> Value {
    publisher.world.npm.with(|double| double.packument(PACKAGE)).expect("is published")
}

#[test]
fn should_promote_a_version_and_roll_back_when_the_group_votes_so() {
    let mut publisher = released();
    let before = publisher.writes().len();
    let (id, status) = carry_out(&mut publisher, promotion());
    assert_eq!(status, ProposalStatus::Executed);
    assert_eq!(latest(&publisher), "1.0.2");
    let amendment = publisher.world.proposal(id).amendment.expect("custody took it");
    assert_eq!((amendment.state, amendment.waiting), (AmendmentState::Verified, None));
    let writes = publisher.writes();
    assert_eq!(writes.len(), before + 1, "sent once");
    assert_eq!(writes[before].path, "/-/package/@dao%2fdemo/dist-tags/latest");

    let back =
        Amendment::DistTag { tag: "latest".into(), version: "1.0.1".into(), replaces: Some("1.0.2".into()) };
    assert_eq!(carry_out(&mut publisher, back).1, ProposalStatus::Executed);
    assert_eq!(latest(&publisher), "1.0.1");
}

#[test]
fn should_deprecate_one_version_and_change_nothing_else() {
    let mut publisher = released();
    let before = packument(&publisher);
    assert_eq!(carry_out(&mut publisher, deprecation("use 1.0.2")).1, ProposalStatus::Executed);
    let mut expected = before.clone();
    expected["versions"]["1.0.1"]["deprecated"] = json!("use 1.0.2");
    expected["_rev"] = packument(&publisher)["_rev"].clone();
    assert_eq!(packument(&publisher), expected);
    assert_eq!(carry_out(&mut publisher, deprecation("")).1, ProposalStatus::Executed);
    assert_eq!(packument(&publisher)["versions"]["1.0.1"]["deprecated"], json!(""));
}

#[test]
fn should_prove_it_once_sent_when_the_answer_is_lost() {
    for amendment in [promotion(), deprecation("use 1.0.2")] {
        let mut publisher = released();
        let before = publisher.writes().len();
        publisher.world.replica.faults().next(Target::Method(HttpMethod::PUT), Fault::AnswerDropped);
        assert_eq!(carry_out(&mut publisher, amendment).1, ProposalStatus::Executed);
        assert_eq!(publisher.writes().len(), before + 1);
    }
}

#[test]
fn should_not_believe_a_node_that_says_yes_without_sending() {
    let mut publisher = released();
    let lie = Fault::NodeLies(Lie { status: 201, body: "{}".into(), ..Lie::default() });
    publisher.world.replica.faults().next(Target::Method(HttpMethod::PUT), lie);
    let (id, status) = carry_out(&mut publisher, promotion());
    let ProposalStatus::Failed { reason } = status else { panic!("{status:?}") };
    assert!(reason.contains("propose it again"), "{reason}");
    let amendment = publisher.world.proposal(id).amendment.expect("custody took it");
    assert_eq!(amendment.state, AmendmentState::Unconfirmed);
    assert_eq!(latest(&publisher), "1.0.1");
    assert_eq!(carry_out(&mut publisher, promotion()).1, ProposalStatus::Executed, "custody looks first");
}

#[test]
fn should_change_nothing_when_somebody_else_moved_the_tag() {
    let mut publisher = released();
    let before = publisher.writes().len();
    publisher.world.npm.with(|double| {
        double.tags.entry(PACKAGE.into()).or_default().insert("latest".into(), "0.9.0".into());
    });
    let (id, status) = carry_out(&mut publisher, promotion());
    assert!(matches!(status, ProposalStatus::Failed { .. }), "{status:?}");
    let amendment = publisher.world.proposal(id).amendment.expect("custody took it");
    assert_eq!(amendment.state, AmendmentState::Conflict { shown: Some("0.9.0".into()) });
    assert_eq!(publisher.writes().len(), before, "nothing was sent");
}
