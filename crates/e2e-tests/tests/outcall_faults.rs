//! Whatever goes wrong between custody and a registry: no release ends in the wrong state, none is published with
//! other bytes, and the next release works.
//!
//! Each case is one release in a world that it shares with the cases before it, so that a lock left behind by one
//! would stop the next. After each, either the registry has exactly the voted bytes, the proposal is executed and a
//! receipt exists; or none of the three.

use std::time::Duration;

use e2e_tests::{
    publishing::{Publisher, Release},
    registry_server::{Answer, Delivery, Misbehaviour, Requests},
};
use ic_management_canister_types::HttpMethod;
use local_replica::outcalls::{Fault, FaultPlan, Lie, Resent, Target};
use release_types::{Ecosystem, ProposalStatus, PublicationState};

/// Nodes of the replica.
const NODES: usize = 13;
/// Liars that consensus tolerates: f of 3f+1.
const TOLERATED_LIARS: u32 = 4;
/// Every node's first answer is lost, so that it sends again.
const SENT_TWICE: Fault = Fault::Resent(Resent { unsent: 0, unanswered: 1 });
/// Every time.
const ALWAYS: usize = usize::MAX;

/// How a release ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Published,
    /// Nothing was published, and custody leaves it to people and looks on: one node's word is all there is.
    Blocked,
    /// Somebody else's bytes are there.
    Mismatch,
}

/// Something that goes wrong when an artifact is sent.
struct SendCase {
    name: &'static str,
    arrange: fn(&Publisher, &str),
    end: End,
    /// How many requests reach the registry, by ecosystem: npm, PyPI.
    writes: [usize; 2],
}

fn fault_on_write(publisher: &Publisher, fault: impl Into<FaultPlan>) {
    let method = match publisher.ecosystem {
        Ecosystem::Npm => HttpMethod::PUT,
        Ecosystem::Pypi => HttpMethod::POST,
    };
    publisher.world.replica.faults().next(Target::Method(method), fault);
}

fn lie(status: u16, body: &str) -> Fault {
    Fault::NodeLies(Lie { status, body: body.into(), ..Lie::default() })
}

fn misbehave(publisher: &Publisher, answer: Answer, processed: bool, delivery: Delivery) {
    let to = Requests::Writes;
    publisher.misbehave(Misbehaviour { to, answer: Some(answer), processed, delivery, times: 1 });
}

fn redirect(status: u16) -> Answer {
    let mut answer = Answer::text(status, "");
    answer.headers.push(("location".into(), "/elsewhere".into()));
    answer
}

fn html(status: u16) -> Answer {
    let mut answer = Answer::text(status, "<!doctype html><title>Please wait</title>");
    answer.headers = vec![("content-type".into(), "text/html".into())];
    answer
}

const ALREADY_THERE: &str = "You cannot publish over the previously published versions; File already exists";

#[rustfmt::skip]
const SEND_CASES: &[SendCase] = &[
    SendCase { name: "the answer is dropped after sending",
        arrange: |p, _| fault_on_write(p, Fault::AnswerDropped), end: End::Published, writes: [1, 1] },
    SendCase { name: "the answer is dropped, and the registry shows the version only minutes later",
        arrange: |p, _| { fault_on_write(p, Fault::AnswerDropped); p.hide(40 * NODES); },
        end: End::Published, writes: [2, 2] },
    SendCase { name: "the answer is dropped, and the registry shows the version only seconds later",
        arrange: |p, _| { fault_on_write(p, Fault::AnswerDropped); p.hide(4 * NODES); },
        end: End::Published, writes: [1, 1] },
    SendCase { name: "the request is sent twice",
        arrange: |p, _| fault_on_write(p, SENT_TWICE), end: End::Published, writes: [2, 2] },
    SendCase { name: "the node says 201 without sending",
        arrange: |p, _| fault_on_write(p, lie(201, "")), end: End::Blocked, writes: [0, 0] },
    SendCase { name: "the node says 200 without sending, with a body",
        arrange: |p, _| fault_on_write(p, lie(200, r#"{"ok":true,"success":true}"#)),
        end: End::Blocked, writes: [0, 0] },
    SendCase { name: "the node says 403 without sending",
        arrange: |p, _| fault_on_write(p, lie(403, "Forbidden")), end: End::Blocked, writes: [0, 0] },
    SendCase { name: "the node says that the version exists, without sending",
        arrange: |p, _| fault_on_write(p, lie(409, "it already exists")), end: End::Blocked, writes: [0, 0] },
    SendCase { name: "the node says 500 without sending",
        arrange: |p, _| fault_on_write(p, lie(500, "")), end: End::Published, writes: [1, 1] },
    SendCase { name: "the call times out before sending",
        arrange: |p, _| fault_on_write(p, Fault::TimeoutBeforeSending), end: End::Published, writes: [1, 1] },
    SendCase { name: "every attempt times out before sending",
        arrange: |p, _| (0..3).for_each(|_| fault_on_write(p, Fault::TimeoutBeforeSending)),
        end: End::Blocked, writes: [0, 0] },
    SendCase { name: "500 before storing",
        arrange: |p, _| misbehave(p, Answer::text(500, ""), false, Delivery::AtOnce),
        end: End::Published, writes: [2, 2] },
    SendCase { name: "500 after storing",
        arrange: |p, _| misbehave(p, Answer::text(500, ""), true, Delivery::AtOnce),
        end: End::Published, writes: [1, 1] },
    SendCase { name: "500 after storing, and the registry shows the version only seconds later",
        arrange: |p, _| { misbehave(p, Answer::text(500, ""), true, Delivery::AtOnce); p.hide(10 * NODES); },
        end: End::Published, writes: [1, 1] },
    SendCase { name: "502 before storing",
        arrange: |p, _| misbehave(p, html(502), false, Delivery::AtOnce), end: End::Published, writes: [2, 2] },
    SendCase { name: "502 after storing",
        arrange: |p, _| misbehave(p, html(502), true, Delivery::AtOnce), end: End::Published, writes: [1, 1] },
    SendCase { name: "403 after storing",
        arrange: |p, _| misbehave(p, Answer::text(403, "Forbidden"), true, Delivery::AtOnce),
        end: End::Published, writes: [1, 1] },
    SendCase { name: "403 after storing, and the registry shows the version only minutes later",
        arrange: |p, _| { misbehave(p, Answer::text(403, "Forbidden"), true, Delivery::AtOnce); p.hide(20 * NODES); },
        end: End::Published, writes: [1, 1] },
    SendCase { name: "somebody else publishes the same bytes between pre-check and sending",
        arrange: |p, version| { p.publish_behind_our_back(version, &p.artifact(version)); p.hide(NODES); },
        end: End::Published, writes: [1, 1] },
    SendCase { name: "somebody else publishes other bytes between pre-check and sending",
        arrange: |p, version| { p.publish_behind_our_back(version, b"other bytes"); p.hide(NODES); },
        end: End::Mismatch, writes: [1, 1] },
    SendCase { name: "somebody else publishes other bytes before the pre-check",
        arrange: |p, version| p.publish_behind_our_back(version, b"other bytes"),
        end: End::Mismatch, writes: [0, 0] },
    SendCase { name: "the registry says that the version exists, and it does not",
        arrange: |p, _| misbehave(p, Answer::text(400, ALREADY_THERE), false, Delivery::AtOnce),
        end: End::Blocked, writes: [1, 1] },
    SendCase { name: "302",
        arrange: |p, _| misbehave(p, redirect(302), false, Delivery::AtOnce), end: End::Blocked, writes: [1, 1] },
    SendCase { name: "307",
        arrange: |p, _| misbehave(p, redirect(307), false, Delivery::AtOnce), end: End::Blocked, writes: [1, 1] },
    SendCase { name: "200 with HTML, and nothing stored",
        arrange: |p, _| misbehave(p, html(200), false, Delivery::AtOnce), end: End::Blocked, writes: [1, 1] },
    SendCase { name: "200 with HTML, and stored",
        arrange: |p, _| misbehave(p, html(200), true, Delivery::AtOnce), end: End::Published, writes: [1, 1] },
    SendCase { name: "an endless answer, and nothing stored",
        arrange: |p, _| misbehave(p, Answer::text(200, "ok"), false, Delivery::Endless),
        end: End::Published, writes: [2, 2] },
    SendCase { name: "an endless answer, and stored",
        arrange: |p, _| misbehave(p, Answer::text(200, "ok"), true, Delivery::Endless),
        end: End::Published, writes: [1, 1] },
];

#[test]
fn should_end_rightly_when_sending_to_npm_goes_wrong() {
    run_send_cases(Ecosystem::Npm);
}

#[test]
fn should_end_rightly_when_sending_to_the_python_index_goes_wrong() {
    run_send_cases(Ecosystem::Pypi);
}

fn run_send_cases(ecosystem: Ecosystem) {
    let mut publisher = Publisher::new(ecosystem);
    for case in SEND_CASES {
        let version = publisher.next_version();
        let before = publisher.writes().len();
        (case.arrange)(&publisher, &version);
        let release = publisher.propose(&version);
        publisher.world.adopt(release.proposal);
        let status = publisher.world.settle(release.proposal);
        let writes = publisher.writes().len() - before;
        let expected = case.writes[usize::from(ecosystem == Ecosystem::Pypi)];
        assert_eq!(writes, expected, "{}: requests that reached the registry", case.name);
        assert_ended(&mut publisher, &release, &status, case.end, case.name);
        publisher.clear_faults();
    }
    assert_next_release_works(&mut publisher, "after all cases");
}

/// The registry has the bytes, if and only if the release is executed, verified and has a receipt.
fn assert_ended(publisher: &mut Publisher, release: &Release, status: &ProposalStatus, end: End, case: &str) {
    if end == End::Published {
        return publisher.assert_published(release, status, case);
    }
    // What is blocked goes on being looked at, until a vote declares how it ended.
    let is_open = *status == ProposalStatus::Executing;
    assert!(is_open || matches!(status, ProposalStatus::Failed { .. }), "{case}: {status:?}");
    assert_eq!(is_open, end == End::Blocked, "{case}: {status:?}");
    let order = publisher.world.order(release.proposal).expect("custody took the order");
    let is_expected = match &order.artifacts[0].state {
        PublicationState::Blocked { .. } => end == End::Blocked,
        PublicationState::Mismatch { .. } => end == End::Mismatch,
        _ => false,
    };
    assert!(is_expected, "{case}: {end:?} expected, found {order:?}");
    assert!(
        publisher.stored(&release.version).as_ref() != Some(&release.bytes),
        "{case}: published after all"
    );
    assert_eq!(publisher.stored(&release.version).is_some(), end == End::Mismatch, "{case}");
    assert!(publisher.world.receipt(release.proposal).is_none(), "{case}: a receipt for nothing");
    assert!(publisher.seen().iter().all(|request| request.path != "/elsewhere"), "{case}: redirect followed");
}

fn assert_next_release_works(publisher: &mut Publisher, case: &str) {
    let release = publisher.adopt_next();
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, &format!("{case}: the next release"));
}

#[test]
fn should_wait_as_long_as_npm_asks_before_sending_again() {
    run_retry_after(Ecosystem::Npm);
}

#[test]
fn should_wait_as_long_as_the_python_index_asks_before_sending_again() {
    run_retry_after(Ecosystem::Pypi);
}

fn run_retry_after(ecosystem: Ecosystem) {
    let mut publisher = Publisher::new(ecosystem);
    let mut answer = Answer::text(429, "Too Many Requests");
    answer.headers.push(("retry-after".into(), "900".into()));
    misbehave(&publisher, answer, false, Delivery::AtOnce);
    let release = publisher.adopt_next();
    for _ in 0..88 {
        publisher.world.pass(Duration::from_secs(10));
    }
    assert_eq!(publisher.writes().len(), 1, "not sent again for 880 seconds");
    let order = publisher.world.order(release.proposal).expect("custody took the order");
    assert_eq!(order.artifacts[0].state, PublicationState::Unknown);
    let status = publisher.world.settle(release.proposal);
    publisher.assert_published(&release, &status, "429 with Retry-After");
    assert_eq!(publisher.writes().len(), 2);
    assert_next_release_works(&mut publisher, "429 with Retry-After");
}

/// What comes of something that goes wrong when the registry is read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    /// Nothing: it is outvoted, or does no harm.
    Agreed,
    /// The digest is outvoted, and the bytes cannot be read as long as it lasts.
    AgreedOnTheDigest,
    /// Nothing is known as long as it lasts.
    Unknown,
    /// It looks as if nothing were there, so that the artifact is sent; and nothing more is known.
    Hidden,
}

/// Something that goes wrong when the registry is read, for as long as it lasts.
struct ReadCase {
    name: &'static str,
    arrange: fn(&Publisher, &str),
    /// What comes of it before anything was sent.
    before: Reading,
    /// What comes of it when the artifact was sent.
    after: Reading,
}

fn fault_on_read(publisher: &Publisher, fault: impl Into<FaultPlan>) {
    publisher.world.replica.faults().until_cleared(Target::Method(HttpMethod::GET), fault);
}

/// The first so many nodes lie that the registry shows other bytes.
fn some_lie(publisher: &Publisher, version: &str, liars: u32) {
    let lie = publisher.lie_about(version, b"other bytes");
    fault_on_read(publisher, FaultPlan::default().on(0..liars, Fault::NodeLies(lie)));
}

/// The first so many nodes lie that the registry shows what was voted.
fn some_flatter(publisher: &Publisher, version: &str, liars: u32) {
    let lie = publisher.lie_about(version, &publisher.artifact(version));
    fault_on_read(publisher, FaultPlan::default().on(0..liars, Fault::NodeLies(lie)));
}

fn misread(publisher: &Publisher, answer: Option<Answer>, delivery: Delivery) {
    let to = Requests::Reads;
    publisher.misbehave(Misbehaviour { to, answer, processed: false, delivery, times: ALWAYS });
}

#[rustfmt::skip]
const READ_CASES: &[ReadCase] = &[
    ReadCase { name: "no node's answer arrives",
        arrange: |p, _| fault_on_read(p, Fault::AnswerDropped),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "every node asks twice",
        arrange: |p, _| fault_on_read(p, SENT_TWICE),
        before: Reading::Agreed, after: Reading::Agreed },
    ReadCase { name: "no node asks",
        arrange: |p, _| fault_on_read(p, Fault::TimeoutBeforeSending),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "every node says that nothing is there",
        arrange: |p, _| fault_on_read(p, lie(404, "")),
        before: Reading::Hidden, after: Reading::Unknown },
    ReadCase { name: "every node lies that the registry fails",
        arrange: |p, _| fault_on_read(p, lie(500, "")),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "as many nodes as tolerated show other bytes",
        arrange: |p, version| some_lie(p, version, TOLERATED_LIARS),
        before: Reading::Agreed, after: Reading::Agreed },
    ReadCase { name: "one more node than tolerated shows other bytes",
        arrange: |p, version| some_lie(p, version, TOLERATED_LIARS + 1),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "eight nodes of thirteen show other bytes",
        arrange: |p, version| some_lie(p, version, 8),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "eight nodes of thirteen show the voted digest without looking, and cannot show the bytes",
        arrange: |p, version| some_flatter(p, version, 8),
        before: Reading::Unknown, after: Reading::AgreedOnTheDigest },
    ReadCase { name: "429",
        arrange: |p, _| misread(p, Some(Answer::text(429, "")), Delivery::AtOnce),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "500",
        arrange: |p, _| misread(p, Some(Answer::text(500, "")), Delivery::AtOnce),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "403",
        arrange: |p, _| misread(p, Some(Answer::text(403, "")), Delivery::AtOnce),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "302",
        arrange: |p, _| misread(p, Some(redirect(302)), Delivery::AtOnce),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "307",
        arrange: |p, _| misread(p, Some(redirect(307)), Delivery::AtOnce),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "HTML",
        arrange: |p, _| misread(p, Some(html(200)), Delivery::AtOnce),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "an endless page",
        arrange: |p, _| misread(p, Some(Answer::text(200, "{")), Delivery::Endless),
        before: Reading::Unknown, after: Reading::Unknown },
    ReadCase { name: "slow answers",
        arrange: |p, _| misread(p, None, Delivery::After(Duration::from_millis(100))),
        before: Reading::Agreed, after: Reading::Agreed },
];

#[test]
fn should_send_nothing_to_npm_while_it_cannot_be_read() {
    run_read_cases_before_sending(Ecosystem::Npm);
}

#[test]
fn should_send_nothing_to_the_python_index_while_it_cannot_be_read() {
    run_read_cases_before_sending(Ecosystem::Pypi);
}

fn run_read_cases_before_sending(ecosystem: Ecosystem) {
    let mut publisher = Publisher::new(ecosystem);
    for case in READ_CASES {
        let version = publisher.next_version();
        let before = publisher.writes().len();
        (case.arrange)(&publisher, &version);
        let release = publisher.propose(&version);
        publisher.world.adopt(release.proposal);
        endure(&mut publisher, &release, case.before, case.name);
        let writes = publisher.writes().len() - before;
        let is_sent = matches!(case.before, Reading::Agreed | Reading::Hidden);
        assert_eq!(writes, usize::from(is_sent), "{}: sent meanwhile", case.name);
        publisher.clear_faults();
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, case.name);
        assert_eq!(publisher.writes().len() - before, 1, "{}", case.name);
    }
    assert_next_release_works(&mut publisher, "after all cases");
}

#[test]
fn should_prove_nothing_while_npm_cannot_be_read_back() {
    run_read_cases_after_sending(Ecosystem::Npm);
}

#[test]
fn should_prove_nothing_while_the_python_index_cannot_be_read_back() {
    run_read_cases_after_sending(Ecosystem::Pypi);
}

fn run_read_cases_after_sending(ecosystem: Ecosystem) {
    let mut publisher = Publisher::new(ecosystem);
    for case in READ_CASES {
        let release = publisher.adopt_next();
        let before = publisher.writes().len();
        publisher.run_until_written();
        (case.arrange)(&publisher, &release.version);
        endure(&mut publisher, &release, case.after, case.name);
        publisher.clear_faults();
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, case.name);
        assert_eq!(publisher.writes().len() - before, 1, "{}: sent once", case.name);
    }
    assert_next_release_works(&mut publisher, "after all cases");
}

/// Two minutes in which something is wrong.
fn endure(publisher: &mut Publisher, release: &Release, reading: Reading, case: &str) {
    for _ in 0..12 {
        publisher.world.pass(Duration::from_secs(10));
    }
    let status = publisher.world.proposal(release.proposal).status;
    let order = publisher.world.order(release.proposal).expect("custody took the order");
    match reading {
        Reading::Agreed => publisher.assert_published(release, &status, case),
        // This index names no place of its files, so that its digest is all there is to prove.
        Reading::AgreedOnTheDigest if publisher.ecosystem == Ecosystem::Pypi => {
            publisher.assert_published(release, &status, case);
        }
        Reading::Unknown | Reading::Hidden | Reading::AgreedOnTheDigest => {
            assert_eq!(status, ProposalStatus::Executing, "{case}");
            assert!(!order.is_final() && !order.receipt, "{case}: {order:?}");
            assert!(publisher.world.receipt(release.proposal).is_none(), "{case}: a receipt without proof");
        }
    }
}
