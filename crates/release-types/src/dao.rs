//! The DAO canister's own arguments and answers.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{Member, Policies, Proposer, Registry, RegistryId, member::Suspension};

/// Arguments of the DAO canister's installation.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DaoInit {
    /// Who votes. At least one; no key twice; never the anonymous principal.
    pub members: Vec<Member>,
    /// Who may propose and upload, and nothing else (a CI job's key).
    pub proposers: Vec<Proposer>,
    pub policies: Policies,
    /// The custody canister; if absent, the environment variable `PUBLIC_CANISTER_ID:custody_canister` names it.
    pub custody: Option<Principal>,
    /// The upgrader; if absent, `PUBLIC_CANISTER_ID:upgrader_canister` names it.
    pub upgrader: Option<Principal>,
}

/// The group and its rules.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DaoInfo {
    pub members: Vec<Member>,
    pub proposers: Vec<Proposer>,
    pub policies: Policies,
    /// Keys that somebody demanded to suspend.
    pub suspensions: Vec<Suspension>,
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
