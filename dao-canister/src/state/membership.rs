//! Who belongs to the group: members, their keys, proposers; the facts about them, and the part of the state that they
//! make.

use std::collections::BTreeMap;

use candid::Principal;
use release_types::{
    Defect, Member, MemberChange, MemberId, Policies, Proposer,
    member::{Suspension, group_defects},
};
use serde::{Deserialize, Serialize};

/// How long a member's own change of keys or demand to suspend counts against the limit: a day.
const COUNTED_NS: u64 = 24 * 3_600 * 1_000_000_000;
/// Members whose demands together suspend a key.
const SUSPENDING_MEMBERS: usize = 2;

/// Something that happened to members or their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberFact {
    /// A member changed keys of their own.
    KeysChanged { member: MemberId, added: Option<Principal>, removed: Option<Principal> },
    /// A member demanded to suspend a key. The second demand suspends it.
    SuspensionDemanded { by: MemberId, key: Principal, reason: String },
    /// The group changed who belongs to it.
    Changed { changes: Vec<MemberChange> },
}

impl MemberFact {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::KeysChanged { .. } => "1countersign.change_keys",
            Self::SuspensionDemanded { .. } => "1countersign.demand_suspension",
            Self::Changed { .. } => "1countersign.change_members",
        }
    }
}

/// The members and proposers, each principal with one role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Membership {
    members: BTreeMap<MemberId, Member>,
    by_key: BTreeMap<Principal, MemberId>,
    proposers: BTreeMap<Principal, String>,
    suspensions: BTreeMap<Principal, Suspension>,
    next_id: u32,
    /// When each member changed keys or demanded a suspension within the day before they last did, oldest first.
    recent: BTreeMap<MemberId, Vec<u64>>,
}

impl Membership {
    /// A group in which nothing was found wrong.
    pub fn new(members: &[Member], proposers: &[Proposer]) -> Self {
        let next_id = members.iter().map(|member| member.id.0).max().unwrap_or(0).saturating_add(1);
        let members = members.iter().map(|member| (member.id, member.clone())).collect();
        let named = |proposer: &Proposer| (proposer.principal, proposer.name.clone());
        let proposers = proposers.iter().map(named).collect();
        let mut group = Self { members, proposers, next_id, ..Self::default() };
        group.index_keys();
        group
    }

    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    pub fn proposers(&self) -> impl Iterator<Item = Proposer> + '_ {
        let view =
            |(principal, name): (&Principal, &String)| Proposer { principal: *principal, name: name.clone() };
        self.proposers.iter().map(view)
    }

    pub fn is_proposer(&self, principal: &Principal) -> bool {
        self.proposers.contains_key(principal)
    }

    /// The member who acts with this key; none if it is suspended.
    pub fn acting(&self, key: &Principal) -> Option<MemberId> {
        self.owner(key).filter(|_| !self.is_suspended(key))
    }

    /// Whose key this is, suspended or not.
    pub fn owner(&self, key: &Principal) -> Option<MemberId> {
        self.by_key.get(key).copied()
    }

    pub fn is_suspended(&self, key: &Principal) -> bool {
        self.suspensions.get(key).is_some_and(|suspension| suspension.suspended_at_ns.is_some())
    }

    /// A key of this member that is suspended.
    pub fn suspended_key_of(&self, member: MemberId) -> Option<Principal> {
        let mut keys = self.members.get(&member).into_iter().flat_map(|known| &known.keys).copied();
        keys.find(|key| self.is_suspended(key))
    }

    /// Keys that somebody demanded to suspend.
    pub fn suspensions(&self) -> impl Iterator<Item = &Suspension> {
        self.suspensions.values()
    }

    pub fn suspension(&self, key: &Principal) -> Option<&Suspension> {
        self.suspensions.get(key)
    }

    /// When this member changed keys or demanded a suspension within a day, oldest first.
    pub fn recent(&self, member: MemberId, now_ns: u64) -> Vec<u64> {
        let times = self.recent.get(&member).into_iter().flatten().copied();
        times.filter(|at_ns| is_counted(*at_ns, now_ns)).collect()
    }

    /// When something done at `at_ns` no longer counts.
    pub fn frees_at_ns(at_ns: u64) -> u64 {
        at_ns.saturating_add(COUNTED_NS)
    }

    /// The group after these changes.
    ///
    /// # Errors
    /// Everything that is wrong with them, and with the rules for the group that they would make.
    pub fn changed(&self, changes: &[MemberChange], policies: &Policies) -> Result<Self, Vec<Defect>> {
        let mut group = self.clone();
        let mut defects = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let defect = group.change(change);
            defects.extend(defect.map(|defect| Defect { field: format!("changes[{index}]"), ..defect }));
        }
        let members: Vec<_> = group.members.values().cloned().collect();
        let proposers: Vec<_> = group.proposers().collect();
        defects.extend(group_defects(&members, &proposers));
        if defects.is_empty() {
            defects.extend(policies.defects(&members));
        }
        if !defects.is_empty() {
            return Err(defects);
        }
        group.index_keys();
        Ok(group)
    }

    /// The group after a member changed keys of their own.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn with_keys_changed(
        &self,
        member: MemberId,
        added: Option<Principal>,
        removed: Option<Principal>,
    ) -> Result<Self, Vec<Defect>> {
        let mut group = self.clone();
        let keys = &mut group.expect_member(member).keys;
        if let Some(removed) = removed {
            let Some(at) = keys.iter().position(|key| *key == removed) else {
                let hint = "`countersign members list` shows your keys.";
                let allowed = "a key of your own";
                return Err(vec![Defect::new("remove", removed.to_string(), allowed, hint)]);
            };
            keys.remove(at);
        }
        keys.extend(added);
        let members: Vec<_> = group.members.values().cloned().collect();
        let proposers: Vec<_> = group.proposers().collect();
        let defects = group_defects(&members, &proposers);
        if !defects.is_empty() {
            return Err(defects);
        }
        group.index_keys();
        Ok(group)
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &MemberFact, policies: &Policies) {
        const UNCHECKED: &str = "BUG: the group is changed by what was not checked";
        match fact {
            MemberFact::KeysChanged { member, added, removed } => {
                *self = self
                    .with_keys_changed(*member, *added, *removed)
                    .unwrap_or_else(|defects| panic!("{UNCHECKED}: {defects:?}"));
                self.count(*member, time_ns);
            }
            MemberFact::SuspensionDemanded { by, key, reason } => {
                let member = self.owner(key).unwrap_or_else(|| panic!("BUG: nobody's key is suspended"));
                let suspension = self.suspensions.entry(*key).or_insert_with(|| Suspension {
                    key: *key,
                    member,
                    demanded_by: Vec::new(),
                    reason: reason.clone(),
                    suspended_at_ns: None,
                });
                assert!(!suspension.demanded_by.contains(by), "BUG: a member demanded the same twice");
                suspension.demanded_by.push(*by);
                if suspension.demanded_by.len() == SUSPENDING_MEMBERS {
                    suspension.suspended_at_ns = Some(time_ns);
                }
                self.count(*by, time_ns);
            }
            MemberFact::Changed { changes } => {
                *self = self
                    .changed(changes, policies)
                    .unwrap_or_else(|defects| panic!("{UNCHECKED}: {defects:?}"));
            }
        }
    }

    fn change(&mut self, change: &MemberChange) -> Option<Defect> {
        match change {
            MemberChange::Admit { name, voting_power, keys } => {
                let id = MemberId(self.next_id);
                self.next_id += 1;
                let (name, keys) = (name.clone(), keys.clone());
                self.members.insert(id, Member { id, name, voting_power: *voting_power, keys });
                None
            }
            MemberChange::Remove { member } => match self.members.remove(member) {
                Some(_) => None,
                None => Some(self.unknown(*member)),
            },
            MemberChange::SetPower { member, voting_power } => match self.members.get_mut(member) {
                Some(known) => {
                    known.voting_power = *voting_power;
                    None
                }
                None => Some(self.unknown(*member)),
            },
            MemberChange::SetKeys { member, keys } => match self.members.get_mut(member) {
                Some(known) => {
                    known.keys.clone_from(keys);
                    keys.iter().for_each(|key| {
                        self.suspensions.remove(key);
                    });
                    None
                }
                None => Some(self.unknown(*member)),
            },
            MemberChange::Reinstate { key } => match self.suspensions.remove(key) {
                Some(_) => None,
                None => {
                    let hint = "`countersign members list` shows which are suspended.";
                    Some(Defect::new("", key.to_string(), "a key that somebody demanded to suspend", hint))
                }
            },
            MemberChange::AddProposer(proposer) => {
                let known = self.proposers.insert(proposer.principal, proposer.name.clone());
                known.map(|_| {
                    let found = proposer.principal.to_string();
                    Defect::new("", found, "who is no proposer yet", "Leave the change out.")
                })
            }
            MemberChange::RemoveProposer { principal } => match self.proposers.remove(principal) {
                Some(_) => None,
                None => Some(Defect::new("", principal.to_string(), "a proposer", "Leave the change out.")),
            },
        }
    }

    fn unknown(&self, member: MemberId) -> Defect {
        let known: Vec<_> = self.members.keys().map(ToString::to_string).collect();
        let hint = "`countersign members list` shows them.";
        Defect::new("", format!("member {member}"), format!("one of {}", known.join(", ")), hint)
    }

    /// Finds keys by their owner anew, and forgets suspensions of keys that nobody has any more.
    fn index_keys(&mut self) {
        let owned = self.members.values().flat_map(|member| member.keys.iter().map(|key| (*key, member.id)));
        self.by_key = owned.collect();
        let owners = &self.by_key;
        self.suspensions.retain(|key, suspension| owners.get(key) == Some(&suspension.member));
        let members = &self.members;
        self.recent.retain(|member, _| members.contains_key(member));
    }

    fn expect_member(&mut self, id: MemberId) -> &mut Member {
        self.members.get_mut(&id).unwrap_or_else(|| panic!("BUG: member {id} does not exist"))
    }

    fn count(&mut self, member: MemberId, time_ns: u64) {
        let times = self.recent.entry(member).or_default();
        times.retain(|at_ns| is_counted(*at_ns, time_ns));
        times.push(time_ns);
    }
}

fn is_counted(at_ns: u64, now_ns: u64) -> bool {
    Membership::frees_at_ns(at_ns) > now_ns
}
