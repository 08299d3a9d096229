//! Stable memory: every memory id, the log, the envelopes, and the requests that were already used.
//!
//! | id | content |
//! |---|---|
//! | 0, 1 | the log's index and data |
//! | 2, 3 | where each piece of an envelope lies, and the bytes |
//! | 4 | signed requests that were used and have not expired |
//!
//! Ids are never reused.

mod used_requests;

use std::cell::RefCell;

use audit_log::{AuditLog, ReplayError};
use chunk_store::{ChunkStore, StoredAs};
use content_types::ItemId;
use ic_stable_structures::{
    DefaultMemoryImpl,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};

pub use used_requests::{NotNoted, UsedRequests};

use crate::state::Event;

type Memory = VirtualMemory<DefaultMemoryImpl>;
/// The canister's log.
pub type Log = AuditLog<Memory, Memory>;

const LOG_INDEX: MemoryId = MemoryId::new(0);
const LOG_DATA: MemoryId = MemoryId::new(1);
const CHUNKS_INDEX: MemoryId = MemoryId::new(2);
const CHUNKS_DATA: MemoryId = MemoryId::new(3);
const USED_REQUESTS: MemoryId = MemoryId::new(4);

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
    static LOG: RefCell<Log> = RefCell::new(AuditLog::init(memory(LOG_INDEX), memory(LOG_DATA)));
    static CHUNKS: RefCell<ChunkStore<Memory>> =
        RefCell::new(ChunkStore::init(memory(CHUNKS_INDEX), memory(CHUNKS_DATA)));
    static USED: RefCell<UsedRequests<Memory>> = RefCell::new(UsedRequests::init(memory(USED_REQUESTS)));
}

fn memory(id: MemoryId) -> Memory {
    MANAGER.with(|manager| manager.get(id))
}

/// Appends an event to the log.
pub fn append(time_ns: u64, event: &Event) {
    LOG.with_borrow_mut(|log| log.append(time_ns, event.operation(), event));
}

/// Reads the log.
pub fn read_log<T>(read: impl FnOnce(&Log) -> T) -> T {
    LOG.with_borrow(read)
}

/// All events with their times, oldest first.
pub fn events() -> Vec<Result<(u64, Event), ReplayError>> {
    read_log(|log| log.replay().collect())
}

/// Keeps a chunk of an item's envelope.
pub fn keep_chunk(item: ItemId, index: u32, bytes: &[u8]) {
    CHUNKS.with_borrow_mut(|chunks| chunks.write(StoredAs(item), index, bytes));
}

/// Whether a chunk is there.
pub fn has_chunk(item: ItemId, index: u32) -> bool {
    CHUNKS.with_borrow(|chunks| chunks.contains(StoredAs(item), index))
}

/// The bytes of an envelope from `start` on; none if some are not there.
pub fn envelope_bytes(item: ItemId, start: u64, length: usize) -> Option<Vec<u8>> {
    CHUNKS.with_borrow(|chunks| chunks.read_range(StoredAs(item), start, length))
}

/// Forgets an item's envelope.
pub fn drop_envelope(item: ItemId) {
    CHUNKS.with_borrow_mut(|chunks| chunks.remove(StoredAs(item)));
}

/// The signed requests that were used.
pub fn with_used_requests<T>(f: impl FnOnce(&mut UsedRequests<Memory>) -> T) -> T {
    USED.with_borrow_mut(f)
}
