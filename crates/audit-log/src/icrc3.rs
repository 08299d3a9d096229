//! The Candid types of ICRC-3, and its answers from a log.

use candid::{
    CandidType, Func, Nat, Principal,
    types::{FuncMode, Function, Type, TypeInner},
};
use ic_stable_structures::Memory;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{AuditLog, Value};

/// Most bytes of blocks in one answer; a reply carries 2 MiB.
const MAX_ANSWER_BYTES: usize = 1_000_000;
/// Most blocks in one answer.
const MAX_ANSWER_BLOCKS: u64 = 2_000;

/// One range of blocks asked for.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct GetBlocksArgs {
    pub start: Nat,
    pub length: Nat,
}

/// A block with its index.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct BlockWithId {
    pub id: Nat,
    pub block: Value,
}

/// The type of an archive's query, as the standard writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ArchiveCallback(pub Func);

impl CandidType for ArchiveCallback {
    fn _ty() -> Type {
        TypeInner::Func(Function {
            modes: vec![FuncMode::Query],
            args: vec![Vec::<GetBlocksArgs>::ty()],
            rets: vec![GetBlocksResult::ty()],
        })
        .into()
    }

    fn idl_serialize<S: candid::types::Serializer>(&self, serializer: S) -> Result<(), S::Error> {
        self.0.idl_serialize(serializer)
    }
}

/// Blocks kept elsewhere. These logs keep all blocks themselves, so there are none.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchivedBlocks {
    pub args: Vec<GetBlocksArgs>,
    pub callback: ArchiveCallback,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct GetBlocksResult {
    /// Number of blocks in the whole log.
    pub log_length: Nat,
    /// The blocks asked for; fewer if they do not fit one answer: ask again from the next one.
    pub blocks: Vec<BlockWithId>,
    pub archived_blocks: Vec<ArchivedBlocks>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct GetArchivesArgs {
    pub from: Option<Principal>,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ArchiveInfo {
    pub canister_id: Principal,
    pub start: Nat,
    pub end: Nat,
}

/// Proof of the log's tip.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DataCertificate {
    pub certificate: ByteBuf,
    pub hash_tree: ByteBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct SupportedBlockType {
    pub block_type: String,
    pub url: String,
}

/// Answers `icrc3_get_blocks`. Ranges beyond the log are empty; what does not fit one answer is left out.
pub fn get_blocks<I: Memory, D: Memory>(log: &AuditLog<I, D>, ranges: &[GetBlocksArgs]) -> GetBlocksResult {
    let mut blocks = Vec::new();
    let mut bytes_left = MAX_ANSWER_BYTES;
    'answer: for range in ranges {
        // A start or length beyond 64 bits is beyond the log, too.
        let Ok(start) = u64::try_from(&range.start.0) else { continue };
        let length = u64::try_from(&range.length.0).unwrap_or(u64::MAX);
        for index in start..start.saturating_add(length).min(log.len()) {
            let size = log.stored_bytes(index).unwrap_or(0);
            let fits = size <= bytes_left || blocks.is_empty();
            if !fits || blocks.len() as u64 >= MAX_ANSWER_BLOCKS {
                break 'answer;
            }
            bytes_left = bytes_left.saturating_sub(size);
            blocks.extend(
                log.blocks(index, 1).into_iter().map(|(id, block)| BlockWithId { id: id.into(), block }),
            );
        }
    }
    GetBlocksResult { log_length: log.len().into(), blocks, archived_blocks: Vec::new() }
}

/// Answers `icrc3_get_tip_certificate`: the certificate that the system gives to queries, with the tree. None if the
/// log is empty or there is no certificate.
pub fn tip_certificate<I: Memory, D: Memory>(
    log: &AuditLog<I, D>,
    certificate: Option<Vec<u8>>,
) -> Option<DataCertificate> {
    log.tip()?;
    Some(DataCertificate {
        certificate: ByteBuf::from(certificate?),
        hash_tree: ByteBuf::from(log.tip_hash_tree()),
    })
}
