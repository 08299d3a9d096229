//! Votes and tallies.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{Defect, MemberId, Sha256Digest, proposal::ProposalId};

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

/// Members by what they did, each counted once whatever their power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Heads {
    pub yes: u32,
    /// Yes, no or abstain.
    pub voted: u32,
    /// Who may vote.
    pub total: u32,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct VoteArgs {
    pub proposal: ProposalId,
    pub choice: Choice,
    /// For a release: the digest of each artifact in any order, as the voter computed it from bytes that they built or
    /// downloaded; empty if the voter computed none. Others than those proposed stop the proposal.
    pub digests: Vec<Sha256Digest>,
}

/// A ballot that counts.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Ballot {
    pub member: MemberId,
    /// The key that the member signed with.
    pub key: Principal,
    pub choice: Choice,
    pub voting_power: u64,
    /// Whether the voter computed the digests, and found those proposed.
    pub checked: bool,
    pub cast_at_ns: u64,
}

/// A member who computed other digests than those proposed. While there is one, the proposal is not adopted.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Dispute {
    pub member: MemberId,
    pub key: Principal,
    /// What the member computed.
    pub digests: Vec<Sha256Digest>,
    pub raised_at_ns: u64,
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
    /// This ballot stands: the same was cast before, or the rule lets none be changed.
    AlreadyVoted {
        choice: Choice,
    },
    /// The rule does not count a proposer's own ballot.
    OwnProposal,
    /// The rule knows yes and no only.
    NoAbstention,
    /// Give this many digests: of all artifacts, or none where the rule demands none.
    WrongDigestCount {
        found: u32,
        expected: u32,
    },
}

/// Stops a proposal as its guardian.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct VetoArgs {
    pub proposal: ProposalId,
    /// For people, on the public log: 1 to 500 bytes.
    pub reason: String,
}

/// Why a veto was refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum VetoError {
    /// Only the guardians that the proposal's rule names.
    NotAllowed {
        caller: Principal,
    },
    NoSuchProposal,
    /// Too late: its execution began, or it is over.
    NotStoppable,
    /// Everything that is wrong with it.
    Invalid {
        defects: Vec<Defect>,
    },
}
