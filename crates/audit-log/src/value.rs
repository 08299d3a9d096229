//! ICRC-3's generic value and its representation-independent hash.

use std::collections::BinaryHeap;

use candid::{CandidType, Int, Nat};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The generic value of which ICRC-3 blocks are made.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Value {
    Blob(#[serde(with = "serde_bytes")] Vec<u8>),
    Text(String),
    Nat(Nat),
    Int(Int),
    Array(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The representation-independent hash: the same for every order of a map's entries.
    pub fn hash(&self) -> [u8; 32] {
        match self {
            Self::Blob(bytes) => Sha256::digest(bytes).into(),
            Self::Text(text) => Sha256::digest(text.as_bytes()).into(),
            Self::Nat(nat) => {
                let mut leb = Vec::new();
                nat.encode(&mut leb).expect("writing to a vector cannot fail");
                Sha256::digest(leb).into()
            }
            Self::Int(int) => {
                let mut leb = Vec::new();
                int.encode(&mut leb).expect("writing to a vector cannot fail");
                Sha256::digest(leb).into()
            }
            Self::Array(items) => {
                let mut hash = Sha256::new();
                for item in items {
                    hash.update(item.hash());
                }
                hash.finalize().into()
            }
            Self::Map(entries) => {
                // A heap sorts the few entries as fast as `sort` does, in a twentieth of the code.
                let hashes: BinaryHeap<([u8; 32], [u8; 32])> = entries
                    .iter()
                    .map(|(key, value)| (Sha256::digest(key.as_bytes()).into(), value.hash()))
                    .collect();
                let mut hash = Sha256::new();
                for (key, value) in hashes.into_sorted_vec() {
                    hash.update(key);
                    hash.update(value);
                }
                hash.finalize().into()
            }
        }
    }

    /// The entry `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// This value as a number of 64 bits, if it is one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Nat(nat) => u64::try_from(&nat.0).ok(),
            _ => None,
        }
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Blob(_) => "a blob",
            Self::Text(_) => "a text",
            Self::Nat(_) => "a natural number",
            Self::Int(_) => "an integer",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
        }
    }
}
