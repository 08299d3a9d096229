//! Proposals: what a group decides about.

use std::fmt;

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{
    AmendmentProposal, AmendmentStatus, ArtifactRef, CredentialId, DeclarationProposal, Defect, FileEntry,
    MemberChange, MemberId, OrderStatus, Policies, PromotionDelayProposal, PublishingMode, Registry,
    RegistryId, Settings, Sha256Digest, Tally,
    control::{CancelRecoveryProposal, CanisterSettingsProposal, TopUpProposal, UpgradeProposal},
    freeze::UnfreezeProposal,
    voting::{Dispute, Heads},
    watch::WatchProposal,
};

/// Numbers proposals from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct ProposalId(pub u64);

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum ProposalAction {
    /// Publish these exact bytes.
    Release(ReleaseProposal),
    /// Put a registry's endpoints in place, or replace them.
    Registry(RegistryProposal),
    /// Put a sealed token into use, or out of it.
    Credential(CredentialProposal),
    /// Let custody derive keys again.
    Unfreeze(UnfreezeProposal),
    /// Say what became of an artifact that never appeared.
    Declaration(DeclarationProposal),
    /// Watch a package, or stop watching it.
    Watch(WatchProposal),
    /// Adjust custody.
    Settings(Settings),
    /// Move a dist-tag, or deprecate a version.
    Amendment(AmendmentProposal),
    /// Set how long a version must have been verified before `latest` may name it.
    PromotionDelay(PromotionDelayProposal),
    /// Put new code into one of the group's canisters.
    Upgrade(UpgradeProposal),
    /// Adjust one of the group's canisters.
    CanisterSettings(CanisterSettingsProposal),
    /// Pass cycles on to one of the group's canisters.
    TopUp(TopUpProposal),
    /// End a recovery of the DAO before it is carried out.
    CancelRecovery(CancelRecoveryProposal),
    /// Nothing but what its title and summary say: the group's word on the record.
    Motion,
    /// Change who belongs to the group; all changes together or none.
    Members { changes: Vec<MemberChange> },
    /// Put other rules in place.
    Policies(Policies),
}

/// A release of one version of one package.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ReleaseProposal {
    /// Where to publish.
    pub registry: RegistryId,
    /// In which way.
    pub mode: PublishingMode,
    /// The token to publish or stage with; none when custody only verifies.
    pub credential: Option<CredentialId>,
    /// A read-only token, for a registry that shows nothing without one.
    pub read_credential: Option<CredentialId>,
    /// Package name, as the artifacts' own metadata have it.
    pub name: String,
    /// Version, as the artifacts' own metadata have it.
    pub version: String,
    /// npm: exactly one tarball. PyPI: one or several wheels and at most one sdist.
    pub artifacts: Vec<ArtifactRef>,
    /// npm only.
    pub npm: Option<NpmOptions>,
    /// Where the source is and how to rebuild; shown to voters and written on the receipt.
    pub source: Option<SourceReference>,
}

/// npm's choices that are not in the tarball.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct NpmOptions {
    /// The tag that will point to this version, usually `latest`. Not a semver range.
    pub dist_tag: String,
    pub access: NpmAccess,
}

/// Who may install a scoped package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum NpmAccess {
    Public,
    Restricted,
}

/// The source that an artifact claims to be built from. Each at most 500 bytes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct SourceReference {
    pub repository: String,
    pub commit: String,
    pub tag: Option<String>,
    pub rebuild: Option<String>,
}

/// A registry to put in place under a name.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RegistryProposal {
    pub id: RegistryId,
    pub registry: Registry,
}

/// A change of a credential.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CredentialProposal {
    pub credential: CredentialId,
    pub change: CredentialChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum CredentialChange {
    /// Trial-decrypt it and, if that works, let approved orders use it.
    Activate,
    /// Never use it again.
    Revoke,
    /// Find out whether the token still works, without revealing whose it is.
    Probe,
}

/// A proposal to submit.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct SubmitProposalArgs {
    /// 1 to 200 bytes.
    pub title: String,
    /// At most 10,000 bytes.
    pub summary: String,
    pub action: ProposalAction,
}

/// Why a proposal was not taken. Nothing is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum SubmitProposalError {
    /// Only members and proposers may propose, and only what the rule of its kind lets them.
    NotAllowed { caller: Principal },
    /// Everything that is wrong with it.
    Invalid { defects: Vec<Defect> },
    /// A live proposal for the same registry, name and version exists.
    AlreadyProposed { proposal: ProposalId },
    /// This caller submitted as often as allowed: proposals taken within a day, or refused within an hour. Again from
    /// `frees_at_ns` on.
    TooOften { submissions: u32, limit: u32, frees_at_ns: u64 },
    /// This caller has as many open proposals as allowed.
    TooManyOpen { open: u32, limit: u32 },
}

/// Where a proposal stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum ProposalStatus {
    /// Voting is open until the deadline, or until the result is certain.
    Open,
    /// Voted down, or quorum was missed.
    Rejected,
    /// Taken back by its proposer.
    Withdrawn,
    /// Adopted; execution is due once its timelock is over.
    Approved,
    /// Handed to custody, which is at work.
    Executing,
    /// Done, and for a release: verified at the registry.
    Executed,
    /// Adopted, but it could not be carried out.
    Failed { reason: String },
    /// A guardian stopped it before it was carried out.
    Vetoed { member: MemberId, reason: String },
    /// Adopted, but its execution did not begin in time.
    Expired,
}

/// A proposal as shown.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ProposalView {
    pub id: ProposalId,
    pub proposer: Principal,
    pub title: String,
    pub summary: String,
    pub action: ProposalAction,
    pub status: ProposalStatus,
    pub tally: Tally,
    pub heads: Heads,
    /// Members who computed other digests than those proposed.
    pub disputes: Vec<Dispute>,
    pub submitted_at_ns: u64,
    pub deadline_ns: u64,
    pub decided_at_ns: Option<u64>,
    /// When its timelock is over, once adopted.
    pub executable_at_ns: Option<u64>,
    /// The last state that custody reported, for a release under way or done.
    pub order: Option<OrderStatus>,
    /// The last state that custody reported, for an amendment under way or done.
    pub amendment: Option<AmendmentStatus>,
}

/// Asks for a page of proposals, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ListProposalsArgs {
    /// Only proposals older than this one.
    pub before: Option<ProposalId>,
    /// At most 100; 20 if absent.
    pub limit: Option<u32>,
}

/// A page of proposals, newest first.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ProposalPage {
    pub proposals: Vec<ProposalView>,
    /// How many proposals there are in all.
    pub total: u64,
}

/// What voters read about one artifact of a release; taken from its bytes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ArtifactReview {
    pub filename: String,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
    /// What will be published for it: npm's version document, or PyPI's form fields, as JSON.
    pub publication_json: String,
    /// Scripts the package runs or declares, name and command. npm only.
    pub scripts: Vec<(String, String)>,
    /// Whether installing it runs code of its own.
    pub runs_code_on_install: bool,
    /// Dependencies with their requirements.
    pub dependencies: Vec<(String, String)>,
    /// Commands it installs.
    pub commands: Vec<(String, String)>,
    pub files: Vec<FileEntry>,
}

/// Why withdrawing was refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum WithdrawError {
    /// Only the proposer may withdraw.
    NotAllowed {
        caller: Principal,
    },
    NoSuchProposal,
    /// Too late: it is executing or over.
    NotWithdrawable {
        status: ProposalStatus,
    },
}

/// Why execution was refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum ExecuteError {
    /// Only members and proposers may ask for execution.
    NotAllowed {
        caller: Principal,
    },
    NoSuchProposal,
    /// Not adopted.
    NotApproved {
        status: ProposalStatus,
    },
    /// Its timelock is not over.
    NotDue {
        executable_at_ns: u64,
    },
}
