//! Management canister › Canister snapshots
//!
//! Taking, loading, reading and uploading, with a canister that counts in heap, global and stable memory.

use candid::Principal;
use ic_management_canister_types::*;
use local_replica::RejectCode::{CanisterError, CanisterReject, DestinationInvalid, SysTransient};
use local_replica::{CallResult, RejectCode};

use crate::canisters::{Subnet, USER, assert_rejected, with_updates};
use crate::management_calls::{STRANGER, decoded};

/// Counts with every call of `bump`; certifies and sets its timer when told to.
fn counter() -> Vec<u8> {
    with_updates(&[
        ("bump", "(call $bump (i32.const 1)) (call $msg_reply)"),
        ("certify", "(call $certify (i32.const 64) (i32.const 2)) (call $msg_reply)"),
        ("arm", "(drop (call $timer_set (i64.const 5000000000000000000))) (call $msg_reply)"),
        ("disarm", "(drop (call $timer_set (i64.const 0))) (call $msg_reply)"),
    ])
}

fn take_args(canister_id: Principal) -> TakeCanisterSnapshotArgs {
    TakeCanisterSnapshotArgs {
        canister_id,
        replace_snapshot: None,
        uninstall_code: None,
        sender_canister_version: None,
    }
}

fn take(subnet: &mut Subnet, id: Principal) -> Snapshot {
    decoded(subnet.manage("take_canister_snapshot", take_args(id)))
}

fn load(subnet: &mut Subnet, canister_id: Principal, snapshot_id: &[u8]) -> CallResult {
    let snapshot_id = snapshot_id.to_vec();
    let args = LoadCanisterSnapshotArgs { canister_id, snapshot_id, sender_canister_version: None };
    subnet.manage("load_canister_snapshot", args)
}

fn list(subnet: &mut Subnet, id: Principal) -> Vec<Snapshot> {
    decoded(subnet.manage("list_canister_snapshots", CanisterIdRecord { canister_id: id }))
}

fn metadata(
    subnet: &mut Subnet,
    canister_id: Principal,
    snapshot_id: &[u8],
) -> ReadCanisterSnapshotMetadataResult {
    let args = ReadCanisterSnapshotMetadataArgs { canister_id, snapshot_id: snapshot_id.to_vec() };
    decoded(subnet.manage("read_canister_snapshot_metadata", args))
}

fn read(subnet: &mut Subnet, canister_id: Principal, id: &[u8], kind: SnapshotDataKind) -> CallResult {
    let args = ReadCanisterSnapshotDataArgs { canister_id, snapshot_id: id.to_vec(), kind };
    subnet.manage("read_canister_snapshot_data", args)
}

fn bytes(result: CallResult) -> Vec<u8> {
    decoded::<ReadCanisterSnapshotDataResult>(result).chunk
}

fn upload(
    subnet: &mut Subnet,
    canister_id: Principal,
    id: &[u8],
    kind: SnapshotDataOffset,
    chunk: Vec<u8>,
) -> CallResult {
    let args = UploadCanisterSnapshotDataArgs { canister_id, snapshot_id: id.to_vec(), kind, chunk };
    subnet.manage("upload_canister_snapshot_data", args)
}

fn upload_args(canister_id: Principal) -> UploadCanisterSnapshotMetadataArgs {
    UploadCanisterSnapshotMetadataArgs {
        canister_id,
        replace_snapshot: None,
        wasm_module_size: 8,
        globals: Vec::new(),
        wasm_memory_size: 65_536,
        stable_memory_size: 65_536,
        certified_data: Vec::new(),
        global_timer: None,
        on_low_wasm_memory_hook_status: None,
    }
}

fn upload_metadata(subnet: &mut Subnet, args: UploadCanisterSnapshotMetadataArgs) -> Vec<u8> {
    decoded::<UploadCanisterSnapshotMetadataResult>(subnet.manage("upload_canister_snapshot_metadata", args))
        .snapshot_id
}

fn setup() -> (Subnet, Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.install(&counter());
    (subnet, id)
}

fn bump(subnet: &mut Subnet, id: Principal) {
    subnet.call(id, "bump", b"").expect("it counts");
}

/// Loading a snapshot brings back heap, globals and stable memory as they were when it was taken.
#[test]
fn should_bring_back_heap_globals_and_stable_memory() {
    let (mut subnet, id) = setup();
    bump(&mut subnet, id);
    let snapshot = take(&mut subnet, id);
    bump(&mut subnet, id);
    assert_eq!(subnet.counters(id), [2; 3]);
    load(&mut subnet, id, &snapshot.id).expect("it is loaded");
    assert_eq!(subnet.counters(id), [1; 3]);
    bump(&mut subnet, id);
    assert_eq!(subnet.counters(id), [2; 3]);
}

/// Loading a snapshot brings back the code that ran when it was taken.
#[test]
fn should_bring_back_the_code() {
    let (mut subnet, id) = setup();
    let snapshot = take(&mut subnet, id);
    subnet.replica.upgrade(id, &with_updates(&[]), Vec::new()).expect("it upgrades");
    assert_rejected(subnet.call(id, "bump", b""), CanisterError, "IC0536");
    load(&mut subnet, id, &snapshot.id).expect("it is loaded");
    bump(&mut subnet, id);
}

/// Loading a snapshot brings back the certified data.
#[test]
fn should_bring_back_certified_data() {
    let (mut subnet, id) = setup();
    subnet.call(id, "certify", b"").expect("it certifies");
    let snapshot = take(&mut subnet, id);
    subnet.replica.upgrade(id, &counter(), Vec::new()).expect("it upgrades");
    let empty = decoded::<Snapshot>(subnet.manage("take_canister_snapshot", take_args(id)));
    assert_eq!(metadata(&mut subnet, id, &snapshot.id).certified_data, b"no");
    load(&mut subnet, id, &snapshot.id).expect("it is loaded");
    assert_eq!(subnet.replica.certified_data(id), b"no");
    load(&mut subnet, id, &empty.id).expect("it is loaded");
}

/// A snapshot tells the global timer; loading one that was taken leaves the canister's timer as it is.
#[test]
fn should_leave_the_global_timer_alone_when_loading_a_taken_snapshot() {
    let (mut subnet, id) = setup();
    subnet.call(id, "arm", b"").expect("it sets the timer");
    let armed = take(&mut subnet, id).id;
    subnet.call(id, "disarm", b"").expect("it clears the timer");
    let disarmed = take(&mut subnet, id).id;
    let timer = |subnet: &mut Subnet, snapshot: &[u8]| metadata(subnet, id, snapshot).global_timer;
    let is_armed =
        |timer| matches!(timer, Some(CanisterTimer::Active(time_ns)) if time_ns == 5_000_000_000_000_000_000);
    assert!(is_armed(timer(&mut subnet, &armed)));
    assert!(matches!(timer(&mut subnet, &disarmed), Some(CanisterTimer::Inactive)));
    load(&mut subnet, id, &armed).expect("it is loaded");
    let again = take(&mut subnet, id).id;
    assert!(matches!(timer(&mut subnet, &again), Some(CanisterTimer::Inactive)));
}

/// A snapshot holds the chunk store, and loading it brings the chunks back.
#[test]
fn should_bring_back_the_chunk_store() {
    let (mut subnet, id) = setup();
    let args = UploadChunkArgs { canister_id: id, chunk: b"chunk".to_vec() };
    let stored: ChunkHash = decoded(subnet.manage("upload_chunk", args));
    let snapshot = take(&mut subnet, id).id;
    let record = CanisterIdRecord { canister_id: id };
    subnet.manage("clear_chunk_store", &record).expect("it is cleared");
    let kind = SnapshotDataKind::WasmChunk { hash: stored.hash.clone() };
    assert_eq!(bytes(read(&mut subnet, id, &snapshot, kind)), b"chunk");
    load(&mut subnet, id, &snapshot).expect("it is loaded");
    assert_eq!(decoded::<Vec<ChunkHash>>(subnet.manage("stored_chunks", &record)), [stored]);
}

/// Loading raises the canister's version by one, whatever the version in the snapshot.
#[test]
fn should_raise_the_version_when_loading() {
    let (mut subnet, id) = setup();
    let snapshot = take(&mut subnet, id).id;
    bump(&mut subnet, id);
    let version = |subnet: &mut Subnet| {
        let record = CanisterIdRecord { canister_id: id };
        decoded::<CanisterStatusResult>(subnet.manage("canister_status", record)).version
    };
    let before = version(&mut subnet);
    load(&mut subnet, id, &snapshot).expect("it is loaded");
    assert_eq!(version(&mut subnet), before + 1);
}

/// The history tells which snapshot was loaded, taken when and at which version.
#[test]
fn should_record_the_loading_in_the_history() {
    let (mut subnet, id) = setup();
    let snapshot = take(&mut subnet, id);
    load(&mut subnet, id, &snapshot.id).expect("it is loaded");
    let args = CanisterInfoArgs { canister_id: id, num_requested_changes: Some(1) };
    let info: CanisterInfoResult = decoded(subnet.query_management(USER, "canister_info", args));
    let Some(ChangeDetails::LoadSnapshot(record)) = &info.recent_changes[0].details else {
        panic!("the newest change is {:?}", info.recent_changes[0]);
    };
    assert_eq!(record.snapshot_id, snapshot.id);
    assert_eq!(record.from_canister_id, None);
    assert_eq!(record.taken_at_timestamp, snapshot.taken_at_timestamp);
    assert!(matches!(record.source, SnapshotSource::TakenFromCanister(_)));
}

/// A snapshot of one canister can be loaded onto another one of the same controller, whose history
/// then names the first.
#[test]
fn should_load_a_snapshot_of_another_canister() {
    let (mut subnet, id) = setup();
    bump(&mut subnet, id);
    let snapshot = take(&mut subnet, id).id;
    let other = subnet.empty();
    load(&mut subnet, other, &snapshot).expect("it is loaded");
    assert_eq!(subnet.counters(other), [1; 3]);
    let args = CanisterInfoArgs { canister_id: other, num_requested_changes: Some(1) };
    let info: CanisterInfoResult = decoded(subnet.query_management(USER, "canister_info", args));
    assert!(matches!(&info.recent_changes[0].details, Some(ChangeDetails::LoadSnapshot(record))
        if record.from_canister_id == Some(id)));
}

/// Whoever does not control the canister that a snapshot belongs to cannot load it elsewhere.
#[test]
fn should_not_load_a_snapshot_of_a_canister_that_the_caller_does_not_control() {
    let (mut subnet, id) = setup();
    let snapshot_id = take(&mut subnet, id).id;
    let own = subnet.replica.create_canister(vec![STRANGER]);
    let args = LoadCanisterSnapshotArgs { canister_id: own, snapshot_id, sender_canister_version: None };
    let arg = candid::encode_one(args).expect("it can be encoded");
    assert_rejected(subnet.manage_as(STRANGER, "load_canister_snapshot", arg), CanisterError, "IC0512");
}

/// Loading fails when there is no such snapshot.
#[test]
fn should_not_load_a_snapshot_that_does_not_exist() {
    let (mut subnet, id) = setup();
    let mut snapshot = take(&mut subnet, id).id;
    snapshot[7] += 1;
    assert_rejected(load(&mut subnet, id, &snapshot), DestinationInvalid, "IC0305");
    assert_rejected(load(&mut subnet, id, b"?"), DestinationInvalid, "IC0305");
}

/// A canister without code has nothing to take a snapshot of.
#[test]
fn should_take_no_snapshot_of_an_empty_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    assert_rejected(subnet.manage("take_canister_snapshot", take_args(id)), CanisterReject, "IC0406");
}

/// Memories of more than 2 GiB, written or not, get no snapshot here: the call is rejected, and nothing is
/// allocated for it.
#[test]
fn should_take_no_snapshot_of_very_large_memories() {
    let mut subnet = Subnet::new();
    let grow = "(if (i64.eq (call $stable_grow (i64.const 8000000)) (i64.const -1)) (then (call $fail))) \
                (call $msg_reply)";
    let id = subnet.install(&with_updates(&[("grow", grow)]));
    subnet.replica.set_cycles_balance(id, u128::MAX / 2);
    subnet.call(id, "grow", b"").expect("488 GiB are allowed");
    let world = subnet.replica.take_snapshot();
    subnet.replica.restore(&world).expect("its own snapshot");
    assert_eq!(subnet.replica.state_hash(), world.state_hash(), "pages never written cost nothing");
    assert_rejected(subnet.manage("take_canister_snapshot", take_args(id)), CanisterReject, "IC0406");
}

/// A canister has at most ten snapshots; replacing one is possible even then.
#[test]
fn should_keep_at_most_ten_snapshots() {
    let (mut subnet, id) = setup();
    let first = take(&mut subnet, id).id;
    for _ in 1..10 {
        take(&mut subnet, id);
    }
    assert_rejected(subnet.manage("take_canister_snapshot", take_args(id)), CanisterReject, "IC0406");
    let args = TakeCanisterSnapshotArgs { replace_snapshot: Some(first.clone()), ..take_args(id) };
    let replacement: Snapshot = decoded(subnet.manage("take_canister_snapshot", args));
    let ids: Vec<_> = list(&mut subnet, id).into_iter().map(|snapshot| snapshot.id).collect();
    assert!(ids.len() == 10 && ids.contains(&replacement.id) && !ids.contains(&first));
}

/// A replaced snapshot is gone; one that does not exist cannot be replaced.
#[test]
fn should_replace_only_what_exists() {
    let (mut subnet, id) = setup();
    let first = take(&mut subnet, id).id;
    let replace = |id: &Vec<u8>, canister| TakeCanisterSnapshotArgs {
        replace_snapshot: Some(id.clone()),
        ..take_args(canister)
    };
    decoded::<Snapshot>(subnet.manage("take_canister_snapshot", replace(&first, id)));
    assert_rejected(load(&mut subnet, id, &first), DestinationInvalid, "IC0305");
    let again = subnet.manage("take_canister_snapshot", replace(&first, id));
    assert_rejected(again, DestinationInvalid, "IC0305");
}

/// A snapshot of another canister can be neither replaced nor deleted in its own canister's place.
#[test]
fn should_not_touch_a_snapshot_through_another_canister() {
    let (mut subnet, id) = setup();
    let snapshot_id = take(&mut subnet, id).id;
    let canister_id = subnet.install(&counter());
    let args = DeleteCanisterSnapshotArgs { canister_id, snapshot_id };
    assert_rejected(subnet.manage("delete_canister_snapshot", args), CanisterReject, "IC0406");
    assert_eq!(list(&mut subnet, id).len(), 1);
}

/// With `uninstall_code`, the canister is empty after its snapshot was taken, and its open history
/// tells so.
#[test]
fn should_uninstall_the_code_when_asked_to() {
    let (mut subnet, id) = setup();
    bump(&mut subnet, id);
    let args = TakeCanisterSnapshotArgs { uninstall_code: Some(true), ..take_args(id) };
    let snapshot: Snapshot = decoded(subnet.manage("take_canister_snapshot", args));
    assert_rejected(subnet.call(id, "bump", b""), CanisterError, "IC0537");
    load(&mut subnet, id, &snapshot.id).expect("it is loaded");
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// The list tells id, time and size of every snapshot, and nothing of deleted ones.
#[test]
fn should_list_what_was_taken_and_not_deleted() {
    let (mut subnet, id) = setup();
    let first = take(&mut subnet, id);
    let second = take(&mut subnet, id);
    assert_eq!(list(&mut subnet, id), [first.clone(), second.clone()]);
    let args = DeleteCanisterSnapshotArgs { canister_id: id, snapshot_id: first.id.clone() };
    subnet.manage("delete_canister_snapshot", args).expect("it is deleted");
    assert_eq!(list(&mut subnet, id), [second]);
    assert_rejected(load(&mut subnet, id, &first.id), DestinationInvalid, "IC0305");
}

/// Deleting a snapshot twice fails.
#[test]
fn should_delete_only_once() {
    let (mut subnet, id) = setup();
    let args = DeleteCanisterSnapshotArgs { canister_id: id, snapshot_id: take(&mut subnet, id).id };
    subnet.manage("delete_canister_snapshot", &args).expect("it is deleted");
    assert_rejected(subnet.manage("delete_canister_snapshot", &args), DestinationInvalid, "IC0305");
}

/// Snapshots go with their canister.
#[test]
fn should_delete_snapshots_with_their_canister() {
    let (mut subnet, id) = setup();
    let snapshot = take(&mut subnet, id).id;
    let other = subnet.install(&counter());
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
    subnet.manage("delete_canister", CanisterIdRecord { canister_id: id }).expect("it is deleted");
    assert_rejected(load(&mut subnet, other, &snapshot), DestinationInvalid, "IC0305");
}

/// Snapshots survive upgrades and uninstalling.
#[test]
fn should_keep_snapshots_when_code_changes() {
    let (mut subnet, id) = setup();
    let snapshot = take(&mut subnet, id);
    subnet.replica.upgrade(id, &counter(), Vec::new()).expect("it upgrades");
    let args = UninstallCodeArgs { canister_id: id, sender_canister_version: None };
    subnet.manage("uninstall_code", args).expect("it is uninstalled");
    assert_eq!(list(&mut subnet, id), [snapshot]);
}

/// Snapshots count as memory of the canister.
#[test]
fn should_count_snapshots_as_memory() {
    let (mut subnet, id) = setup();
    let status = |subnet: &mut Subnet| {
        decoded::<CanisterStatusResult>(
            subnet.manage("canister_status", CanisterIdRecord { canister_id: id }),
        )
    };
    let before = status(&mut subnet);
    let size = take(&mut subnet, id).total_size;
    let after = status(&mut subnet);
    assert!(size > 65_536);
    assert_eq!(after.memory_metrics.snapshots_size, size);
    assert_eq!(after.memory_size, before.memory_size + size);
    assert!(after.idle_cycles_burned_per_day > before.idle_cycles_burned_per_day);
}

/// Taking and loading are charged for, also by size.
#[test]
fn should_charge_for_taking_and_loading() {
    let (mut subnet, id) = setup();
    let balance = |subnet: &Subnet| subnet.replica.cycles_balance(id);
    let start = balance(&subnet);
    let snapshot = take(&mut subnet, id);
    let taken = start - balance(&subnet);
    load(&mut subnet, id, &snapshot.id).expect("it is loaded");
    let loaded = start - taken - balance(&subnet);
    let price = 5_000_000 + 2_000_000_000 + u128::from(snapshot.total_size);
    let with_reception = price + 1_200_000..price + 1_500_000;
    assert!(with_reception.contains(&taken), "{taken} cycles for taking it, {price} expected");
    assert!(with_reception.contains(&loaded), "{loaded} cycles for loading it, {price} expected");
}

/// A canister that cannot pay above its freezing threshold gets no snapshot.
#[test]
fn should_take_no_snapshot_that_is_not_paid_for() {
    let (mut subnet, id) = setup();
    let settings = CanisterSettings {
        freezing_threshold: Some(100_000_000_000_000_u64.into()),
        ..CanisterSettings::default()
    };
    let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("the setting is valid");
    assert_rejected(subnet.manage("take_canister_snapshot", take_args(id)), SysTransient, "IC0207");
    assert!(subnet.replica.view().canister(id).expect("it exists").snapshots.is_empty());
}

/// The metadata tells the sizes, and reading part by part gives exactly module and memories.
#[test]
fn should_read_what_the_snapshot_holds() {
    let (mut subnet, id) = setup();
    bump(&mut subnet, id);
    let snapshot = take(&mut subnet, id).id;
    let read_all = metadata(&mut subnet, id, &snapshot);
    let module_size = read_all.wasm_module_size;
    let kind = SnapshotDataKind::WasmModule { offset: 0, size: module_size };
    assert_eq!(bytes(read(&mut subnet, id, &snapshot, kind)), counter());
    let kind = SnapshotDataKind::WasmMemory { offset: 0, size: read_all.wasm_memory_size };
    let heap = bytes(read(&mut subnet, id, &snapshot, kind));
    assert_eq!(heap, subnet.replica.canister_memory(id));
    let kind = SnapshotDataKind::StableMemory { offset: 0, size: 4 };
    assert_eq!(bytes(read(&mut subnet, id, &snapshot, kind)), [1, 0, 0, 0]);
    assert!(matches!(read_all.globals[..], [Some(SnapshotMetadataGlobal::I32(1))]));
    assert!(matches!(read_all.source, Some(SnapshotSource::TakenFromCanister(_))));
}

/// Reading beyond the end, too much at once, or a chunk that the snapshot has not, fails.
#[test]
fn should_not_read_outside_of_the_snapshot() {
    let (mut subnet, id) = setup();
    let snapshot = take(&mut subnet, id).id;
    for kind in [
        SnapshotDataKind::WasmMemory { offset: 65_536, size: 1 },
        SnapshotDataKind::WasmModule { offset: u64::MAX, size: 2 },
        SnapshotDataKind::StableMemory { offset: 0, size: 2_000_001 },
        SnapshotDataKind::WasmChunk { hash: vec![1; 32] },
    ] {
        assert_rejected(read(&mut subnet, id, &snapshot, kind), CanisterReject, "IC0408");
    }
}

/// A snapshot read part by part and uploaded to another canister makes it the same canister.
#[test]
fn should_rebuild_a_canister_from_uploaded_parts() {
    let (mut subnet, id) = setup();
    bump(&mut subnet, id);
    let taken = take(&mut subnet, id).id;
    let source = metadata(&mut subnet, id, &taken);
    let twin = subnet.empty();
    let uploaded = upload_metadata(
        &mut subnet,
        UploadCanisterSnapshotMetadataArgs {
            wasm_module_size: source.wasm_module_size,
            globals: source.globals.into_iter().flatten().collect(),
            wasm_memory_size: source.wasm_memory_size,
            stable_memory_size: source.stable_memory_size,
            global_timer: source.global_timer,
            ..upload_args(twin)
        },
    );
    let module = SnapshotDataKind::WasmModule { offset: 0, size: source.wasm_module_size };
    let heap = SnapshotDataKind::WasmMemory { offset: 0, size: source.wasm_memory_size };
    let stable = SnapshotDataKind::StableMemory { offset: 0, size: source.stable_memory_size };
    for (kind, target) in [
        (module, SnapshotDataOffset::WasmModule { offset: 0 }),
        (heap, SnapshotDataOffset::WasmMemory { offset: 0 }),
        (stable, SnapshotDataOffset::StableMemory { offset: 0 }),
    ] {
        let part = bytes(read(&mut subnet, id, &taken, kind));
        upload(&mut subnet, twin, &uploaded, target, part).expect("it fits");
    }
    load(&mut subnet, twin, &uploaded).expect("it is loaded");
    assert_eq!(subnet.counters(twin), [1; 3]);
    assert!(matches!(metadata(&mut subnet, twin, &uploaded).source, Some(SnapshotSource::MetadataUpload(_))));
}

/// Data can be uploaded only to snapshots that were made by uploading metadata.
#[test]
fn should_not_change_a_snapshot_that_was_taken() {
    let (mut subnet, id) = setup();
    let taken = take(&mut subnet, id).id;
    let kind = SnapshotDataOffset::WasmModule { offset: 0 };
    assert_rejected(upload(&mut subnet, id, &taken, kind, vec![0]), CanisterReject, "IC0409");
}

/// Uploaded data must lie within the sizes that the metadata gave.
#[test]
fn should_not_upload_beyond_the_sizes_of_the_metadata() {
    let (mut subnet, id) = setup();
    let uploaded = upload_metadata(&mut subnet, upload_args(id));
    for (kind, chunk) in [
        (SnapshotDataOffset::WasmModule { offset: 8 }, vec![0]),
        (SnapshotDataOffset::WasmMemory { offset: 65_535 }, vec![0; 2]),
        (SnapshotDataOffset::StableMemory { offset: u64::MAX }, vec![0]),
        (SnapshotDataOffset::WasmChunk, vec![0; 1024 * 1024 + 1]),
    ] {
        assert_rejected(upload(&mut subnet, id, &uploaded, kind, chunk), CanisterReject, "IC0408");
    }
    upload(&mut subnet, id, &uploaded, SnapshotDataOffset::WasmChunk, vec![7]).expect("a small chunk");
    assert_eq!(metadata(&mut subnet, id, &uploaded).wasm_chunk_store.len(), 1);
}

/// Metadata with impossible sizes is refused.
#[test]
fn should_refuse_metadata_of_no_canister() {
    let (mut subnet, id) = setup();
    for args in [
        UploadCanisterSnapshotMetadataArgs { wasm_memory_size: 65_537, ..upload_args(id) },
        UploadCanisterSnapshotMetadataArgs { wasm_module_size: 101 << 20, ..upload_args(id) },
        UploadCanisterSnapshotMetadataArgs { stable_memory_size: u64::MAX, ..upload_args(id) },
        UploadCanisterSnapshotMetadataArgs { certified_data: vec![0; 33], ..upload_args(id) },
    ] {
        assert_rejected(subnet.manage("upload_canister_snapshot_metadata", args), CanisterError, "IC0504");
    }
}

/// An uploaded snapshot without a valid module, or whose globals are not the module's, cannot be
/// loaded; the canister stays as it was.
#[test]
fn should_not_load_what_fits_no_module() {
    let (mut subnet, id) = setup();
    bump(&mut subnet, id);
    let empty = upload_metadata(&mut subnet, upload_args(id));
    assert_rejected(load(&mut subnet, id, &empty), CanisterReject, "IC0408");
    let wasm = counter();
    let args = UploadCanisterSnapshotMetadataArgs { wasm_module_size: wasm.len() as u64, ..upload_args(id) };
    let without_globals = upload_metadata(&mut subnet, args);
    let kind = SnapshotDataOffset::WasmModule { offset: 0 };
    upload(&mut subnet, id, &without_globals, kind, wasm).expect("it fits");
    assert_rejected(load(&mut subnet, id, &without_globals), CanisterReject, "IC0408");
    assert_eq!(subnet.counters(id), [1; 3]);
}

/// The visibility setting opens listing and reading to everybody or to named viewers, and nothing
/// else.
#[test]
fn should_show_snapshots_to_whom_the_setting_names() {
    for (visibility, is_shown) in [
        (SnapshotVisibility::Controllers, false),
        (SnapshotVisibility::AllowedViewers(vec![USER]), false),
        (SnapshotVisibility::AllowedViewers(vec![STRANGER]), true),
        (SnapshotVisibility::Public, true),
    ] {
        let (mut subnet, id) = setup();
        let snapshot_id = take(&mut subnet, id).id;
        let settings =
            CanisterSettings { snapshot_visibility: Some(visibility), ..CanisterSettings::default() };
        let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
        subnet.manage("update_settings", args).expect("the setting is valid");
        let record = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("it can be encoded");
        let read = candid::encode_one(ReadCanisterSnapshotMetadataArgs {
            canister_id: id,
            snapshot_id: snapshot_id.clone(),
        })
        .expect("it can be encoded");
        let delete = candid::encode_one(DeleteCanisterSnapshotArgs { canister_id: id, snapshot_id })
            .expect("it can be encoded");
        assert_eq!(subnet.manage_as(STRANGER, "list_canister_snapshots", record).is_ok(), is_shown);
        assert_eq!(subnet.manage_as(STRANGER, "read_canister_snapshot_metadata", read).is_ok(), is_shown);
        let deleted: Result<_, RejectCode> =
            subnet.manage_as(STRANGER, "delete_canister_snapshot", delete).map_err(|reject| reject.code);
        assert_eq!(deleted, Err(CanisterError));
    }
}
