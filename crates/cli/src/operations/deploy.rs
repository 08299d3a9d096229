//! Putting both canisters on a network, and new code into them.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use candid::{CandidType, Encode, Nat, Principal};
use ic_agent::Agent;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, CanisterSettings, ChunkHash, InstallChunkedCodeArgs,
    InstallCodeArgs, UploadChunkArgs,
};
use release_types::{Sha256Digest, control::UpgraderInit, custody::CustodyInit, dao::DaoInit};
use serde::Deserialize;

use super::{
    call::{manage, update},
    custody::Custody,
    deployment::Deployment,
};
use crate::failure::{Failure, Outcome};

/// The ledger that creates canisters against a balance of cycles: `um5iw-rqaaa-aaaaq-qaaba-cai`.
const CYCLES_LEDGER: Principal = Principal::from_slice(&[0, 0, 0, 0, 2, 16, 0, 2, 1, 1]);
/// A canister out of cycles stops publishing, so it freezes with 90 days to spare.
const FREEZING_THRESHOLD_SECONDS: u64 = 90 * 24 * 3_600;
/// Largest code sent in one message (2 MiB, less the envelope); larger code goes in chunks.
const ONE_MESSAGE_BYTES: usize = 1_900_000;
/// Size of a chunk in a canister's chunk store.
const STORE_CHUNK_BYTES: usize = 1_048_576;

/// The code of both canisters.
pub struct Code {
    pub dao: Vec<u8>,
    pub custody: Vec<u8>,
}

impl Code {
    /// Reads what `scripts/build` wrote.
    ///
    /// # Errors
    /// When a file is missing.
    pub fn read(directory: &Path) -> Outcome<Self> {
        let dao = read_module(directory, "dao_canister.wasm")?;
        Ok(Self { dao, custody: read_module(directory, "custody_canister.wasm")? })
    }

    /// SHA-256 of each, as the network reports it for an installed canister.
    pub fn digests(&self) -> (Sha256Digest, Sha256Digest) {
        (Sha256Digest::of(&self.dao), Sha256Digest::of(&self.custody))
    }
}

/// Reads one module that `scripts/build` wrote.
///
/// # Errors
/// When the file is missing.
pub fn read_module(directory: &Path, name: &str) -> Outcome<Vec<u8>> {
    let path = directory.join(name);
    fs::read(&path).map_err(|error| {
        Failure::file("read the canister", &path, error)
            .hint("build it with scripts/build, or say where it is with --wasm-dir")
    })
}

#[derive(CandidType)]
struct CreateCanisterArgs {
    amount: Nat,
    creation_args: Option<CreationArgs>,
}

#[derive(CandidType)]
struct CreationArgs {
    settings: Option<CanisterSettings>,
    subnet_selection: Option<SubnetSelection>,
}

#[derive(CandidType)]
enum SubnetSelection {
    Subnet { subnet: Principal },
}

#[derive(CandidType, Deserialize)]
struct CreatedCanister {
    canister_id: Principal,
}

/// The ledger's refusals that a user can do something about; any other is shown by its name.
#[derive(CandidType, Deserialize, Debug)]
enum CreateCanisterError {
    InsufficientFunds { balance: Nat },
    FailedToCreate { error: String },
    CreatedInFuture { ledger_time: u64 },
    Duplicate { duplicate_of: Nat },
    TemporarilyUnavailable,
    TooOld,
    GenericError { message: String },
}

/// Creates an empty canister that the caller controls, paid from the caller's balance at the cycles ledger.
///
/// # Errors
/// When the balance does not suffice or the network refuses.
pub async fn create_canister(agent: &Agent, cycles: u128, subnet: Option<Principal>) -> Outcome<Principal> {
    let settings = CanisterSettings {
        freezing_threshold: Some(FREEZING_THRESHOLD_SECONDS.into()),
        ..CanisterSettings::default()
    };
    let args = CreateCanisterArgs {
        amount: cycles.into(),
        creation_args: Some(CreationArgs {
            settings: Some(settings),
            subnet_selection: subnet.map(|subnet| SubnetSelection::Subnet { subnet }),
        }),
    };
    let (created,): (Result<CreatedCanister, CreateCanisterError>,) =
        update(agent, CYCLES_LEDGER, "create_canister", (args,)).await?;
    match created {
        Ok(created) => Ok(created.canister_id),
        Err(CreateCanisterError::InsufficientFunds { balance }) => Err(Failure::refused(format!(
            "creating a canister costs {cycles} cycles; the balance at the cycles ledger is {balance}"
        ))
        .hint("top it up with `icp cycles mint`, or ask for less with --cycles")),
        Err(other) => Err(Failure::refused(format!("the cycles ledger created no canister: {other:?}"))),
    }
}

/// Installs both canisters, each knowing the other.
///
/// # Errors
/// When the network or a canister refuses.
pub async fn install(agent: &Agent, deployment: &Deployment, code: &Code, init: DaoInit) -> Outcome<()> {
    let init = DaoInit { custody: Some(deployment.custody), ..init };
    let arg = Encode!(&init).expect("our own types encode");
    install_code(agent, deployment.dao, &code.dao, CanisterInstallMode::Install, arg).await?;
    let init = CustodyInit { authority: Some(deployment.dao), key_name: deployment.key_name.clone() };
    let arg = Encode!(&init).expect("our own types encode");
    install_code(agent, deployment.custody, &code.custody, CanisterInstallMode::Install, arg).await
}

/// Puts new code into a canister without losing its state: stop, so that nothing is under way; install; start.
/// It is started again even when the installation fails.
///
/// # Errors
/// When the network or the canister refuses.
pub async fn upgrade(agent: &Agent, canister: Principal, code: &[u8]) -> Outcome<()> {
    let id = CanisterIdRecord { canister_id: canister };
    let (): () = manage(agent, canister, "stop_canister", (&id,)).await?;
    let arg = Encode!().expect("no arguments encode");
    let installed = install_code(agent, canister, code, CanisterInstallMode::Upgrade(None), arg).await;
    let (): () = manage(agent, canister, "start_canister", (&id,)).await?;
    installed
}

/// Installs the upgrader of a group.
///
/// # Errors
/// When the network or the canister refuses.
pub async fn install_upgrader(
    agent: &Agent,
    upgrader: Principal,
    code: &[u8],
    init: &UpgraderInit,
) -> Outcome<()> {
    let arg = Encode!(init).expect("our own types encode");
    install_code(agent, upgrader, code, CanisterInstallMode::Install, arg).await
}

async fn install_code(
    agent: &Agent,
    canister_id: Principal,
    code: &[u8],
    mode: CanisterInstallMode,
    arg: Vec<u8>,
) -> Outcome<()> {
    if code.len() <= ONE_MESSAGE_BYTES {
        let wasm_module = code.to_vec();
        let args = InstallCodeArgs { mode, canister_id, wasm_module, arg, sender_canister_version: None };
        return manage(agent, canister_id, "install_code", (args,)).await;
    }
    let id = CanisterIdRecord { canister_id };
    let (): () = manage(agent, canister_id, "clear_chunk_store", (&id,)).await?;
    let mut chunk_hashes_list = Vec::new();
    for chunk in code.chunks(STORE_CHUNK_BYTES) {
        let args = UploadChunkArgs { canister_id, chunk: chunk.to_vec() };
        let (hash,): (ChunkHash,) = manage(agent, canister_id, "upload_chunk", (args,)).await?;
        chunk_hashes_list.push(hash);
    }
    let args = InstallChunkedCodeArgs {
        mode,
        target_canister: canister_id,
        store_canister: None,
        chunk_hashes_list,
        wasm_module_hash: Sha256Digest::of(code).0.to_vec(),
        arg,
        sender_canister_version: None,
    };
    let (): () = manage(agent, canister_id, "install_chunked_code", (args,)).await?;
    manage(agent, canister_id, "clear_chunk_store", (&id,)).await
}

/// Waits until custody has learned its keys, which it asks of the network right after its installation.
///
/// # Errors
/// When it has not within `patience`.
pub async fn wait_for_keys(agent: &Agent, custody: Principal, patience: Duration) -> Outcome<()> {
    let custody = Custody { agent, id: custody };
    let started = Instant::now();
    loop {
        let info = custody.info().await?;
        if info.sealing_key.is_some() && info.receipt_key.is_some() {
            return Ok(());
        }
        if started.elapsed() > patience {
            return Err(Failure::network("the custody canister has not got its keys from the network")
                .hint(format!("check that the network has threshold keys named {}", info.key_name)));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
