//! The cycles ledger: accounts by owner and subaccount, from which canisters are created and topped up.

use super::accounts::{Account, InsufficientFunds};
use super::icrc1::{Token, TransferArgs, TransferError};
use super::{Call, StandInOps, decode, no_such_method, reply};
use crate::message::{CallResult, Principal, Reject, RejectCode};
use candid::{CandidType, Nat};
use ic_management_canister_types::CanisterSettings;
use serde::Deserialize;

/// `um5iw-rqaaa-aaaaq-qaaba-cai`
pub(super) const ID: Principal = Principal::from_slice(&[0, 0, 0, 0, 2, 16, 0, 2, 1, 1]);

/// The ledger's fee for each block.
pub(super) const FEE_CYCLES: u128 = 100_000_000;
const TOKEN: Token = Token { name: "Trillion Cycles", symbol: "TCYCLES", decimals: 12, fee: FEE_CYCLES };

#[derive(CandidType, Deserialize)]
struct CreationArgs {
    settings: Option<CanisterSettings>,
}

#[derive(CandidType, Deserialize)]
struct CreateCanisterArgs {
    from_subaccount: Option<[u8; 32]>,
    amount: Nat,
    creation_args: Option<CreationArgs>,
}

#[derive(CandidType)]
struct CreatedCanister {
    block_id: Nat,
    canister_id: Principal,
}

#[derive(CandidType)]
enum CreateCanisterError {
    FailedToCreate { error: String, refund_block: Option<Nat>, fee_block: Option<Nat> },
    InsufficientFunds { balance: Nat },
}

#[derive(CandidType, Deserialize)]
struct WithdrawArgs {
    from_subaccount: Option<[u8; 32]>,
    amount: Nat,
    to: Principal,
}

#[derive(CandidType)]
enum WithdrawError {
    InvalidReceiver { receiver: Principal },
    InsufficientFunds { balance: Nat },
}

#[derive(CandidType, Deserialize)]
struct DepositArgs {
    to: Account,
}

#[derive(CandidType)]
struct DepositResult {
    block_index: Nat,
    balance: Nat,
}

/// Answers a method that changes nothing; `None` when there is no such.
pub(super) fn query(call: &Call<'_>, replica: &mut dyn StandInOps) -> Option<CallResult> {
    let accounts = &replica.ledgers().cycles;
    match call.method {
        "icrc1_balance_of" => Some(
            decode(call)
                .and_then(|(account,): (Account,)| reply(Nat::from(accounts.balance_cycles(&account)))),
        ),
        "icrc1_total_supply" => Some(reply(Nat::from(accounts.total_cycles()))),
        _ => TOKEN.describe(call),
    }
}

/// Answers a call; what it takes of the attached cycles it takes off `call.cycles`.
pub(super) fn update(call: &mut Call<'_>, replica: &mut dyn StandInOps) -> CallResult {
    match call.method {
        "create_canister" => reply(create_canister(decode(call)?, call.caller, replica)),
        "withdraw" => reply(withdraw(decode(call)?, call.caller, replica)),
        "icrc1_transfer" => reply(transfer(decode(call)?, call.caller, replica)),
        "deposit" => deposit(decode(call)?, &mut call.cycles, replica),
        method => Err(no_such_method(ID, method)),
    }
}

fn create_canister(
    (args,): (CreateCanisterArgs,),
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Result<CreatedCanister, CreateCanisterError> {
    let from = Account::new(caller, args.from_subaccount);
    let cycles = replica
        .ledgers()
        .cycles
        .debit(&from, &args.amount, FEE_CYCLES)
        .map_err(|InsufficientFunds { balance }| CreateCanisterError::InsufficientFunds { balance })?;
    let mut settings = args.creation_args.and_then(|creation| creation.settings).unwrap_or_default();
    settings.controllers.get_or_insert_with(|| vec![caller]);
    match replica.create_canister(settings, cycles) {
        Ok(canister_id) => {
            Ok(CreatedCanister { block_id: replica.ledgers().cycles.next_block(), canister_id })
        }
        Err(Reject { message: error, .. }) => {
            replica.ledgers().cycles.credit(&from, cycles.saturating_add(FEE_CYCLES));
            Err(CreateCanisterError::FailedToCreate { error, refund_block: None, fee_block: None })
        }
    }
}

fn withdraw(
    (args,): (WithdrawArgs,),
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Result<Nat, WithdrawError> {
    let from = Account::new(caller, args.from_subaccount);
    let cycles = replica
        .ledgers()
        .cycles
        .debit(&from, &args.amount, FEE_CYCLES)
        .map_err(|InsufficientFunds { balance }| WithdrawError::InsufficientFunds { balance })?;
    match replica.deposit_cycles(args.to, cycles) {
        Ok(()) => Ok(replica.ledgers().cycles.next_block()),
        Err(_) => {
            replica.ledgers().cycles.credit(&from, cycles.saturating_add(FEE_CYCLES));
            Err(WithdrawError::InvalidReceiver { receiver: args.to })
        }
    }
}

fn transfer(
    (args,): (TransferArgs,),
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Result<Nat, TransferError> {
    TOKEN.check_fee(args.fee.as_ref())?;
    let accounts = &mut replica.ledgers().cycles;
    let cycles = accounts
        .debit(&Account::new(caller, args.from_subaccount), &args.amount, FEE_CYCLES)
        .map_err(|InsufficientFunds { balance }| TransferError::InsufficientFunds { balance })?;
    accounts.credit(&args.to, cycles);
    Ok(accounts.next_block())
}

/// Puts the attached cycles, less the fee, on an account.
fn deposit((args,): (DepositArgs,), attached: &mut u128, replica: &mut dyn StandInOps) -> CallResult {
    let cycles = attached.checked_sub(FEE_CYCLES).filter(|cycles| *cycles > 0).ok_or_else(|| {
        Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0503",
            format!("deposit: {attached} cycles are attached; more than the fee of {FEE_CYCLES} are needed"),
        )
    })?;
    *attached = 0;
    let accounts = &mut replica.ledgers().cycles;
    accounts.credit(&args.to, cycles);
    let balance = accounts.balance_cycles(&args.to).into();
    reply(DepositResult { block_index: accounts.next_block(), balance })
}
