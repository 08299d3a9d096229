//! Canister snapshots: taking, loading, listing and deleting them.

use candid::Principal;
use ic_management_canister_types::{
    CanisterIdRecord, ChangeDetails, DeleteCanisterSnapshotArgs, LoadCanisterSnapshotArgs,
    LoadSnapshotRecord, Snapshot as SnapshotReply, TakeCanisterSnapshotArgs,
};

use super::payload::{decode, empty_reply, invalid, reply};
use crate::canister::{Canister, Snapshot, SnapshotId, SnapshotSource};
use crate::execution::{Instance, StableMemory};
use crate::message::{CallResult, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::Request;

const MAX_SNAPSHOTS: usize = 10;
/// Snapshots hold their memories whole, also where nothing was ever written.
const MAX_SNAPSHOT_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Instructions that taking or loading a snapshot is charged for, besides one for each byte.
const BASE_INSTRUCTIONS: u64 = 2_000_000_000;

impl Replica {
    pub(super) fn take_canister_snapshot(&mut self, request: &Request) -> CallResult {
        let (args,): (TakeCanisterSnapshotArgs,) = decode(&request.arg)?;
        let (time_ns, id) = (self.time_ns(), args.canister_id);
        let canister = self.controlled(request.caller, id, &request.method)?;
        let replaced = replaceable(canister, args.replace_snapshot.as_deref())?;
        let Some(instance) = &canister.instance else {
            return Err(rejected(format!("Failed to create snapshot for empty canister {id}")));
        };
        check_size(&[instance.memory().len() as u64, canister.stable_memory().len() as u64])?;
        let snapshot = Snapshot {
            source: SnapshotSource::TakenFromCanister,
            taken_at_ns: time_ns,
            canister_version: canister.version,
            module: instance.module().sent.clone(),
            heap: instance.heap_image(),
            stable: instance.stable_memory().as_slice().to_vec(),
            chunk_store: canister.chunk_store.clone(),
            certified_data: canister.certified_data.clone(),
            global_timer_ns: Some(canister.global_timer_ns),
        };
        let instructions = BASE_INSTRUCTIONS + snapshot.bytes();
        let snapshot_id = self.keep_snapshot(id, replaced, snapshot, instructions)?;
        if args.uninstall_code == Some(true) {
            let by = self.originator(request.caller, args.sender_canister_version);
            self.uninstall(by, id);
        }
        let snapshot = &self.canister_mut(id).snapshots[&snapshot_id];
        reply(listed(snapshot_id, snapshot))
    }

    /// Keeps a new snapshot, in place of another one if that is named, and charges for it.
    pub(super) fn keep_snapshot(
        &mut self,
        id: Principal,
        replaced: Option<SnapshotId>,
        snapshot: Snapshot,
        instructions: u64,
    ) -> Result<SnapshotId, Reject> {
        let prices = self.subnet.prices;
        let canister = self.canister_mut(id);
        if canister.snapshots.len() >= MAX_SNAPSHOTS && replaced.is_none() {
            return Err(rejected(format!(
                "Canister {id} has reached the maximum number of snapshots allowed: {MAX_SNAPSHOTS}. Delete \
                 or replace one."
            )));
        }
        let snapshot_id = SnapshotId { canister: id, number: canister.next_snapshot };
        let replaced = replaced.and_then(|replaced| canister.snapshots.remove_entry(&replaced));
        canister.snapshots.insert(snapshot_id, snapshot);
        let fee = prices.execution(instructions);
        if canister.liquid_cycles(prices) < fee {
            canister.snapshots.remove(&snapshot_id);
            canister.snapshots.extend(replaced);
            return Err(too_few_cycles(id, fee));
        }
        canister.next_snapshot += 1;
        canister.balance_cycles -= fee;
        Ok(snapshot_id)
    }

    pub(super) fn load_canister_snapshot(&mut self, request: &Request) -> CallResult {
        let (args,): (LoadCanisterSnapshotArgs,) = decode(&request.arg)?;
        let (time_ns, prices, id) = (self.time_ns(), self.subnet.prices, args.canister_id);
        self.controlled(request.caller, id, &request.method)?;
        let snapshot_id =
            SnapshotId::from_bytes(&args.snapshot_id).ok_or_else(|| unknown(id, &args.snapshot_id))?;
        let owner = self
            .canisters
            .get(&snapshot_id.canister)
            .filter(|owner| owner.snapshots.contains_key(&snapshot_id))
            .ok_or_else(|| unknown(id, &args.snapshot_id))?;
        if !owner.is_controlled_by(request.caller) {
            return Err(super::access::not_a_controller(request.caller, owner.id, &request.method));
        }
        let snapshot = owner.snapshots[&snapshot_id].clone();
        let fee = prices.execution(BASE_INSTRUCTIONS + snapshot.bytes());
        if self.canister_mut(id).liquid_cycles(prices) < fee {
            return Err(too_few_cycles(id, fee));
        }
        let module = self
            .modules
            .compile(&snapshot.module)
            .map_err(|error| invalid(format!("snapshot {snapshot_id}: its module is not valid: {error}")))?;
        let instance = StableMemory::from_bytes(&snapshot.stable)
            .and_then(|stable| Instance::from_image(module, &snapshot.heap, stable))
            .map_err(|error| invalid(format!("snapshot {snapshot_id}: {error}")))?;
        let by = self.originator(request.caller, args.sender_canister_version);
        let canister = self.canister_mut(id);
        canister.balance_cycles -= fee;
        canister.instance = Some(instance);
        canister.chunk_store = snapshot.chunk_store;
        canister.certified_data = snapshot.certified_data;
        if snapshot.source == SnapshotSource::MetadataUpload
            && let Some(timer_ns) = snapshot.global_timer_ns
        {
            canister.global_timer_ns = timer_ns;
        }
        canister.version += 1;
        let details = ChangeDetails::LoadSnapshot(LoadSnapshotRecord {
            from_canister_id: (snapshot_id.canister != id).then_some(snapshot_id.canister),
            snapshot_id: args.snapshot_id,
            canister_version: snapshot.canister_version,
            taken_at_timestamp: snapshot.taken_at_ns,
            source: source(snapshot.source),
        });
        canister.history.record(time_ns, canister.version, by, details);
        empty_reply()
    }

    pub(super) fn list_canister_snapshots(&self, request: &Request) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(&request.arg)?;
        let canister = self.snapshots_visible(request.caller, args.canister_id, &request.method)?;
        let snapshots: Vec<SnapshotReply> =
            canister.snapshots.iter().map(|(id, snapshot)| listed(*id, snapshot)).collect();
        reply(snapshots)
    }

    pub(super) fn delete_canister_snapshot(&mut self, request: &Request) -> CallResult {
        let (args,): (DeleteCanisterSnapshotArgs,) = decode(&request.arg)?;
        let canister = self.controlled(request.caller, args.canister_id, &request.method)?;
        let id = own_snapshot(canister, &args.snapshot_id)?.0;
        self.canister_mut(args.canister_id).snapshots.remove(&id);
        empty_reply()
    }
}

/// The snapshot with these bytes as its id, if it belongs to this canister.
pub(super) fn own_snapshot<'a>(
    canister: &'a Canister,
    id: &[u8],
) -> Result<(SnapshotId, &'a Snapshot), Reject> {
    let found = SnapshotId::from_bytes(id).ok_or_else(|| unknown(canister.id, id))?;
    if found.canister != canister.id {
        return Err(rejected(format!("The snapshot {found} does not belong to canister {}.", canister.id)));
    }
    let snapshot = canister.snapshots.get(&found).ok_or_else(|| unknown(canister.id, id))?;
    Ok((found, snapshot))
}

/// The snapshot that a new one is to replace.
pub(super) fn replaceable(canister: &Canister, id: Option<&[u8]>) -> Result<Option<SnapshotId>, Reject> {
    id.map(|id| own_snapshot(canister, id).map(|(id, _)| id)).transpose()
}

pub(super) fn source(source: SnapshotSource) -> ic_management_canister_types::SnapshotSource {
    use ic_management_canister_types::SnapshotSource as Reply;
    match source {
        SnapshotSource::TakenFromCanister => Reply::TakenFromCanister(candid::Reserved),
        SnapshotSource::MetadataUpload => Reply::MetadataUpload(candid::Reserved),
    }
}

fn listed(id: SnapshotId, snapshot: &Snapshot) -> SnapshotReply {
    SnapshotReply {
        id: id.to_bytes(),
        taken_at_timestamp: snapshot.taken_at_ns,
        total_size: snapshot.bytes(),
    }
}

/// Refuses memories that are too large for a snapshot, before anything is allocated for them.
pub(super) fn check_size(memories_bytes: &[u64]) -> Result<(), Reject> {
    let size_bytes = memories_bytes.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
    if size_bytes > MAX_SNAPSHOT_BYTES {
        return Err(rejected(format!(
            "A snapshot of memories of {size_bytes} bytes is too large: this replica allows \
             {MAX_SNAPSHOT_BYTES}."
        )));
    }
    Ok(())
}

fn unknown(canister: Principal, id: &[u8]) -> Reject {
    Reject::with_error_code(
        RejectCode::DestinationInvalid,
        "IC0305",
        format!("Could not find the snapshot ID {} for canister {canister}.", hex::encode(id)),
    )
}

fn rejected(message: String) -> Reject {
    Reject::with_error_code(RejectCode::CanisterReject, "IC0406", message)
}

fn too_few_cycles(id: Principal, fee: u128) -> Reject {
    Reject::with_error_code(
        RejectCode::SysTransient,
        "IC0207",
        format!(
            "Canister snapshotting failed with: `Canister {id} is out of cycles`: {fee} cycles are needed \
             above the freezing threshold; top it up"
        ),
    )
}
