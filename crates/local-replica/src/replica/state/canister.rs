//! The row of a canister, and a canister from its rows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use candid::Principal;
use serde::{Deserialize, Serialize};

use super::rows::{MemoryKind, PAGE_BYTES, RestoreError, RowKey, Rows, decode};
use crate::canister::{
    Canister, History, Log, LowMemoryHook, OpenCalls, QueryStatistics, Settings, Snapshot, SnapshotId, Status,
};
use crate::execution::{GlobalValue, HeapImage, Instance, ModuleCache, StableMemory};

/// A canister without memories and chunks, which have rows of their own.
#[derive(Serialize, Deserialize)]
pub(super) struct CanisterImage<'a> {
    settings: Cow<'a, Settings>,
    status: Cow<'a, Status>,
    balance_cycles: u128,
    version: u64,
    code: Option<CodeImage<'a>>,
    certified_data: Cow<'a, [u8]>,
    global_timer_ns: u64,
    next_heartbeat_ns: u64,
    low_memory_hook: LowMemoryHook,
    open_calls: Cow<'a, OpenCalls>,
    log: Cow<'a, Log>,
    history: Cow<'a, History>,
    next_snapshot: u64,
    paid_until_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct CodeImage<'a> {
    module_hash: [u8; 32],
    globals: Cow<'a, [GlobalValue]>,
    heap_bytes: u64,
    stable_bytes: u64,
}

impl<'a> CanisterImage<'a> {
    pub fn of(canister: &'a Canister) -> Self {
        let Canister {
            settings,
            status,
            balance_cycles,
            version,
            instance,
            certified_data,
            global_timer_ns,
            next_heartbeat_ns,
            low_memory_hook,
            open_calls,
            log,
            history,
            next_snapshot,
            paid_until_ns,
            // In the key.
            id: _,
            // Rows of their own.
            chunk_store: _,
            snapshots: _,
            // Told by single nodes.
            query_statistics: _,
        } = canister;
        Self {
            settings: Cow::Borrowed(settings),
            status: Cow::Borrowed(status),
            balance_cycles: *balance_cycles,
            version: *version,
            code: instance.as_ref().map(|instance| CodeImage {
                module_hash: instance.module().hash,
                globals: Cow::Borrowed(instance.globals()),
                heap_bytes: instance.memory().len() as u64,
                stable_bytes: instance.stable_memory().as_slice().len() as u64,
            }),
            certified_data: Cow::Borrowed(certified_data),
            global_timer_ns: *global_timer_ns,
            next_heartbeat_ns: *next_heartbeat_ns,
            low_memory_hook: *low_memory_hook,
            open_calls: Cow::Borrowed(open_calls),
            log: Cow::Borrowed(log),
            history: Cow::Borrowed(history),
            next_snapshot: *next_snapshot,
            paid_until_ns: *paid_until_ns,
        }
    }

    /// The canister, with its memories and chunks from their rows.
    pub fn into_canister(
        self,
        id: Principal,
        rows: &Rows,
        modules: &ModuleCache,
    ) -> Result<Canister, RestoreError> {
        let instance = self.code.map(|code| code.into_instance(id, rows, modules)).transpose()?;
        Ok(Canister {
            id,
            settings: self.settings.into_owned(),
            status: self.status.into_owned(),
            balance_cycles: self.balance_cycles,
            version: self.version,
            instance,
            certified_data: self.certified_data.into_owned(),
            global_timer_ns: self.global_timer_ns,
            next_heartbeat_ns: self.next_heartbeat_ns,
            low_memory_hook: self.low_memory_hook,
            open_calls: self.open_calls.into_owned(),
            log: self.log.into_owned(),
            history: self.history.into_owned(),
            chunk_store: chunks(id, rows),
            snapshots: snapshots(id, rows)?,
            next_snapshot: self.next_snapshot,
            query_statistics: QueryStatistics::default(),
            paid_until_ns: self.paid_until_ns,
        })
    }
}

impl CodeImage<'_> {
    fn into_instance(
        self,
        canister: Principal,
        rows: &Rows,
        modules: &ModuleCache,
    ) -> Result<Instance, RestoreError> {
        let sent = rows
            .get(&RowKey::Module(self.module_hash))
            .ok_or_else(|| RestoreError::Damaged(format!("the module of canister {canister} is missing")))?;
        let module = modules.compile(sent)?;
        let heap = HeapImage {
            memory: memory(canister, MemoryKind::Heap, self.heap_bytes, rows)?,
            globals: self.globals.into_owned(),
        };
        let stable = memory(canister, MemoryKind::Stable, self.stable_bytes, rows)?;
        StableMemory::from_bytes(&stable)
            .and_then(|stable| Instance::from_image(module, &heap, stable))
            .map_err(|source| RestoreError::Heap { canister, source })
    }
}

fn memory(
    canister: Principal,
    memory: MemoryKind,
    size_bytes: u64,
    rows: &Rows,
) -> Result<Vec<u8>, RestoreError> {
    let mut bytes = vec![0; size_bytes as usize];
    for (key, page) in rows.range(page_range(canister, memory)) {
        let RowKey::Page { index, .. } = key else {
            continue;
        };
        let start = *index as usize * PAGE_BYTES;
        bytes
            .get_mut(start..start + page.len())
            .ok_or_else(|| RestoreError::Damaged(format!("{key:?} lies beyond the memory's end")))?
            .copy_from_slice(page);
    }
    Ok(bytes)
}

/// The keys of all pages of a memory.
pub(super) fn page_range(canister: Principal, memory: MemoryKind) -> RangeInclusive<RowKey> {
    let page = |index| RowKey::Page { canister, memory, index };
    page(0)..=page(u32::MAX)
}

/// The keys of all chunks of a canister.
pub(super) fn chunk_range(canister: Principal) -> RangeInclusive<RowKey> {
    RowKey::Chunk(canister, [0; 32])..=RowKey::Chunk(canister, [u8::MAX; 32])
}

/// The modules that canisters need, as they were sent, by their hash.
pub(super) fn modules(canisters: &BTreeMap<Principal, Canister>) -> BTreeMap<[u8; 32], &[u8]> {
    canisters
        .values()
        .filter_map(Canister::module)
        .map(|module| (module.hash, module.sent.as_slice()))
        .collect()
}

fn chunks(canister: Principal, rows: &Rows) -> BTreeMap<[u8; 32], Vec<u8>> {
    rows.range(chunk_range(canister))
        .filter_map(|(key, chunk)| match key {
            RowKey::Chunk(_, hash) => Some((*hash, chunk.clone())),
            _ => None,
        })
        .collect()
}

/// The keys of all snapshots of a canister.
pub(super) fn snapshot_range(canister: Principal) -> RangeInclusive<RowKey> {
    let id = |number| RowKey::Snapshot(SnapshotId { canister, number });
    id(0)..=id(u64::MAX)
}

fn snapshots(canister: Principal, rows: &Rows) -> Result<BTreeMap<SnapshotId, Snapshot>, RestoreError> {
    rows.range(snapshot_range(canister))
        .filter_map(|(key, value)| match key {
            RowKey::Snapshot(id) => Some(decode(key, value).map(|snapshot| (*id, snapshot))),
            _ => None,
        })
        .collect()
}
