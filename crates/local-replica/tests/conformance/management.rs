//! Management canister › Methods that canisters call
//!
//! Randomness, threshold keys, outcalls and creation, as canisters reach them.

use candid::{Decode, Encode, Principal};
use ic_management_canister_types::*;
use local_replica::{Replica, ReplicaConfig};

use crate::canisters::{Caller, FORWARD_REPLY, Subnet, USER};

/// Calls the management canister from a canister; replies what it replies.
fn call_from_canister(
    subnet: &mut Subnet,
    method: &'static str,
    payload: Vec<u8>,
    cycles: u128,
) -> (Principal, local_replica::CallResult) {
    let caller = subnet.install(
        &Caller {
            calls_argument: false,
            method,
            payload,
            cycles,
            on_reply: FORWARD_REPLY,
            ..Caller::default()
        }
        .wasm(),
    );
    (caller, subnet.call(caller, "call", b""))
}

/// `raw_rand` replies with 32 bytes; here they repeat with the replica's seed.
#[test]
fn should_give_random_bytes_that_follow_from_the_seed() {
    let random = |seed: u64| {
        let mut subnet = Subnet::new();
        subnet.replica = Replica::new(ReplicaConfig::default().with_seed(seed)).expect("valid");
        let (_, reply) = call_from_canister(&mut subnet, "raw_rand", Encode!().expect("encodes"), 0);
        Decode!(&reply.expect("a reply"), Vec<u8>).expect("a blob")
    };
    assert_eq!(random(1).len(), 32);
    assert_eq!(random(1), random(1));
    assert_ne!(random(1), random(2));
}

/// `vetkd_derive_key` replies with a key that the caller's transport key opens and its public key
/// verifies.
#[test]
fn should_derive_a_vetkey_that_verifies_under_the_canisters_public_key() {
    let transport = ic_vetkeys::TransportSecretKey::from_seed(vec![9; 32]).expect("32 bytes");
    let args = VetKDDeriveKeyArgs {
        input: b"input".to_vec(),
        context: b"context".to_vec(),
        transport_public_key: transport.public_key(),
        key_id: VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: "key_1".to_owned() },
    };
    let mut subnet = Subnet::new();
    let (caller, reply) =
        call_from_canister(&mut subnet, "vetkd_derive_key", Encode!(&args).expect("encodes"), 26_153_846_153);
    let derived = Decode!(&reply.expect("a reply"), VetKDDeriveKeyResult).expect("the result");
    let master =
        ic_vetkeys::MasterPublicKey::deserialize(&subnet.replica.vetkd_master_public_key()).expect("a key");
    let public = master.derive_canister_key(caller.as_slice()).derive_sub_key(b"context");
    let encrypted = ic_vetkeys::EncryptedVetKey::deserialize(&derived.encrypted_key).expect("well-formed");
    encrypted.decrypt_and_verify(&transport, &public, b"input").expect("it verifies");
}

/// `sign_with_schnorr` signs with the key that `schnorr_public_key` derives for the same canister
/// and path.
#[test]
fn should_sign_with_the_canisters_threshold_ed25519_key() {
    let args = SignWithSchnorrArgs {
        message: b"message".to_vec(),
        derivation_path: vec![b"path".to_vec()],
        key_id: SchnorrKeyId { algorithm: SchnorrAlgorithm::Ed25519, name: "test_key_1".to_owned() },
        aux: None,
    };
    let mut subnet = Subnet::new();
    let (caller, reply) = call_from_canister(
        &mut subnet,
        "sign_with_schnorr",
        Encode!(&args).expect("encodes"),
        10_000_000_000,
    );
    let signed = Decode!(&reply.expect("a reply"), SignWithSchnorrResult).expect("the result");
    let key_args = SchnorrPublicKeyArgs {
        canister_id: Some(caller),
        derivation_path: args.derivation_path,
        key_id: args.key_id,
    };
    let (_, reply) =
        call_from_canister(&mut subnet, "schnorr_public_key", Encode!(&key_args).expect("encodes"), 0);
    let key = Decode!(&reply.expect("a reply"), SchnorrPublicKeyResult).expect("the result");
    ic_ed25519::PublicKey::deserialize_raw(&key.public_key)
        .expect("a key")
        .verify_signature(b"message", &signed.signature)
        .expect("it verifies");
}

/// A signature for which too few cycles are attached is rejected.
#[test]
fn should_refuse_a_signature_that_is_not_paid_for() {
    let args = SignWithSchnorrArgs {
        message: Vec::new(),
        derivation_path: Vec::new(),
        key_id: SchnorrKeyId { algorithm: SchnorrAlgorithm::Ed25519, name: "key_1".to_owned() },
        aux: None,
    };
    let mut subnet = Subnet::new();
    let (_, reply) =
        call_from_canister(&mut subnet, "sign_with_schnorr", Encode!(&args).expect("encodes"), 1_000);
    assert_eq!(crate::canisters::number(reply), 4, "rejected by the management canister");
}

/// An outcall that no node can make is rejected with `SYS_TRANSIENT`.
#[test]
fn should_reject_an_outcall_to_an_unknown_host_after_its_nodes_failed() {
    let args = HttpRequestArgs {
        url: "https://unknown.example/".to_owned(),
        max_response_bytes: Some(1_000),
        ..HttpRequestArgs::default()
    };
    let mut subnet = Subnet::new();
    let (_, reply) =
        call_from_canister(&mut subnet, "http_request", Encode!(&args).expect("encodes"), 100_000_000_000);
    assert_eq!(crate::canisters::number(reply), 2, "SYS_TRANSIENT");
}

/// `create_canister` makes the caller the controller and moves the attached cycles less the fee.
#[test]
fn should_create_a_canister_that_holds_what_the_fee_leaves() {
    let args = CreateCanisterArgs { settings: None, sender_canister_version: None };
    let mut subnet = Subnet::new();
    let (creator, reply) =
        call_from_canister(&mut subnet, "create_canister", Encode!(&args).expect("encodes"), 500_000_001_234);
    let created = Decode!(&reply.expect("a reply"), CanisterIdRecord).expect("the id").canister_id;
    assert_eq!(subnet.replica.cycles_balance(created), 1_234);
    assert_eq!(subnet.replica.controllers(created), [creator]);
}

/// `install_chunked_code` joins the chunks of the store and refuses a list whose module hash
/// differs.
#[test]
fn should_install_code_from_chunks() {
    let wasm = crate::canisters::callee();
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![USER]);
    let mut chunk_hashes_list = Vec::new();
    for chunk in wasm.chunks(700) {
        let args = UploadChunkArgs { canister_id: id, chunk: chunk.to_vec() };
        let reply = subnet.manage("upload_chunk", args).expect("it is stored");
        chunk_hashes_list.push(Decode!(&reply, ChunkHash).expect("the hash"));
    }
    let install = |chunk_hashes_list: Vec<ChunkHash>| InstallChunkedCodeArgs {
        mode: CanisterInstallMode::Install,
        target_canister: id,
        store_canister: None,
        chunk_hashes_list,
        wasm_module_hash: <sha2::Sha256 as sha2::Digest>::digest(&wasm).to_vec(),
        arg: Vec::new(),
        sender_canister_version: None,
    };
    subnet
        .manage("install_chunked_code", install(chunk_hashes_list[1..].to_vec()))
        .expect_err("a chunk is missing");
    subnet.manage("install_chunked_code", install(chunk_hashes_list)).expect("it installs");
    assert_eq!(crate::canisters::number(subnet.call(id, "reply", b"")), 7);
}

/// `canister_status` tells status, settings and module hash.
#[test]
fn should_report_status_to_controllers() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&crate::canisters::callee());
    let reply = subnet.manage("canister_status", CanisterIdRecord { canister_id: id }).expect("a reply");
    let status = Decode!(&reply, CanisterStatusResult).expect("the status");
    assert_eq!(status.status, CanisterStatusType::Running);
    assert_eq!(status.settings.controllers, [USER]);
    assert!(status.module_hash.is_some());
}

/// An argument that takes much more work to read than its length is refused: few bytes can announce
/// many values that take no space.
#[test]
fn should_refuse_arguments_that_announce_many_empty_values() {
    let mut subnet = Subnet::new();
    // record { 1 : vec null }, with 2^20 elements; the method knows no such field.
    let arg = b"DIDL\x02\x6c\x01\x01\x01\x6d\x7f\x01\x00\x80\x80\x40".to_vec();
    let reject = subnet
        .replica
        .call(USER, Principal::management_canister(), "provisional_create_canister_with_cycles", arg)
        .expect_err("it is refused");
    assert_eq!(reject.error_code.as_deref(), Some("IC0408"), "{}", reject.message);
}
