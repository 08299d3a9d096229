//! Orders: what the authority tells custody to publish, and how far custody has come.

use std::fmt;

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{
    CredentialId, PublishingMode, Registry, Sha256Digest, Tally,
    proposal::{NpmOptions, ProposalId, SourceReference},
    waiting::Wait,
};

/// Longest order id, in bytes.
pub const MAX_ORDER_ID_BYTES: usize = 100;

/// Names an order; chosen by the authority, 1 to 100 bytes, used once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct OrderId(pub String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An approved release, as custody is to carry it out. Sending the same order again returns its state; another
/// order under the same id is rejected.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct PublishOrder {
    pub id: OrderId,
    pub mode: PublishingMode,
    /// The token to publish or stage with; none when custody only verifies.
    pub credential: Option<CredentialId>,
    /// A read-only token, for a registry that shows nothing without one.
    pub read_credential: Option<CredentialId>,
    pub registry: Registry,
    /// Full npm name, or PyPI name in normalised form.
    pub package: String,
    pub version: String,
    pub artifacts: Vec<OrderedArtifact>,
    pub decision: Decision,
    /// Custody starts nothing for this order from this moment on.
    pub expires_at_ns: u64,
}

/// One artifact to publish.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct OrderedArtifact {
    pub filename: String,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
    /// The canister whose `artifact_chunk` serves the bytes.
    pub source: Principal,
    pub publication: Publication,
}

/// What the registry is told about the artifact; derived from its bytes and voted on.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Publication {
    Npm {
        /// The version document without `dist`, as a JSON object.
        manifest_json: String,
        options: NpmOptions,
    },
    Pypi {
        /// Form fields in order, without `:action`, `protocol_version` and the content.
        form: Vec<(String, String)>,
    },
}

/// Who decided; goes onto the receipt.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Decision {
    /// The governing canister.
    pub authority: Principal,
    /// The vote, if the governor can name it in its order. One whose proposals carry the finished order cannot: the
    /// order is older than the vote.
    pub vote: Option<VoteRecord>,
    pub source: Option<SourceReference>,
}

/// A vote that is over.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct VoteRecord {
    pub proposal: ProposalId,
    pub decided_at_ns: u64,
    pub tally: Tally,
}

/// How far one artifact has come. `Verified`, `Mismatch`, `Declared` and `Refused` are final.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum PublicationState {
    /// Checked and intended; nothing sent.
    Prepared,
    /// Handed to the network; the answer is awaited.
    Sent,
    /// The registry said yes; nothing is proven yet.
    Accepted,
    /// Accepted, and not yet visible; being polled.
    Pending,
    /// The outcome is ambiguous; being read back. Nothing is sent again until it is known.
    Unknown,
    /// Custody sends nothing; it waits for people to publish.
    AwaitingRelease,
    /// Custody sends nothing; it waits for somebody to stage. The staging area may be read this often yet.
    AwaitingStage { readings_left: u16 },
    /// The nodes agree that exactly the voted bytes are staged. A person is to approve this stage, and none of those
    /// under `do_not_approve`, which name a stage and what is wrong with it.
    Staged { stage: String, sha512: String, do_not_approve: Vec<String>, readings_left: u16 },
    /// The nodes agree that the registry shows exactly the voted digest; the bytes it serves are being compared.
    Shown,
    /// The registry shows exactly the voted digest, and so do the bytes it serves where they can be read.
    Verified,
    /// The registry shows other bytes under this name. Alarm.
    Mismatch { shown: String },
    /// It did not appear in time; people must look. Custody goes on looking, ever more rarely.
    Blocked { reason: String },
    /// It did not appear, and the group voted on what became of it. Proves nothing: there is no receipt.
    Declared { published: bool, reason: String },
    /// Nothing was sent, or the only sending was refused and nothing appeared for a day; the reason says what to do.
    Refused { reason: String },
}

impl PublicationState {
    /// Whether nothing more will happen by itself.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Verified | Self::Mismatch { .. } | Self::Declared { .. } | Self::Refused { .. } => true,
            Self::Prepared
            | Self::Sent
            | Self::Accepted
            | Self::Pending
            | Self::Unknown
            | Self::AwaitingRelease
            | Self::AwaitingStage { .. }
            | Self::Staged { .. }
            | Self::Shown
            | Self::Blocked { .. } => false,
        }
    }
}

/// One artifact of an order.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ArtifactStatus {
    pub filename: String,
    pub sha256: Sha256Digest,
    pub state: PublicationState,
    pub changed_at_ns: u64,
}

/// An order's state.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct OrderStatus {
    pub id: OrderId,
    pub accepted_at_ns: u64,
    pub artifacts: Vec<ArtifactStatus>,
    /// Whether a receipt has been signed; only when every artifact is verified.
    pub receipt: bool,
    /// Why it waits; none once it is final.
    pub waiting: Option<Wait>,
}

impl OrderStatus {
    /// Whether every artifact is verified and the receipt is signed.
    pub fn is_verified(&self) -> bool {
        self.receipt && self.artifacts.iter().all(|a| a.state == PublicationState::Verified)
    }

    /// The same without the time of the next look, which changes with every look.
    pub fn without_next_look(self) -> Self {
        Self { waiting: self.waiting.map(|wait| Wait { next_look_at_ns: None, ..wait }), ..self }
    }

    /// When custody looks next, if it waits.
    pub fn next_look_at_ns(&self) -> Option<u64> {
        self.waiting.as_ref()?.next_look_at_ns
    }

    /// Whether nothing more will happen by itself.
    pub fn is_final(&self) -> bool {
        self.artifacts.iter().all(|a| a.state.is_final())
            && (self.receipt || self.artifacts.iter().any(|a| a.state != PublicationState::Verified))
    }
}
