//! Stable memory: every memory id.
//!
//! | id | content |
//! |---|---|
//! | 0, 1 | the log's index and data |
//! | 2 | what is secret of each key, sealed, by the key's name in CBOR |
//!
//! Ids are never reused.

use std::cell::RefCell;

use audit_log::AuditLog;
use ic_stable_structures::{
    DefaultMemoryImpl, StableBTreeMap,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};
use key_holders::{encode, interface::KeyName};

type Memory = VirtualMemory<DefaultMemoryImpl>;
/// The canister's log.
pub type Log = AuditLog<Memory, Memory>;

const LOG_INDEX: MemoryId = MemoryId::new(0);
const LOG_DATA: MemoryId = MemoryId::new(1);
const SEALED: MemoryId = MemoryId::new(2);

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
    static LOG: RefCell<Log> = RefCell::new(AuditLog::init(memory(LOG_INDEX), memory(LOG_DATA)));
    static SEALED_KEYS: RefCell<StableBTreeMap<Vec<u8>, Vec<u8>, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(SEALED)));
}

fn memory(id: MemoryId) -> Memory {
    MANAGER.with(|manager| manager.get(id))
}

/// Reads the log.
pub fn read_log<T>(f: impl FnOnce(&Log) -> T) -> T {
    LOG.with_borrow(f)
}

/// Writes the log.
pub fn write_log<T>(f: impl FnOnce(&mut Log) -> T) -> T {
    LOG.with_borrow_mut(f)
}

/// Keeps what is secret of a key, sealed.
pub fn keep_sealed(key: &KeyName, sealed: Vec<u8>) {
    SEALED_KEYS.with_borrow_mut(|keys| keys.insert(encode(key), sealed));
}

/// What is secret of a key, sealed.
pub fn sealed(key: &KeyName) -> Option<Vec<u8>> {
    SEALED_KEYS.with_borrow(|keys| keys.get(&encode(key)))
}
