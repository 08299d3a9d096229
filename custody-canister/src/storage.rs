//! Stable memory: every memory id, the log, and what is too large or too delicate for the log.
//!
//! | id | content |
//! |---|---|
//! | 0, 1 | the log's index and data |
//! | 2 | accepted orders in Candid, by order id |
//! | 3 | sealed tokens (ciphertext), by credential id |
//! | 4 | receipts' envelopes, by order id |
//! | 5 | baselines of watched packages, by package; their digests are on the log |
//! | 6 | when watched packages were last looked at; mere bookkeeping, of which nothing is lost if it is |
//!
//! Ids are never reused.

use std::cell::RefCell;

use audit_log::{AuditLog, ReplayError};
use ic_stable_structures::{
    DefaultMemoryImpl, StableBTreeMap,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};
use release_types::{CredentialId, OrderId, PackageKey, PublishOrder};

use registry_protocols::listing::Listing;
use serde::{Deserialize, Serialize};

use crate::state::Event;

type Memory = VirtualMemory<DefaultMemoryImpl>;
/// The canister's log.
pub type Log = AuditLog<Memory, Memory>;

const LOG_INDEX: MemoryId = MemoryId::new(0);
const LOG_DATA: MemoryId = MemoryId::new(1);
const ORDERS: MemoryId = MemoryId::new(2);
const SEALED_TOKENS: MemoryId = MemoryId::new(3);
const ENVELOPES: MemoryId = MemoryId::new(4);
const BASELINES: MemoryId = MemoryId::new(5);
const LOOKS: MemoryId = MemoryId::new(6);

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
    static LOG: RefCell<Log> = RefCell::new(AuditLog::init(memory(LOG_INDEX), memory(LOG_DATA)));
    static ORDER_DOCUMENTS: RefCell<StableBTreeMap<String, Vec<u8>, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(ORDERS)));
    static SEALED: RefCell<StableBTreeMap<Vec<u8>, Vec<u8>, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(SEALED_TOKENS)));
    static ENVELOPE_TEXTS: RefCell<StableBTreeMap<String, String, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(ENVELOPES)));
    static BASELINE_LISTS: RefCell<StableBTreeMap<String, Vec<u8>, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(BASELINES)));
    static LAST_LOOKS: RefCell<StableBTreeMap<String, Vec<u8>, Memory>> =
        RefCell::new(StableBTreeMap::init(memory(LOOKS)));
}

/// The last look at a watched package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub at_ns: u64,
    /// The last one whose answer the nodes agreed on.
    pub answered_at_ns: Option<u64>,
    /// How many since then brought nothing.
    pub failures: u32,
    /// When the registry may be read again, for all that it asked.
    pub not_before_ns: u64,
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

/// Keeps an accepted order.
pub fn keep_order(id: &OrderId, document: Vec<u8>) {
    ORDER_DOCUMENTS.with_borrow_mut(|orders| orders.insert(id.0.clone(), document));
}

/// An accepted order.
pub fn order(id: &OrderId) -> Option<PublishOrder> {
    let document = ORDER_DOCUMENTS.with_borrow(|orders| orders.get(&id.0))?;
    candid::decode_one(&document).ok()
}

/// Keeps a sealed token.
pub fn keep_sealed_token(id: &CredentialId, sealed_token: Vec<u8>) {
    SEALED.with_borrow_mut(|tokens| tokens.insert(id.0.as_bytes().to_vec(), sealed_token));
}

/// A sealed token.
pub fn sealed_token(id: &CredentialId) -> Option<Vec<u8>> {
    SEALED.with_borrow(|tokens| tokens.get(&id.0.as_bytes().to_vec()))
}

/// Forgets a sealed token, when its credential is revoked.
pub fn drop_sealed_token(id: &CredentialId) {
    SEALED.with_borrow_mut(|tokens| tokens.remove(&id.0.as_bytes().to_vec()));
}

/// Keeps a receipt's envelope.
pub fn keep_envelope(id: &OrderId, envelope_json: String) {
    ENVELOPE_TEXTS.with_borrow_mut(|envelopes| envelopes.insert(id.0.clone(), envelope_json));
}

/// A receipt's envelope.
pub fn envelope(id: &OrderId) -> Option<String> {
    ENVELOPE_TEXTS.with_borrow(|envelopes| envelopes.get(&id.0))
}

/// Keeps the baseline of a watched package, and returns its bytes as they are kept.
pub fn keep_listing(package: &PackageKey, listing: &Listing) -> Vec<u8> {
    let bytes = serde_json::to_vec(listing).expect("a listing is a flat object of strings");
    BASELINE_LISTS.with_borrow_mut(|lists| lists.insert(package.to_string(), bytes.clone()));
    bytes
}

/// The baseline of a watched package.
pub fn listing(package: &PackageKey) -> Option<Listing> {
    let bytes = BASELINE_LISTS.with_borrow(|lists| lists.get(&package.to_string()))?;
    serde_json::from_slice(&bytes).ok()
}

/// Size of the baseline of a watched package, in bytes.
pub fn listing_bytes(package: &PackageKey) -> Option<u64> {
    BASELINE_LISTS.with_borrow(|lists| lists.get(&package.to_string())).map(|bytes| bytes.len() as u64)
}

/// Notes a look at a watched package.
pub fn keep_look(package: &PackageKey, look: Look) {
    let bytes = serde_json::to_vec(&look).expect("three numbers");
    LAST_LOOKS.with_borrow_mut(|looks| looks.insert(package.to_string(), bytes));
}

/// The last look at a watched package.
pub fn look(package: &PackageKey) -> Option<Look> {
    let bytes = LAST_LOOKS.with_borrow(|looks| looks.get(&package.to_string()))?;
    serde_json::from_slice(&bytes).ok()
}

/// Forgets what is kept of a watch, when it ends or begins anew.
pub fn drop_watch(package: &PackageKey) {
    BASELINE_LISTS.with_borrow_mut(|lists| lists.remove(&package.to_string()));
    LAST_LOOKS.with_borrow_mut(|looks| looks.remove(&package.to_string()));
}
