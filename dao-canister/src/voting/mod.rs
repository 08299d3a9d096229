//! The rule that decides, as pure functions of a count.

use release_types::{Choice, Policy, Tally, policy::WHOLE_BP, voting::Heads};
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

/// Ballots, by power and by heads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub tally: Tally,
    pub heads: Heads,
}

impl Count {
    /// With one more ballot.
    ///
    /// # Panics
    /// If that exceeds the electorate: each member votes once, so it cannot.
    #[must_use]
    pub fn with(&self, choice: Choice, voting_power: u64) -> Self {
        let mut next = *self;
        let power = next.power_mut(choice);
        *power = power.saturating_add(voting_power);
        next.heads.voted += 1;
        next.heads.yes += u32::from(choice == Choice::Yes);
        let fits = participation(&next.tally) <= u128::from(next.tally.total)
            && next.heads.voted <= next.heads.total;
        assert!(fits, "BUG: more voted than the electorate has");
        next
    }

    /// Without a ballot that was counted.
    ///
    /// # Panics
    /// If it was not.
    #[must_use]
    pub fn without(&self, choice: Choice, voting_power: u64) -> Self {
        const NOT_COUNTED: &str = "BUG: a ballot is taken back that was not counted";
        let mut next = *self;
        let power = next.power_mut(choice);
        *power = power.checked_sub(voting_power).unwrap_or_else(|| panic!("{NOT_COUNTED}"));
        let yes = u32::from(choice == Choice::Yes);
        next.heads.voted = next.heads.voted.checked_sub(1).unwrap_or_else(|| panic!("{NOT_COUNTED}"));
        next.heads.yes = next.heads.yes.checked_sub(yes).unwrap_or_else(|| panic!("{NOT_COUNTED}"));
        next
    }

    fn power_mut(&mut self, choice: Choice) -> &mut u64 {
        match choice {
            Choice::Yes => &mut self.tally.yes,
            Choice::No => &mut self.tally.no,
            Choice::Abstain => &mut self.tally.abstain,
        }
    }
}

/// Proof that the tally adopted something. Only [`Adoption::of`] makes one, so whatever demands it cannot be reached
/// around the vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoption {
    tally: Tally,
}

impl Adoption {
    /// The adoption that this count amounts to, if it does.
    pub fn of(policy: &Policy, count: &Count, voting: Voting) -> Option<Self> {
        (outcome(policy, count, voting) == Some(Outcome::Adopted)).then_some(Self { tally: count.tally })
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }
}

/// How the vote ends, or nothing while that is uncertain.
///
/// Before the deadline the outcome is given only when no further ballots can change it: adopted when enough members
/// said yes, the quorum is met and yes would win even if all remaining power said no; rejected when it would fall short
/// even if all who remain said yes. (That they all say yes is the best that can happen to each of the three demands.)
pub fn outcome(policy: &Policy, count: &Count, voting: Voting) -> Option<Outcome> {
    let Count { tally, heads } = count;
    let remaining = u128::from(tally.total) - participation(tally);
    let remaining_heads = heads.total - heads.voted;
    let (yes, no) = (u128::from(tally.yes), u128::from(tally.no));
    let whole = u128::from(WHOLE_BP);
    let quorum_met = participation(tally) * whole >= u128::from(policy.quorum_bp) * u128::from(tally.total);
    let enough_heads = |heads: u32| heads >= policy.least_yes_members;
    let wins = |yes: u128, no: u128| yes * whole > u128::from(policy.approval_bp) * (yes + no);
    let is_met = quorum_met && enough_heads(heads.yes);
    match voting {
        Voting::Closed if is_met && wins(yes, no) => Some(Outcome::Adopted),
        Voting::Closed => Some(Outcome::Rejected),
        Voting::Running if is_met && wins(yes, no + remaining) => Some(Outcome::Adopted),
        Voting::Running if !enough_heads(heads.yes + remaining_heads) || !wins(yes + remaining, no) => {
            Some(Outcome::Rejected)
        }
        Voting::Running => None,
    }
}

fn participation(tally: &Tally) -> u128 {
    u128::from(tally.yes) + u128::from(tally.no) + u128::from(tally.abstain)
}
