//! The cycles ledger: it creates canisters and tops them up from balances that never end.

use super::{StandInOps, decode, no_such_method, reply};
use crate::message::{CallResult, Principal, Reject};
use candid::{CandidType, Nat};
use ic_management_canister_types::CanisterSettings;
use serde::Deserialize;

/// `um5iw-rqaaa-aaaaq-qaaba-cai`
pub(super) const ID: Principal = Principal::from_slice(&[0, 0, 0, 0, 2, 16, 0, 2, 1, 1]);

/// What everyone's balance is said to be: a million trillion cycles.
const BALANCE_CYCLES: u128 = 1_000_000_000_000_000_000;
/// The ledger's fee for each block.
const FEE_CYCLES: u128 = 100_000_000;
/// No blocks are kept; every transaction is said to be this one.
const BLOCK: u64 = 0;

#[derive(CandidType, Deserialize)]
struct Account {
    owner: Principal,
    subaccount: Option<Vec<u8>>,
}

#[derive(CandidType, Deserialize)]
struct CreationArgs {
    settings: Option<CanisterSettings>,
}

#[derive(CandidType, Deserialize)]
struct CreateCanisterArgs {
    amount: Nat,
    creation_args: Option<CreationArgs>,
}

#[derive(CandidType)]
struct CreatedCanister {
    block_id: Nat,
    canister_id: Principal,
}

/// The one way in which a creation fails here; the ledger's other failures concern accounts.
#[derive(CandidType)]
enum CreateCanisterError {
    FailedToCreate { error: String, refund_block: Option<Nat>, fee_block: Option<Nat> },
    InsufficientFunds { balance: Nat },
}

#[derive(CandidType, Deserialize)]
struct WithdrawArgs {
    amount: Nat,
    to: Principal,
}

#[derive(CandidType)]
enum WithdrawError {
    InvalidReceiver { receiver: Principal },
    InsufficientFunds { balance: Nat },
}

pub(super) fn answer(
    method: &str,
    arg: &[u8],
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> CallResult {
    match method {
        "create_canister" => {
            let (args,) = decode(method, arg)?;
            reply(create_canister(args, caller, replica))
        }
        "withdraw" => {
            let (args,) = decode(method, arg)?;
            reply(withdraw(args, replica))
        }
        "icrc1_balance_of" => {
            let (Account { .. },) = decode(method, arg)?;
            reply(Nat::from(BALANCE_CYCLES))
        }
        "icrc1_fee" => reply(Nat::from(FEE_CYCLES)),
        "icrc1_decimals" => reply(12_u8),
        "icrc1_symbol" => reply("TCYCLES"),
        "icrc1_name" => reply("Trillion Cycles"),
        _ => Err(no_such_method(ID, method)),
    }
}

fn create_canister(
    args: CreateCanisterArgs,
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Result<CreatedCanister, CreateCanisterError> {
    let cycles = affordable(&args.amount)
        .ok_or(CreateCanisterError::InsufficientFunds { balance: BALANCE_CYCLES.into() })?;
    let mut settings = args.creation_args.and_then(|creation| creation.settings).unwrap_or_default();
    settings.controllers.get_or_insert_with(|| vec![caller]);
    match replica.create_canister(settings, cycles) {
        Ok(canister_id) => Ok(CreatedCanister { block_id: BLOCK.into(), canister_id }),
        Err(Reject { message, .. }) => {
            Err(CreateCanisterError::FailedToCreate { error: message, refund_block: None, fee_block: None })
        }
    }
}

fn withdraw(args: WithdrawArgs, replica: &mut dyn StandInOps) -> Result<Nat, WithdrawError> {
    let cycles = affordable(&args.amount)
        .ok_or(WithdrawError::InsufficientFunds { balance: BALANCE_CYCLES.into() })?;
    replica
        .deposit_cycles(args.to, cycles)
        .map(|()| BLOCK.into())
        .map_err(|_| WithdrawError::InvalidReceiver { receiver: args.to })
}

fn affordable(amount: &Nat) -> Option<u128> {
    u128::try_from(amount.0.clone()).ok().filter(|cycles| *cycles <= BALANCE_CYCLES)
}
