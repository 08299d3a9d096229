//! A served replica with a small canister, shared by the tests of the HTTP interface.

use candid::{CandidType, Decode, Encode, Principal};
use ic_agent::identity::BasicIdentity;
use ic_agent::{Agent, AgentError, Identity};
use ic_management_canister_types::{CanisterInstallMode, InstallCodeArgs};
use local_replica::http_interface::{ReplicaServer, ServerHandle};
use local_replica::{Clock, Replica, ReplicaConfig};
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Counts calls of `inc`, tells callers who they are, and traps on demand.
pub const COUNTER: &str = r#"(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
  (import "ic0" "msg_caller_copy" (func $caller_copy (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func $answer (call $append (i32.const 0) (i32.const 4)) (call $reply))
  (func (export "canister_update inc")
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (call $answer))
  (func (export "canister_query get") (call $answer))
  (func (export "canister_update whoami")
    (call $caller_copy (i32.const 64) (i32.const 0) (call $caller_size))
    (call $append (i32.const 64) (call $caller_size))
    (call $reply))
  (func (export "canister_update trap") unreachable)
  (@custom "icp:public candid:service" "service : {}")
  (@custom "icp:private notes" "for us"))"#;

/// A replica served on a free port; stopped when dropped.
pub struct Setup {
    server: ServerHandle,
}

impl Setup {
    pub fn start() -> Self {
        Self::start_with_seed(1)
    }

    pub fn start_with_seed(seed: u64) -> Self {
        let config = ReplicaConfig::default().with_seed(seed).with_clock(Clock::Wall);
        let replica = Replica::new(config).expect("a replica");
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { server: ReplicaServer::start(replica, any_port).expect("a server") }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn move_time(&self, by: Duration) {
        self.server.with_replica(move |replica| replica.advance_time(by)).expect("it runs");
    }

    /// Lets the replica's thread panic, as a defect would.
    pub fn break_replica(&self, cause: &'static str) {
        let broken = self.server.with_replica::<()>(move |_| panic!("{cause}"));
        assert!(broken.expect_err("it panicked").to_string().contains(cause));
    }

    pub fn server(&self) -> &ServerHandle {
        &self.server
    }

    pub fn stop(self) {
        self.server.stop();
    }

    /// An agent that fetched the root key and verifies everything.
    pub async fn agent(&self, identity: impl Identity + 'static) -> Agent {
        let agent = Agent::builder().with_url(self.url()).with_identity(identity).build().expect("an agent");
        agent.fetch_root_key().await.expect("the status endpoint");
        agent
    }

    /// A fresh counter canister controlled by the agent.
    pub async fn counter(&self, agent: &Agent) -> Principal {
        let canister = create(agent).await;
        install(agent, canister, COUNTER).await.expect("installs");
        canister
    }
}

#[derive(CandidType)]
struct ProvisionalCreate {
    amount: Option<candid::Nat>,
}

#[derive(CandidType, Deserialize)]
struct Created {
    canister_id: Principal,
}

async fn create(agent: &Agent) -> Principal {
    let reply = agent
        .update(&Principal::management_canister(), "provisional_create_canister_with_cycles")
        .with_effective_canister_id(Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]))
        .with_arg(Encode!(&ProvisionalCreate { amount: None }).expect("encodes"))
        .call_and_wait()
        .await
        .expect("an answer");
    Decode!(&reply, Created).expect("an id").canister_id
}

pub async fn install(agent: &Agent, canister: Principal, wat: &str) -> Result<Vec<u8>, AgentError> {
    let args = InstallCodeArgs {
        mode: CanisterInstallMode::Install,
        canister_id: canister,
        wasm_module: wat::parse_str(wat).expect("valid"),
        arg: vec![],
        sender_canister_version: None,
    };
    agent
        .update(&Principal::management_canister(), "install_code")
        .with_effective_canister_id(canister)
        .with_arg(Encode!(&args).expect("encodes"))
        .call_and_wait()
        .await
}

pub fn identity(seed: u8) -> BasicIdentity {
    BasicIdentity::from_raw_key(&[seed; 32])
}

pub fn as_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).to_vec()
}
