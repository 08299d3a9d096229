//! A group of five with a custody canister, and the verbs of its life.

pub mod packages;
pub mod runtime;

use candid::Principal;
use release_types::{
    ArtifactRef, CHUNK_BYTES, Choice, CredentialId, CredentialMode, CredentialPolicy, Defect, Ecosystem,
    Member, MemberId, OrderId, OrderStatus, Policies, Policy, ProposalAction, ProposalId, ProposalStatus,
    Proposer, PublicationState, PublishingMode, Registry, RegistryId, Sha256Digest,
    artifact::{BeginUploadArgs, UploadChunkArgs},
    credential::{CredentialStatus, CredentialView, DepositCredentialArgs},
    dao::DaoInit,
    order::ArtifactStatus,
    proposal::{
        CredentialChange, CredentialProposal, NpmAccess, NpmOptions, RegistryProposal, ReleaseProposal,
        SubmitProposalArgs, SubmitProposalError,
    },
    voting::VoteArgs,
};

use crate::{
    artifacts, credentials, lifecycle, proposal, queries,
    state::{
        State,
        audit::{replay, replay_blocks},
        read_state, restore,
    },
    storage, vote,
};
pub use runtime::{Answer, Asked, SECOND_NS, START_NS, TestRuntime, run};

pub const PERIOD_NS: u64 = 3_600 * SECOND_NS;
pub const DAY_NS: u64 = 24 * PERIOD_NS;
pub const NPM_URL: &str = "https://npm.registry.example/";
pub const PYPI_URL: &str = "https://pypi.registry.example/legacy/";

pub fn member(number: u8) -> Principal {
    Principal::from_slice(&[1, number])
}

pub fn proposer() -> Principal {
    Principal::from_slice(&[2, 1])
}

pub fn stranger() -> Principal {
    Principal::from_slice(&[3, 1])
}

pub fn custody() -> Principal {
    Principal::from_slice(&[4, 1])
}

pub fn upgrader() -> Principal {
    Principal::from_slice(&[5, 1])
}

/// Five members of equal power; more than half must take part, and more than half of those say yes.
pub fn group() -> DaoInit {
    let member = |number: u8| Member {
        id: MemberId(number.into()),
        name: format!("m{number}"),
        voting_power: 1,
        keys: vec![member(number)],
    };
    DaoInit {
        members: (1..=5).map(member).collect(),
        proposers: vec![Proposer { principal: proposer(), name: "ci".into() }],
        policies: policies(),
        custody: Some(custody()),
        upgrader: Some(upgrader()),
    }
}

/// One rule for everything, with no time but the voting period.
pub fn policies() -> Policies {
    let default = Policy {
        least_yes_members: 2,
        approval_bp: 5_000,
        quorum_bp: 6_000,
        voting_period_ns: PERIOD_NS,
        late_swing_ns: 0,
        timelock_ns: 0,
        execution_window_ns: 30 * DAY_NS,
        proposer_votes: true,
        abstention: true,
        vote_change: false,
        checked_ballots: false,
        void_suspended: false,
        outsiders_propose: true,
        proposers: Vec::new(),
        guardians: Vec::new(),
    };
    Policies { version: 1, default, kinds: Vec::new(), most_open: 20, most_per_day: 50 }
}

/// An installed canister.
pub fn installed() -> TestRuntime {
    installed_with(policies())
}

/// An installed canister with other rules.
pub fn installed_with(policies: Policies) -> TestRuntime {
    let runtime = TestRuntime::new();
    let init = DaoInit { policies, ..group() };
    lifecycle::install(&runtime, init).expect("the group is valid");
    runtime
}

/// An installed canister with both registries in place and an active credential for each.
pub fn ready() -> TestRuntime {
    let runtime = installed();
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let id = submit(&runtime, ProposalAction::Registry(registry(ecosystem)));
        adopt(&runtime, id);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        activate(&runtime, &policy(ecosystem));
    }
    runtime.take_asked();
    runtime
}

pub fn registry_id(ecosystem: Ecosystem) -> RegistryId {
    RegistryId(match ecosystem {
        Ecosystem::Npm => "npm".into(),
        Ecosystem::Pypi => "pypi".into(),
    })
}

pub fn registry(ecosystem: Ecosystem) -> RegistryProposal {
    let (upload_url, read_url) = match ecosystem {
        Ecosystem::Npm => (NPM_URL, NPM_URL),
        Ecosystem::Pypi => (PYPI_URL, "https://pypi.registry.example/simple/"),
    };
    let registry = Registry::new(ecosystem, upload_url, read_url);
    RegistryProposal { id: registry_id(ecosystem), registry }
}

pub fn policy(ecosystem: Ecosystem) -> CredentialPolicy {
    let (endpoint, packages) = match ecosystem {
        Ecosystem::Npm => (NPM_URL, vec!["@dao/demo".to_owned(), "plain".to_owned()]),
        Ecosystem::Pypi => (PYPI_URL, vec!["demo-pkg".to_owned()]),
    };
    CredentialPolicy {
        custody: custody(),
        ecosystem,
        endpoint: endpoint.into(),
        packages,
        mode: CredentialMode::Direct,
        not_before_ns: 0,
        not_after_ns: START_NS + 90 * DAY_NS,
        epoch: 1,
    }
}

pub fn credential_view(policy: &CredentialPolicy, status: CredentialStatus) -> CredentialView {
    CredentialView {
        id: policy.id(),
        policy: policy.clone(),
        status,
        deposited_at_ns: START_NS,
        sealed_token_sha256: Sha256Digest::of(b"sealed"),
        probe: None,
        notice: None,
    }
}

pub fn deposit(runtime: &TestRuntime, policy: &CredentialPolicy) -> CredentialId {
    runtime.answer(Answer::Credential(Ok(credential_view(policy, CredentialStatus::Deposited))));
    let args = DepositCredentialArgs { policy: policy.clone(), sealed_token: b"sealed".to_vec() };
    run(credentials::deposit(runtime, member(1), args)).expect("answers").expect("accepts")
}

pub fn activate(runtime: &TestRuntime, policy: &CredentialPolicy) -> CredentialId {
    let credential = deposit(runtime, policy);
    let change = CredentialProposal { credential, change: CredentialChange::Activate };
    let id = submit(runtime, ProposalAction::Credential(change));
    adopt(runtime, id);
    runtime.answer(Answer::Credential(Ok(credential_view(policy, CredentialStatus::Active))));
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Executed);
    credential
}

/// Uploads as a member and names the artifact.
pub fn upload(runtime: &TestRuntime, filename: &str, bytes: &[u8]) -> ArtifactRef {
    let sha256 = Sha256Digest::of(bytes);
    let size_bytes = bytes.len() as u64;
    artifacts::begin_upload(runtime, member(1), BeginUploadArgs { sha256, size_bytes }).expect("begins");
    for (index, chunk) in bytes.chunks(CHUNK_BYTES as usize).enumerate() {
        let args = UploadChunkArgs { sha256, index: index as u32, bytes: chunk.to_vec() };
        artifacts::upload_chunk(runtime, member(1), args).expect("takes the chunk");
    }
    ArtifactRef { filename: filename.into(), sha256, size_bytes }
}

/// A release of an uploaded npm package.
pub fn npm_release(runtime: &TestRuntime, version: &str) -> ReleaseProposal {
    let tarball = packages::npm_tarball("@dao/demo", version);
    let artifact = upload(runtime, &format!("dao-demo-{version}.tgz"), &tarball);
    npm_release_of(artifact, "@dao/demo", version)
}

pub fn npm_release_of(artifact: ArtifactRef, name: &str, version: &str) -> ReleaseProposal {
    ReleaseProposal {
        registry: registry_id(Ecosystem::Npm),
        mode: PublishingMode::Direct,
        credential: Some(policy(Ecosystem::Npm).id()),
        read_credential: None,
        name: name.into(),
        version: version.into(),
        artifacts: vec![artifact],
        npm: Some(NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public }),
        source: None,
    }
}

/// A release of an uploaded wheel and source distribution.
pub fn pypi_release(runtime: &TestRuntime, version: &str) -> ReleaseProposal {
    let wheel = packages::wheel("demo_pkg", version);
    let sdist = packages::sdist("demo_pkg", version);
    ReleaseProposal {
        registry: registry_id(Ecosystem::Pypi),
        mode: PublishingMode::Direct,
        credential: Some(policy(Ecosystem::Pypi).id()),
        read_credential: None,
        name: "Demo.Pkg".into(),
        version: version.into(),
        artifacts: vec![
            upload(runtime, &format!("demo_pkg-{version}-py3-none-any.whl"), &wheel),
            upload(runtime, &format!("demo_pkg-{version}.tar.gz"), &sdist),
        ],
        npm: None,
        source: None,
    }
}

pub fn args(action: ProposalAction) -> SubmitProposalArgs {
    SubmitProposalArgs { title: "A proposal".into(), summary: "Why.".into(), action }
}

pub fn submit(runtime: &TestRuntime, action: ProposalAction) -> ProposalId {
    proposal::submit(runtime, member(1), args(action)).expect("is valid")
}

/// What is wrong with a proposal that must be refused, leaving nothing behind.
pub fn defects_of(runtime: &TestRuntime, action: ProposalAction) -> Vec<Defect> {
    match refused(|| proposal::submit(runtime, member(1), args(action))) {
        SubmitProposalError::Invalid { defects } => defects,
        other => panic!("expected defects, found {other:?}"),
    }
}

/// The error of what must be refused; and that nothing of it is kept.
pub fn refused<T: std::fmt::Debug, E>(f: impl FnOnce() -> Result<T, E>) -> E {
    let before = (queries::state_digest(), storage::read_log(|log| log.len()), storage::document_pieces());
    let error = match f() {
        Ok(value) => panic!("was accepted: {value:?}"),
        Err(error) => error,
    };
    let after = (queries::state_digest(), storage::read_log(|log| log.len()), storage::document_pieces());
    assert_eq!(before, after, "a refusal changed something");
    error
}

pub fn cast(
    runtime: &TestRuntime,
    voter: Principal,
    proposal: ProposalId,
    choice: Choice,
) -> Result<ProposalStatus, release_types::voting::VoteError> {
    vote::vote(runtime, voter, VoteArgs { proposal, choice, digests: Vec::new() })
}

/// Three of five say yes.
pub fn adopt(runtime: &TestRuntime, id: ProposalId) {
    for number in 1..=3 {
        cast(runtime, member(number), id, Choice::Yes).expect("counts");
    }
    assert_eq!(status(id), ProposalStatus::Approved);
}

pub fn status(id: ProposalId) -> ProposalStatus {
    read_state(|state| state.proposal(id).expect("exists").status.clone())
}

/// An order in which every artifact is in one state.
pub fn order(
    id: ProposalId,
    release: &ReleaseProposal,
    state: PublicationState,
    receipt: bool,
) -> OrderStatus {
    let artifact = |artifact: &ArtifactRef| ArtifactStatus {
        filename: artifact.filename.clone(),
        sha256: artifact.sha256,
        state: state.clone(),
        changed_at_ns: START_NS,
    };
    OrderStatus {
        id: OrderId(format!("proposal-{id}")),
        accepted_at_ns: START_NS,
        artifacts: release.artifacts.iter().map(artifact).collect(),
        receipt,
        waiting: None,
    }
}

/// Loses what an upgrade loses, and resumes.
pub fn upgrade(runtime: &TestRuntime) {
    let before = queries::state_digest();
    runtime.lose_timers();
    restore(State::default());
    lifecycle::resume(runtime);
    assert_eq!(queries::state_digest(), before, "an upgrade changed the state");
}

/// That the log alone gives the state, is a chain, and is certified.
pub fn assert_log_tells_all(runtime: &TestRuntime) {
    let replayed = replay().expect("replays");
    read_state(|state| assert_eq!(&replayed, state));
    storage::read_log(|log| {
        let blocks = log.blocks(0, log.len());
        let tip = audit_log::verify_chain(blocks.iter().map(|(index, block)| (*index, block)));
        assert_eq!(tip, Ok(log.tip()));
        assert_eq!(runtime.certified(), Some(log.certified_root()));
        let downloaded = replay_blocks(blocks.into_iter().map(|(_, block)| block)).expect("replays");
        assert_eq!(audit_log::digest_of_state(&downloaded).to_vec(), queries::state_digest());
    });
}
