//! The ICP ledger: balances from which cycles can be minted.

use super::accounts::Account;
use super::icrc1::{Token, TransferArgs, TransferError};
use super::{Call, StandInOps, decode, no_such_method, reply};
use crate::message::{CallResult, Principal};
use candid::{CandidType, Nat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha224};
use std::collections::BTreeMap;

/// `ryjl3-tyaaa-aaaaa-aaaba-cai`
pub(super) const ID: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 2, 1, 1]);

const FEE_E8S: u64 = 10_000;
/// What every account holds before its first transaction: a million ICP.
const GRANT_E8S: u64 = 100_000_000_000_000;
const TOKEN: Token = Token { name: "Internet Computer", symbol: "ICP", decimals: 8, fee: FEE_E8S as u128 };

/// An account's identifier without its checksum, which is not verified.
type AccountHash = [u8; 28];

/// A transfer that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transfer {
    to: AccountHash,
    amount_e8s: u64,
    /// Whether the cycles minting canister has made cycles of it.
    is_spent: bool,
}

/// The accounts with at least one transaction, and all transfers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IcpAccounts {
    balances_e8s: BTreeMap<AccountHash, u64>,
    transfers: Vec<Transfer>,
}

impl IcpAccounts {
    fn balance_e8s(&self, account: AccountHash) -> u64 {
        self.balances_e8s.get(&account).copied().unwrap_or(GRANT_E8S)
    }

    /// Moves ICP and returns the transfer's block index; or the balance, when it is too low.
    fn transfer(&mut self, from: AccountHash, to: AccountHash, amount_e8s: u64) -> Result<u64, u64> {
        let balance_e8s = self.balance_e8s(from);
        let rest_e8s = amount_e8s.checked_add(FEE_E8S).and_then(|e8s| balance_e8s.checked_sub(e8s));
        self.balances_e8s.insert(from, rest_e8s.ok_or(balance_e8s)?);
        let received_e8s = self.balance_e8s(to).saturating_add(amount_e8s);
        self.balances_e8s.insert(to, received_e8s);
        self.transfers.push(Transfer { to, amount_e8s, is_spent: false });
        Ok(self.transfers.len() as u64 - 1)
    }

    /// Spends the transfer in this block, if it went to this account and was not spent yet.
    pub(super) fn spend(&mut self, block_index: u64, to: &Account) -> Option<u64> {
        let transfer = self.transfers.get_mut(usize::try_from(block_index).ok()?)?;
        if transfer.to != hash(to) || transfer.is_spent {
            return None;
        }
        transfer.is_spent = true;
        Some(transfer.amount_e8s)
    }
}

fn hash(account: &Account) -> AccountHash {
    let mut hasher = Sha224::new();
    hasher.update(b"\x0Aaccount-id");
    hasher.update(account.owner.as_slice());
    hasher.update(account.subaccount.unwrap_or_default());
    hasher.finalize().into()
}

#[derive(CandidType, Deserialize)]
struct Tokens {
    e8s: u64,
}

/// Arguments of `transfer`, the method from before the standard.
#[derive(CandidType, Deserialize)]
struct OldTransferArgs {
    amount: Tokens,
    fee: Tokens,
    from_subaccount: Option<[u8; 32]>,
    to: [u8; 32],
}

#[derive(CandidType)]
enum OldTransferError {
    BadFee { expected_fee: Tokens },
    InsufficientFunds { balance: Tokens },
}

/// Answers a method that changes nothing; `None` when there is no such.
pub(super) fn query(call: &Call<'_>, replica: &mut dyn StandInOps) -> Option<CallResult> {
    match call.method {
        "icrc1_balance_of" => Some(decode(call).and_then(|(account,): (Account,)| {
            reply(Nat::from(replica.ledgers().icp.balance_e8s(hash(&account))))
        })),
        _ => TOKEN.describe(call),
    }
}

pub(super) fn update(call: &mut Call<'_>, replica: &mut dyn StandInOps) -> CallResult {
    let accounts = &mut replica.ledgers().icp;
    match call.method {
        "icrc1_transfer" => reply(transfer(decode(call)?, call.caller, accounts)),
        "transfer" => reply(old_transfer(decode(call)?, call.caller, accounts)),
        method => Err(no_such_method(ID, method)),
    }
}

fn transfer(
    (args,): (TransferArgs,),
    caller: Principal,
    accounts: &mut IcpAccounts,
) -> Result<Nat, TransferError> {
    TOKEN.check_fee(args.fee.as_ref())?;
    let from = hash(&Account::new(caller, args.from_subaccount));
    let amount_e8s = u64::try_from(args.amount.0).unwrap_or(u64::MAX);
    accounts
        .transfer(from, hash(&args.to), amount_e8s)
        .map(Nat::from)
        .map_err(|balance| TransferError::InsufficientFunds { balance: balance.into() })
}

fn old_transfer(
    (args,): (OldTransferArgs,),
    caller: Principal,
    accounts: &mut IcpAccounts,
) -> Result<u64, OldTransferError> {
    if args.fee.e8s != FEE_E8S {
        return Err(OldTransferError::BadFee { expected_fee: Tokens { e8s: FEE_E8S } });
    }
    let from = hash(&Account::new(caller, args.from_subaccount));
    let [_, _, _, _, to @ ..] = args.to;
    accounts
        .transfer(from, to, args.amount.e8s)
        .map_err(|e8s| OldTransferError::InsufficientFunds { balance: Tokens { e8s } })
}
