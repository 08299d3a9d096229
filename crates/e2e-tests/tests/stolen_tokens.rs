//! What a thief can do with a token taken from the wire on its way to a Python index: publish to one project for a few
//! minutes. The index is a double that verifies macaroons with the secret that it made them with.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use e2e_tests::{macaroon_judge::MacaroonJudge, publishing::Publisher, world::PYPI_TOKEN};
use registry_protocols::{macaroon, secret::SecretToken};
use release_types::{
    CredentialPolicy, Ecosystem, ProposalAction, ProposalStatus,
    proposal::{CredentialChange, CredentialProposal},
};
use sha2::{Digest as _, Sha256};

/// The secret that the index made [`PYPI_TOKEN`] with.
const ROOT_KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut index = 0;
    while index < 32 {
        key[index] = index as u8;
        index += 1;
    }
    key
};

const PROJECT: &str = "dao-demo";

/// A group that publishes to an index which verifies its tokens.
fn publisher() -> Publisher {
    let publisher = Publisher::new(Ecosystem::Pypi);
    set_clock(&publisher, now_s(&publisher));
    publisher
}

fn now_s(publisher: &Publisher) -> u64 {
    publisher.world.replica.time_ns() / 1_000_000_000
}

/// Sets the index's clock.
fn set_clock(publisher: &Publisher, now_s: u64) {
    publisher.world.pypi.with(|double| double.judge = Some(MacaroonJudge { root_key: ROOT_KEY, now_s }));
}

/// Uploads a file as a thief would, straight to the index; returns status and text of the answer.
fn upload(publisher: &Publisher, token: &str, project: &str) -> (u16, String) {
    let content = "what the thief publishes";
    let digest = hex::encode(Sha256::digest(content));
    let field = |name: &str, value: &str| {
        format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        field(":action", "file_upload"),
        field("protocol_version", "1"),
        field("name", project),
        field("version", "6.6.6"),
        field("sha256_digest", &digest),
        format!(
            "--limit\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{project}-6.6.6.tar.gz\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n--limit--\r\n"
        ),
    ]
    .concat();
    let answer = ureq::post(&format!("{}/legacy/", publisher.world.pypi.url()))
        .set("authorization", &format!("Basic {}", STANDARD.encode(format!("__token__:{token}"))))
        .set("content-type", "multipart/form-data; boundary=limit")
        .send_string(&body);
    let answer = match answer {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => answer,
        Err(error) => panic!("the index does not answer: {error}"),
    };
    (answer.status(), answer.into_string().expect("text"))
}

/// Publishes a release, and takes its token from the wire.
fn stolen() -> (Publisher, String) {
    let mut publisher = publisher();
    let release = publisher.adopt_next();
    publisher.run_until_written();
    assert_eq!(publisher.world.settle(release.proposal), ProposalStatus::Executed);
    let token = publisher.world.pypi.with(|double| double.tokens[0].clone());
    (publisher, token)
}

#[test]
fn should_let_a_thief_publish_to_the_one_project_within_the_few_minutes_and_no_more() {
    let (publisher, token) = stolen();
    let period = macaroon::restrictions(&SecretToken::new(token.clone().into_bytes()).expect("a token"))
        .expect("a macaroon");
    let (from_s, until_s) = (period.not_before_s.expect("a start"), period.expires_s.expect("an end"));
    assert!(until_s - from_s <= 6 * 60, "it holds for {} s", until_s - from_s);

    set_clock(&publisher, until_s - 1);
    assert_eq!(
        upload(&publisher, &token, PROJECT).0,
        200,
        "in its time it is a valid token for this project"
    );
    let (status, text) = upload(&publisher, &token, "other-project");
    assert!(status == 403 && text.contains("not valid for project"), "another project: {status} {text}");

    for (clock_s, when) in [(until_s, "after its end"), (from_s - 1, "before its start")] {
        set_clock(&publisher, clock_s);
        let (status, text) = upload(&publisher, &token, PROJECT);
        assert!(status == 403 && text.contains("token is expired"), "{when}: {status} {text}");
    }
    let other_project =
        publisher.world.pypi.with(|double| double.files.keys().any(|(name, _)| name == "other-project"));
    assert!(!other_project, "nothing was published elsewhere");
}

#[test]
fn should_not_let_a_thief_widen_a_token_again() {
    let (publisher, token) = stolen();
    set_clock(&publisher, now_s(&publisher));
    // Its caveats cut off, its signature kept.
    let signature = token.len() - 43;
    let widened = [&PYPI_TOKEN[..PYPI_TOKEN.len() - 43], &token[signature..]].concat();
    for forged in [widened, token.replace("pypi-A", "pypi-B"), token[..token.len() - 4].to_owned()] {
        assert_eq!(upload(&publisher, &forged, "other-project").0, 403, "{forged}");
        assert_eq!(upload(&publisher, &forged, PROJECT).0, 403, "{forged}");
    }
}

#[test]
fn should_use_a_dated_slice_in_its_time_only() {
    const DAY_S: u64 = 86_400;
    let mut publisher = publisher();
    let begins_s = now_s(&publisher) + DAY_S;
    let token = SecretToken::new(PYPI_TOKEN.as_bytes().to_vec()).expect("a token");
    let slice = macaroon::narrow_to_any(&token, &[PROJECT], begins_s, begins_s + DAY_S).expect("narrows");
    let slice_text = String::from_utf8(slice.expose().to_vec()).expect("ASCII");
    let policy = CredentialPolicy {
        not_before_ns: begins_s * 1_000_000_000,
        not_after_ns: (begins_s + DAY_S) * 1_000_000_000,
        epoch: 2,
        ..publisher.world.policy(Ecosystem::Pypi, &[PROJECT])
    };
    let deposit = publisher.world.seal(&policy, &slice_text);
    let credential = publisher.world.deposit(deposit).expect("deposits");
    let change = CredentialChange::Activate;
    let activation = ProposalAction::Credential(CredentialProposal { credential, change });
    assert_eq!(publisher.world.carry_out(activation), ProposalStatus::Executed);
    publisher.credential = credential;

    // Before its start neither the index nor the group's own canisters let it be used.
    let (status, text) = upload(&publisher, &slice_text, PROJECT);
    assert!(status == 403 && text.contains("token is expired"), "{status} {text}");
    let version = publisher.next_version();
    let refused = publisher.try_propose(&version).expect_err("the slice has not begun");
    assert!(refused.contains("one whose time begins in 24 hours"), "{refused}");

    publisher.world.pass(Duration::from_secs(DAY_S + 60));
    set_clock(&publisher, now_s(&publisher));
    let release = publisher.propose(&version);
    publisher.world.adopt(release.proposal);
    publisher.run_until_written();
    assert_eq!(publisher.world.settle(release.proposal), ProposalStatus::Executed);
    assert_eq!(publisher.stored(&version).as_deref(), Some(release.bytes.as_slice()));
}
