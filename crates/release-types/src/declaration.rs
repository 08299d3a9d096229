//! Declarations: what the group says became of an artifact that never appeared.

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{OrderId, ProposalId};

/// Longest reason of a declaration, in bytes.
pub const MAX_DECLARED_REASON_BYTES: usize = 500;

/// Tells custody what became of an artifact whose state is `Blocked`. Custody then looks for it no more; it never signs
/// a receipt on somebody's word.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DeclareOutcomeArgs {
    pub order: OrderId,
    /// Position in the order.
    pub artifact: u32,
    /// Whether it was published.
    pub published: bool,
    /// How the group knows; 1 to 500 bytes, on the public log.
    pub reason: String,
}

/// A proposal to declare what became of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DeclarationProposal {
    /// The release that waits.
    pub release: ProposalId,
    /// The artifact, as the release names it.
    pub filename: String,
    /// Whether it was published.
    pub published: bool,
    /// How the group knows; 1 to 500 bytes.
    pub reason: String,
}
