//! Who votes, and with what power: a snapshot that never changes once a proposal refers to it.

use std::collections::BTreeMap;

use release_types::{Member, MemberId, Tally, voting::Heads};
use serde::{Deserialize, Serialize};

use crate::voting::Count;

/// Numbers electorates from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ElectorateId(pub u32);

/// The members' powers. By which keys they vote is looked up when they do: a key replaced or suspended meanwhile counts
/// as it is then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Electorate {
    powers: BTreeMap<MemberId, u64>,
    total_power: u64,
}

impl Electorate {
    /// # Panics
    /// If the total power exceeds 64 bits; checked before.
    pub fn new<'a>(members: impl Iterator<Item = &'a Member>) -> Self {
        let powers: BTreeMap<_, _> = members.map(|member| (member.id, member.voting_power)).collect();
        let total_power = powers
            .values()
            .try_fold(0u64, |total, power| total.checked_add(*power))
            .unwrap_or_else(|| panic!("BUG: the voting power was not checked"));
        Self { powers, total_power }
    }

    /// The member's power; none for everybody else.
    pub fn voting_power(&self, member: MemberId) -> Option<u64> {
        self.powers.get(&member).copied()
    }

    /// The count before the first vote, of all but the one who is left out.
    pub fn empty_count(&self, left_out: Option<MemberId>) -> Count {
        let left_out = left_out.and_then(|member| self.voting_power(member));
        let total = self.total_power - left_out.unwrap_or(0);
        // At most a thousand.
        let heads = self.powers.len() as u32 - u32::from(left_out.is_some());
        Count {
            tally: Tally { total, ..Tally::default() },
            heads: Heads { total: heads, ..Heads::default() },
        }
    }
}
