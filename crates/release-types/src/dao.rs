//! The DAO canister's own arguments and answers.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{Registry, RegistryId, VotingPolicy};

/// Most members a group may have.
pub const MAX_MEMBERS: usize = 1_000;

/// Arguments of the DAO canister's installation.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DaoInit {
    /// Who votes. At least one; no duplicates; never the anonymous principal.
    pub members: Vec<Member>,
    /// Who may propose and upload, and nothing else (a CI job's key).
    pub proposers: Vec<Proposer>,
    pub policy: VotingPolicy,
    /// The custody canister; if absent, the environment variable `PUBLIC_CANISTER_ID:custody_canister` names it.
    pub custody: Option<Principal>,
    /// The upgrader; if absent, `PUBLIC_CANISTER_ID:upgrader_canister` names it.
    pub upgrader: Option<Principal>,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Member {
    pub principal: Principal,
    /// 1 to 50 bytes, for people.
    pub name: String,
    /// At least 1.
    pub voting_power: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Proposer {
    pub principal: Principal,
    /// 1 to 50 bytes, for people.
    pub name: String,
}

/// The group and its rule.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DaoInfo {
    pub members: Vec<Member>,
    pub proposers: Vec<Proposer>,
    pub policy: VotingPolicy,
    pub custody: Principal,
    /// None if there is none: the canisters' controllers upgrade them.
    pub upgrader: Option<Principal>,
    pub proposals: u64,
    /// Cycles that the DAO canister may spend without freezing itself.
    pub liquid_cycles: u128,
}

/// A registry in place.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RegistryView {
    pub id: RegistryId,
    pub registry: Registry,
}

/// Why a deposit of a sealed token through the DAO was refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum DepositError {
    /// Only members may deposit.
    NotAllowed { caller: Principal },
    /// The refusal of custody or of this canister, with its reason.
    Refused { reason: String },
    /// Custody could not be reached; safe to try again.
    Unavailable { reason: String },
}
