//! The few calls of the management canister that the DAO makes: about the upgrader, which it controls, and for cycles.

use candid::{Principal, utils::ArgumentEncoder};
use ic_cdk::call::{Call, Error, Response};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, CanisterSettings, ChunkHash, InstallChunkedCodeArgs,
    LogVisibility, UpdateSettingsArgs, UploadChunkArgs,
};

use crate::runtime::Module;

/// Replaces a canister's code by way of this canister's own chunk store: stop, upgrade, start. It is started again even
/// when it could not be stopped or upgraded.
pub async fn upgrade(canister: Principal, module: Module) -> Result<(), Error> {
    let here = ic_cdk::api::canister_self();
    let Module { chunks, sha256, arg } = module;
    let mut chunk_hashes_list = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let args = UploadChunkArgs { canister_id: here, chunk };
        let stored = call("upload_chunk", (args,), 0).await?;
        chunk_hashes_list.push(stored.candid::<ChunkHash>()?);
    }
    let args = InstallChunkedCodeArgs {
        mode: CanisterInstallMode::Upgrade(None),
        target_canister: canister,
        store_canister: Some(here),
        chunk_hashes_list,
        wasm_module_hash: sha256.0.to_vec(),
        arg,
        sender_canister_version: None,
    };
    let installed = match call("stop_canister", (about(canister),), 0).await {
        Ok(_) => call("install_chunked_code", (args,), 0).await,
        Err(error) => Err(error),
    };
    call("start_canister", (about(canister),), 0).await?;
    call("clear_chunk_store", (about(here),), 0).await?;
    installed.map(drop)
}

/// Adjusts a canister that this one controls.
pub async fn change_settings(
    canister_id: Principal,
    settings: release_types::control::CanisterSettings,
) -> Result<(), Error> {
    let log_visibility = settings.log_viewers.map(|viewers| {
        if viewers.is_empty() { LogVisibility::Controllers } else { LogVisibility::AllowedViewers(viewers) }
    });
    let settings = CanisterSettings {
        freezing_threshold: settings.freezing_threshold_s.map(Into::into),
        wasm_memory_limit: settings.wasm_memory_limit_bytes.map(Into::into),
        log_visibility,
        ..CanisterSettings::default()
    };
    let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
    call("update_settings", (args,), 0).await.map(drop)
}

/// Passes cycles on to any canister.
pub async fn deposit_cycles(canister: Principal, amount_cycles: u128) -> Result<(), Error> {
    call("deposit_cycles", (about(canister),), amount_cycles).await.map(drop)
}

fn about(canister_id: Principal) -> CanisterIdRecord {
    CanisterIdRecord { canister_id }
}

/// The wait is unbounded, so that the network's word is final.
async fn call<A: ArgumentEncoder>(method: &str, args: A, cycles: u128) -> Result<Response, Error> {
    let call = Call::unbounded_wait(Principal::management_canister(), method);
    Ok(call.with_args(&args).with_cycles(cycles).await?)
}
