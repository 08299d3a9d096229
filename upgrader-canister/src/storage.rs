//! Stable memory: every memory id, and the log.
//!
//! | id | content |
//! |---|---|
//! | 0, 1 | the log's index and data |
//!
//! Ids are never reused. Modules to be installed lie in the canister's chunk store, which the network keeps.

use std::cell::RefCell;

use audit_log::{AuditLog, ReplayError};
use ic_stable_structures::{
    DefaultMemoryImpl,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};

use crate::state::Event;

type Memory = VirtualMemory<DefaultMemoryImpl>;
/// The canister's log.
pub type Log = AuditLog<Memory, Memory>;

const LOG_INDEX: MemoryId = MemoryId::new(0);
const LOG_DATA: MemoryId = MemoryId::new(1);

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
    static LOG: RefCell<Log> = RefCell::new(AuditLog::init(memory(LOG_INDEX), memory(LOG_DATA)));
}

fn memory(id: MemoryId) -> Memory {
    MANAGER.with(|manager| manager.get(id))
}

/// Appends an event to the log and returns the new root to certify.
pub fn append(time_ns: u64, event: &Event) -> [u8; 32] {
    LOG.with_borrow_mut(|log| {
        log.append(time_ns, event.operation(), event);
        log.certified_root()
    })
}

/// Reads the log.
pub fn read_log<T>(read: impl FnOnce(&Log) -> T) -> T {
    LOG.with_borrow(read)
}

/// All events with their times, oldest first.
pub fn events() -> Vec<Result<(u64, Event), ReplayError>> {
    read_log(|log| log.replay().collect())
}
