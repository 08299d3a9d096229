//! Canisters of the real network that clients expect to find, answered natively: as much of the
//! cycles minting canister and of the cycles ledger as `icp` calls to deploy and top up canisters.
//!
//! Neither keeps accounts or blocks: everyone has the same generous balance, and the cycles that a
//! canister gets come from nowhere. That is the convenience a local network offers.

mod cycles_ledger;
mod cycles_minting;

use crate::message::{CallResult, Principal, Reject, RejectCode};
use candid::CandidType;
use candid::utils::{ArgumentDecoder, decode_args, encode_one};
use ic_management_canister_types::CanisterSettings;

/// What a stand-in may do to the replica.
pub trait StandInOps {
    /// The subnet that canisters are created on.
    fn subnet_id(&self) -> Principal;

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
    canister == cycles_minting::ID || canister == cycles_ledger::ID
}

/// Answers a call, if `canister` is a stand-in; `None` says that it is not.
pub fn answer(
    canister: Principal,
    method: &str,
    arg: &[u8],
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Option<CallResult> {
    if canister == cycles_minting::ID {
        Some(cycles_minting::answer(method, replica))
    } else if canister == cycles_ledger::ID {
        Some(cycles_ledger::answer(method, arg, caller, replica))
    } else {
        None
    }
}

fn no_such_method(canister: Principal, method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0536",
        format!("{canister} is a stand-in of the local replica and has no method '{method}'"),
    )
}

fn decode<'a, Args: ArgumentDecoder<'a>>(method: &str, arg: &'a [u8]) -> Result<Args, Reject> {
    decode_args(arg).map_err(|error| {
        Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0503",
            format!("{method}: the argument is not of the method's type: {error}"),
        )
    })
}

fn reply(value: impl CandidType) -> CallResult {
    encode_one(value)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("cannot encode the reply: {error}")))
}

#[cfg(test)]
mod tests;
