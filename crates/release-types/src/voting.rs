//! Votes, tallies and the rule that decides.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::proposal::ProposalId;

/// A whole, in basis points.
pub const WHOLE_BP: u16 = 10_000;

/// When a proposal is adopted. Participation counts abstentions; approval does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct VotingPolicy {
    /// How long voting is open, in nanoseconds; one minute to 30 days.
    pub voting_period_ns: u64,
    /// Share of all voting power that must take part (yes, no or abstain); 1 to 10,000.
    pub quorum_bp: u16,
    /// Yes must be *more* than this share of yes and no together; 5,000 to 9,999.
    pub approval_bp: u16,
}

/// What a ballot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum Choice {
    Yes,
    No,
    Abstain,
}

/// Voting power by choice, against the electorate's total when the proposal was submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Tally {
    pub yes: u64,
    pub no: u64,
    pub abstain: u64,
    pub total: u64,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct VoteArgs {
    pub proposal: ProposalId,
    pub choice: Choice,
}

/// A recorded ballot.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Ballot {
    pub member: Principal,
    pub choice: Choice,
    pub voting_power: u64,
    pub cast_at_ns: u64,
}

/// Why a vote was not counted.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum VoteError {
    /// The caller is not in the electorate of this proposal.
    NotAllowed {
        caller: Principal,
    },
    NoSuchProposal,
    /// Voting is over: decided, withdrawn or past its deadline.
    NotOpen,
    /// One ballot a member; it stands.
    AlreadyVoted {
        choice: Choice,
    },
}
