//! Stable memory: every memory id.
//!
//! | id | content |
//! |---|---|
//! | 0, 1 | the log's index and data |
//! | 2 | ceremonies under way, in CBOR, by the key's name in CBOR |
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
const CEREMONIES: MemoryId = MemoryId::new(2);

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
    static LOG: RefCell<Log> = RefCell::new(AuditLog::init(memory(LOG_INDEX), memory(LOG_DATA)));
    static UNDER_WAY: RefCell<StableBTreeMap<Vec<u8>, Vec<u8>, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(CEREMONIES)));
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

/// Keeps a ceremony between its phases.
pub fn keep_ceremony(key: &KeyName, ceremony: Vec<u8>) {
    UNDER_WAY.with_borrow_mut(|ceremonies| ceremonies.insert(encode(key), ceremony));
}

/// A ceremony that is under way.
pub fn ceremony(key: &KeyName) -> Option<Vec<u8>> {
    UNDER_WAY.with_borrow(|ceremonies| ceremonies.get(&encode(key)))
}

/// Forgets a ceremony that is over.
pub fn drop_ceremony(key: &KeyName) {
    UNDER_WAY.with_borrow_mut(|ceremonies| ceremonies.remove(&encode(key)));
}
