//! The life of a release when nothing goes wrong at the registry: what is sent, what is proven, and every way in which
//! a group can say no.

use std::time::Duration;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use e2e_tests::{
    World,
    archives::{npm_tarball, sdist, wheel},
    people::{member, proposer, stranger},
    publishing::{Publisher, Release},
    world::{NPM_TOKEN, NPM_URL, PYPI_TOKEN},
};
use registry_protocols::{
    macaroon::{Restrictions, restrictions},
    receipt::{VerificationError, verify},
    secret::SecretToken,
};
use release_types::{
    Choice, CredentialId, Ecosystem, ProposalAction, ProposalId, ProposalStatus, PublicationState,
    Sha256Digest, Tally,
    proposal::{
        CredentialChange, CredentialProposal, ExecuteError, SourceReference, SubmitProposalError,
        WithdrawError,
    },
    voting::VoteError,
};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha512};

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn should_publish_to_npm_exactly_what_was_voted() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.adopt_next();
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, "npm");

    let writes = publisher.writes();
    assert_eq!(writes.len(), 1, "sent once");
    let put = &writes[0];
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", "/@dao%2fdemo"));
    assert_eq!(put.header("authorization"), Some(format!("Bearer {NPM_TOKEN}").as_str()));
    assert_eq!(put.header("content-type"), Some("application/json"));
    let sent: Value = serde_json::from_slice(&put.body).expect("JSON");
    let dist = json!({
        "integrity": format!("sha512-{}", STANDARD.encode(Sha512::digest(&release.bytes))),
        "shasum": hex::encode(Sha1::digest(&release.bytes)),
        "tarball": format!("{NPM_URL}@dao/demo/-/@dao/demo-1.0.1.tgz"),
    });
    let attachment = json!({
        "content_type": "application/octet-stream",
        "data": STANDARD.encode(&release.bytes),
        "length": release.bytes.len(),
    });
    assert_eq!(sent["_attachments"], json!({"@dao/demo-1.0.1.tgz": attachment}));
    assert_eq!(sent["_id"], "@dao/demo");
    assert_eq!(sent["name"], "@dao/demo");
    assert_eq!(sent["dist-tags"], json!({"latest": "1.0.1"}));
    assert_eq!(sent["access"], "public");
    let versions = sent["versions"].as_object().expect("an object");
    assert_eq!(versions.len(), 1, "no other version");
    let manifest = &versions["1.0.1"];
    assert_eq!(manifest["dist"], dist);
    assert_eq!(manifest["_id"], "@dao/demo@1.0.1");
    // From the tarball's own package.json and README.
    for (field, expected) in [
        ("name", json!("@dao/demo")),
        ("version", json!("1.0.1")),
        ("description", json!("A package that a group published")),
        ("main", json!("index.js")),
        ("license", json!("MIT")),
        ("dependencies", json!({"left-pad": "^1.3.0"})),
        ("readme", json!("# demo\n")),
    ] {
        assert_eq!(manifest[field], expected, "{field}");
    }
    for request in publisher.seen().iter().filter(|request| request.method == "GET") {
        assert_eq!(request.header("authorization"), None, "reading back needs no token");
    }
}

#[test]
fn should_upload_to_the_python_index_exactly_what_was_voted_with_a_narrowed_token() {
    let mut publisher = Publisher::new(Ecosystem::Pypi);
    let (wheel, sdist) = (wheel("dao_demo", "1.0.0", 2_000), sdist("dao_demo", "1.0.0"));
    let files = [("dao_demo-1.0.0-py3-none-any.whl", &wheel[..]), ("dao_demo-1.0.0.tar.gz", &sdist[..])];
    let action = publisher.world.pypi_release(publisher.credential, "dao-demo", "1.0.0", &files);
    let proposal = publisher.world.submit(member(0), action).expect("a good proposal");
    publisher.world.adopt(proposal);
    let mut sent_at_s = Vec::new();
    for _ in files {
        publisher.run_until_written();
        sent_at_s.push(publisher.world.replica.time_ns() / 1_000_000_000);
    }
    assert_eq!(publisher.world.settle(proposal), ProposalStatus::Executed);
    assert_eq!(publisher.writes().len(), 2, "each sent once");

    let (stored, forms, tokens) = publisher
        .world
        .pypi
        .with(|double| (double.files.clone(), double.forms.clone(), double.tokens.clone()));
    let kinds = [("bdist_wheel", "py3"), ("sdist", "source")];
    for (index, (filename, bytes)) in files.into_iter().enumerate() {
        let key = ("dao-demo".to_owned(), filename.to_owned());
        assert!(stored.get(&key).is_some_and(|stored| stored == bytes), "{filename}: other bytes");
        let (filetype, pyversion) = kinds[index];
        let digest = Sha256Digest::of(bytes).to_string();
        for (field, expected) in [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("sha256_digest", &digest),
            ("filetype", filetype),
            ("pyversion", pyversion),
            ("metadata_version", "2.1"),
            ("name", "dao-demo"),
            ("version", "1.0.0"),
            ("summary", "A package that a group published"),
            ("requires_python", ">=3.8"),
            ("classifiers", "Programming Language :: Python :: 3"),
            ("description", "# demo\n"),
        ] {
            let found: Vec<_> = forms[index].iter().filter(|(name, _)| name == field).collect();
            assert_eq!(found, [&(field.to_owned(), expected.to_owned())], "{filename}");
        }
        assert_narrowed(&tokens[index], sent_at_s[index]);
    }
    for request in publisher.seen() {
        let credentials = request.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let sent = credentials.map(|value| STANDARD.decode(value).expect("base64")).unwrap_or_default();
        assert!(!contains(&sent, PYPI_TOKEN.as_bytes()), "the token itself was sent");
        assert!(!contains(&request.body, PYPI_TOKEN.as_bytes()), "the token itself was sent");
    }
}

/// The token of the group with exactly two caveats more: this project, and five minutes from when it was sent.
fn assert_narrowed(token: &str, sent_at_s: u64) {
    assert_ne!(token, PYPI_TOKEN);
    let secret = SecretToken::new(token.as_bytes().to_vec()).expect("a token");
    let expected = Restrictions {
        expires_s: Some(sent_at_s + 300),
        not_before_s: Some(sent_at_s - 60),
        projects: Some(vec!["dao-demo".into()]),
    };
    assert_eq!(restrictions(&secret).expect("a macaroon"), expected);
    let raw = |token: &str| URL_SAFE_NO_PAD.decode(token.trim_start_matches("pypi-")).expect("base64");
    let (whole, narrowed) = (raw(PYPI_TOKEN), raw(token));
    let caveats = [r#"[1,["dao-demo"]]"#.to_owned(), format!("[0,{},{}]", sent_at_s + 300, sent_at_s - 60)];
    // What it had, but for the end of caveats and the signature; then each caveat as `02 length text 00`.
    let mut with_caveats = whole[..whole.len() - 35].to_vec();
    for caveat in caveats {
        with_caveats.extend([2, u8::try_from(caveat.len()).expect("short")]);
        with_caveats.extend(caveat.as_bytes());
        with_caveats.push(0);
    }
    assert_eq!(narrowed[..narrowed.len() - 35], with_caveats[..]);
    assert_ne!(narrowed[narrowed.len() - 32..], whole[whole.len() - 32..], "the signature is another one");
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn should_sign_a_receipt_that_says_who_approved_what() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let bytes = publisher.artifact("1.0.0");
    let mut action = publisher.world.npm_release(publisher.credential, "@dao/demo", "1.0.0", &bytes);
    let ProposalAction::Release(release) = &mut action else { panic!("a release") };
    release.source = Some(SourceReference {
        repository: "https://code.example/dao/demo".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        tag: Some("v1.0.0".into()),
        rebuild: Some("npm ci && npm pack".into()),
    });
    let proposal = publisher.world.submit(member(0), action).expect("a good proposal");
    let decided_at_ns = publisher.world.replica.time_ns();
    publisher.world.adopt(proposal);
    assert_eq!(publisher.world.settle(proposal), ProposalStatus::Executed);

    let world = &mut publisher.world;
    let envelope = world.receipt(proposal).expect("a receipt");
    let statement = verify(&envelope, &world.receipt_key(world.custody)).expect("signed by custody");
    let [subject] = &statement.subject[..] else { panic!("one artifact") };
    assert_eq!(subject.name, "demo-1.0.0.tgz");
    assert_eq!(subject.digest.sha256, Sha256Digest::of(&bytes).to_string());
    assert_eq!(subject.digest.sha512, Some(hex::encode(Sha512::digest(&bytes))));
    let predicate = serde_json::to_value(&statement.predicate).expect("JSON");
    let expected = json!({
        "dao": world.dao.to_text(),
        "custody": world.custody.to_text(),
        "orderId": format!("proposal-{proposal}"),
        "registry": {"ecosystem": "npm", "uploadUrl": NPM_URL, "readUrl": NPM_URL},
        "package": "@dao/demo",
        "version": "1.0.0",
        "mode": "direct",
        "orderedAtS": statement.predicate.ordered_at_s,
        "vote": {
            "proposalId": proposal.0,
            "decidedAtS": decided_at_ns / 1_000_000_000,
            "tally": {"yes": 3, "no": 0, "abstain": 0, "total": 5},
        },
        "source": {
            "repository": "https://code.example/dao/demo",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "tag": "v1.0.0",
        },
        "readBack": {
            "atS": statement.predicate.read_back.at_s,
            "replicated": true,
            "confirmation": ["registry-without-keys"],
            "bytes": ["whole"],
        },
    });
    assert_eq!(predicate, expected);
    assert!(statement.predicate.ordered_at_s >= decided_at_ns / 1_000_000_000);
    assert!(statement.predicate.read_back.at_s >= statement.predicate.ordered_at_s);

    let mut altered = envelope;
    let payload = String::from_utf8(STANDARD.decode(&altered.payload).expect("base64")).expect("text");
    altered.payload = STANDARD.encode(payload.replace("\"1.0.0\"", "\"1.0.1\""));
    let key = world.receipt_key(world.custody);
    assert_eq!(verify(&altered, &key), Err(VerificationError::NotSignedByKey));
}

#[test]
fn should_not_verify_another_custody_canisters_receipt_for_the_same_bytes() {
    let mut first = Publisher::new(Ecosystem::Npm);
    let release = first.adopt_next();
    assert_eq!(first.world.settle(release.proposal), ProposalStatus::Executed);
    let envelope = first.world.receipt(release.proposal).expect("a receipt");
    let key = first.world.receipt_key(first.world.custody);

    let mut world = first.world;
    world.dao = world.replica.create_canister(vec![e2e_tests::people::controller()]);
    world.custody = world.replica.create_canister(vec![e2e_tests::people::controller()]);
    world.group.custody = Some(world.custody);
    world.install();
    let mut second = Publisher::in_world(world, Ecosystem::Npm);
    let same = second.adopt_next();
    assert_eq!(same.bytes, release.bytes);
    assert_eq!(second.world.settle(same.proposal), ProposalStatus::Executed);
    let other_envelope = second.world.receipt(same.proposal).expect("a receipt");
    let other_key = second.world.receipt_key(second.world.custody);

    assert!(verify(&envelope, &key).is_ok() && verify(&other_envelope, &other_key).is_ok());
    assert_eq!(verify(&other_envelope, &key), Err(VerificationError::NotSignedByKey));
    assert_eq!(verify(&envelope, &other_key), Err(VerificationError::NotSignedByKey));
}

#[test]
fn should_publish_what_a_proposer_without_a_vote_submitted() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let bytes = publisher.artifact("1.0.0");
    let world = &mut publisher.world;
    let action = world.npm_release(publisher.credential, "@dao/demo", "1.0.0", &bytes);
    let artifact = world.upload(proposer(), "demo-1.0.0.tgz", &bytes).expect("a proposer may upload");
    let ProposalAction::Release(release) = &action else { panic!("a release") };
    assert_eq!(release.artifacts, [artifact]);
    let proposal = world.submit(proposer(), action).expect("a proposer may propose");
    assert_eq!(
        world.vote(proposer(), proposal, Choice::Yes),
        Err(VoteError::NotAllowed { caller: proposer() }),
        "and nothing else"
    );
    world.adopt(proposal);
    let status = world.settle(proposal);
    let release = Release { version: "1.0.0".into(), proposal, bytes };
    publisher.assert_published(&release, &status, "submitted by a proposer");
}

#[test]
fn should_publish_nothing_when_the_proposer_withdraws() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    publisher.world.vote(member(1), release.proposal, Choice::Yes).expect("the vote counts");
    assert_eq!(
        withdraw(&mut publisher.world, 1, release.proposal),
        Err(WithdrawError::NotAllowed { caller: member(1) })
    );
    assert_eq!(withdraw(&mut publisher.world, 0, release.proposal), Ok(()));
    assert_eq!(publisher.world.vote(member(2), release.proposal, Choice::Yes), Err(VoteError::NotOpen));
    publisher.world.pass(4 * DAY);
    assert_over_without_a_trace(&mut publisher, &release, ProposalStatus::Withdrawn);
    // The version is free again.
    let again = publisher.propose("1.0.0");
    publisher.world.adopt(again.proposal);
    let status = publisher.world.settle(again.proposal);
    publisher.assert_published(&again, &status, "proposed again");
    assert!(
        matches!(
            withdraw(&mut publisher.world, 0, again.proposal),
            Err(WithdrawError::NotWithdrawable { .. })
        ),
        "too late"
    );
}

fn withdraw(world: &mut World, n: u32, proposal: ProposalId) -> Result<(), WithdrawError> {
    world.update(member(n), world.dao, "withdraw", (proposal,)).expect("answers")
}

fn execute(world: &mut World, proposal: ProposalId) -> Result<ProposalStatus, ExecuteError> {
    world.update(member(4), world.dao, "execute", (proposal,)).expect("answers")
}

/// Not published, not ordered, and not to be executed.
fn assert_over_without_a_trace(publisher: &mut Publisher, release: &Release, expected: ProposalStatus) {
    assert_eq!(publisher.world.proposal(release.proposal).status, expected);
    assert_eq!(
        execute(&mut publisher.world, release.proposal),
        Err(ExecuteError::NotApproved { status: expected })
    );
    publisher.world.pass(MINUTE);
    assert_eq!(publisher.world.order(release.proposal), None);
    assert_eq!(publisher.writes().len(), 0);
    assert_eq!(publisher.stored(&release.version), None);
}

#[test]
fn should_publish_nothing_when_a_majority_says_no() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    for n in 0..2 {
        publisher.world.vote(member(n), release.proposal, Choice::Yes).expect("the vote counts");
    }
    for n in 2..5 {
        publisher.world.vote(member(n), release.proposal, Choice::No).expect("the vote counts");
    }
    publisher.world.pass(4 * DAY);
    let tally = publisher.world.proposal(release.proposal).tally;
    assert_eq!(tally, Tally { yes: 2, no: 3, abstain: 0, total: 5 });
    assert_over_without_a_trace(&mut publisher, &release, ProposalStatus::Rejected);
}

#[test]
fn should_publish_nothing_when_the_quorum_is_missed_at_the_deadline() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    publisher.world.vote(member(0), release.proposal, Choice::Yes).expect("the vote counts");
    publisher.world.pass(3 * DAY);
    assert_over_without_a_trace(&mut publisher, &release, ProposalStatus::Rejected);
}

#[test]
fn should_decide_by_timer_at_the_deadline_and_publish() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    for n in 0..2 {
        publisher.world.vote(member(n), release.proposal, Choice::Yes).expect("the vote counts");
    }
    publisher.world.pass(3 * DAY - MINUTE);
    assert_eq!(publisher.world.proposal(release.proposal).status, ProposalStatus::Open);
    assert_eq!(publisher.writes().len(), 0, "not before the deadline");
    publisher.world.pass(MINUTE);
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, "two of five, at the deadline");
}

#[test]
fn should_send_once_however_often_it_is_executed_by_hand() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    assert_eq!(
        execute(&mut publisher.world, release.proposal),
        Err(ExecuteError::NotApproved { status: ProposalStatus::Open })
    );
    publisher.world.adopt(release.proposal);
    for _ in 0..30 {
        for _ in 0..3 {
            let status = execute(&mut publisher.world, release.proposal).expect("approved");
            assert!(matches!(status, ProposalStatus::Executing | ProposalStatus::Executed), "{status:?}");
        }
        publisher.world.pass(Duration::from_secs(1));
    }
    let status = publisher.world.proposal(release.proposal).status;
    publisher.assert_published(&release, &status, "executed by hand");
    assert_eq!(publisher.writes().len(), 1, "sent once");
}

#[test]
fn should_verify_without_sending_when_the_voted_bytes_are_published_already() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let mut publisher = Publisher::new(ecosystem);
        let release = publisher.propose("1.0.0");
        publisher.world.adopt(release.proposal);
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, "the first time");
        let again = publisher.propose("1.0.0");
        assert_ne!(again.proposal, release.proposal);
        publisher.world.adopt(again.proposal);
        let status = publisher.world.settle(again.proposal);
        publisher.assert_published(&again, &status, "the second time");
        assert_eq!(publisher.writes().len(), 1, "{ecosystem}: sent once");
    }
}

#[test]
fn should_send_nothing_when_other_bytes_are_published_already() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    publisher.world.adopt(release.proposal);
    assert_eq!(publisher.world.settle(release.proposal), ProposalStatus::Executed);
    let bytes = npm_tarball("@dao/demo", "1.0.0", 3_000);
    let action = publisher.world.npm_release(publisher.credential, "@dao/demo", "1.0.0", &bytes);
    let other = publisher.world.submit(member(0), action).expect("a good proposal");
    publisher.world.adopt(other);
    let status = publisher.world.settle(other);
    assert!(matches!(status, ProposalStatus::Failed { .. }), "{status:?}");
    let order = publisher.world.order(other).expect("custody took the order");
    assert!(matches!(order.artifacts[0].state, PublicationState::Mismatch { .. }), "{order:?}");
    assert_eq!(publisher.writes().len(), 1);
    assert_eq!(publisher.stored("1.0.0"), Some(release.bytes));
    assert_eq!(publisher.world.receipt(other), None);
}

#[test]
fn should_refuse_a_second_live_proposal_for_the_same_version() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let first = publisher.propose("1.0.0");
    let bytes = npm_tarball("@dao/demo", "1.0.0", 3_000);
    let action = publisher.world.npm_release(publisher.credential, "@dao/demo", "1.0.0", &bytes);
    let refused = Err(SubmitProposalError::AlreadyProposed { proposal: first.proposal });
    assert_eq!(publisher.world.submit(member(1), action.clone()), refused, "while it is open");
    publisher.world.adopt(first.proposal);
    assert_eq!(publisher.world.submit(member(1), action), refused, "while it is executing");
    let status = publisher.world.settle(first.proposal);
    publisher.assert_published(&first, &status, "the first");
}

/// Submits a release that the credential must not allow.
fn assert_credential_refused(publisher: &mut Publisher, credential: CredentialId, name: &str, allowed: &str) {
    let bytes = npm_tarball(name, "9.0.0", 1_000);
    let action = publisher.world.npm_release(credential, name, "9.0.0", &bytes);
    let refused = publisher.world.submit(member(0), action).expect_err("a credential that does not do");
    let SubmitProposalError::Invalid { defects } = refused else { panic!("{refused:?}") };
    let [defect] = &defects[..] else { panic!("{defects:?}") };
    assert_eq!((defect.field.as_str(), defect.allowed.as_str()), ("credential", allowed), "{defect:?}");
}

#[test]
fn should_refuse_at_submission_a_credential_that_does_not_cover_the_package() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let credential = publisher.credential;
    assert_credential_refused(&mut publisher, credential, "@dao/other", "one for @dao/other");
}

#[test]
fn should_not_use_a_credential_whose_time_is_over() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let mut policy = publisher.world.policy(Ecosystem::Npm, &["@dao/demo"]);
    policy.not_after_ns = publisher.world.replica.time_ns() + 3_600_000_000_000;
    let deposit = publisher.world.seal(&policy, NPM_TOKEN);
    let credential = publisher.world.deposit(deposit).expect("deposits");
    let action =
        ProposalAction::Credential(CredentialProposal { credential, change: CredentialChange::Activate });
    assert_eq!(publisher.world.carry_out(action), ProposalStatus::Executed);
    publisher.credential = credential;
    let release = publisher.propose("1.0.0");
    publisher.world.pass(60 * MINUTE);
    publisher.world.adopt(release.proposal);
    assert_not_published(&mut publisher, &release);
    assert_credential_refused(&mut publisher, credential, "@dao/demo", "one that may still be used");
}

#[test]
fn should_not_use_a_revoked_credential() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let credential = publisher.credential;
    let release = publisher.propose("1.0.0");
    let action =
        ProposalAction::Credential(CredentialProposal { credential, change: CredentialChange::Revoke });
    assert_eq!(publisher.world.carry_out(action), ProposalStatus::Executed);
    publisher.world.adopt(release.proposal);
    assert_not_published(&mut publisher, &release);
    assert_credential_refused(&mut publisher, credential, "@dao/demo", "an active credential");
}

fn assert_not_published(publisher: &mut Publisher, release: &Release) {
    let status = publisher.world.settle(release.proposal);
    assert!(matches!(status, ProposalStatus::Failed { .. }), "{status:?}");
    assert_eq!(publisher.writes().len(), 0, "nothing was sent");
    assert_eq!(publisher.stored(&release.version), None);
    assert_eq!(publisher.world.receipt(release.proposal), None);
}

#[test]
fn should_stay_pending_until_the_registry_shows_the_version() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let mut publisher = Publisher::new(ecosystem);
        let release = publisher.adopt_next();
        publisher.hide(usize::MAX);
        for _ in 0..30 {
            publisher.world.pass(MINUTE);
        }
        let order = publisher.world.order(release.proposal).expect("custody took the order");
        assert_eq!(order.artifacts[0].state, PublicationState::Pending, "accepted half an hour ago");
        assert_eq!(publisher.world.proposal(release.proposal).status, ProposalStatus::Executing);
        assert_eq!(publisher.world.receipt(release.proposal), None, "nothing is proven");
        publisher.hide(0);
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, "shown late");
        assert_eq!(publisher.writes().len(), 1, "sent once");
    }
}

#[test]
fn should_answer_strangers_who_execute_withdraw_or_vote_with_nothing() {
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let release = publisher.propose("1.0.0");
    let dao = publisher.world.dao;
    for method in ["execute", "withdraw"] {
        let refused: Result<candid::Reserved, _> =
            publisher.world.update(stranger(), dao, method, (release.proposal,));
        assert!(refused.is_err(), "{method}");
    }
    assert_eq!(publisher.world.proposal(release.proposal).status, ProposalStatus::Open);
}
