//! The cycles minting canister: it names the subnets on which canisters may be created, and makes cycles
//! of ICP at a fixed rate.

use super::accounts::Account;
use super::cycles_ledger::FEE_CYCLES;
use super::{Call, StandInOps, decode, no_such_method, reply};
use crate::message::{CallResult, Principal, Reject};
use candid::{CandidType, Nat};
use ic_management_canister_types::CanisterSettings;
use serde::Deserialize;

/// `rkp4c-7iaaa-aaaaa-aaaca-cai`
pub(super) const ID: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 4, 1, 1]);

/// What an ICP is said to be worth, in ten-thousandths of an XDR: 3 XDR, as nobody trades here.
const XDR_PERMYRIAD_PER_ICP: u64 = 30_000;

#[derive(CandidType)]
struct SubnetTypes {
    data: Vec<(String, Vec<Principal>)>,
}

#[derive(CandidType)]
struct Rate {
    xdr_permyriad_per_icp: u64,
    timestamp_seconds: u64,
}

/// The rate as it is told; it is not certified here.
#[derive(CandidType)]
struct RateResponse {
    data: Rate,
    hash_tree: Vec<u8>,
    certificate: Vec<u8>,
}

#[derive(CandidType, Deserialize)]
struct MintArgs {
    block_index: u64,
    to_subaccount: Option<[u8; 32]>,
}

#[derive(CandidType)]
struct Minted {
    block_index: Nat,
    minted: Nat,
    balance: Nat,
}

#[derive(CandidType, Deserialize)]
struct TopUpArgs {
    block_index: u64,
    canister_id: Principal,
}

#[derive(CandidType, Deserialize)]
struct CreateArgs {
    block_index: u64,
    controller: Principal,
    settings: Option<CanisterSettings>,
}

#[derive(CandidType)]
enum NotifyError {
    InvalidTransaction(String),
    Refunded { reason: String, block_index: Option<u64> },
}

/// Answers a method that changes nothing; `None` when there is no such.
pub(super) fn query(call: &Call<'_>, replica: &dyn StandInOps) -> Option<CallResult> {
    Some(match call.method {
        "get_default_subnets" => reply(vec![replica.subnet_id()]),
        "get_subnet_types_to_subnets" => reply(SubnetTypes { data: vec![] }),
        "get_icp_xdr_conversion_rate" => reply(RateResponse {
            data: Rate {
                xdr_permyriad_per_icp: XDR_PERMYRIAD_PER_ICP,
                timestamp_seconds: replica.time_ns() / 1_000_000_000,
            },
            hash_tree: vec![],
            certificate: vec![],
        }),
        _ => return None,
    })
}

pub(super) fn update(call: &mut Call<'_>, replica: &mut dyn StandInOps) -> CallResult {
    match call.method {
        "notify_mint_cycles" => reply(mint(decode(call)?, call.caller, replica)),
        "notify_top_up" => reply(top_up(decode(call)?, replica)),
        "notify_create_canister" => reply(create(decode(call)?, call.caller, replica)),
        method => Err(no_such_method(ID, method)),
    }
}

/// The cycles for ICP that were sent here in favour of `beneficiary`.
fn spend(
    block_index: u64,
    beneficiary: Principal,
    replica: &mut dyn StandInOps,
) -> Result<u128, NotifyError> {
    let bytes = beneficiary.as_slice();
    let mut subaccount = [0; 32];
    subaccount[0] = bytes.len() as u8;
    subaccount[1..=bytes.len()].copy_from_slice(bytes);
    let account = Account::new(ID, Some(subaccount));
    let amount_e8s = replica.ledgers().icp.spend(block_index, &account).ok_or_else(|| {
        NotifyError::InvalidTransaction(format!(
            "block {block_index} holds no unspent transfer to this canister in favour of {beneficiary}"
        ))
    })?;
    // A ten-thousandth of an XDR is 10^8 cycles, and an e8 the 10^8th part of an ICP.
    Ok(u128::from(amount_e8s) * u128::from(XDR_PERMYRIAD_PER_ICP))
}

fn mint(
    (args,): (MintArgs,),
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Result<Minted, NotifyError> {
    let cycles = spend(args.block_index, caller, replica)?;
    let account = Account::new(caller, args.to_subaccount);
    let accounts = &mut replica.ledgers().cycles;
    accounts.credit(&account, cycles.saturating_sub(FEE_CYCLES));
    let balance = accounts.balance_cycles(&account).into();
    Ok(Minted { block_index: accounts.next_block(), minted: cycles.into(), balance })
}

fn top_up((args,): (TopUpArgs,), replica: &mut dyn StandInOps) -> Result<Nat, NotifyError> {
    let cycles = spend(args.block_index, args.canister_id, replica)?;
    replica.deposit_cycles(args.canister_id, cycles).map_err(refunded)?;
    Ok(cycles.into())
}

fn create(
    (args,): (CreateArgs,),
    caller: Principal,
    replica: &mut dyn StandInOps,
) -> Result<Principal, NotifyError> {
    let cycles = spend(args.block_index, caller, replica)?;
    let mut settings = args.settings.unwrap_or_default();
    settings.controllers.get_or_insert_with(|| vec![args.controller]);
    replica.create_canister(settings, cycles).map_err(refunded)
}

/// ICP is plentiful here, so that none is sent back.
fn refunded(reject: Reject) -> NotifyError {
    NotifyError::Refunded { reason: reject.message, block_index: None }
}
