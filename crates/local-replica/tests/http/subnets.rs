//! Certification › Delegation
//!
//! An unmodified agent against two subnets behind one address.

use crate::setup::{COUNTER, as_u32, identity, install};
use candid::{CandidType, Decode, Encode, Principal};
use ic_agent::Agent;
use local_replica::http_interface::{ReplicaServer, ServerHandle};
use local_replica::{Clock, Network, ReplicaConfig};
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};

#[derive(CandidType)]
struct ProvisionalCreate {
    amount: Option<candid::Nat>,
}

#[derive(CandidType, Deserialize)]
struct Created {
    canister_id: Principal,
}

fn serve() -> ServerHandle {
    let config = ReplicaConfig::default().with_seed(1).with_clock(Clock::Wall);
    let network = Network::new(&config, 2).expect("two subnets");
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    ReplicaServer::start_network(network, any_port).expect("a server")
}

async fn agent(server: &ServerHandle) -> Agent {
    let agent = Agent::builder().with_url(server.url()).with_identity(identity(1)).build().expect("an agent");
    agent.fetch_root_key().await.expect("the status endpoint");
    agent
}

async fn create_at(agent: &Agent, effective: Principal) -> Principal {
    let reply = agent
        .update(&Principal::management_canister(), "provisional_create_canister_with_cycles")
        .with_effective_canister_id(effective)
        .with_arg(Encode!(&ProvisionalCreate { amount: None }).expect("encodes"))
        .call_and_wait()
        .await
        .expect("an answer");
    Decode!(&reply, Created).expect("an id").canister_id
}

/// Updates, queries with node signatures, and state of a canister on another subnet than the root's verify with the
/// root key alone, by the delegation that certificates carry.
#[tokio::test]
async fn should_serve_canisters_of_every_subnet_to_an_agent_that_knows_the_root_key() {
    let server = serve();
    let agent = agent(&server).await;
    for (number, effective) in [(0, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]), (1, [0, 0, 0, 0, 0, 0x10, 0, 1, 1, 1])] {
        let canister = create_at(&agent, Principal::from_slice(&effective)).await;
        assert_eq!(canister.as_slice()[..6], effective[..6]);
        install(&agent, canister, COUNTER).await.expect("installs");
        let reply = agent.update(&canister, "inc").call_and_wait().await.expect("a certified answer");
        assert_eq!(as_u32(&reply), 1, "subnet {number}");
        let count = agent.query(&canister, "get").call_with_verification().await.expect("a signed answer");
        assert_eq!(as_u32(&count), 1);
        let controllers = agent.read_state_canister_controllers(canister).await.expect("certified state");
        assert_eq!(controllers, [agent.get_principal().expect("an identity")]);
    }
    server.stop();
}

/// The endpoints of a subnet answer for it; there are none for subnets that do not exist.
#[tokio::test]
async fn should_answer_at_the_endpoints_of_each_subnet() {
    let server = serve();
    let agent = agent(&server).await;
    let ids = server
        .with_network(|network| [network.subnet(0).subnet_id(), network.subnet(1).subnet_id()])
        .expect("it runs");
    for id in ids {
        let metrics = agent.read_state_subnet_metrics(id).await.expect("certified metrics");
        assert_eq!(metrics.num_canisters, 0);
    }
    let unknown = Principal::self_authenticating([1]);
    let refused = agent.read_state_subnet_metrics(unknown).await.expect_err("no such subnet");
    assert!(format!("{refused:?}").contains("not a subnet"), "{refused:?}");
    server.stop();
}
