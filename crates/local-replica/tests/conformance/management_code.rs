//! Management canister › Installing code and the chunk store
//!
//! Modes of installation, chunks, deposits and deletion.

use candid::Principal;
use ic_management_canister_types::*;
use local_replica::CallResult;
use local_replica::RejectCode::{CanisterError, CanisterReject, DestinationInvalid};

use crate::canisters::{Subnet, USER, assert_rejected, callee, with_updates};
use crate::management_calls::{STRANGER, decoded, proxy};

fn install(
    subnet: &mut Subnet,
    canister_id: Principal,
    mode: CanisterInstallMode,
    wasm: &[u8],
) -> CallResult {
    let args = InstallCodeArgs {
        mode,
        canister_id,
        wasm_module: wasm.to_vec(),
        arg: Vec::new(),
        sender_canister_version: None,
    };
    subnet.manage("install_code", args)
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    <sha2::Sha256 as sha2::Digest>::digest(bytes).to_vec()
}

fn upload(subnet: &mut Subnet, canister_id: Principal, chunk: &[u8]) -> CallResult {
    subnet.manage("upload_chunk", UploadChunkArgs { canister_id, chunk: chunk.to_vec() })
}

fn chunked(target: Principal, store: Option<Principal>, chunks: &[&[u8]]) -> InstallChunkedCodeArgs {
    InstallChunkedCodeArgs {
        mode: CanisterInstallMode::Install,
        target_canister: target,
        store_canister: store,
        chunk_hashes_list: chunks.iter().map(|chunk| ChunkHash { hash: hash(chunk) }).collect(),
        wasm_module_hash: hash(&chunks.concat()),
        arg: Vec::new(),
        sender_canister_version: None,
    }
}

fn stored(subnet: &mut Subnet, id: Principal) -> Vec<ChunkHash> {
    decoded(subnet.manage("stored_chunks", CanisterIdRecord { canister_id: id }))
}

/// Mode `install` needs an empty canister.
#[test]
fn should_install_into_empty_canisters_only() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    install(&mut subnet, id, CanisterInstallMode::Install, &callee()).expect("it is empty");
    let again = install(&mut subnet, id, CanisterInstallMode::Install, &callee());
    assert_rejected(again, CanisterError, "IC0514");
}

/// Mode `upgrade` needs code to upgrade.
#[test]
fn should_upgrade_only_what_has_code() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let upgrade = install(&mut subnet, id, CanisterInstallMode::Upgrade(None), &callee());
    assert_rejected(upgrade, CanisterError, "IC0537");
}

/// Mode `reinstall` removes stable memory too, and works on empty canisters.
#[test]
fn should_reinstall_anything_from_scratch() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let counter = with_updates(&[("bump", "(call $bump (i32.const 1)) (call $msg_reply)")]);
    install(&mut subnet, id, CanisterInstallMode::Reinstall, &counter).expect("it installs");
    subnet.call(id, "bump", b"").expect("it counts");
    assert_eq!(subnet.counters(id), [1; 3]);
    install(&mut subnet, id, CanisterInstallMode::Reinstall, &counter).expect("it installs");
    assert_eq!(subnet.counters(id), [0; 3]);
}

/// What is no module is refused, and the old code stays.
#[test]
fn should_refuse_what_is_no_module() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&callee());
    for wasm in [&b""[..], b"\0asm", b"\x1f\x8b\x08", b"text"] {
        let refused = install(&mut subnet, id, CanisterInstallMode::Reinstall, wasm);
        assert_rejected(refused, CanisterError, "IC0505");
    }
    subnet.call(id, "reply", b"").expect("the old code answers");
}

/// A gzip-compressed module installs under the hash of the compressed bytes.
#[test]
fn should_install_compressed_modules() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&callee()).expect("a vector takes it");
    let compressed = encoder.finish().expect("a vector takes it");
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    install(&mut subnet, id, CanisterInstallMode::Install, &compressed).expect("it installs");
    let args = CanisterInfoArgs { canister_id: id, num_requested_changes: None };
    let info: CanisterInfoResult = decoded(subnet.query_management(USER, "canister_info", args));
    assert_eq!(info.module_hash, Some(hash(&compressed)));
}

/// Nothing can be installed into a canister that does not exist.
#[test]
fn should_not_install_into_nothing() {
    let mut subnet = Subnet::new();
    let nobody = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 9, 9, 1, 1]);
    let refused = install(&mut subnet, nobody, CanisterInstallMode::Install, &callee());
    assert_rejected(refused, DestinationInvalid, "IC0301");
}

/// Arguments that are not of the method's type are refused.
#[test]
fn should_refuse_arguments_of_another_type() {
    let mut subnet = Subnet::new();
    let reject = subnet.manage_as(USER, "install_code", b"no candid".to_vec());
    assert_rejected(reject, CanisterReject, "IC0408");
    assert_rejected(subnet.manage("update_settings", "text"), CanisterReject, "IC0408");
}

/// `upload_chunk` replies with the chunk's SHA-256, and the same chunk twice is one.
#[test]
fn should_store_chunks_by_their_hash() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let first: ChunkHash = decoded(upload(&mut subnet, id, b"one"));
    upload(&mut subnet, id, b"one").expect("it is stored already");
    assert_eq!(first.hash, hash(b"one"));
    assert_eq!(stored(&mut subnet, id), [first]);
}

/// A chunk has at most 1 MiB.
#[test]
fn should_store_chunks_of_a_mebibyte_at_most() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    upload(&mut subnet, id, &vec![0; 1024 * 1024]).expect("a whole mebibyte");
    let refused = upload(&mut subnet, id, &vec![0; 1024 * 1024 + 1]);
    assert_rejected(refused, CanisterError, "IC0504");
}

/// The store holds 100 chunks.
#[test]
fn should_store_a_hundred_chunks_at_most() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    for byte in 0..100 {
        upload(&mut subnet, id, &[byte]).expect("there is room");
    }
    assert_rejected(upload(&mut subnet, id, &[100]), CanisterError, "IC0504");
    upload(&mut subnet, id, &[7]).expect("it is stored already");
}

/// `clear_chunk_store` removes all chunks.
#[test]
fn should_clear_the_store() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    upload(&mut subnet, id, b"one").expect("it is stored");
    subnet.manage("clear_chunk_store", CanisterIdRecord { canister_id: id }).expect("it is cleared");
    assert_eq!(stored(&mut subnet, id), []);
}

/// Every chunk is stored at the price of 1 MiB.
#[test]
fn should_charge_a_mebibyte_for_every_chunk() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    upload(&mut subnet, id, b"one").expect("it is stored");
    let record = CanisterIdRecord { canister_id: id };
    let status: CanisterStatusResult = decoded(subnet.manage("canister_status", record));
    assert_eq!(status.memory_metrics.wasm_chunk_store_size, 1024 * 1024_u64);
}

/// Chunks in any order of upload make the module that the list of hashes says.
#[test]
fn should_install_from_the_chunks_in_the_order_of_the_list() {
    let wasm = callee();
    let (first, second) = wasm.split_at(300);
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    for chunk in [second, first] {
        upload(&mut subnet, id, chunk).expect("it is stored");
    }
    subnet.manage("install_chunked_code", chunked(id, None, &[first, second])).expect("it installs");
    subnet.call(id, "reply", b"").expect("a reply");
}

/// The module's hash must be the one given.
#[test]
fn should_refuse_chunks_that_hash_to_something_else() {
    let wasm = callee();
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    upload(&mut subnet, id, &wasm).expect("it is stored");
    let args = InstallChunkedCodeArgs { wasm_module_hash: vec![1; 32], ..chunked(id, None, &[&wasm]) };
    assert_rejected(subnet.manage("install_chunked_code", args), CanisterError, "IC0504");
}

/// A hash that is not in the store fails the installation.
#[test]
fn should_refuse_chunks_that_are_not_stored() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let args = chunked(id, None, &[&callee()]);
    assert_rejected(subnet.manage("install_chunked_code", args), CanisterError, "IC0504");
}

/// Chunks may lie in another canister's store, which the caller must control.
#[test]
fn should_install_from_another_canisters_store_if_the_caller_controls_it() {
    let wasm = callee();
    let mut subnet = Subnet::new();
    let (id, store) = (subnet.empty(), subnet.empty());
    upload(&mut subnet, store, &wasm).expect("it is stored");
    let foreign = subnet.replica.create_canister(vec![STRANGER]);
    let args = chunked(foreign, Some(store), &[&wasm]);
    let arg = candid::encode_one(args).expect("encodes");
    assert_rejected(subnet.manage_as(STRANGER, "install_chunked_code", arg), CanisterError, "IC0512");
    subnet.manage("install_chunked_code", chunked(id, Some(store), &[&wasm])).expect("it installs");
}

/// A canister that controls another one may install into it from its own store.
#[test]
fn should_let_a_canister_install_from_its_own_store() {
    let wasm = callee();
    let mut subnet = Subnet::new();
    let parent = subnet.proxy();
    let child = subnet.replica.create_canister(vec![parent]);
    let chunk = UploadChunkArgs { canister_id: parent, chunk: wasm.clone() };
    subnet.manage_from(parent, "upload_chunk", chunk, 0).expect("it is its own store");
    let args = chunked(child, Some(parent), &[&wasm]);
    subnet.manage_from(parent, "install_chunked_code", args, 0).expect("it installs");
    subnet.call(child, "reply", b"").expect("a reply");
}

/// Uninstalling empties the chunk store and keeps balance, controllers and status.
#[test]
fn should_keep_balance_and_controllers_when_uninstalling() {
    let mut subnet = Subnet::new();
    let id = subnet.proxy();
    upload(&mut subnet, id, b"one").expect("it is stored");
    let balance = subnet.replica.cycles_balance(id);
    let args = UninstallCodeArgs { canister_id: id, sender_canister_version: None };
    subnet.manage("uninstall_code", args).expect("it is uninstalled");
    assert_eq!(stored(&mut subnet, id), []);
    assert_eq!(subnet.replica.controllers(id), [USER]);
    let paid = balance - subnet.replica.cycles_balance(id);
    assert!(paid < 10_000_000, "{paid} cycles for receiving two calls");
}

/// `deposit_cycles` adds the attached cycles, whoever sends them; unknown canisters get none.
#[test]
fn should_deposit_attached_cycles() {
    let mut subnet = Subnet::new();
    let (sender, receiver) = (subnet.proxy(), subnet.empty());
    let before = subnet.replica.cycles_balance(receiver);
    let record = |canister_id| CanisterIdRecord { canister_id };
    subnet.manage_from(sender, "deposit_cycles", record(receiver), 5_000).expect("it is deposited");
    assert_eq!(subnet.replica.cycles_balance(receiver), before + 5_000);
    let before = subnet.replica.cycles_balance(sender);
    let nobody = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 9, 9, 1, 1]);
    let amount = 1_000_000_000_000;
    let refused = subnet.manage_from(sender, "deposit_cycles", record(nobody), amount);
    assert_eq!(refused.expect_err("a reject").code, DestinationInvalid);
    assert!(before - subnet.replica.cycles_balance(sender) < amount);
}

/// A canister that controls itself cannot delete itself.
#[test]
fn should_not_let_a_canister_delete_itself() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let settings = CanisterSettings { controllers: Some(vec![USER, id]), ..CanisterSettings::default() };
    let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("the setting is valid");
    subnet.replica.install(id, &proxy(), Vec::new()).expect("it installs");
    let record = CanisterIdRecord { canister_id: id };
    let refused = subnet.manage_from(id, "delete_canister", record, 0).expect_err("a reject");
    assert_eq!(refused.code, CanisterError);
    assert!(refused.message.contains("cannot delete itself"), "{}", refused.message);
}

/// Topping up, on test networks, makes cycles from nothing.
#[test]
fn should_top_up_on_test_networks() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let before = subnet.replica.cycles_balance(id);
    let args = ProvisionalTopUpCanisterArgs { canister_id: id, amount: 77_u8.into() };
    subnet.manage("provisional_top_up_canister", args).expect("it is topped up");
    assert_eq!(subnet.replica.cycles_balance(id), before + 77);
}
