//! Stable memory: every region in one place. Nothing else touches it.

mod chunks;

use std::cell::RefCell;

use audit_log::AuditLog;
use ic_stable_structures::{
    DefaultMemoryImpl,
    log::Log,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};

pub use chunks::{ChunkStore, StoredAs};

/// A region of stable memory.
pub type Region = VirtualMemory<DefaultMemoryImpl>;

/// The log of facts, of which the state is the fold.
const LOG_INDEX: MemoryId = MemoryId::new(0);
const LOG_DATA: MemoryId = MemoryId::new(1);
/// What was derived from the artifacts of each release; the log holds the digests.
const DOCUMENTS_INDEX: MemoryId = MemoryId::new(2);
const DOCUMENTS_DATA: MemoryId = MemoryId::new(3);
/// Where each piece of an uploaded artifact lies, and the bytes.
const CHUNKS_INDEX: MemoryId = MemoryId::new(4);
const CHUNKS_DATA: MemoryId = MemoryId::new(5);

thread_local! {
    static REGIONS: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init(DefaultMemoryImpl::default()));
    static LOG: RefCell<AuditLog<Region, Region>> =
        RefCell::new(AuditLog::init(region(LOG_INDEX), region(LOG_DATA)));
    static DOCUMENTS: RefCell<Log<Vec<u8>, Region, Region>> =
        RefCell::new(Log::init(region(DOCUMENTS_INDEX), region(DOCUMENTS_DATA)));
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

/// Keeps a document for good, and returns its number.
pub fn append_document(bytes: Vec<u8>) -> u64 {
    DOCUMENTS.with_borrow(|documents| match documents.append(&bytes) {
        Ok(number) => number,
        Err(error) => panic!("stable memory is exhausted, the document cannot be kept: {error:?}"),
    })
}

/// The number that the next document will have.
pub fn next_document() -> u64 {
    DOCUMENTS.with_borrow(Log::len)
}

pub fn document(number: u64) -> Option<Vec<u8>> {
    DOCUMENTS.with_borrow(|documents| documents.get(number))
}
