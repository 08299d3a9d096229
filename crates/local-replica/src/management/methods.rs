//! The methods of the management canister and who may call them.

/// Whose calls of a method the network lets in when they come from users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Users {
    /// Nobody's: the method is for canisters.
    Nobody,
    /// Everybody's.
    Everybody,
    /// Those of the controllers of the canister that the call is about.
    Controllers,
    /// Those of whom the canister's setting lets see its status.
    StatusViewers,
    /// Those of whom the canister's setting lets see its snapshots.
    SnapshotViewers,
}

/// A method of the management canister.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    CreateCanister,
    UpdateSettings,
    UploadChunk,
    ClearChunkStore,
    StoredChunks,
    InstallCode,
    InstallChunkedCode,
    UninstallCode,
    CanisterStatus,
    CanisterInfo,
    CanisterMetadata,
    StopCanister,
    StartCanister,
    DeleteCanister,
    DepositCycles,
    RawRand,
    EcdsaPublicKey,
    SignWithEcdsa,
    SchnorrPublicKey,
    SignWithSchnorr,
    VetkdPublicKey,
    VetkdDeriveKey,
    HttpRequest,
    FlexibleHttpRequest,
    FetchCanisterLogs,
    SubnetInfo,
    ListCanisters,
    TakeCanisterSnapshot,
    LoadCanisterSnapshot,
    ListCanisterSnapshots,
    DeleteCanisterSnapshot,
    ReadCanisterSnapshotMetadata,
    ReadCanisterSnapshotData,
    UploadCanisterSnapshotMetadata,
    UploadCanisterSnapshotData,
    ProvisionalCreateCanisterWithCycles,
    ProvisionalTopUpCanister,
    BitcoinGetBalance,
    BitcoinGetUtxos,
    BitcoinGetBlockHeaders,
    BitcoinGetCurrentFeePercentiles,
    BitcoinSendTransaction,
}

/// Every method with its name and with the users who may call it.
pub(super) const METHODS: &[(&str, Method, Users)] = &[
    ("create_canister", Method::CreateCanister, Users::Nobody),
    ("update_settings", Method::UpdateSettings, Users::Controllers),
    ("upload_chunk", Method::UploadChunk, Users::Controllers),
    ("clear_chunk_store", Method::ClearChunkStore, Users::Controllers),
    ("stored_chunks", Method::StoredChunks, Users::Controllers),
    ("install_code", Method::InstallCode, Users::Controllers),
    ("install_chunked_code", Method::InstallChunkedCode, Users::Controllers),
    ("uninstall_code", Method::UninstallCode, Users::Controllers),
    ("canister_status", Method::CanisterStatus, Users::StatusViewers),
    ("canister_info", Method::CanisterInfo, Users::Nobody),
    ("canister_metadata", Method::CanisterMetadata, Users::Nobody),
    ("stop_canister", Method::StopCanister, Users::Controllers),
    ("start_canister", Method::StartCanister, Users::Controllers),
    ("delete_canister", Method::DeleteCanister, Users::Controllers),
    ("deposit_cycles", Method::DepositCycles, Users::Nobody),
    ("raw_rand", Method::RawRand, Users::Nobody),
    ("ecdsa_public_key", Method::EcdsaPublicKey, Users::Nobody),
    ("sign_with_ecdsa", Method::SignWithEcdsa, Users::Nobody),
    ("schnorr_public_key", Method::SchnorrPublicKey, Users::Nobody),
    ("sign_with_schnorr", Method::SignWithSchnorr, Users::Nobody),
    ("vetkd_public_key", Method::VetkdPublicKey, Users::Nobody),
    ("vetkd_derive_key", Method::VetkdDeriveKey, Users::Nobody),
    ("http_request", Method::HttpRequest, Users::Nobody),
    ("flexible_http_request", Method::FlexibleHttpRequest, Users::Nobody),
    ("fetch_canister_logs", Method::FetchCanisterLogs, Users::Nobody),
    ("subnet_info", Method::SubnetInfo, Users::Nobody),
    ("list_canisters", Method::ListCanisters, Users::Nobody),
    ("take_canister_snapshot", Method::TakeCanisterSnapshot, Users::Controllers),
    ("load_canister_snapshot", Method::LoadCanisterSnapshot, Users::Controllers),
    ("list_canister_snapshots", Method::ListCanisterSnapshots, Users::SnapshotViewers),
    ("delete_canister_snapshot", Method::DeleteCanisterSnapshot, Users::Controllers),
    ("read_canister_snapshot_metadata", Method::ReadCanisterSnapshotMetadata, Users::SnapshotViewers),
    ("read_canister_snapshot_data", Method::ReadCanisterSnapshotData, Users::SnapshotViewers),
    ("upload_canister_snapshot_metadata", Method::UploadCanisterSnapshotMetadata, Users::Controllers),
    ("upload_canister_snapshot_data", Method::UploadCanisterSnapshotData, Users::Controllers),
    (
        "provisional_create_canister_with_cycles",
        Method::ProvisionalCreateCanisterWithCycles,
        Users::Everybody,
    ),
    ("provisional_top_up_canister", Method::ProvisionalTopUpCanister, Users::Everybody),
    ("bitcoin_get_balance", Method::BitcoinGetBalance, Users::Nobody),
    ("bitcoin_get_utxos", Method::BitcoinGetUtxos, Users::Nobody),
    ("bitcoin_get_block_headers", Method::BitcoinGetBlockHeaders, Users::Nobody),
    ("bitcoin_get_current_fee_percentiles", Method::BitcoinGetCurrentFeePercentiles, Users::Nobody),
    ("bitcoin_send_transaction", Method::BitcoinSendTransaction, Users::Nobody),
];

/// The method of this name, and the users who may call it.
pub(super) fn find(name: &str) -> Option<(Method, Users)> {
    METHODS.iter().find(|(known, ..)| *known == name).map(|(_, method, users)| (*method, *users))
}

/// The names of all methods of the management canister.
pub fn method_names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|(name, ..)| *name)
}
