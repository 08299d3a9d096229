//! Blocks, the chain they form, and the tree that certifies its tip.

use ic_certification::{HashTree, empty, fork, label, leaf};
use serde::de::DeserializeOwned;

use crate::{BlockIndex, ConversionError, Value, from_value};

const PARENT_HASH: &str = "phash";
const BLOCK_TYPE: &str = "btype";
const TIMESTAMP: &str = "ts";
const TRANSACTION: &str = "tx";
const OPERATION: &str = "op";

/// The last block of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    pub index: BlockIndex,
    pub hash: [u8; 32],
}

/// Why a list of blocks is not the log it claims to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("found block {found} where block {expected} belongs")]
    Gap { expected: BlockIndex, found: BlockIndex },
    #[error(
        "block {index} does not follow the one before it: it names the hash {}, that block has {}",
        hash_text(found),
        hash_text(expected)
    )]
    Broken { index: BlockIndex, expected: Option<[u8; 32]>, found: Option<Vec<u8>> },
}

fn hash_text(hash: &Option<impl AsRef<[u8]>>) -> String {
    hash.as_ref().map_or_else(|| "none".into(), hex::encode)
}

/// Checks that the blocks are a whole log from its first block on, each naming the hash of the one before it, and
/// returns the last one. The caller compares that with the certified tip.
///
/// # Errors
/// Names the first block that is out of order or does not follow.
pub fn verify_chain<'a>(
    blocks: impl IntoIterator<Item = (BlockIndex, &'a Value)>,
) -> Result<Option<Tip>, ChainError> {
    let mut tip: Option<Tip> = None;
    for (index, block) in blocks {
        let expected = tip.map_or(0, |tip| tip.index + 1);
        if index != expected {
            return Err(ChainError::Gap { expected, found: index });
        }
        let parent = tip.map(|tip| tip.hash);
        let named = match block.get(PARENT_HASH) {
            Some(Value::Blob(hash)) => Some(hash.clone()),
            _ => None,
        };
        if named.as_deref() != parent.as_ref().map(<[u8; 32]>::as_slice) {
            return Err(ChainError::Broken { index, expected: parent, found: named });
        }
        tip = Some(Tip { index, hash: block.hash() });
    }
    Ok(tip)
}

pub(crate) fn block(
    parent: Option<[u8; 32]>,
    time_ns: u64,
    operation: &str,
    fact: Vec<(String, Value)>,
) -> Value {
    let mut transaction = Vec::with_capacity(fact.len() + 1);
    transaction.push((OPERATION.into(), Value::Text(operation.into())));
    for (key, value) in fact {
        assert!(key != OPERATION, "BUG: a fact has an entry `{OPERATION}` of its own");
        transaction.push((key, value));
    }
    let mut entries = Vec::with_capacity(4);
    if let Some(parent) = parent {
        entries.push((PARENT_HASH.into(), Value::Blob(parent.into())));
    }
    entries.push((BLOCK_TYPE.into(), Value::Text(operation.into())));
    entries.push((TIMESTAMP.into(), Value::Nat(time_ns.into())));
    entries.push((TRANSACTION.into(), Value::Map(transaction)));
    Value::Map(entries)
}

/// Takes the fact out of a block, with the time at which it was recorded, in nanoseconds.
///
/// # Errors
/// If it is no block of this form, or its fact is not an `E`.
pub fn fact_of_block<E: DeserializeOwned>(block: Value) -> Result<(u64, E), ConversionError> {
    let mismatch = |expected| ConversionError::Mismatch { found: "another block", expected };
    let time_ns =
        block.get(TIMESTAMP).and_then(Value::as_u64).ok_or_else(|| mismatch("a block with a time `ts`"))?;
    let Value::Map(entries) = block else { return Err(mismatch("a block, which is a map")) };
    let transaction = entries.into_iter().find(|(key, _)| key == TRANSACTION);
    let Some((_, Value::Map(mut fact))) = transaction else {
        return Err(mismatch("a block with a map `tx`"));
    };
    fact.retain(|(key, _)| key != OPERATION);
    Ok((time_ns, from_value(Value::Map(fact))?))
}

pub(crate) fn tree(tip: Option<Tip>) -> HashTree {
    let Some(tip) = tip else { return empty() };
    let mut index = Vec::new();
    leb128::write::unsigned(&mut index, tip.index).expect("writing to a vector cannot fail");
    fork(label("last_block_hash", leaf(tip.hash.to_vec())), label("last_block_index", leaf(index)))
}

pub(crate) fn root_hash(tip: Option<Tip>) -> [u8; 32] {
    tree(tip).digest()
}

/// The tree whose root the canister certifies, as CBOR: `last_block_hash` and `last_block_index` (LEB128).
pub fn tip_hash_tree(tip: Option<Tip>) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&tree(tip), &mut bytes).expect("writing to a vector cannot fail");
    bytes
}
