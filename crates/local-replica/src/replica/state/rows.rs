//! What a row is, and why rows may not make a state.

use std::collections::BTreeMap;

use candid::Principal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::canister::{Canister, SnapshotId};
use crate::execution::{CompileError, ImageError};
use crate::message::RequestId;

// Memories are cut into rows of pages; pages of zeros are left out.
pub(super) use crate::execution::PAGE_BYTES;

/// Names a row. Rows are handed out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum RowKey {
    Clock,
    /// Everything that has no row of its own.
    Subnet,
    Ingress(RequestId),
    /// A canister without its memories and chunks.
    Canister(Principal),
    /// A chunk of code that a canister stores, by its SHA-256.
    Chunk(Principal, [u8; 32]),
    Snapshot(SnapshotId),
    Page {
        canister: Principal,
        memory: MemoryKind,
        index: u32,
    },
    /// A module as it was sent, by its SHA-256.
    Module([u8; 32]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum MemoryKind {
    Heap,
    Stable,
}

/// All rows of a state.
pub(super) type Rows = BTreeMap<RowKey, Vec<u8>>;

/// What the keys and prices of a subnet follow from; states of other subnets make no sense in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::replica) struct Identity {
    pub seed: u64,
    pub nodes: u32,
}

/// Why a state cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the state has format {found}; this version reads {FORMAT}: start from an empty state", FORMAT = super::FORMAT_VERSION)]
    Format { found: u32 },
    #[error(
        "the state belongs to a subnet with seed {found_seed} and {found_nodes} nodes; \
         this one has seed {seed} and {nodes} nodes: start it with the former"
    )]
    OtherSubnet { found_seed: u64, found_nodes: u32, seed: u64, nodes: u32 },
    #[error("the state is damaged: {0}")]
    Damaged(String),
    #[error("the state holds a module that cannot be compiled: {0}")]
    Module(#[from] CompileError),
    #[error("the state is damaged: canister {canister}: {source}")]
    Heap { canister: Principal, source: ImageError },
}

impl Identity {
    pub fn check(self, found: Self) -> Result<(), RestoreError> {
        if self == found {
            return Ok(());
        }
        Err(RestoreError::OtherSubnet {
            found_seed: found.seed,
            found_nodes: found.nodes,
            seed: self.seed,
            nodes: self.nodes,
        })
    }
}

pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("the types of the state have an encoding, and memory takes it")
}

pub(super) fn decode_key(key: &[u8]) -> Result<RowKey, RestoreError> {
    postcard::from_bytes(key).map_err(|error| RestoreError::Damaged(format!("the key of a row: {error}")))
}

/// Decodes the value of a row, all of its bytes.
pub(super) fn decode<T: DeserializeOwned>(key: &RowKey, value: &[u8]) -> Result<T, RestoreError> {
    match postcard::take_from_bytes(value) {
        Ok((decoded, [])) => Ok(decoded),
        Ok(_) => Err(RestoreError::Damaged(format!("{key:?}: bytes follow the value"))),
        Err(error) => Err(RestoreError::Damaged(format!("{key:?}: {error}"))),
    }
}

/// Hands out the pages of a memory that are not all zero.
pub(super) fn visit_pages(canister: &Canister, memory: MemoryKind, page: &mut dyn FnMut(u32, &[u8])) {
    let Some(instance) = &canister.instance else {
        return;
    };
    let mut visit = |(index, bytes): (u32, &[u8])| page(index, bytes);
    match memory {
        MemoryKind::Heap => instance.filled_heap_pages().for_each(&mut visit),
        MemoryKind::Stable => instance.stable_memory().filled_pages().for_each(&mut visit),
    }
}
