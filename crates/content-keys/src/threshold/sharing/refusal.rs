//! Why a holder does not take a step.

use std::collections::BTreeSet;

use super::{evidence::Evidence, session::InvalidSession};
use crate::threshold::{group::Group, roster::HolderIndex};

/// Why a holder does not take a step. Only [`Self::Cheated`] shows whose fault it is: everything else may be the
/// coordinator's, and the attempt is repeated, with others if need be.
#[derive(Debug, thiserror::Error)]
pub enum Refusal<G: Group> {
    #[error(transparent)]
    InvalidSession(#[from] InvalidSession),
    #[error("the session is of another roster than this holder's")]
    OtherRoster,
    #[error("the session is not of this holder's key and epoch")]
    OtherKeys,
    #[error("this holder does not take part in the session")]
    NotParticipant,
    #[error("session number {found}; allowed: {lowest} to {highest}")]
    Number { found: u64, lowest: u64, highest: u64 },
    #[error("the active shares are neither settled nor reverted")]
    Unsettled,
    #[error("this holder is not in that session")]
    UnknownSession,
    #[error("the step comes too early: {missing} is missing")]
    TooEarly { missing: &'static str },
    #[error("the session went on with other messages than these")]
    Conflict,
    #[error("messages of {}; needed: of {}", names(.found), names(.needed))]
    OtherSenders { found: BTreeSet<HolderIndex>, needed: BTreeSet<HolderIndex> },
    #[error("the message of {0} is not signed by it")]
    Unsigned(HolderIndex),
    #[error("{0} reveals something else than it committed to")]
    RevealsOther(HolderIndex),
    #[error("{0} heard other commitments")]
    OtherTranscript(HolderIndex),
    #[error("no valid share has come from {}", names(.0))]
    NoShares(BTreeSet<HolderIndex>),
    #[error("cheated: {}", names(&.0.iter().map(Evidence::holder).collect()))]
    Cheated(Vec<Evidence<G>>),
}

fn names(holders: &BTreeSet<HolderIndex>) -> String {
    let names: Vec<_> = holders.iter().map(ToString::to_string).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}
