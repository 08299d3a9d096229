//! Management canister › Who may call which method
//!
//! A row for every method; each test calls one method in the name of six callers.

use candid::{Encode, Principal};
use ic_management_canister_types::*;
use local_replica::RejectCode;

use crate::canisters::{Subnet, USER};
use crate::management_calls::{STRANGER, decoded, proxy};

/// Whose ingress messages the network lets in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Users {
    Nobody,
    Everybody,
    Controllers,
}

/// Whose calls are carried out, of canisters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Canisters {
    /// Nobody's: the reject code.
    Nobody(RejectCode),
    Everybody,
    Controllers,
    /// Controllers' and the canister's own.
    ControllersAndSelf,
    /// Everybody's, up to this reject, which has nothing to do with the caller.
    EverybodyUpTo(RejectCode),
}

struct Row {
    users: Users,
    canisters: Canisters,
    cycles: u128,
    arg: Vec<u8>,
}

/// A canister that calls are about, prepared so that a call that is allowed succeeds.
struct Target {
    id: Principal,
    snapshot: Vec<u8>,
    uploaded: Vec<u8>,
}

const SIGNATURE_CYCLES: u128 = 26_153_846_153;

impl Target {
    fn new(subnet: &mut Subnet, controllers: Vec<Principal>) -> Self {
        let id = subnet.replica.create_canister(controllers);
        subnet.replica.install(id, &proxy(), Vec::new()).expect("it installs");
        let take = TakeCanisterSnapshotArgs {
            canister_id: id,
            replace_snapshot: None,
            uninstall_code: None,
            sender_canister_version: None,
        };
        let snapshot = decoded::<Snapshot>(subnet.manage("take_canister_snapshot", take)).id;
        let uploaded = decoded::<UploadCanisterSnapshotMetadataResult>(
            subnet.manage("upload_canister_snapshot_metadata", metadata(id)),
        );
        Self { id, snapshot, uploaded: uploaded.snapshot_id }
    }
}

fn metadata(canister_id: Principal) -> UploadCanisterSnapshotMetadataArgs {
    UploadCanisterSnapshotMetadataArgs {
        canister_id,
        replace_snapshot: None,
        wasm_module_size: 8,
        globals: Vec::new(),
        wasm_memory_size: 0,
        stable_memory_size: 0,
        certified_data: Vec::new(),
        global_timer: None,
        on_low_wasm_memory_hook_status: None,
    }
}

fn row(subnet: &Subnet, method: &str, target: &Target) -> Row {
    use Canisters::{Controllers, ControllersAndSelf, Everybody, EverybodyUpTo, Nobody};
    let id = target.id;
    let record = || Encode!(&CanisterIdRecord { canister_id: id });
    let ecdsa_key = EcdsaKeyId { curve: EcdsaCurve::Secp256k1, name: "key_1".to_owned() };
    let schnorr_key = SchnorrKeyId { algorithm: SchnorrAlgorithm::Ed25519, name: "key_1".to_owned() };
    let vetkd_key = VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: "key_1".to_owned() };
    let (users, canisters, cycles, arg) = match method {
        "create_canister" => {
            let args = CreateCanisterArgs { settings: None, sender_canister_version: None };
            (Users::Nobody, Everybody, 600_000_000_000, Encode!(&args))
        }
        "update_settings" => {
            let settings = CanisterSettings::default();
            let args = UpdateSettingsArgs { canister_id: id, settings, sender_canister_version: None };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "upload_chunk" => {
            let args = UploadChunkArgs { canister_id: id, chunk: vec![1] };
            (Users::Controllers, ControllersAndSelf, 0, Encode!(&args))
        }
        "clear_chunk_store" | "stored_chunks" => (Users::Controllers, ControllersAndSelf, 0, record()),
        "install_code" => {
            let args = InstallCodeArgs {
                mode: CanisterInstallMode::Reinstall,
                canister_id: id,
                wasm_module: proxy(),
                arg: Vec::new(),
                sender_canister_version: None,
            };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "install_chunked_code" => {
            let args = InstallChunkedCodeArgs {
                mode: CanisterInstallMode::Reinstall,
                target_canister: id,
                store_canister: None,
                chunk_hashes_list: vec![ChunkHash { hash: hash(&proxy()) }],
                wasm_module_hash: hash(&proxy()),
                arg: Vec::new(),
                sender_canister_version: None,
            };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "uninstall_code" => {
            let args = UninstallCodeArgs { canister_id: id, sender_canister_version: None };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "canister_status" => (Users::Controllers, ControllersAndSelf, 0, record()),
        "canister_info" => {
            let args = CanisterInfoArgs { canister_id: id, num_requested_changes: None };
            (Users::Nobody, Everybody, 0, Encode!(&args))
        }
        "canister_metadata" => {
            let args = CanisterMetadataArgs { canister_id: id, name: "note".to_owned() };
            (Users::Nobody, Everybody, 0, Encode!(&args))
        }
        "stop_canister" | "start_canister" | "delete_canister" => {
            (Users::Controllers, Controllers, 0, record())
        }
        "deposit_cycles" => (Users::Nobody, Everybody, 1, record()),
        "raw_rand" => (Users::Nobody, Everybody, 0, Encode!()),
        "ecdsa_public_key" => {
            let args =
                EcdsaPublicKeyArgs { canister_id: None, derivation_path: Vec::new(), key_id: ecdsa_key };
            (Users::Nobody, Everybody, 0, Encode!(&args))
        }
        "sign_with_ecdsa" => {
            let args = SignWithEcdsaArgs {
                message_hash: vec![1; 32],
                derivation_path: Vec::new(),
                key_id: ecdsa_key,
            };
            (Users::Nobody, Everybody, SIGNATURE_CYCLES, Encode!(&args))
        }
        "schnorr_public_key" => {
            let args =
                SchnorrPublicKeyArgs { canister_id: None, derivation_path: Vec::new(), key_id: schnorr_key };
            (Users::Nobody, Everybody, 0, Encode!(&args))
        }
        "sign_with_schnorr" => {
            let args = SignWithSchnorrArgs {
                message: Vec::new(),
                derivation_path: Vec::new(),
                key_id: schnorr_key,
                aux: None,
            };
            (Users::Nobody, Everybody, SIGNATURE_CYCLES, Encode!(&args))
        }
        "vetkd_public_key" => {
            let args = VetKDPublicKeyArgs { canister_id: None, context: Vec::new(), key_id: vetkd_key };
            (Users::Nobody, Everybody, 0, Encode!(&args))
        }
        "vetkd_derive_key" => {
            let identity = [&[0xc0][..], &[0; 47]].concat();
            let args = VetKDDeriveKeyArgs {
                input: Vec::new(),
                context: Vec::new(),
                transport_public_key: identity,
                key_id: vetkd_key,
            };
            (Users::Nobody, Everybody, SIGNATURE_CYCLES, Encode!(&args))
        }
        "http_request" => {
            let args =
                HttpRequestArgs { url: "http://plain.example/".to_owned(), ..HttpRequestArgs::default() };
            (Users::Nobody, EverybodyUpTo(RejectCode::SysFatal), 100_000_000_000, Encode!(&args))
        }
        "flexible_http_request" => {
            let args = FlexibleHttpRequestArgs {
                url: "http://plain.example/".to_owned(),
                ..FlexibleHttpRequestArgs::default()
            };
            (Users::Nobody, EverybodyUpTo(RejectCode::SysFatal), 100_000_000_000, Encode!(&args))
        }
        "fetch_canister_logs" => {
            let args = FetchCanisterLogsArgs { canister_id: id, filter: None };
            (Users::Nobody, Controllers, 0, Encode!(&args))
        }
        "take_canister_snapshot" => {
            let args = TakeCanisterSnapshotArgs {
                canister_id: id,
                replace_snapshot: None,
                uninstall_code: None,
                sender_canister_version: None,
            };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "load_canister_snapshot" => {
            let args = LoadCanisterSnapshotArgs {
                canister_id: id,
                snapshot_id: target.snapshot.clone(),
                sender_canister_version: None,
            };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "list_canister_snapshots" => (Users::Controllers, Controllers, 0, record()),
        "delete_canister_snapshot" => {
            let args = DeleteCanisterSnapshotArgs { canister_id: id, snapshot_id: target.snapshot.clone() };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "read_canister_snapshot_metadata" => {
            let args =
                ReadCanisterSnapshotMetadataArgs { canister_id: id, snapshot_id: target.snapshot.clone() };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "read_canister_snapshot_data" => {
            let args = ReadCanisterSnapshotDataArgs {
                canister_id: id,
                snapshot_id: target.snapshot.clone(),
                kind: SnapshotDataKind::WasmModule { offset: 0, size: 4 },
            };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "upload_canister_snapshot_metadata" => (Users::Controllers, Controllers, 0, Encode!(&metadata(id))),
        "upload_canister_snapshot_data" => {
            let args = UploadCanisterSnapshotDataArgs {
                canister_id: id,
                snapshot_id: target.uploaded.clone(),
                kind: SnapshotDataOffset::WasmModule { offset: 0 },
                chunk: vec![0; 8],
            };
            (Users::Controllers, Controllers, 0, Encode!(&args))
        }
        "provisional_create_canister_with_cycles" => {
            let args = ProvisionalCreateCanisterWithCyclesArgs::default();
            (Users::Everybody, Everybody, 0, Encode!(&args))
        }
        "provisional_top_up_canister" => {
            let args = ProvisionalTopUpCanisterArgs { canister_id: id, amount: 1_u8.into() };
            (Users::Everybody, Everybody, 0, Encode!(&args))
        }
        "subnet_info" => {
            let args = SubnetInfoArgs { subnet_id: subnet.replica.subnet_id() };
            (Users::Nobody, Everybody, 0, Encode!(&args))
        }
        "list_canisters"
        | "bitcoin_get_balance"
        | "bitcoin_get_utxos"
        | "bitcoin_get_block_headers"
        | "bitcoin_get_current_fee_percentiles"
        | "bitcoin_send_transaction" => (Users::Nobody, Nobody(RejectCode::CanisterReject), 0, Encode!()),
        unknown => panic!("{unknown} has no row: say who may call it"),
    };
    Row { users, canisters, cycles, arg: arg.expect("the argument can be encoded") }
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    <sha2::Sha256 as sha2::Digest>::digest(bytes).to_vec()
}

/// Brings the target into the state in which the method succeeds.
fn prepare(subnet: &mut Subnet, method: &str, id: Principal) {
    match method {
        "delete_canister" => {
            subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
        }
        "install_chunked_code" => {
            let args = UploadChunkArgs { canister_id: id, chunk: proxy() };
            subnet.manage("upload_chunk", args).expect("it is stored");
        }
        _ => {}
    }
}

fn check(method: &str) {
    let mut subnet = Subnet::new();
    let controller = subnet.proxy();
    let other = subnet.proxy();
    let target = |subnet: &mut Subnet| {
        let target = Target::new(subnet, vec![USER, controller]);
        prepare(subnet, method, target.id);
        target
    };
    for sender in [Principal::anonymous(), STRANGER, USER] {
        let target = target(&mut subnet);
        let row = row(&subnet, method, &target);
        let found = subnet.manage_as(sender, method, row.arg).map(|_| ()).map_err(|reject| reject.error_code);
        let expected = match row.users {
            Users::Nobody => Err(Some("IC0406".to_owned())),
            Users::Controllers if sender != USER => Err(Some("IC0512".to_owned())),
            Users::Controllers | Users::Everybody => Ok(()),
        };
        assert_eq!(found, expected, "{method} by user {sender}");
    }
    for caller in [Some(other), None, Some(controller)] {
        let target = target(&mut subnet);
        let row = row(&subnet, method, &target);
        let caller = caller.unwrap_or(target.id);
        if caller == target.id && method == "delete_canister" {
            // It is stopped, so that it cannot call anything.
            continue;
        }
        let result = subnet.forward(caller, method, &row.arg, row.cycles);
        let found = result.map(|_| ()).map_err(|reject| reject.code);
        let is_controller = caller == controller;
        let expected = match row.canisters {
            Canisters::Nobody(code) | Canisters::EverybodyUpTo(code) => Err(code),
            Canisters::ControllersAndSelf if caller == target.id => Ok(()),
            Canisters::Controllers | Canisters::ControllersAndSelf if !is_controller => {
                Err(denial_to_canisters(method))
            }
            _ => Ok(()),
        };
        assert_eq!(found, expected, "{method} by canister {caller} about {}", target.id);
    }
}

fn denial_to_canisters(method: &str) -> RejectCode {
    match method {
        "fetch_canister_logs" => RejectCode::CanisterReject,
        _ => RejectCode::CanisterError,
    }
}

macro_rules! method_clauses {
    ($(#[$doc:meta])* $($method:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($method)),*];
        $(#[test] fn $method() { check(stringify!($method)) })*
    };
}

method_clauses! {
    /// Exactly the callers that the specification names may call the method: of the anonymous user, a
    /// stranger, a controller, a foreign canister, the canister itself and a canister that controls it.
    create_canister update_settings upload_chunk clear_chunk_store stored_chunks install_code
    install_chunked_code uninstall_code canister_status canister_info canister_metadata stop_canister
    start_canister delete_canister deposit_cycles raw_rand ecdsa_public_key sign_with_ecdsa
    schnorr_public_key sign_with_schnorr vetkd_public_key vetkd_derive_key http_request
    flexible_http_request
    fetch_canister_logs subnet_info list_canisters take_canister_snapshot load_canister_snapshot
    list_canister_snapshots delete_canister_snapshot read_canister_snapshot_metadata
    read_canister_snapshot_data upload_canister_snapshot_metadata upload_canister_snapshot_data
    provisional_create_canister_with_cycles provisional_top_up_canister bitcoin_get_balance
    bitcoin_get_utxos bitcoin_get_block_headers bitcoin_get_current_fee_percentiles
    bitcoin_send_transaction
}

/// No method is callable without a row above.
#[test]
fn should_know_of_every_method_who_may_call_it() {
    let methods: Vec<&str> = local_replica::management::method_names().collect();
    for method in &methods {
        assert!(TESTED.contains(method), "{method} has no test: add it to the list above");
    }
    assert_eq!(methods.len(), TESTED.len());
}

/// A method that does not exist is refused as such, to users and to canisters.
#[test]
fn should_refuse_unknown_methods() {
    let mut subnet = Subnet::new();
    let caller = subnet.proxy();
    let by_user = subnet.manage_as(USER, "no_such_method", Vec::new()).expect_err("a reject");
    assert_eq!(by_user.error_code.as_deref(), Some("IC0536"));
    let by_canister = subnet.forward(caller, "no_such_method", &[], 0).expect_err("a reject");
    assert_eq!(by_canister.code, RejectCode::DestinationInvalid);
}
