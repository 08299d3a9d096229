//! The Internet Computer itself.

use std::time::Duration;

use candid::{Decode, Principal, utils::ArgumentEncoder};
use ic_cdk::call::{Call, CallFailed, Error, RejectCode};
use ic_cdk_management_canister::{
    self as management, CanisterIdRecord, CanisterInfoArgs, CanisterInstallMode, ChunkHash,
    DeleteCanisterSnapshotArgs, InstallChunkedCodeArgs, LoadCanisterSnapshotArgs, LogVisibility,
    TakeCanisterSnapshotArgs, UpdateSettingsArgs, UploadChunkArgs,
};
use release_types::{
    Sha256Digest,
    control::{CanisterSettings, EndUpgradeArgs, LogTip, UpgradeId, UpgradeOrder},
};

use crate::{
    runtime::{CallError, Runtime},
    tasks::{self, Task},
};

/// Longest wait for an answer of the canister that is upgraded, in seconds. Bounded, because its code may be anything.
const TARGET_TIMEOUT_S: u32 = 60;
/// Longest answer that is decoded, in bytes: a log's tip takes less than a hundred.
const MAX_ANSWER_BYTES: usize = 200;

/// The runtime of the deployed canister.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcRuntime;

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::InsufficientLiquidCycleBalance(_) | Error::CallPerformFailed(_) => Self::Transient,
            Error::CallRejected(rejection) => match rejection.reject_code() {
                Ok(RejectCode::SysTransient | RejectCode::SysUnknown) => Self::Transient,
                _ => Self::Rejected,
            },
            Error::CandidDecodeFailed(_) => Self::Undecodable,
        }
    }
}

impl From<CallFailed> for CallError {
    fn from(error: CallFailed) -> Self {
        Error::from(error).into()
    }
}

impl Runtime for IcRuntime {
    fn time_ns(&self) -> u64 {
        ic_cdk::api::time()
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        ic_cdk_timers::set_timer(delay, tasks::run(*self, task));
    }

    fn certify(&self, root: [u8; 32]) {
        ic_cdk::api::certified_data_set(root);
    }

    async fn store_chunk(&self, chunk: Vec<u8>) -> Result<Sha256Digest, CallError> {
        let args = UploadChunkArgs { canister_id: ic_cdk::api::canister_self(), chunk };
        let ChunkHash { hash } = management::upload_chunk(&args).await?;
        Sha256Digest::try_from(hash.as_slice()).map_err(|_| CallError::Undecodable)
    }

    async fn clear_chunks(&self) -> Result<(), CallError> {
        Ok(management::clear_chunk_store(&about(ic_cdk::api::canister_self())).await?)
    }

    async fn stop(&self, canister: Principal) -> Result<(), CallError> {
        Ok(management::stop_canister(&about(canister)).await?)
    }

    async fn start(&self, canister: Principal) -> Result<(), CallError> {
        Ok(management::start_canister(&about(canister)).await?)
    }

    async fn take_snapshot(&self, canister_id: Principal) -> Result<Vec<u8>, CallError> {
        let args = TakeCanisterSnapshotArgs {
            canister_id,
            replace_snapshot: None,
            uninstall_code: None,
            sender_canister_version: None,
        };
        Ok(management::take_canister_snapshot(&args).await?.id)
    }

    async fn load_snapshot(&self, canister_id: Principal, snapshot_id: Vec<u8>) -> Result<(), CallError> {
        let args = LoadCanisterSnapshotArgs { canister_id, snapshot_id };
        Ok(management::load_canister_snapshot(&args).await?)
    }

    async fn delete_snapshots(&self, canister_id: Principal) -> Result<(), CallError> {
        for snapshot in management::list_canister_snapshots(&about(canister_id)).await? {
            let args = DeleteCanisterSnapshotArgs { canister_id, snapshot_id: snapshot.id };
            management::delete_canister_snapshot(&args).await?;
        }
        Ok(())
    }

    async fn install(&self, canister: Principal, order: UpgradeOrder) -> Result<(), CallError> {
        let chunk = |sha256: &Sha256Digest| ChunkHash { hash: sha256.0.to_vec() };
        let args = InstallChunkedCodeArgs {
            mode: CanisterInstallMode::Upgrade(None),
            target_canister: canister,
            store_canister: Some(ic_cdk::api::canister_self()),
            chunk_hashes_list: order.module.chunks.iter().map(chunk).collect(),
            wasm_module_hash: order.module.sha256.0.to_vec(),
            arg: order.arg.into_vec(),
        };
        Ok(management::install_chunked_code(&args).await?)
    }

    async fn module_hash(&self, canister_id: Principal) -> Result<Option<Sha256Digest>, CallError> {
        let args = CanisterInfoArgs { canister_id, num_requested_changes: None };
        let hash = management::canister_info(&args).await?.module_hash;
        let digest = |hash: Vec<u8>| Sha256Digest::try_from(hash.as_slice());
        hash.map(digest).transpose().map_err(|_| CallError::Undecodable)
    }

    async fn change_settings(
        &self,
        canister_id: Principal,
        settings: CanisterSettings,
    ) -> Result<(), CallError> {
        let CanisterSettings { freezing_threshold_s, wasm_memory_limit_bytes, log_viewers } = settings;
        let settings = management::CanisterSettings {
            freezing_threshold: freezing_threshold_s.map(Into::into),
            wasm_memory_limit: wasm_memory_limit_bytes.map(Into::into),
            log_visibility: log_viewers.map(|viewers| {
                if viewers.is_empty() {
                    LogVisibility::Controllers
                } else {
                    LogVisibility::AllowedViewers(viewers)
                }
            }),
            ..management::CanisterSettings::default()
        };
        let args = UpdateSettingsArgs { canister_id, settings };
        Ok(management::update_settings(&args).await?)
    }

    async fn log_tip(&self, canister: Principal) -> Result<Option<LogTip>, CallError> {
        let answer = ask(canister, "log_tip", ()).await?;
        Decode!(&answer, Option<LogTip>).map_err(|_| CallError::Undecodable)
    }

    async fn begin_upgrade(&self, custody: Principal, upgrade: UpgradeId) -> Result<(), CallError> {
        ask(custody, "begin_upgrade", (upgrade,)).await.map(drop)
    }

    async fn end_upgrade(&self, canister: Principal, args: EndUpgradeArgs) -> Result<(), CallError> {
        ask(canister, "end_upgrade", (args,)).await.map(drop)
    }
}

fn about(canister_id: Principal) -> CanisterIdRecord {
    CanisterIdRecord { canister_id }
}

/// Calls the canister that is upgraded: what it is asked is safe to repeat, and its answer is short.
async fn ask<A: ArgumentEncoder>(canister: Principal, method: &str, args: A) -> Result<Vec<u8>, CallError> {
    let call = Call::bounded_wait(canister, method).with_args(&args).change_timeout(TARGET_TIMEOUT_S);
    let answer = call.await?.into_bytes();
    if answer.len() > MAX_ANSWER_BYTES { Err(CallError::Undecodable) } else { Ok(answer) }
}
