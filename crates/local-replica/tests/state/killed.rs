//! The served process is killed at random moments, under load. What clients were told stays true, and
//! what was under way goes on.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ic_agent::agent::{CallResponse, RequestStatusResponse};
use ic_agent::hash_tree::LookupResult;
use ic_agent::identity::BasicIdentity;
use ic_agent::{Agent, Certificate, RequestId};
use local_replica::serve::Network;
use local_replica::{Clock, Principal, Replica, ReplicaConfig};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::task::JoinSet;

use super::actor::{Call, Deed, actors};

const SEED: u64 = 3;
const NODES: u32 = 4;
const CLIENTS: usize = 6;

fn rounds() -> usize {
    if std::env::var_os("COUNTERSIGN_DEEP").is_some() { 240 } else { 12 }
}

/// A subnet of two actors in a directory, and what was asked of it.
struct World {
    directory: tempfile::TempDir,
    first: Principal,
    second: Principal,
    tally: Tally,
}

/// What has happened for certain, because a client was told or has asked afterwards.
#[derive(Default)]
struct Tally {
    relays: u32,
    direct: u32,
    /// Answered relays; each carries another value of the first actor's counter.
    answers: Vec<u32>,
}

/// A request that was sent; `relay` says to which of the two.
struct Sent {
    id: RequestId,
    relay: bool,
    reply: Option<Vec<u8>>,
}

/// The process; killed, and killed only, when this is dropped.
struct Served {
    child: Child,
    network: Network,
}

impl Served {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local-replica"))
            .args(["--seed", &SEED.to_string(), "--nodes", &NODES.to_string(), "--json", "--state-dir"])
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let network = serde_json::from_str(&line).expect("it announces itself");
        Self { child, network }
    }

    async fn agent(&self) -> Agent {
        let identity = BasicIdentity::from_raw_key(&[9; 32]);
        let agent =
            Agent::builder().with_url(&self.network.url).with_identity(identity).build().expect("an agent");
        agent.set_root_key(hex::decode(&self.network.root_key).expect("hex"));
        agent
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut replica = open(directory.path());
        let [first, second] = actors(&mut replica, 2)[..] else { panic!("two were asked for") };
        replica.keep().expect("it can be written");
        Self { directory, first, second, tally: Tally::default() }
    }

    /// Sends requests from many clients until `duration` has passed, and kills the process then.
    async fn hammer(&self, served: Served, duration: Duration) -> Vec<Sent> {
        let agent = Arc::new(served.agent().await);
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (agent, first, second) = (agent.clone(), self.first, self.second);
            clients.spawn(async move {
                let mut sent = Vec::new();
                for number in 0.. {
                    let relay = (client + number) % 2 == 0;
                    let (canister, deed) =
                        if relay { (first, relay_deed(second)) } else { (second, bump_deed()) };
                    let signed =
                        agent.update(&canister, "go").with_arg(deed.encode()).sign().expect("it signs");
                    let answer = agent.update_signed(canister, signed.signed_update).await;
                    let is_cut_off = answer.is_err();
                    let reply = match answer {
                        Ok(CallResponse::Response(reply)) => Some(reply),
                        Ok(CallResponse::Poll(_)) | Err(_) => None,
                    };
                    sent.push(Sent { id: signed.request_id, relay, reply });
                    if is_cut_off {
                        break;
                    }
                }
                sent
            });
        }
        tokio::time::sleep(duration).await;
        drop(served);
        clients.join_all().await.into_iter().flatten().collect()
    }

    /// Finds out what became of the requests; those that have no answer must get one now.
    async fn settle(&mut self, agent: &Agent, sent: Vec<Sent>) {
        for Sent { id, relay, reply } in sent {
            let canister = if relay { self.first } else { self.second };
            let after = answer(agent, &id, canister).await;
            assert!(
                reply.is_none() || reply == after,
                "{id:?} was answered: {reply:?}, and is now {after:?}"
            );
            let Some(reply) = after else {
                continue;
            };
            if relay {
                self.tally.relays += 1;
                self.tally.answers.push(u32::from_le_bytes(reply.try_into().expect("four bytes")));
            } else {
                self.tally.direct += 1;
            }
        }
    }

    /// Every request that was taken has had its effect, once.
    async fn check(&self, agent: &Agent) {
        let Tally { relays, direct, answers } = &self.tally;
        assert_eq!(count(agent, self.first).await, 2 * relays, "a relay counts itself and its answer");
        assert_eq!(count(agent, self.second).await, relays + direct);
        let mut distinct = answers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), answers.len(), "no answer was given out twice");
        let path: [&[u8]; 3] = [b"canister", self.second.as_slice(), b"certified_data"];
        let certificate = agent.query(&self.second, "certificate").call().await.expect("an answer");
        let certificate: Certificate = serde_cbor::from_slice(&certificate).expect("a certificate");
        agent.verify(&certificate, self.second).expect("it verifies");
        match certificate.tree.lookup_path(path) {
            LookupResult::Found([]) => assert_eq!(relays + direct, 0),
            LookupResult::Found(data) => assert_eq!(data, (relays + direct).to_le_bytes()),
            other => panic!("{other:?}"),
        }
    }

    /// What lies in the directory of a process that was killed is a state between two messages.
    fn check_directory(&self) {
        let replica = open(self.directory.path());
        for canister in [self.first, self.second] {
            let heap = replica.canister_memory(canister)[..4].to_vec();
            let stable = replica.stable_memory(canister).get(..4).unwrap_or(&[0; 4]).to_vec();
            assert_eq!(heap, stable);
        }
    }
}

fn open(directory: &Path) -> Replica {
    let config = ReplicaConfig { nodes: NODES, ..ReplicaConfig::default() };
    let config = config.with_seed(SEED).with_clock(Clock::Wall).with_state_dir(directory);
    Replica::new(config).expect("the directory holds a whole state")
}

fn bump_deed() -> Deed {
    Deed { bump: 1, print_and_certify: true, ..Deed::default() }
}

fn relay_deed(callee: Principal) -> Deed {
    let call = Call {
        callee,
        method: "go",
        arg: bump_deed().encode(),
        cycles: 0,
        timeout_seconds: 0,
        trap_in_callback: false,
    };
    Deed { bump: 1, call: Some(call), ..Deed::default() }
}

/// The reply; `None` when the request never reached the replica.
async fn answer(agent: &Agent, id: &RequestId, canister: Principal) -> Option<Vec<u8>> {
    loop {
        match agent.request_status_raw(id, canister).await.expect("a status").0 {
            RequestStatusResponse::Unknown => return None,
            RequestStatusResponse::Replied(reply) => return Some(reply.arg),
            RequestStatusResponse::Received | RequestStatusResponse::Processing => {
                tokio::task::yield_now().await;
            }
            other => panic!("{id:?} ended as {other:?}"),
        }
    }
}

async fn count(agent: &Agent, canister: Principal) -> u32 {
    let reply = agent.query(&canister, "count").call().await.expect("an answer");
    u32::from_le_bytes(reply.try_into().expect("four bytes"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn should_keep_every_promise_when_killed_at_random_moments() {
    let mut world = World::new();
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let mut sent = Vec::new();
    for _ in 0..rounds() {
        let served = Served::start(world.directory.path());
        let agent = served.agent().await;
        world.settle(&agent, sent).await;
        world.check(&agent).await;
        let duration = Duration::from_millis(random.gen_range(5..150));
        sent = world.hammer(served, duration).await;
        world.check_directory();
    }
    let Tally { relays, direct, .. } = world.tally;
    assert!(relays > 20 && direct > 20, "{relays} relays and {direct} direct calls are too few to tell");
}
