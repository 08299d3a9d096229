//! What both ledgers share: their tokens as the ICRC-1 standard describes them, and its transfers.

use super::accounts::Account;
use super::{Call, reply};
use crate::message::CallResult;
use candid::{CandidType, Nat};
use serde::Deserialize;

/// A ledger's token.
pub(super) struct Token {
    pub(super) name: &'static str,
    pub(super) symbol: &'static str,
    pub(super) decimals: u8,
    /// For each transaction, in the token's smallest unit.
    pub(super) fee: u128,
}

#[derive(CandidType, Deserialize)]
pub(super) struct TransferArgs {
    pub(super) from_subaccount: Option<[u8; 32]>,
    pub(super) to: Account,
    pub(super) amount: Nat,
    pub(super) fee: Option<Nat>,
}

#[derive(CandidType)]
pub(super) enum TransferError {
    BadFee { expected_fee: Nat },
    InsufficientFunds { balance: Nat },
}

#[derive(CandidType)]
enum MetadataValue {
    Nat(Nat),
    Text(&'static str),
}

#[derive(CandidType)]
struct Standard {
    name: &'static str,
    url: &'static str,
}

impl Token {
    /// Answers the methods that describe the token; `None` to others.
    pub(super) fn describe(&self, call: &Call<'_>) -> Option<CallResult> {
        Some(match call.method {
            "icrc1_fee" => reply(Nat::from(self.fee)),
            "icrc1_decimals" => reply(self.decimals),
            "icrc1_symbol" => reply(self.symbol),
            "icrc1_name" => reply(self.name),
            "icrc1_minting_account" => reply(None::<Account>),
            "icrc1_supported_standards" => {
                reply(vec![Standard { name: "ICRC-1", url: "https://github.com/dfinity/ICRC-1" }])
            }
            "icrc1_metadata" => reply(vec![
                ("icrc1:decimals", MetadataValue::Nat(self.decimals.into())),
                ("icrc1:name", MetadataValue::Text(self.name)),
                ("icrc1:symbol", MetadataValue::Text(self.symbol)),
                ("icrc1:fee", MetadataValue::Nat(self.fee.into())),
            ]),
            _ => return None,
        })
    }

    /// A transfer may name the fee, if it names the right one.
    pub(super) fn check_fee(&self, named: Option<&Nat>) -> Result<(), TransferError> {
        match named {
            Some(fee) if *fee != self.fee => Err(TransferError::BadFee { expected_fee: self.fee.into() }),
            _ => Ok(()),
        }
    }
}
