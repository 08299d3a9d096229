//! The rule that decides, as pure functions of a tally.

use release_types::{Choice, Tally, VotingPolicy, voting::WHOLE_BP};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// How a vote ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Adopted,
    Rejected,
}

/// Whether voting is still possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voting {
    /// Before the deadline: whoever has not voted still may.
    Running,
    /// At the deadline or later: what is cast is all there is.
    Closed,
}

impl Voting {
    /// The deadline is the first instant at which a vote comes too late.
    pub fn at(now_ns: u64, deadline_ns: u64) -> Self {
        if now_ns < deadline_ns { Self::Running } else { Self::Closed }
    }
}

/// Proof that the tally adopted something. Only [`Adoption::of`] makes one, so whatever demands it cannot be reached
/// around the vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoption {
    tally: Tally,
}

impl Adoption {
    /// The adoption that this tally amounts to, if it does.
    pub fn of(policy: &VotingPolicy, tally: Tally, voting: Voting) -> Option<Self> {
        (outcome(policy, &tally, voting) == Some(Outcome::Adopted)).then_some(Self { tally })
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }
}

/// The tally with one more ballot.
///
/// # Panics
/// If that exceeds the electorate's power: each member votes once, so it cannot.
pub fn with_ballot(tally: &Tally, choice: Choice, voting_power: u64) -> Tally {
    let mut next = *tally;
    let count = match choice {
        Choice::Yes => &mut next.yes,
        Choice::No => &mut next.no,
        Choice::Abstain => &mut next.abstain,
    };
    *count = count.saturating_add(voting_power);
    assert!(participation(&next) <= u128::from(next.total), "BUG: more power voted than the electorate has");
    next
}

/// How the vote ends, or nothing while that is uncertain.
///
/// Before the deadline the outcome is given only when no further ballots can change it: adopted when the quorum is
/// met and yes would win even if all remaining power said no; rejected when yes would lose even if all of it said yes.
pub fn outcome(policy: &VotingPolicy, tally: &Tally, voting: Voting) -> Option<Outcome> {
    let remaining = u128::from(tally.total) - participation(tally);
    let (yes, no) = (u128::from(tally.yes), u128::from(tally.no));
    let quorum_met =
        participation(tally) * u128::from(WHOLE_BP) >= u128::from(policy.quorum_bp) * u128::from(tally.total);
    let wins = |yes: u128, no: u128| yes * u128::from(WHOLE_BP) > u128::from(policy.approval_bp) * (yes + no);
    match voting {
        Voting::Closed if quorum_met && wins(yes, no) => Some(Outcome::Adopted),
        Voting::Closed => Some(Outcome::Rejected),
        Voting::Running if quorum_met && wins(yes, no + remaining) => Some(Outcome::Adopted),
        Voting::Running if !wins(yes + remaining, no) => Some(Outcome::Rejected),
        Voting::Running => None,
    }
}

fn participation(tally: &Tally) -> u128 {
    u128::from(tally.yes) + u128::from(tally.no) + u128::from(tally.abstain)
}
