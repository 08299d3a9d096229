//! Who votes, and with what power: a snapshot that never changes once a proposal refers to it.

use std::collections::BTreeMap;

use candid::Principal;
use release_types::{Tally, VotingPolicy, dao::Member};
use serde::{Deserialize, Serialize};

/// Numbers electorates from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ElectorateId(pub u32);

/// The members with their power, and the rule by which they decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Electorate {
    members: BTreeMap<Principal, Voter>,
    policy: VotingPolicy,
    total_power: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Voter {
    name: String,
    voting_power: u64,
}

impl Electorate {
    /// # Panics
    /// If the total power exceeds 64 bits; checked at installation.
    pub fn new(members: &[Member], policy: VotingPolicy) -> Self {
        let total_power = members
            .iter()
            .try_fold(0u64, |total, member| total.checked_add(member.voting_power))
            .unwrap_or_else(|| panic!("BUG: the voting power was not checked"));
        let voter = |member: &Member| Voter { name: member.name.clone(), voting_power: member.voting_power };
        let members = members.iter().map(|member| (member.principal, voter(member))).collect();
        Self { members, policy, total_power }
    }

    pub fn policy(&self) -> &VotingPolicy {
        &self.policy
    }

    /// The member's power; none for everybody else.
    pub fn voting_power(&self, principal: &Principal) -> Option<u64> {
        self.members.get(principal).map(|voter| voter.voting_power)
    }

    pub fn contains(&self, principal: &Principal) -> bool {
        self.members.contains_key(principal)
    }

    /// The tally before the first vote.
    pub fn empty_tally(&self) -> Tally {
        Tally { total: self.total_power, ..Tally::default() }
    }

    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.members.iter().map(|(principal, voter)| Member {
            principal: *principal,
            name: voter.name.clone(),
            voting_power: voter.voting_power,
        })
    }
}
