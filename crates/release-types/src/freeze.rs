//! Freezing: custody derives no key any more, for one credential or for all, until a vote lifts it.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{CredentialId, Defect, control::UpgradeId};

/// Longest reason of a freeze, in bytes.
pub const MAX_FREEZE_REASON_BYTES: usize = 500;

/// What is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum FreezeScope {
    /// Every credential, those deposited later included.
    Everything,
    Credential(CredentialId),
}

/// Asks to freeze at once. Freezing what is frozen changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct FreezeArgs {
    pub scope: FreezeScope,
    /// For people, on the public log: 1 to 500 bytes.
    pub reason: String,
}

/// Why something is frozen.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum FreezeReason {
    /// Somebody who may asked for it, for this reason.
    Demanded { reason: String },
    /// A version or file of a watched package that nobody approved.
    UnapprovedVersion { package: String, name: String },
    /// A version or file of a watched package whose bytes are others than before.
    DigestChanged { package: String, name: String },
    /// Custody was taken back from an upgrade: its log does not say what the code that ran meanwhile did.
    TakenBack { upgrade: UpgradeId },
}

/// A freeze in force.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct FreezeView {
    pub scope: FreezeScope,
    pub reason: FreezeReason,
    pub since_ns: u64,
}

/// A vote to lift a freeze, whoever imposed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UnfreezeProposal {
    pub scope: FreezeScope,
}

/// A member's demand to freeze, as the group's canister carries it to custody.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct FreezeDemand {
    pub scope: FreezeScope,
    pub member: Principal,
    pub reason: String,
    pub demanded_at_ns: u64,
    /// When custody confirmed it; until then the canister keeps asking.
    pub confirmed_at_ns: Option<u64>,
}

/// Why a demand to freeze was not taken.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum FreezeError {
    /// Only members may freeze.
    NotAllowed { caller: Principal },
    /// Everything that is wrong with it.
    Invalid { defects: Vec<Defect> },
    /// This member froze as often as allowed within a day. Again from `frees_at_ns` on.
    TooOften { demands: u32, limit: u32, frees_at_ns: u64 },
}
