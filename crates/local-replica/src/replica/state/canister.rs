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
        if let Some(callback) = self.open_calls.orphan() {
            let damage = format!("canister {id}: {callback:?} belongs to no open call");
            return Err(RestoreError::Damaged(damage));
        }
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
        let maximum_bytes = module.maximum_memory_bytes();
        let heap = HeapImage {
            memory: heap(canister, self.heap_bytes, maximum_bytes, rows)?,
            globals: self.globals.into_owned(),
        };
        StableMemory::from_pages(self.stable_bytes, pages(canister, MemoryKind::Stable, rows))
            .and_then(|stable| Instance::from_image(module, &heap, stable))
            .map_err(|source| RestoreError::Heap { canister, source })
    }
}

fn heap(
    canister: Principal,
    size_bytes: u64,
    maximum_bytes: usize,
    rows: &Rows,
) -> Result<Vec<u8>, RestoreError> {
    let size = usize::try_from(size_bytes).ok().filter(|size| *size <= maximum_bytes).ok_or_else(|| {
        RestoreError::Damaged(format!(
            "canister {canister}: its memory has {size_bytes} bytes; its module allows {maximum_bytes}"
        ))
    })?;
    let mut bytes = vec![0; size];
    for (index, page) in pages(canister, MemoryKind::Heap, rows) {
        let start = index as usize * PAGE_BYTES;
        bytes
            .get_mut(start..start + page.len())
            .ok_or_else(|| {
                RestoreError::Damaged(format!(
                    "canister {canister}: page {index} lies beyond the memory's end"
                ))
            })?
            .copy_from_slice(page);
    }
    Ok(bytes)
}

fn pages(canister: Principal, memory: MemoryKind, rows: &Rows) -> impl Iterator<Item = (u32, &[u8])> {
    rows.range(page_range(canister, memory)).filter_map(|(key, page)| match key {
        RowKey::Page { index, .. } => Some((*index, page.as_slice())),
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canister::{CallContext, CallContextId, Callback, CallbackId};
    use crate::message::{IngressMessage, RequestId};
    use crate::replica::Replica;
    use crate::replica::state::rows::encode;

    /// A replica with one canister, which waits for an answer.
    fn waiting() -> (Replica, Principal, Rows) {
        let wat = r#"(module
            (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
            (import "ic0" "call_perform" (func $perform (result i32)))
            (memory 1)
            (data (i32.const 0) "raw_rand")
            (func (export "canister_update go")
                (call $new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)
                    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
                (drop (call $perform))))"#;
        let mut replica = Replica::new(crate::ReplicaConfig::default()).expect("a replica");
        let canister_id = replica.create_canister(vec![]);
        let wasm = wat::parse_str(wat).expect("the text is a valid module");
        replica.install(canister_id, &wasm, Vec::new()).expect("it installs");
        let message = IngressMessage {
            request_id: RequestId([1; 32]),
            sender: Principal::anonymous(),
            canister_id,
            method_name: "go".to_owned(),
            arg: Vec::new(),
            ingress_expiry_ns: replica.time_ns() + 60_000_000_000,
        };
        replica.submit(message).expect("it is accepted");
        replica.step();
        let mut rows = Rows::new();
        replica.visit_rows(&mut |key, value| {
            rows.insert(key, value.to_vec());
        });
        (replica, canister_id, rows)
    }

    /// What becomes of the state when the canister's row is another one.
    fn taken_up(change: impl FnOnce(&mut CanisterImage<'static>)) -> Result<(), RestoreError> {
        let (mut replica, canister, mut rows) = waiting();
        let key = RowKey::Canister(canister);
        let mut image: CanisterImage<'static> = decode(&key, &rows[&key]).expect("its own row");
        change(&mut image);
        rows.insert(key, encode(&image));
        replica.take_up(&rows)
    }

    fn code<'a>(image: &'a mut CanisterImage<'static>) -> &'a mut CodeImage<'static> {
        image.code.as_mut().expect("it has code")
    }

    #[test]
    fn should_refuse_memories_larger_than_any_can_be() {
        taken_up(|_| {}).expect("its own rows");
        let refused = taken_up(|image| code(image).heap_bytes = 1 << 63).expect_err("too large a heap");
        assert!(matches!(refused, RestoreError::Damaged(_)), "{refused}");
        let refused = taken_up(|image| code(image).stable_bytes = 1 << 63).expect_err("too large");
        assert!(matches!(refused, RestoreError::Heap { .. }), "{refused}");
    }

    #[test]
    fn should_refuse_a_callback_that_belongs_to_no_open_call() {
        type Parts = (u64, u64, BTreeMap<CallContextId, CallContext>, BTreeMap<CallbackId, Callback>);
        let refused = taken_up(|image| {
            let mut parts: Parts =
                postcard::from_bytes(&encode(&image.open_calls)).expect("the parts of its encoding");
            assert_eq!(parts.3.len(), 1, "it waits for one answer");
            parts.2.clear();
            let open_calls = postcard::from_bytes(&encode(&parts)).expect("the same encoding");
            image.open_calls = Cow::Owned(open_calls);
        });
        assert!(matches!(refused, Err(RestoreError::Damaged(_))), "{refused:?}");
    }
}
