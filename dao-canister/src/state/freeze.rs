//! Members' demands to freeze: the facts, and the part of the state that they make.

use std::collections::BTreeMap;

use candid::Principal;
use release_types::{
    ProposalId,
    freeze::{FreezeDemand, FreezeScope},
};
use serde::{Deserialize, Serialize};

/// How long a demand counts against its member's limit: a day.
const COUNTED_NS: u64 = 24 * 3_600 * 1_000_000_000;

/// Something that happened to a demand to freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FreezeFact {
    /// A member demanded it.
    Demanded { member: Principal, scope: FreezeScope, reason: String },
    /// Custody is frozen.
    Confirmed { scope: FreezeScope },
    /// Custody refused for good.
    Declined { scope: FreezeScope, reason: String },
    /// Custody lifted a confirmed freeze, as the group decided.
    Lifted { proposal: ProposalId, scope: FreezeScope },
}

impl FreezeFact {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Demanded { .. } => "1countersign.demand_freeze",
            Self::Confirmed { .. } => "1countersign.confirm_freeze",
            Self::Declined { .. } => "1countersign.decline_freeze",
            Self::Lifted { .. } => "1countersign.lift_freeze",
        }
    }
}

/// The demands in force, and how often each member made one of late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FreezeDemands {
    by_scope: BTreeMap<FreezeScope, FreezeDemand>,
    /// When each member demanded something within the day before their last demand, oldest first.
    recent: BTreeMap<Principal, Vec<u64>>,
}

impl FreezeDemands {
    pub fn get(&self, scope: FreezeScope) -> Option<&FreezeDemand> {
        self.by_scope.get(&scope)
    }

    /// All demands in force, that of everything first.
    pub fn iter(&self) -> impl Iterator<Item = &FreezeDemand> {
        self.by_scope.values()
    }

    /// What custody has not confirmed yet.
    pub fn unconfirmed(&self) -> impl Iterator<Item = FreezeScope> + '_ {
        self.iter().filter(|demand| demand.confirmed_at_ns.is_none()).map(|demand| demand.scope)
    }

    /// When this member demanded something within a day, oldest first.
    pub fn recent(&self, member: &Principal, now_ns: u64) -> Vec<u64> {
        let times = self.recent.get(member).into_iter().flatten().copied();
        times.filter(|at_ns| is_counted(*at_ns, now_ns)).collect()
    }

    /// When a demand made at `at_ns` no longer counts.
    pub fn frees_at_ns(at_ns: u64) -> u64 {
        at_ns.saturating_add(COUNTED_NS)
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &FreezeFact) {
        match fact {
            FreezeFact::Demanded { member, scope, reason } => {
                let demand = FreezeDemand {
                    scope: *scope,
                    member: *member,
                    reason: reason.clone(),
                    demanded_at_ns: time_ns,
                    confirmed_at_ns: None,
                };
                let earlier = self.by_scope.insert(*scope, demand);
                assert!(earlier.is_none(), "BUG: {scope:?} was demanded to be frozen twice");
                let times = self.recent.entry(*member).or_default();
                times.retain(|at_ns| is_counted(*at_ns, time_ns));
                times.push(time_ns);
            }
            FreezeFact::Confirmed { scope } => self.expect(*scope).confirmed_at_ns = Some(time_ns),
            FreezeFact::Declined { scope, .. } | FreezeFact::Lifted { scope, .. } => {
                self.expect(*scope);
                self.by_scope.remove(scope);
            }
        }
    }

    fn expect(&mut self, scope: FreezeScope) -> &mut FreezeDemand {
        self.by_scope.get_mut(&scope).unwrap_or_else(|| panic!("BUG: nobody demanded to freeze {scope:?}"))
    }
}

fn is_counted(at_ns: u64, now_ns: u64) -> bool {
    FreezeDemands::frees_at_ns(at_ns) > now_ns
}
