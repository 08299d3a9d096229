//! Measures a served replica from outside, as its clients see it: time to ready, updates one after another and by
//! many clients at once, memory of idle canisters (the custody canister that `scripts/build` made). Prints one JSON
//! object. `scripts/bench --replica` runs it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use candid::{CandidType, Decode, Encode, Principal};
use ic_agent::Agent;
use ic_agent::identity::BasicIdentity;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, InstallCodeArgs, ProvisionalCreateCanisterWithCyclesArgs,
};
use serde_json::{Value, json};

const STARTS: usize = 5;
const SEQUENTIAL_UPDATES: u32 = 300;
const CLIENTS: usize = 50;
const UPDATES_OF_A_CLIENT: usize = 40;
const IDLE_CANISTERS: usize = 50;
const PROGRAM: &str = env!("CARGO_BIN_EXE_local-replica");
const CUSTODY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/wasm/custody_canister.wasm.gz");
const COUNTER: &str = include_str!("../tests/clients/counter.wat");

/// What the custody canister is installed with.
#[derive(CandidType)]
struct CustodyInit {
    authority: Option<Principal>,
    key_name: String,
}

/// A replica in a process of its own; it ends with this value.
struct Network {
    url: String,
    process: Child,
}

impl Network {
    fn start(module_cache: &Path) -> Result<Self> {
        let mut process = Command::new(PROGRAM)
            .args(["--json", "--module-cache"])
            .arg(module_cache)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {PROGRAM}"))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output")?).read_line(&mut line)?;
        let announced: Value = serde_json::from_str(&line)?;
        Ok(Self { url: announced["url"].as_str().context("its URL")?.to_owned(), process })
    }

    /// Memory that is its own and not shared with others or with files, in bytes; Linux only.
    fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kilobytes: u64 = status
            .lines()
            .filter(|line| line.starts_with("RssAnon:") || line.starts_with("RssShmem:"))
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum();
        Ok(kilobytes * 1024)
    }

    async fn agent(&self) -> Result<Agent> {
        let identity = BasicIdentity::from_raw_key(&[7; 32]);
        let agent = Agent::builder().with_url(&self.url).with_identity(identity).build()?;
        agent.fetch_root_key().await?;
        Ok(agent)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn install(agent: &Agent, module: &[u8], arg: Vec<u8>) -> Result<Principal> {
    let management = Principal::management_canister();
    let created = agent
        .update(&management, "provisional_create_canister_with_cycles")
        .with_effective_canister_id(Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]))
        .with_arg(Encode!(&ProvisionalCreateCanisterWithCyclesArgs::default())?)
        .call_and_wait()
        .await?;
    let canister_id = Decode!(&created, CanisterIdRecord)?.canister_id;
    let install = InstallCodeArgs {
        mode: CanisterInstallMode::Install,
        canister_id,
        wasm_module: module.to_vec(),
        arg,
        sender_canister_version: None,
    };
    agent
        .update(&management, "install_code")
        .with_effective_canister_id(canister_id)
        .with_arg(Encode!(&install)?)
        .call_and_wait()
        .await?;
    Ok(canister_id)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

async fn updates_per_second(network: &Network, canister: Principal) -> Result<f64> {
    let mut agents = Vec::new();
    for _ in 0..CLIENTS {
        agents.push(network.agent().await?);
    }
    let started = Instant::now();
    let clients: Vec<_> = agents
        .into_iter()
        .map(|agent| {
            tokio::spawn(async move {
                for _ in 0..UPDATES_OF_A_CLIENT {
                    agent.update(&canister, "increment").call_and_wait().await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok((CLIENTS * UPDATES_OF_A_CLIENT) as f64 / started.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<()> {
    let custody =
        std::fs::read(CUSTODY).with_context(|| format!("read {CUSTODY}; scripts/build makes it"))?;
    let cache = tempfile::tempdir()?;

    let mut network = Network::start(cache.path())?;
    let mut ready = Vec::new();
    for _ in 0..STARTS {
        drop(network);
        let started = Instant::now();
        network = Network::start(cache.path())?;
        ready.push(started.elapsed());
    }

    let agent = network.agent().await?;
    let counter = install(&agent, &wat::parse_str(COUNTER)?, Vec::new()).await?;
    agent.update(&counter, "increment").call_and_wait().await?;
    let started = Instant::now();
    for _ in 0..SEQUENTIAL_UPDATES {
        agent.update(&counter, "increment").call_and_wait().await?;
    }
    let sequential = started.elapsed() / SEQUENTIAL_UPDATES;
    let per_second = updates_per_second(&network, counter).await?;

    let init = Encode!(&CustodyInit {
        authority: Some(Principal::management_canister()),
        key_name: "key_1".to_owned()
    })?;
    install(&agent, &custody, init.clone()).await?;
    let before = network.resident_bytes()?;
    for _ in 0..IDLE_CANISTERS {
        install(&agent, &custody, init.clone()).await?;
    }
    let idle_bytes = network.resident_bytes()?.saturating_sub(before) / IDLE_CANISTERS as u64;

    println!(
        "{}",
        json!({
            "ready_ms": milliseconds(median(ready)),
            "sequential_update_ms": milliseconds(sequential),
            "updates_per_second": per_second.round(),
            "idle_canister_mib": (idle_bytes as f64 / (1024.0 * 1024.0) * 100.0).round() / 100.0,
        })
    );
    Ok(())
}
