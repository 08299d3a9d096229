//! Upgrading either canister between any two messages of a release loses nothing.
//!
//! Each release goes through message by message; after its k-th message one canister is upgraded, and the release
//! goes on. The state that the new code replayed from the log must be the one that was live before, an outsider's
//! native replay of the downloaded log must agree with both, and the release must end executed, its bytes sent once.
//!
//! The order of an upgrade is the one that operators follow: stop, upgrade, start. Without a stop, answers that are
//! still to come would arrive in code that never asked; so that order is tried where the canister awaits none, and once
//! where it does, to see that it heals.
//!
//! By default every k is tried for npm; `COUNTERSIGN_DEEP=1` tries the Python index as well.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use candid::{CandidType, Encode, Principal};
use e2e_tests::{
    World,
    canister_wasm::canister_wasm,
    people::{controller, member},
    publishing::{Publisher, Release, filename, package},
    stepping::Stepper,
};
use ic_management_canister_types::{CanisterIdRecord, HttpMethod};
use local_replica::{
    EntryPoint, Outcome, Reject, Step,
    outcalls::{Fault, Target},
};
use release_types::{
    CHUNK_BYTES, Choice, Ecosystem, ProposalAction, ProposalId, ProposalStatus, PublishingMode, RegistryId,
    Sha256Digest,
    artifact::{ArtifactRef, BeginUploadArgs, UploadChunkArgs, UploadError, UploadStatus},
    proposal::{NpmAccess, NpmOptions, ReleaseProposal, SubmitProposalArgs, SubmitProposalError},
    voting::{VoteArgs, VoteError},
};
use serde::de::DeserializeOwned;

/// Longer than any release takes.
const PATIENCE_S: usize = 600;
/// More messages than any release has.
const MAX_MESSAGES: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Upgraded {
    Dao,
    Custody,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    StopUpgradeStart,
    /// Where no answer is awaited.
    UpgradeOnly,
    /// Though answers are awaited.
    Unstopped,
}

/// What was tried at all messages together.
#[derive(Debug, Default)]
struct Tried {
    /// Messages after which the canister was upgraded.
    upgrades: usize,
    /// Upgrades around which nothing was logged, so that the live state could be compared with the replayed one.
    compared: usize,
    /// Messages after which the canister awaited answers.
    awaiting: usize,
}

#[test]
fn should_lose_nothing_when_the_dao_is_stopped_and_upgraded_between_any_two_messages() {
    upgrade_everywhere(Upgraded::Dao, Order::StopUpgradeStart);
}

#[test]
fn should_lose_nothing_when_custody_is_stopped_and_upgraded_between_any_two_messages() {
    upgrade_everywhere(Upgraded::Custody, Order::StopUpgradeStart);
}

#[test]
fn should_lose_nothing_when_the_dao_is_upgraded_while_it_awaits_no_answer() {
    upgrade_everywhere(Upgraded::Dao, Order::UpgradeOnly);
}

#[test]
fn should_lose_nothing_when_custody_is_upgraded_while_it_awaits_no_answer() {
    upgrade_everywhere(Upgraded::Custody, Order::UpgradeOnly);
}

/// The old answer finds a heap in which new calls wait for theirs. What it does there is not ours to say: often it traps,
/// and the order stands still. The log knows all that matters.
#[test]
fn should_heal_by_stop_and_upgrade_when_a_former_answer_arrives_among_calls_of_new_code() {
    const MOST_NEW_MESSAGES: usize = 24;
    let mut publisher = Publisher::new(Ecosystem::Npm);
    let failed_callbacks = Arc::new(AtomicUsize::new(0));
    let (failed, custody) = (failed_callbacks.clone(), publisher.world.custody);
    publisher.world.replica.observe(Box::new(move |report, _| {
        let is_callback = matches!(report.entry, EntryPoint::ReplyCallback { .. });
        if report.canister == custody && is_callback && matches!(report.outcome, Outcome::Trap(_)) {
            failed.fetch_add(1, Ordering::Relaxed);
        }
    }));
    for new_messages in 0..MOST_NEW_MESSAGES {
        let case = format!("the former answer after {new_messages} messages of new code");
        let before = publisher.writes().len();
        publisher.world.replica.faults().next(Target::Method(HttpMethod::PUT), Fault::HeldBack);
        let release = publisher.adopt_next();
        publisher.run_until_written();
        publisher.world.replica.await_outcalls();
        upgrade(&mut publisher.world, Upgraded::Custody, Order::Unstopped, &mut Tried::default());
        let mut executed = 0;
        while executed < new_messages {
            match publisher.world.replica.step() {
                Step::Executed(_) => executed += 1,
                Step::WaitingForOutcall => publisher.world.replica.await_outcalls(),
                Step::Idle => publisher.world.replica.advance_time(Duration::from_secs(1)),
            }
        }
        publisher.world.replica.faults().release();
        publisher.world.pass(Duration::from_secs(60));

        // Nothing is asked before: in a heap that the former answer spoilt, a query may trap as well.
        let wasm = canister_wasm("custody_canister");
        manage(&mut publisher.world, "stop_canister", custody);
        publisher.world.replica.upgrade(custody, &wasm, Encode!().expect("encodes")).expect("upgrades");
        manage(&mut publisher.world, "start_canister", custody);
        observe(&mut publisher.world, Upgraded::Custody, custody);
        let is_live =
            |status: &ProposalStatus| matches!(status, ProposalStatus::Approved | ProposalStatus::Executing);
        for _ in 0..PATIENCE_S {
            if !is_live(&publisher.world.proposal(release.proposal).status) {
                break;
            }
            publisher.world.pass(Duration::from_secs(1));
        }
        let status = publisher.world.proposal(release.proposal).status;
        publisher.assert_published(&release, &status, &case);
        assert_eq!(publisher.writes().len() - before, 1, "{case}: sent once");
    }
    assert!(failed_callbacks.load(Ordering::Relaxed) > 0, "no former answer did any harm");
}

fn upgrade_everywhere(upgraded: Upgraded, order: Order) {
    let is_deep = std::env::var_os("COUNTERSIGN_DEEP").is_some_and(|value| value == "1");
    let ecosystems = if is_deep { &[Ecosystem::Npm, Ecosystem::Pypi][..] } else { &[Ecosystem::Npm] };
    for ecosystem in ecosystems {
        let mut publisher = Publisher::new(*ecosystem);
        let mut tried = Tried::default();
        let last = (0..MAX_MESSAGES)
            .find(|k| !release_with_upgrade(&mut publisher, upgraded, order, *k, &mut tried));
        let messages = last.expect("a release ends");
        println!("{ecosystem}, {upgraded:?}, {order:?}: {messages} messages, {tried:?}");
        assert!(messages > 30, "a release of {messages} messages only");
        assert_eq!(tried.upgrades + tried.awaiting, messages);
        assert!(tried.upgrades * 4 > messages, "{tried:?}");
        assert!(tried.compared * 3 > tried.upgrades, "{tried:?}");
        publisher.world.assert_replayed_equals_live("at the end");
    }
}

/// A release with an upgrade after its k-th message; false if it has fewer.
fn release_with_upgrade(
    publisher: &mut Publisher,
    upgraded: Upgraded,
    order: Order,
    k: usize,
    tried: &mut Tried,
) -> bool {
    let case = format!("{upgraded:?}, {order:?} after message {k}");
    let version = publisher.next_version();
    let bytes = publisher.artifact(&version);
    let before = publisher.writes().len();
    let (credential, ecosystem) = (publisher.credential, publisher.ecosystem);
    let mut stepper = Stepper::new(&mut publisher.world);
    stepper.interrupt_after(k, Box::new(|world| upgrade(world, upgraded, order, tried)));

    // Members take turns: one alone may not propose as often in a day.
    let proposer = member(k as u32 % 5);
    let artifact = upload(&mut stepper, proposer, &filename(ecosystem, &version), &bytes);
    let action = ProposalAction::Release(ReleaseProposal {
        registry: RegistryId(ecosystem.to_string()),
        mode: PublishingMode::Direct,
        credential: Some(credential),
        read_credential: None,
        name: package(ecosystem).into(),
        version: version.clone(),
        artifacts: vec![artifact],
        npm: (ecosystem == Ecosystem::Npm)
            .then(|| NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public }),
        source: None,
    });
    let args = SubmitProposalArgs { title: "A release".into(), summary: String::new(), action };
    let submitted: Result<ProposalId, SubmitProposalError> =
        insistent(&mut stepper, proposer, "submit_proposal", (args,));
    let proposal = submitted.expect("a good proposal");
    for n in 0..3 {
        let args = VoteArgs { proposal, choice: Choice::Yes, digests: vec![] };
        let voted: Result<ProposalStatus, VoteError> = insistent(&mut stepper, member(n), "vote", (args,));
        voted.expect("the vote counts");
    }
    let is_live =
        |status: &ProposalStatus| matches!(status, ProposalStatus::Approved | ProposalStatus::Executing);
    stepper.pass_seconds(PATIENCE_S, |world| !is_live(&world.proposal(proposal).status));
    let was_interrupted = !stepper.is_uninterrupted();
    drop(stepper);

    let status = publisher.world.proposal(proposal).status;
    publisher.assert_published(&Release { version, proposal, bytes }, &status, &case);
    assert_eq!(publisher.writes().len() - before, 1, "{case}: sent once");
    was_interrupted
}

fn upload(stepper: &mut Stepper<'_>, uploader: Principal, filename: &str, bytes: &[u8]) -> ArtifactRef {
    assert!(bytes.len() <= CHUNK_BYTES as usize, "one chunk");
    let (sha256, size_bytes) = (Sha256Digest::of(bytes), bytes.len() as u64);
    let begun: Result<UploadStatus, UploadError> =
        insistent(stepper, uploader, "begin_upload", (BeginUploadArgs { sha256, size_bytes },));
    assert_eq!(begun.expect("begins").missing_chunks, [0]);
    let chunk = UploadChunkArgs { sha256, index: 0, bytes: bytes.to_vec() };
    let sent: Result<UploadStatus, UploadError> = insistent(stepper, uploader, "upload_chunk", (chunk,));
    assert!(sent.expect("uploads").missing_chunks.is_empty());
    ArtifactRef { filename: filename.into(), sha256, size_bytes }
}

/// A user's call, made again if the canister was being stopped.
fn insistent<A: candid::utils::ArgumentEncoder + Clone, R: CandidType + DeserializeOwned>(
    stepper: &mut Stepper<'_>,
    sender: Principal,
    method: &str,
    args: A,
) -> R {
    let dao = stepper.world.dao;
    let first: Result<R, Reject> = stepper.update(sender, dao, method, args.clone());
    first.or_else(|_| stepper.update(sender, dao, method, args)).expect("answers once it runs again")
}

fn upgrade(world: &mut World, upgraded: Upgraded, order: Order, tried: &mut Tried) {
    let (canister, name) = match upgraded {
        Upgraded::Dao => (world.dao, "dao_canister"),
        Upgraded::Custody => (world.custody, "custody_canister"),
    };
    let awaits =
        |world: &World| !world.replica.view().canister(canister).expect("it exists").open_calls.is_empty();
    if order == Order::UpgradeOnly && awaits(world) {
        tried.awaiting += 1;
        return;
    }
    let at_first = observe(world, upgraded, canister);
    if order == Order::StopUpgradeStart {
        // A stopped canister answers no query: its state is read in a moment between two stops.
        manage(world, "stop_canister", canister);
        manage(world, "start_canister", canister);
    }
    let live = observe(world, upgraded, canister);
    if order == Order::StopUpgradeStart {
        manage(world, "stop_canister", canister);
        assert!(!awaits(world), "a stopped canister awaits nothing");
    }
    world.replica.upgrade(canister, &canister_wasm(name), Encode!().expect("encodes")).expect("upgrades");
    if order == Order::StopUpgradeStart {
        manage(world, "start_canister", canister);
    }
    let replayed = observe(world, upgraded, canister);

    assert!(at_first.blocks <= live.blocks && live.blocks <= replayed.blocks, "the log only grows");
    if live.blocks == replayed.blocks {
        assert_eq!(live.digest, replayed.digest, "the replayed state is the live one");
        tried.compared += 1;
    }
    tried.upgrades += 1;
}

struct Observed {
    blocks: usize,
    digest: [u8; 32],
}

/// The state's digest, which must be that of a native replay of the downloaded log.
fn observe(world: &mut World, upgraded: Upgraded, canister: Principal) -> Observed {
    let log = world.download_log(canister);
    let digest = world.state_digest(canister);
    let replayed = match upgraded {
        Upgraded::Dao => World::replay_dao(&log),
        Upgraded::Custody => World::replay_custody(&log),
    };
    assert_eq!(digest, replayed, "an outsider's replay gives the live state");
    Observed { blocks: log.len(), digest }
}

/// The controller's call of the management canister; stopping waits for the answers that are still to come.
fn manage(world: &mut World, method: &str, canister_id: Principal) {
    let arg = Encode!(&CanisterIdRecord { canister_id }).expect("encodes");
    let management = Principal::management_canister();
    world
        .replica
        .call(controller(), management, method, arg)
        .unwrap_or_else(|reject| panic!("{method}: {reject}"));
}
