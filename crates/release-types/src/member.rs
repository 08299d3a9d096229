//! Who votes: members with a name, a voting power and keys of their own, and how they change.

use std::{collections::BTreeSet, fmt};

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::Defect;

/// Most members a group may have.
pub const MAX_MEMBERS: usize = 1_000;
/// Most proposers a group may have.
pub const MAX_PROPOSERS: usize = 100;
/// Most keys of one member.
pub const MAX_KEYS: usize = 5;
/// Most changes in one proposal.
pub const MAX_MEMBER_CHANGES: usize = 100;
/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 50;
/// Longest reason for suspending a key or for a veto, in bytes.
pub const MAX_REASON_BYTES: usize = 500;

/// Numbers members from 1; a number is never given again.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, CandidType, Serialize, Deserialize,
)]
pub struct MemberId(pub u32);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A member. Whichever key signs, the member votes once.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    /// 1 to 50 bytes, for people.
    pub name: String,
    /// At least 1.
    pub voting_power: u64,
    /// 1 to 5: devices, and one kept for recovery.
    pub keys: Vec<Principal>,
}

/// Who may propose and upload, and nothing else (a CI job's key).
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Proposer {
    pub principal: Principal,
    /// 1 to 50 bytes, for people.
    pub name: String,
}

/// One change of who belongs to the group.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum MemberChange {
    /// A new member, who is given the next number.
    Admit {
        name: String,
        voting_power: u64,
        keys: Vec<Principal>,
    },
    Remove {
        member: MemberId,
    },
    SetPower {
        member: MemberId,
        voting_power: u64,
    },
    /// The only keys of this member from then on; none of them is suspended any more.
    SetKeys {
        member: MemberId,
        keys: Vec<Principal>,
    },
    /// Lets a suspended key act again.
    Reinstate {
        key: Principal,
    },
    AddProposer(Proposer),
    RemoveProposer {
        principal: Principal,
    },
}

/// A key that any two members put out of use, until a vote.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Suspension {
    pub key: Principal,
    pub member: MemberId,
    /// Who demanded it. One alone has no effect; two have.
    pub demanded_by: Vec<MemberId>,
    /// The first one's reason.
    pub reason: String,
    /// When the second demanded it; none before.
    pub suspended_at_ns: Option<u64>,
}

/// Adds a key of the caller's own, takes one out of use, or both.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ChangeKeysArgs {
    pub add: Option<Principal>,
    pub remove: Option<Principal>,
}

/// Demands to put another member's key out of use.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct SuspendKeyArgs {
    pub key: Principal,
    /// For people, on the public log: 1 to 500 bytes.
    pub reason: String,
}

/// Why keys were not changed, or a key not suspended.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum KeyError {
    /// Only members, with a key that is in use.
    NotAllowed { caller: Principal },
    /// Everything that is wrong with it.
    Invalid { defects: Vec<Defect> },
    /// This member did so as often as allowed within a day. Again from `frees_at_ns` on.
    TooOften { limit: u32, frees_at_ns: u64 },
}

/// Everything that is wrong with a group, but for its rules.
pub fn group_defects(members: &[Member], proposers: &[Proposer]) -> Vec<Defect> {
    let mut defects = Vec::new();
    let count = |field: &str, found: usize, least: usize, most: usize| {
        let fits = (least..=most).contains(&found);
        let allowed = format!("{least} to {most}");
        (!fits).then(|| Defect::new(field, found.to_string(), allowed, "Adjust the list."))
    };
    defects.extend(count("members", members.len(), 1, MAX_MEMBERS));
    defects.extend(count("proposers", proposers.len(), 0, MAX_PROPOSERS));
    let (mut ids, mut names, mut keys) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (index, member) in members.iter().enumerate() {
        let field = format!("members[{index}]");
        if member.id.0 == 0 || !ids.insert(member.id) {
            let found = member.id.to_string();
            defects.push(Defect::new(
                format!("{field}.id"),
                found,
                "a number from 1, each once",
                "Number them.",
            ));
        }
        defects.extend(name_defect(&field, &member.name));
        if !names.insert(&member.name) {
            let found = format!("{:?} a second time", excerpt(&member.name));
            defects.push(Defect::new(format!("{field}.name"), found, "each name once", "Tell people apart."));
        }
        if member.voting_power == 0 {
            let hint = "Leave out who does not vote, or make them a proposer.";
            defects.push(Defect::new(format!("{field}.voting_power"), "0", "at least 1", hint));
        }
        defects.extend(count(&format!("{field}.keys"), member.keys.len(), 1, MAX_KEYS));
        // Nobody would read what is wrong with each of too many.
        for key in member.keys.iter().take(MAX_KEYS) {
            defects.extend(key_defect(&format!("{field}.keys"), *key, &mut keys));
        }
    }
    for (index, proposer) in proposers.iter().enumerate() {
        let field = format!("proposers[{index}]");
        defects.extend(name_defect(&field, &proposer.name));
        defects.extend(key_defect(&format!("{field}.principal"), proposer.principal, &mut keys));
    }
    let total: u128 = members.iter().map(|member| u128::from(member.voting_power)).sum();
    if total > u128::from(u64::MAX) {
        let allowed = format!("at most {} in all", u64::MAX);
        defects.push(Defect::new("members", format!("a voting power of {total}"), allowed, "Scale it down."));
    }
    defects
}

fn name_defect(field: &str, name: &str) -> Option<Defect> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len());
    (!fits).then(|| {
        let found = format!("{} bytes", name.len());
        Defect::new(format!("{field}.name"), found, "1 to 50 bytes", "Give a name that people recognise.")
    })
}

fn key_defect(field: &str, key: Principal, seen: &mut BTreeSet<Principal>) -> Option<Defect> {
    if key == Principal::anonymous() || key == Principal::management_canister() {
        let hint = "Everybody is the anonymous principal; name the one that is meant.";
        let allowed = "a principal with a key or canister of its own";
        return Some(Defect::new(field, key.to_string(), allowed, hint));
    }
    (!seen.insert(key)).then(|| {
        let found = format!("{key} a second time");
        let hint = "Members may propose; leave them out of the proposers.";
        Defect::new(field, found, "each principal once in the whole group", hint)
    })
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}
