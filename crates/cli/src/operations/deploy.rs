//! Putting both canisters on a network, and new code into them.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use candid::{CandidType, Encode, Nat, Principal};
use ic_agent::Agent;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, CanisterSettings, InstallCodeArgs,
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
/// Largest module that is sent: one message has 2 MiB, less the envelope. Those of this project have half of that.
const MAX_MODULE_BYTES: usize = 1_900_000;

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
        let dao = read_module(directory, "dao_canister.wasm.gz")?;
        Ok(Self { dao, custody: read_module(directory, "custody_canister.wasm.gz")? })
    }

    /// SHA-256 of each, as the network reports it for an installed canister.
    pub fn digests(&self) -> (Sha256Digest, Sha256Digest) {
        (Sha256Digest::of(&self.dao), Sha256Digest::of(&self.custody))
    }
}

/// Reads one module that `scripts/build` wrote.
///
/// # Errors
/// When the file is missing, or too large for a message.
pub fn read_module(directory: &Path, name: &str) -> Outcome<Vec<u8>> {
    let path = directory.join(name);
    let module = fs::read(&path).map_err(|error| {
        Failure::file("read the canister", &path, error)
            .hint("build it with scripts/build, or say where it is with --wasm-dir")
    })?;
    if module.len() > MAX_MODULE_BYTES {
        let (path, found) = (path.display(), module.len());
        return Err(Failure::refused(format!(
            "{path} has {found} bytes; one message carries {MAX_MODULE_BYTES}"
        ))
        .hint("compress it with gzip, as scripts/build does"));
    }
    Ok(module)
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
    let wasm_module = code.to_vec();
    let args = InstallCodeArgs { mode, canister_id, wasm_module, arg, sender_canister_version: None };
    manage(agent, canister_id, "install_code", (args,)).await
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
