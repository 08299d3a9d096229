//! Canisters of the real network that clients expect to find, answered natively: as much of the
//! cycles minting canister, of the cycles ledger and of the ICP ledger as `icp` calls.
//!
//! Accounts hold a generous grant to begin with, which comes from nowhere: that is the convenience a local
//! network offers. There are no blocks to read.

mod accounts;
mod cycles_ledger;
mod cycles_minting;
mod icp_ledger;
mod icrc1;

use crate::candid_arguments::decode_args;
use crate::message::{CallResult, Principal, Reject, RejectCode};
use candid::CandidType;
use candid::utils::{ArgumentDecoder, encode_one};
use ic_management_canister_types::CanisterSettings;
use serde::{Deserialize, Serialize};

/// What the ledgers keep.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledgers {
    cycles: accounts::Accounts,
    icp: icp_ledger::IcpAccounts,
}

/// A call of a stand-in.
pub struct Call<'a> {
    pub canister: Principal,
    pub method: &'a str,
    pub arg: &'a [u8],
    pub caller: Principal,
    /// Attached cycles; those that are left after the answer are refunded.
    pub cycles: u128,
}

/// What a stand-in may do to the replica.
pub trait StandInOps {
    /// The subnet that canisters are created on.
    fn subnet_id(&self) -> Principal;

    /// The subnet's time, nanoseconds since 1970.
    fn time_ns(&self) -> u64;

    fn ledgers(&mut self) -> &mut Ledgers;

    /// Creates an empty canister that holds `cycles`. The settings name its controllers.
    ///
    /// # Errors
    /// As `create_canister` of the management canister: a setting out of range.
    fn create_canister(&mut self, settings: CanisterSettings, cycles: u128) -> Result<Principal, Reject>;

    /// Adds `cycles` to a canister's balance.
    ///
    /// # Errors
    /// When there is no such canister.
    fn deposit_cycles(&mut self, canister: Principal, cycles: u128) -> Result<(), Reject>;
}

/// Whether calls of `canister` are answered here.
pub fn stands_in_for(canister: Principal) -> bool {
    [cycles_minting::ID, cycles_ledger::ID, icp_ledger::ID].contains(&canister)
}

/// Answers a call, if it is to a stand-in; `None` says that it is not.
pub fn answer(call: &mut Call<'_>, replica: &mut dyn StandInOps) -> Option<CallResult> {
    if !stands_in_for(call.canister) {
        return None;
    }
    Some(query(call, replica).unwrap_or_else(|| match call.canister {
        cycles_minting::ID => cycles_minting::update(call, replica),
        cycles_ledger::ID => cycles_ledger::update(call, replica),
        _ => icp_ledger::update(call, replica),
    }))
}

/// As [`answer`], for a query: methods that change something are unknown to it.
pub fn answer_query(call: &Call<'_>, replica: &mut dyn StandInOps) -> Option<CallResult> {
    stands_in_for(call.canister)
        .then(|| query(call, replica).unwrap_or_else(|| Err(no_such_method(call.canister, call.method))))
}

fn query(call: &Call<'_>, replica: &mut dyn StandInOps) -> Option<CallResult> {
    match call.canister {
        cycles_minting::ID => cycles_minting::query(call, replica),
        cycles_ledger::ID => cycles_ledger::query(call, replica),
        _ => icp_ledger::query(call, replica),
    }
}

fn no_such_method(canister: Principal, method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0536",
        format!("{canister} is a stand-in of the local replica and has no such method '{method}'"),
    )
}

fn decode<'a, Args: ArgumentDecoder<'a>>(call: &Call<'a>) -> Result<Args, Reject> {
    decode_args(call.arg).map_err(|error| {
        Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0503",
            format!("{}: the argument is not of the method's type: {error}", call.method),
        )
    })
}

fn reply(value: impl CandidType) -> CallResult {
    encode_one(value)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("cannot encode the reply: {error}")))
}

#[cfg(test)]
mod tests;
