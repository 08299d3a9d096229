//! Stable memory: every region in one place. Nothing else touches it.

mod documents;

use std::cell::RefCell;

use audit_log::AuditLog;
pub use chunk_store::{ChunkStore, StoredAs};
use ic_stable_structures::{
    DefaultMemoryImpl,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};
use release_types::ProposalId;

use documents::Documents;

/// A region of stable memory.
pub type Region = VirtualMemory<DefaultMemoryImpl>;

/// The log of facts, of which the state is the fold.
const LOG_INDEX: MemoryId = MemoryId::new(0);
const LOG_DATA: MemoryId = MemoryId::new(1);
/// What was derived from the artifacts of each release; the log holds the digests.
const DOCUMENTS: MemoryId = MemoryId::new(2);
/// Where each piece of an uploaded artifact lies, and the bytes.
const CHUNKS_INDEX: MemoryId = MemoryId::new(3);
const CHUNKS_DATA: MemoryId = MemoryId::new(4);

thread_local! {
    static REGIONS: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init(DefaultMemoryImpl::default()));
    static LOG: RefCell<AuditLog<Region, Region>> =
        RefCell::new(AuditLog::init(region(LOG_INDEX), region(LOG_DATA)));
    static DOCUMENT_STORE: RefCell<Documents<Region>> = RefCell::new(Documents::init(region(DOCUMENTS)));
    static CHUNKS: RefCell<ChunkStore<Region>> =
        RefCell::new(ChunkStore::init(region(CHUNKS_INDEX), region(CHUNKS_DATA)));
}

fn region(id: MemoryId) -> Region {
    REGIONS.with_borrow(|regions| regions.get(id))
}

/// Reads the log.
pub fn read_log<T>(f: impl FnOnce(&AuditLog<Region, Region>) -> T) -> T {
    LOG.with_borrow(f)
}

/// Writes the log.
pub fn write_log<T>(f: impl FnOnce(&mut AuditLog<Region, Region>) -> T) -> T {
    LOG.with_borrow_mut(f)
}

/// Reads uploaded bytes.
pub fn read_chunks<T>(f: impl FnOnce(&ChunkStore<Region>) -> T) -> T {
    CHUNKS.with_borrow(f)
}

/// Writes uploaded bytes.
pub fn write_chunks<T>(f: impl FnOnce(&mut ChunkStore<Region>) -> T) -> T {
    CHUNKS.with_borrow_mut(f)
}

/// Keeps the document of a proposal.
pub fn keep_document(proposal: ProposalId, bytes: &[u8]) {
    DOCUMENT_STORE.with_borrow_mut(|documents| documents.keep(proposal, bytes));
}

/// The document of a proposal, unless it has none or it was dropped.
pub fn document(proposal: ProposalId) -> Option<Vec<u8>> {
    DOCUMENT_STORE.with_borrow(|documents| documents.get(proposal))
}

/// Forgets the document of a proposal, if it has one.
pub fn drop_document(proposal: ProposalId) {
    DOCUMENT_STORE.with_borrow_mut(|documents| documents.remove(proposal));
}

/// How many pieces of documents are kept.
#[cfg(test)]
pub fn document_pieces() -> u64 {
    DOCUMENT_STORE.with_borrow(Documents::pieces)
}
