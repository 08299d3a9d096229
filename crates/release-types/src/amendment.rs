//! Amendments: changes of what a registry says about versions that it has. npm only.

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{CredentialId, OrderId, Registry, RegistryId, order::Decision, waiting::Wait};

/// Longest message of a deprecation, in bytes.
pub const MAX_DEPRECATION_BYTES: usize = 1_000;

/// A change of what the registry says about a package.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Amendment {
    /// Let a dist-tag name this version: a promotion, or a rollback.
    DistTag {
        tag: String,
        version: String,
        /// The version that the tag names until then; none if the tag is new. If it names another, nothing is changed.
        replaces: Option<String>,
    },
    /// Have npm warn whoever installs this version.
    Deprecation {
        version: String,
        /// At most 1,000 bytes; empty takes a deprecation back.
        message: String,
    },
}

/// An approved amendment, as custody is to carry it out. Sending the same again returns its state; another under the
/// same id is rejected.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct AmendOrder {
    /// Never used before, by an amendment or by a release.
    pub id: OrderId,
    /// Of mode `Direct` or `Staged`: npm lets stage-only tokens amend as well.
    pub credential: CredentialId,
    /// A read-only token, for a registry that shows nothing without one.
    pub read_credential: Option<CredentialId>,
    pub registry: Registry,
    /// Full npm name.
    pub package: String,
    pub amendment: Amendment,
    pub decision: Decision,
    /// Custody starts nothing for this order from this moment on.
    pub expires_at_ns: u64,
}

/// How far an amendment has come. All but the first four are final.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum AmendmentState {
    /// Checked and intended; nothing sent.
    Prepared,
    /// Handed to the network; the answer is awaited.
    Sent,
    /// The registry said yes; nothing is proven yet.
    Accepted,
    /// The outcome is open; being read back.
    Unknown,
    /// The nodes agree that the registry shows it as voted.
    Verified,
    /// The registry shows something that is neither what was to be changed nor what was voted: somebody else was at
    /// it. For a tag the version it names, for a deprecation nothing, because the version is not there.
    Conflict { shown: Option<String> },
    /// It was sent, and the registry did not show it in three hours. Proposing it again looks before it sends.
    Unconfirmed,
    /// Nothing was changed; the reason says what to do.
    Refused { reason: String },
}

impl AmendmentState {
    /// Whether nothing more will happen by itself.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Prepared | Self::Sent | Self::Accepted | Self::Unknown => false,
            Self::Verified | Self::Conflict { .. } | Self::Unconfirmed | Self::Refused { .. } => true,
        }
    }
}

/// An amendment's state.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct AmendmentStatus {
    pub id: OrderId,
    pub accepted_at_ns: u64,
    pub state: AmendmentState,
    pub changed_at_ns: u64,
    /// Why it waits; none once it is final.
    pub waiting: Option<Wait>,
}

impl AmendmentStatus {
    /// The same without the time of the next look, which changes with every look.
    pub fn without_next_look(self) -> Self {
        Self { waiting: self.waiting.map(|wait| Wait { next_look_at_ns: None, ..wait }), ..self }
    }

    /// When custody looks next, if it waits.
    pub fn next_look_at_ns(&self) -> Option<u64> {
        self.waiting.as_ref()?.next_look_at_ns
    }
}

/// A proposal to amend.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct AmendmentProposal {
    pub registry: RegistryId,
    pub credential: CredentialId,
    /// A read-only token, for a registry that shows nothing without one.
    pub read_credential: Option<CredentialId>,
    /// Full npm name.
    pub package: String,
    pub amendment: Amendment,
    /// Whether `latest` may name a version that this group did not release and verify.
    pub allow_unverified: bool,
}

/// Longest delay of promotions: 90 days.
pub const MAX_PROMOTION_DELAY_NS: u64 = 90 * 24 * 3_600 * 1_000_000_000;

/// A proposal to set how long a version must have been verified before `latest` may name it. While there is a delay,
/// releases go under another tag and are promoted later.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct PromotionDelayProposal {
    pub registry: RegistryId,
    /// At most 90 days; 0 for none.
    pub delay_ns: u64,
}
