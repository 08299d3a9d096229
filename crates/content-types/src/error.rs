//! Why something was not done.

use candid::CandidType;
use release_types::Defect;
use serde::{Deserialize, Serialize};

/// Why the content canister did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize, thiserror::Error)]
pub enum ContentError {
    /// The caller has no such right at this canister.
    #[error("caller: found {caller}; allowed: {allowed}")]
    NotAllowed { caller: String, allowed: String },
    /// There is none, or the caller may not know of it.
    #[error(
        "item: found {item}; allowed: an item of yours, or one that was shared with you. List them first."
    )]
    NoSuchItem { item: u64 },
    /// Everything that is wrong with the arguments.
    #[error("{}", .defects.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid { defects: Vec<Defect> },
    /// It works again later.
    #[error("{what}; again from {retry_at_ns} on (nanoseconds since 1970)")]
    Busy { what: String, retry_at_ns: u64 },
    /// Whatever the cause: another owner's envelope, a changed byte, a damaged file. Nobody learns which.
    #[error("the envelope cannot be opened")]
    CannotOpen,
    /// Nothing was opened or tried: the key did not come, or the canister has too few cycles.
    #[error("the key is not available: try again later")]
    Unavailable,
}

impl ContentError {
    /// One thing that is wrong.
    pub fn invalid(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Invalid { defects: vec![Defect::new(field, found, allowed, hint)] }
    }
}
