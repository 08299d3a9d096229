//! Balances of the cycles ledger, by owner and subaccount.

use crate::message::Principal;
use candid::{CandidType, Nat};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What every principal's main account holds before its first transaction: a million trillion cycles.
const GRANT_CYCLES: u128 = 1_000_000_000_000_000_000;

/// An owner's account; no subaccount means the main one, which is that of 32 zeros.
#[derive(CandidType, Clone, Debug, Deserialize)]
pub(super) struct Account {
    pub(super) owner: Principal,
    pub(super) subaccount: Option<[u8; 32]>,
}

impl Account {
    pub(super) fn new(owner: Principal, subaccount: Option<[u8; 32]>) -> Self {
        Self { owner, subaccount }
    }

    fn key(&self) -> (Principal, [u8; 32]) {
        (self.owner, self.subaccount.unwrap_or_default())
    }
}

/// An amount is above the balance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InsufficientFunds {
    pub(super) balance: Nat,
}

/// The accounts with at least one transaction, and the number of transactions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Accounts {
    balances_cycles: BTreeMap<(Principal, [u8; 32]), u128>,
    transactions: u64,
}

impl Accounts {
    pub(super) fn balance_cycles(&self, account: &Account) -> u128 {
        let key = account.key();
        let grant = if key.1 == [0; 32] { GRANT_CYCLES } else { 0 };
        self.balances_cycles.get(&key).copied().unwrap_or(grant)
    }

    /// Takes `amount` and `fee_cycles` from an account and returns the amount. Nothing is taken on errors.
    pub(super) fn debit(
        &mut self,
        account: &Account,
        amount: &Nat,
        fee_cycles: u128,
    ) -> Result<u128, InsufficientFunds> {
        let balance = self.balance_cycles(account);
        let insufficient = || InsufficientFunds { balance: balance.into() };
        let amount = u128::try_from(amount.0.clone()).map_err(|_| insufficient())?;
        let rest = amount.checked_add(fee_cycles).and_then(|cycles| balance.checked_sub(cycles));
        self.balances_cycles.insert(account.key(), rest.ok_or_else(insufficient)?);
        Ok(amount)
    }

    pub(super) fn credit(&mut self, account: &Account, cycles: u128) {
        let balance = self.balance_cycles(account).saturating_add(cycles);
        self.balances_cycles.insert(account.key(), balance);
    }

    /// The index of the block in which the next transaction would stand.
    pub(super) fn next_block(&mut self) -> Nat {
        let block = self.transactions;
        self.transactions += 1;
        block.into()
    }

    /// The sum of all balances that have changed, as far as anyone can count cycles that come from nowhere.
    pub(super) fn total_cycles(&self) -> u128 {
        self.balances_cycles.values().fold(0, |sum, cycles| sum.saturating_add(*cycles))
    }
}
