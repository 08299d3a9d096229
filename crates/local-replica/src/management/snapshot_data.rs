//! Reading a canister snapshot part by part, and making one from uploaded parts.

use candid::Nat;
use ic_management_canister_types::{
    CanisterTimer, ChunkHash, OnLowWasmMemoryHookStatus, ReadCanisterSnapshotDataArgs,
    ReadCanisterSnapshotDataResult, ReadCanisterSnapshotMetadataArgs, ReadCanisterSnapshotMetadataResult,
    SnapshotDataKind, SnapshotDataOffset, SnapshotMetadataGlobal, UploadCanisterSnapshotDataArgs,
    UploadCanisterSnapshotMetadataArgs, UploadCanisterSnapshotMetadataResult,
};
use sha2::{Digest, Sha256};

use super::chunks::{MAX_CHUNK_BYTES, MAX_CHUNKS};
use super::payload::{decode, empty_reply, invalid, reply};
use super::snapshots::{check_size, own_snapshot, replaceable, source};
use crate::canister::{Snapshot, SnapshotSource};
use crate::execution::{GlobalValue, HeapImage};
use crate::message::{CallResult, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::Request;

/// Largest part that is read at once.
const MAX_SLICE_BYTES: u64 = 2_000_000;
const MAX_MODULE_BYTES: u64 = 100 * 1024 * 1024;
const MAX_MEMORY_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const WASM_PAGE_BYTES: u64 = 64 * 1024;
const MAX_CERTIFIED_BYTES: usize = 32;
/// Instructions that one call here is charged for, besides one for each byte.
const BASE_INSTRUCTIONS: u64 = 2_000_000;

impl Replica {
    pub(super) fn read_canister_snapshot_metadata(&self, request: &Request) -> CallResult {
        let (args,): (ReadCanisterSnapshotMetadataArgs,) = decode(&request.arg)?;
        let canister = self.snapshots_visible(request.caller, args.canister_id, &request.method)?;
        let (_, snapshot) = own_snapshot(canister, &args.snapshot_id)?;
        reply(ReadCanisterSnapshotMetadataResult {
            source: Some(source(snapshot.source)),
            taken_at_timestamp: snapshot.taken_at_ns,
            wasm_module_size: snapshot.module.len() as u64,
            globals: snapshot.heap.globals.iter().map(|global| Some(global_to_candid(*global))).collect(),
            wasm_memory_size: snapshot.heap.memory.len() as u64,
            stable_memory_size: snapshot.stable.len() as u64,
            wasm_chunk_store: snapshot
                .chunk_store
                .keys()
                .map(|hash| ChunkHash { hash: hash.to_vec() })
                .collect(),
            canister_version: snapshot.canister_version,
            certified_data: snapshot.certified_data.clone(),
            global_timer: snapshot.global_timer_ns.map(|timer_ns| match timer_ns {
                0 => CanisterTimer::Inactive,
                timer_ns => CanisterTimer::Active(timer_ns),
            }),
            on_low_wasm_memory_hook_status: Some(OnLowWasmMemoryHookStatus::ConditionNotSatisfied),
        })
    }

    pub(super) fn read_canister_snapshot_data(&self, request: &Request) -> CallResult {
        let (args,): (ReadCanisterSnapshotDataArgs,) = decode(&request.arg)?;
        let canister = self.snapshots_visible(request.caller, args.canister_id, &request.method)?;
        let (_, snapshot) = own_snapshot(canister, &args.snapshot_id)?;
        let chunk = match args.kind {
            SnapshotDataKind::WasmModule { offset, size } => slice(&snapshot.module, offset, size)?,
            SnapshotDataKind::WasmMemory { offset, size } => slice(&snapshot.heap.memory, offset, size)?,
            SnapshotDataKind::StableMemory { offset, size } => slice(&snapshot.stable, offset, size)?,
            SnapshotDataKind::WasmChunk { hash } => <[u8; 32]>::try_from(hash.as_slice())
                .ok()
                .and_then(|hash| snapshot.chunk_store.get(&hash))
                .ok_or_else(|| invalid(format!("hash: the snapshot has no chunk {}", hex::encode(hash))))?,
        };
        reply(ReadCanisterSnapshotDataResult { chunk: chunk.to_vec() })
    }

    pub(super) fn upload_canister_snapshot_metadata(&mut self, request: &Request) -> CallResult {
        let (args,): (UploadCanisterSnapshotMetadataArgs,) = decode(&request.arg)?;
        let time_ns = self.time_ns();
        let canister = self.controlled(request.caller, args.canister_id, &request.method)?;
        let replaced = replaceable(canister, args.replace_snapshot.as_deref())?;
        check_metadata(&args)?;
        check_size(&[args.wasm_memory_size, args.stable_memory_size])?;
        let globals = args.globals.iter().map(global_from_candid).collect::<Result<_, _>>()?;
        let snapshot = Snapshot {
            source: SnapshotSource::MetadataUpload,
            taken_at_ns: time_ns,
            canister_version: canister.version,
            module: vec![0; args.wasm_module_size as usize],
            heap: HeapImage { memory: vec![0; args.wasm_memory_size as usize], globals },
            stable: vec![0; args.stable_memory_size as usize],
            chunk_store: Default::default(),
            certified_data: args.certified_data,
            global_timer_ns: args.global_timer.map(|timer| match timer {
                CanisterTimer::Inactive => 0,
                CanisterTimer::Active(timer_ns) => timer_ns,
            }),
        };
        let id = self.keep_snapshot(args.canister_id, replaced, snapshot, BASE_INSTRUCTIONS)?;
        reply(UploadCanisterSnapshotMetadataResult { snapshot_id: id.to_bytes() })
    }

    pub(super) fn upload_canister_snapshot_data(&mut self, request: &Request) -> CallResult {
        let (args,): (UploadCanisterSnapshotDataArgs,) = decode(&request.arg)?;
        let prices = self.subnet.prices;
        let canister = self.controlled(request.caller, args.canister_id, &request.method)?;
        let (id, snapshot) = own_snapshot(canister, &args.snapshot_id)?;
        if snapshot.source != SnapshotSource::MetadataUpload {
            return Err(Reject::with_error_code(
                RejectCode::CanisterReject,
                "IC0409",
                "Only canister snapshots created by metadata upload can be mutated.",
            ));
        }
        let fee = prices.execution(BASE_INSTRUCTIONS + args.chunk.len() as u64);
        let canister = self.canister_mut(args.canister_id);
        let snapshot = canister.snapshots.get_mut(&id).expect("found above");
        write(snapshot, &args.kind, args.chunk)?;
        canister.balance_cycles = canister.balance_cycles.saturating_sub(fee);
        empty_reply()
    }
}

fn slice(data: &[u8], offset: u64, size: u64) -> Result<&[u8], Reject> {
    if size > MAX_SLICE_BYTES {
        return Err(invalid(format!("Requested slice too large: {size} > {MAX_SLICE_BYTES}")));
    }
    range(data.len(), offset, size).map(|range| &data[range])
}

fn range(length: usize, offset: u64, size: u64) -> Result<std::ops::Range<usize>, Reject> {
    match offset.checked_add(size) {
        Some(end) if end <= length as u64 => Ok(offset as usize..end as usize),
        _ => Err(invalid(format!(
            "Invalid subslice into wasm module / main memory / stable memory: offset: {offset}, size: {size}; \
             there are {length} bytes"
        ))),
    }
}

fn write(snapshot: &mut Snapshot, kind: &SnapshotDataOffset, chunk: Vec<u8>) -> Result<(), Reject> {
    let (target, offset) = match kind {
        SnapshotDataOffset::WasmModule { offset } => (&mut snapshot.module, *offset),
        SnapshotDataOffset::WasmMemory { offset } => (&mut snapshot.heap.memory, *offset),
        SnapshotDataOffset::StableMemory { offset } => (&mut snapshot.stable, *offset),
        SnapshotDataOffset::WasmChunk => return write_chunk(snapshot, chunk),
    };
    let range = range(target.len(), offset, chunk.len() as u64)?;
    target[range].copy_from_slice(&chunk);
    Ok(())
}

fn write_chunk(snapshot: &mut Snapshot, chunk: Vec<u8>) -> Result<(), Reject> {
    if chunk.len() > MAX_CHUNK_BYTES {
        return Err(invalid(format!(
            "chunk has {} bytes; allowed are at most {MAX_CHUNK_BYTES}",
            chunk.len()
        )));
    }
    if snapshot.chunk_store.len() >= MAX_CHUNKS {
        return Err(invalid(format!("the snapshot's chunk store holds {MAX_CHUNKS} chunks already")));
    }
    snapshot.chunk_store.insert(Sha256::digest(&chunk).into(), chunk);
    Ok(())
}

fn check_metadata(args: &UploadCanisterSnapshotMetadataArgs) -> Result<(), Reject> {
    let within = |field: &str, found: u64, max: u64, unit: u64| {
        if found > max || !found.is_multiple_of(unit) {
            return Err(unfit(format!(
                "{field} is {found}; allowed are multiples of {unit} up to {max} bytes"
            )));
        }
        Ok(())
    };
    within("wasm_module_size", args.wasm_module_size, MAX_MODULE_BYTES, 1)?;
    within("wasm_memory_size", args.wasm_memory_size, MAX_MEMORY_BYTES, WASM_PAGE_BYTES)?;
    within("stable_memory_size", args.stable_memory_size, MAX_MEMORY_BYTES, WASM_PAGE_BYTES)?;
    if args.certified_data.len() > MAX_CERTIFIED_BYTES {
        return Err(unfit(format!(
            "certified_data has {} bytes; allowed are at most {MAX_CERTIFIED_BYTES}",
            args.certified_data.len()
        )));
    }
    Ok(())
}

fn unfit(message: String) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0504",
        format!("Could not validate the settings: {message}"),
    )
}

fn global_to_candid(global: GlobalValue) -> SnapshotMetadataGlobal {
    match global {
        GlobalValue::I32(value) => SnapshotMetadataGlobal::I32(value),
        GlobalValue::I64(value) => SnapshotMetadataGlobal::I64(value),
        GlobalValue::F32(bits) => SnapshotMetadataGlobal::F32(f32::from_bits(bits)),
        GlobalValue::F64(bits) => SnapshotMetadataGlobal::F64(f64::from_bits(bits)),
        GlobalValue::V128(value) => SnapshotMetadataGlobal::V128(value.into()),
    }
}

fn global_from_candid(global: &SnapshotMetadataGlobal) -> Result<GlobalValue, Reject> {
    Ok(match global {
        SnapshotMetadataGlobal::I32(value) => GlobalValue::I32(*value),
        SnapshotMetadataGlobal::I64(value) => GlobalValue::I64(*value),
        SnapshotMetadataGlobal::F32(value) => GlobalValue::F32(value.to_bits()),
        SnapshotMetadataGlobal::F64(value) => GlobalValue::F64(value.to_bits()),
        SnapshotMetadataGlobal::V128(Nat(value)) => GlobalValue::V128(
            u128::try_from(value).map_err(|_| invalid(format!("globals: {value} is no v128")))?,
        ),
    })
}
