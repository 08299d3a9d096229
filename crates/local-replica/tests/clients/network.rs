//! A replica in a process of its own, and the canister that clients speak to.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use candid::{Decode, Encode, Principal};
use ic_agent::Agent;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, InstallCodeArgs, ProvisionalCreateCanisterWithCyclesArgs,
};
use serde_json::Value;

/// A replica that serves until it is dropped.
pub struct Network {
    /// Base URL of its HTTP interface.
    pub url: String,
    process: Child,
}

impl Network {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it does not announce itself.
    pub fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_local-replica"))
            .args(["--json", "--module-cache"])
            .arg(repository_root().join("target/module-cache"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the replica starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        let announced: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { url: announced["url"].as_str().expect("a URL").to_owned(), process }
    }
}

impl Network {
    /// A fresh canister with the module, as a user without a name installs it.
    ///
    /// # Panics
    /// When the network refuses.
    pub fn install(&self, module: Vec<u8>) -> Principal {
        self.with_agent(async |agent: Agent| {
            let management = Principal::management_canister();
            let any_canister = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
            let created = agent
                .update(&management, "provisional_create_canister_with_cycles")
                .with_effective_canister_id(any_canister)
                .with_arg(Encode!(&ProvisionalCreateCanisterWithCyclesArgs::default()).expect("encodes"))
                .call_and_wait()
                .await
                .expect("creates");
            let canister = Decode!(&created, CanisterIdRecord).expect("an id").canister_id;
            let install = InstallCodeArgs {
                mode: CanisterInstallMode::Install,
                canister_id: canister,
                wasm_module: module,
                arg: Vec::new(),
                sender_canister_version: None,
            };
            agent
                .update(&management, "install_code")
                .with_effective_canister_id(canister)
                .with_arg(Encode!(&install).expect("encodes"))
                .call_and_wait()
                .await
                .expect("installs");
            canister
        })
    }

    /// Runs `task` with an agent of a user without a name.
    ///
    /// # Panics
    /// When the network does not answer.
    pub fn with_agent<T>(&self, task: impl AsyncFnOnce(Agent) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let agent = Agent::builder().with_url(&self.url).build().expect("an agent");
            agent.fetch_root_key().await.expect("the status endpoint");
            task(agent).await
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The counter's module.
pub fn counter() -> Vec<u8> {
    wat::parse_str(include_str!("counter.wat")).expect("valid")
}

/// The checkout, whose ignored build folder holds what `scripts/clients` fetched.
pub fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout is there")
}

/// Runs a client to its end and returns what it printed.
///
/// # Panics
/// When it fails, with all that it said.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{command:?}:\n{printed}{}", String::from_utf8_lossy(&done.stderr));
    printed
}

/// Where `scripts/clients` says that a client is.
///
/// # Panics
/// When it is not installed.
#[track_caller]
pub fn client(name: &str) -> PathBuf {
    let mut script = Command::new(repository_root().join("scripts/clients"));
    PathBuf::from(run(script.args(["path", name])).trim())
}
