//! A canister's snapshots: its code and its memories at one moment, as plain data.

use std::collections::BTreeMap;
use std::fmt;

use candid::Principal;
use serde::{Deserialize, Serialize};

use super::memory_usage::CHUNK_CHARGED_BYTES;
use crate::execution::HeapImage;

/// Names a snapshot within the whole subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SnapshotId {
    /// The canister that it belongs to.
    pub canister: Principal,
    /// Snapshots of one canister are numbered in the order of their making.
    pub number: u64,
}

impl SnapshotId {
    /// The bytes that users and canisters see.
    pub fn to_bytes(self) -> Vec<u8> {
        [&self.number.to_be_bytes(), self.canister.as_slice()].concat()
    }

    /// The id with these bytes, if it can be one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, canister) = bytes.split_first_chunk::<8>()?;
        let canister = Principal::try_from_slice(canister).ok()?;
        Some(Self { canister, number: u64::from_be_bytes(*number) })
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

/// How a snapshot came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotSource {
    TakenFromCanister,
    /// Its data may be uploaded part by part.
    MetadataUpload,
}

/// Code and memories of a canister at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub source: SnapshotSource,
    pub taken_at_ns: u64,
    /// Version of the canister at that moment.
    pub canister_version: u64,
    /// The module as it was sent, compressed or not.
    #[serde(with = "serde_bytes")]
    pub module: Vec<u8>,
    pub heap: HeapImage,
    #[serde(with = "serde_bytes")]
    pub stable: Vec<u8>,
    /// Chunks of code by their SHA-256.
    pub chunk_store: BTreeMap<[u8; 32], Vec<u8>>,
    #[serde(with = "serde_bytes")]
    pub certified_data: Vec<u8>,
    /// Time of the next `canister_global_timer`, 0 when none was set. Loading sets the canister's timer
    /// only when the snapshot was uploaded with one.
    pub global_timer_ns: Option<u64>,
}

impl Snapshot {
    /// Bytes that storage is charged for.
    pub fn bytes(&self) -> u64 {
        let heap = self.heap.memory.len() + self.heap.globals.len() * 8;
        let parts = self.module.len() + heap + self.stable.len() + self.certified_data.len();
        parts as u64 + self.chunk_store.len() as u64 * CHUNK_CHARGED_BYTES
    }
}
