//! The facts of which the state is the fold. Never renamed, never removed: old logs must replay.

use audit_log::BlockIndex;
use candid::Principal;
use release_types::{
    AmendmentStatus, Choice, CredentialId, CredentialPolicy, Member, MemberId, OrderStatus, Policies,
    ProposalAction, ProposalId, Proposer, Registry, RegistryId, Sha256Digest,
    control::{LogTip, UpgradeId},
    credential::CredentialStatus,
};
use serde::{Deserialize, Serialize};

use crate::{
    electorate::ElectorateId,
    proposal::ReleaseKey,
    state::{FreezeFact, MemberFact},
    storage::StoredAs,
    voting::Outcome,
};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The canister was installed with this group.
    Installed {
        members: Vec<Member>,
        proposers: Vec<Proposer>,
        policies: Policies,
        custody: Option<Principal>,
        upgrader: Option<Principal>,
    },
    /// Somebody announced an artifact.
    UploadBegun { upload: StoredAs, uploader: Principal, sha256: Sha256Digest, size_bytes: u64 },
    /// All bytes of an announced artifact arrived, and they have the announced digest.
    ArtifactStored { upload: StoredAs, uploader: Principal, sha256: Sha256Digest },
    /// Announced artifacts were dropped: their time was over, or somebody else's upload completed first.
    UploadsDropped { uploads: Vec<UploadKey> },
    /// Artifacts that no live proposal names were dropped after their time.
    ArtifactsDropped { artifacts: Vec<Sha256Digest> },
    /// A valid proposal was submitted; voting is open.
    ProposalSubmitted {
        proposal: ProposalId,
        proposer: Principal,
        /// Who that is, if a member.
        proposing_member: Option<MemberId>,
        title: String,
        summary: String,
        action: ProposalAction,
        electorate: ElectorateId,
        deadline_ns: u64,
        /// For a release: what it publishes, as its artifacts say.
        release: Option<ReleaseFacts>,
    },
    /// A member voted.
    BallotCast {
        proposal: ProposalId,
        member: MemberId,
        key: Principal,
        choice: Choice,
        voting_power: u64,
        /// Whether the member computed the digests, and found those proposed.
        checked: bool,
        /// The block of the ballot before this one, or of the last that was voided, of the same proposal.
        previous: Option<BlockIndex>,
    },
    /// A member's ballot no longer counts, because of whose key cast it.
    BallotVoided { proposal: ProposalId, member: MemberId, previous: Option<BlockIndex> },
    /// A member computed other digests than those proposed.
    DigestsDisputed { proposal: ProposalId, member: MemberId, key: Principal, digests: Vec<Sha256Digest> },
    /// A late ballot turned the outcome: others have time to answer it.
    DeadlineMoved { proposal: ProposalId, deadline_ns: u64 },
    /// The vote ended: early because nothing could change it any more, or at the deadline.
    ProposalDecided { proposal: ProposalId, outcome: Outcome },
    /// A guardian stopped it.
    ProposalVetoed { proposal: ProposalId, member: MemberId, reason: String },
    /// It was adopted, and its execution did not begin in time.
    ProposalExpired { proposal: ProposalId },
    /// The proposer took it back.
    ProposalWithdrawn { proposal: ProposalId },
    /// Execution began; from here on it cannot be withdrawn. Recorded before custody is called.
    ExecutionStarted { proposal: ProposalId },
    /// Custody reported another state of the order.
    OrderReported { proposal: ProposalId, status: OrderStatus },
    /// Custody reported another state of an amendment.
    AmendmentReported { proposal: ProposalId, status: AmendmentStatus },
    /// The group set how long a version must have been verified before `latest` may name it.
    PromotionDelaySet { proposal: ProposalId, registry: RegistryId, delay_ns: u64 },
    /// A registry was put in place, or replaced.
    RegistryEstablished { proposal: ProposalId, id: RegistryId, registry: Registry },
    /// A sealed token went to custody.
    CredentialDeposited {
        depositor: Principal,
        credential: CredentialId,
        policy: CredentialPolicy,
        sealed_token_sha256: Sha256Digest,
    },
    /// Custody carried out a voted change of a credential.
    CredentialChanged { proposal: ProposalId, credential: CredentialId, status: CredentialStatus },
    /// Something happened to a member's demand to freeze.
    Freeze(FreezeFact),
    /// Cycles are about to be passed on. Written once for each proposal, and nothing else passes any on.
    SentCycles { proposal: ProposalId },
    /// Here the log forks: this canister was taken back from an upgrade. Other code ran after the blocks before this one, and
    /// wrote blocks up to `lost`, if it told. What it did, this log does not say.
    TakenBack { upgrade: UpgradeId, lost: Option<LogTip> },
    /// Something happened to members or their keys.
    Member(MemberFact),
    /// The group put other rules in place.
    PoliciesChanged { policies: Policies },
    /// Done.
    ProposalExecuted { proposal: ProposalId },
    /// It could not be carried out.
    ProposalFailed { proposal: ProposalId, reason: String },
}

/// Names an announced artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UploadKey {
    pub uploader: Principal,
    pub sha256: Sha256Digest,
}

/// What a release publishes, as its artifacts say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseFacts {
    pub key: ReleaseKey,
    /// Of what was derived from the artifacts.
    pub document_sha256: Sha256Digest,
}

impl Event {
    /// The kind of block that records it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Installed { .. } => "1countersign.install",
            Self::UploadBegun { .. } => "1countersign.begin_upload",
            Self::ArtifactStored { .. } => "1countersign.store_artifact",
            Self::UploadsDropped { .. } => "1countersign.drop_uploads",
            Self::ArtifactsDropped { .. } => "1countersign.drop_artifacts",
            Self::ProposalSubmitted { .. } => "1countersign.submit",
            Self::BallotCast { .. } => "1countersign.vote",
            Self::BallotVoided { .. } => "1countersign.void_ballot",
            Self::DigestsDisputed { .. } => "1countersign.dispute",
            Self::DeadlineMoved { .. } => "1countersign.move_deadline",
            Self::ProposalVetoed { .. } => "1countersign.veto",
            Self::ProposalExpired { .. } => "1countersign.expire",
            Self::ProposalDecided { .. } => "1countersign.decide",
            Self::ProposalWithdrawn { .. } => "1countersign.withdraw",
            Self::ExecutionStarted { .. } => "1countersign.start",
            Self::OrderReported { .. } => "1countersign.report_order",
            Self::AmendmentReported { .. } => "1countersign.report_amendment",
            Self::PromotionDelaySet { .. } => "1countersign.set_promotion_delay",
            Self::RegistryEstablished { .. } => "1countersign.establish_registry",
            Self::CredentialDeposited { .. } => "1countersign.deposit_credential",
            Self::CredentialChanged { .. } => "1countersign.change_credential",
            Self::Freeze(fact) => fact.operation(),
            Self::SentCycles { .. } => "1countersign.send_cycles",
            Self::TakenBack { .. } => "1countersign.taken_back",
            Self::Member(fact) => fact.operation(),
            Self::PoliciesChanged { .. } => "1countersign.change_policies",
            Self::ProposalExecuted { .. } => "1countersign.execute",
            Self::ProposalFailed { .. } => "1countersign.fail",
        }
    }

    /// Every kind of block that this canister writes.
    pub const OPERATIONS: [&str; 33] = [
        "1countersign.install",
        "1countersign.begin_upload",
        "1countersign.store_artifact",
        "1countersign.drop_uploads",
        "1countersign.drop_artifacts",
        "1countersign.submit",
        "1countersign.vote",
        "1countersign.void_ballot",
        "1countersign.dispute",
        "1countersign.move_deadline",
        "1countersign.decide",
        "1countersign.veto",
        "1countersign.expire",
        "1countersign.withdraw",
        "1countersign.start",
        "1countersign.report_order",
        "1countersign.report_amendment",
        "1countersign.set_promotion_delay",
        "1countersign.establish_registry",
        "1countersign.deposit_credential",
        "1countersign.change_credential",
        "1countersign.demand_freeze",
        "1countersign.confirm_freeze",
        "1countersign.decline_freeze",
        "1countersign.lift_freeze",
        "1countersign.send_cycles",
        "1countersign.taken_back",
        "1countersign.change_keys",
        "1countersign.demand_suspension",
        "1countersign.change_members",
        "1countersign.change_policies",
        "1countersign.execute",
        "1countersign.fail",
    ];
}
