//! The log itself, in stable memory.

use ic_certification::HashTree;
use ic_stable_structures::{Memory, log::Log};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ConversionError, DecodeError, Tip, Value,
    chain::{block, fact_of_block, root_hash, tip_hash_tree, tree},
    encoding::{decode, encode},
    to_value,
};

/// Numbers blocks from 0.
pub type BlockIndex = u64;

/// Why a stored block does not turn back into a fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("block {index}: {source}")]
    Undecodable { index: BlockIndex, source: DecodeError },
    #[error("block {index} is no fact of this canister: {source}")]
    Unknown { index: BlockIndex, source: ConversionError },
}

/// An append-only log of facts, each chained to the one before it.
///
/// Memory in the heap is constant; the blocks live in the two stable memories.
pub struct AuditLog<I: Memory, D: Memory> {
    blocks: Log<Vec<u8>, I, D>,
    tip: Option<Tip>,
}

impl<I: Memory, D: Memory> AuditLog<I, D> {
    /// Opens the log in these memories, or begins one if they are empty.
    pub fn init(index: I, data: D) -> Self {
        let mut log = Self { blocks: Log::init(index, data), tip: None };
        log.tip = log.len().checked_sub(1).map(|index| match log.block(index) {
            Some(Ok(block)) => Tip { index, hash: block.hash() },
            Some(Err(error)) => panic!("BUG: the last block of the log cannot be read: {error}"),
            None => panic!("BUG: the last block of the log is missing"),
        });
        log
    }

    /// Appends a fact.
    ///
    /// `operation` names its kind, in a namespace of one's own, e.g. `1countersign.vote`; it becomes the block's
    /// type. The fact must be a struct, or a variant with content.
    ///
    /// # Panics
    /// If the fact's type cannot be a log entry (a defect of the type), or if stable memory is exhausted: a canister
    /// that cannot write its log must not go on.
    pub fn append<E: Serialize + ?Sized>(&mut self, time_ns: u64, operation: &str, fact: &E) -> BlockIndex {
        let fact = match to_value(fact) {
            Ok(Value::Map(entries)) => entries,
            Ok(other) => panic!("BUG: a fact must be a map, {operation} is {}", other.kind()),
            Err(error) => panic!("BUG: {operation} cannot be a log entry: {error}"),
        };
        let block = block(self.tip.map(|tip| tip.hash), time_ns, operation, fact);
        let hash = block.hash();
        match self.blocks.append(&encode(block)) {
            Ok(index) => {
                self.tip = Some(Tip { index, hash });
                index
            }
            Err(error) => panic!("stable memory is exhausted, nothing can be recorded: {error:?}"),
        }
    }

    /// Number of blocks.
    pub fn len(&self) -> u64 {
        self.blocks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The last block's index and hash.
    pub fn tip(&self) -> Option<Tip> {
        self.tip
    }

    /// The last block's hash.
    pub fn tip_hash(&self) -> Option<[u8; 32]> {
        self.tip.map(|tip| tip.hash)
    }

    /// The 32 bytes to certify: root of the tree in which ICRC-3 looks up the tip.
    pub fn certified_root(&self) -> [u8; 32] {
        root_hash(self.tip)
    }

    /// The tree whose root is certified, for a canister that certifies something beside it.
    pub fn tip_tree(&self) -> HashTree {
        tree(self.tip)
    }

    /// The tree whose root is certified, as CBOR.
    pub fn tip_hash_tree(&self) -> Vec<u8> {
        tip_hash_tree(self.tip)
    }

    /// The blocks from `start` on, at most `length`, with their indices. Fewer if the log ends.
    pub fn blocks(&self, start: u64, length: u64) -> Vec<(BlockIndex, Value)> {
        let end = start.saturating_add(length).min(self.len());
        (start..end)
            .map(|index| match self.block(index) {
                Some(Ok(block)) => (index, block),
                Some(Err(error)) => panic!("BUG: block {index} cannot be read: {error}"),
                None => panic!("BUG: block {index} of {} is missing", self.len()),
            })
            .collect()
    }

    /// Stored size of a block, in bytes; close to its size in a reply.
    pub(crate) fn stored_bytes(&self, index: BlockIndex) -> Option<usize> {
        self.blocks.get(index).map(|bytes| bytes.len())
    }

    /// All facts with the times at which they were recorded, oldest first.
    pub fn replay<E: DeserializeOwned>(&self) -> impl Iterator<Item = Result<(u64, E), ReplayError>> + '_ {
        self.blocks.iter().zip(0..).map(|(bytes, index)| {
            let block = decode(&bytes).map_err(|source| ReplayError::Undecodable { index, source })?;
            fact_of_block(block).map_err(|source| ReplayError::Unknown { index, source })
        })
    }

    fn block(&self, index: BlockIndex) -> Option<Result<Value, DecodeError>> {
        self.blocks.get(index).map(|bytes| decode(&bytes))
    }
}
