//! Runs repeat: replicas of one seed that are given the same inputs have the same state hash after each,
//! however fast the servers of their outcalls are, and whether or not they were restored on the way.
//!
//! The inputs are drawn from a seed: messages, single steps, time, upgrades, new canisters. When answers of
//! outcalls come in is no input: with a clock that is moved by hand they come in when nothing else is
//! left to execute, all together, in the order of the calls.

use std::fmt;
use std::time::Duration;

use candid::Encode;
use ic_management_canister_types::{HttpMethod, HttpRequestArgs};
use local_replica::outcalls::Routes;
use local_replica::{
    IngressMessage, Principal, Replica, ReplicaConfig, RequestId, StateHash, Step, WorldSnapshot,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::actor::{Call, Deed, actors, wasm};
use super::server::{HOST, Server};

const ACTORS: usize = 4;
const MAX_CANISTERS: usize = 7;

fn length() -> u32 {
    if std::env::var_os("COUNTERSIGN_DEEP").is_some() { 40_000 } else { 2_000 }
}

/// One thing that is done to a replica from outside.
#[derive(Clone)]
enum Act {
    Submit { to: usize, deed: Deed },
    Step { messages: u32 },
    Advance { by: Duration },
    Upgrade { canister: usize },
    Create,
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submit { to, deed } => write!(f, "submit to {to}: {deed:?}"),
            Self::Step { messages } => write!(f, "execute {messages} messages"),
            Self::Advance { by } => write!(f, "advance by {by:?}"),
            Self::Upgrade { canister } => write!(f, "upgrade {canister}"),
            Self::Create => write!(f, "create a canister"),
        }
    }
}

/// A replica and what was done to it so far.
struct Run {
    config: ReplicaConfig,
    replica: Replica,
    canisters: Vec<Principal>,
    submitted: u64,
    executed: u32,
    wasm: Vec<u8>,
}

impl Run {
    fn new(seed: u64, routes: Routes) -> Self {
        let config = ReplicaConfig { nodes: 4, ..ReplicaConfig::default() };
        let config = config.with_seed(seed).with_routes(routes);
        let mut replica = Replica::new(config.clone()).expect("a replica");
        let canisters = actors(&mut replica, ACTORS);
        Self { config, replica, canisters, submitted: 0, executed: 0, wasm: wasm() }
    }

    fn act(&mut self, act: &Act) -> StateHash {
        match act {
            Act::Submit { to, deed } => self.submit(self.canisters[*to], deed),
            Act::Step { messages } => (0..*messages).for_each(|_| self.step()),
            Act::Advance { by } => {
                // Whether a node answers before the time has passed must not depend on its speed.
                self.replica.await_outcalls();
                self.replica.advance_time(*by);
            }
            Act::Upgrade { canister } => {
                self.replica.upgrade(self.canisters[*canister], &self.wasm, Vec::new()).expect("it upgrades");
            }
            Act::Create if self.canisters.len() < MAX_CANISTERS => {
                self.canisters.extend(actors(&mut self.replica, 1));
            }
            Act::Create => {}
        }
        self.replica.state_hash()
    }

    fn submit(&mut self, canister_id: Principal, deed: &Deed) {
        self.submitted += 1;
        let mut id = [0; 32];
        id[..8].copy_from_slice(&self.submitted.to_be_bytes());
        let message = IngressMessage {
            request_id: RequestId(id),
            sender: Principal::anonymous(),
            canister_id,
            method_name: "go".to_owned(),
            arg: deed.encode(),
            ingress_expiry_ns: self.replica.time_ns() + 120_000_000_000,
        };
        self.replica.submit(message).expect("it is accepted");
    }

    /// Executes a message; waits for one if only outcalls are left.
    fn step(&mut self) {
        let mut done = self.replica.step();
        if matches!(done, Step::WaitingForOutcall) {
            self.replica.await_outcalls();
            done = self.replica.step();
        }
        self.executed += u32::from(matches!(done, Step::Executed(_)));
    }

    /// Goes on in another replica of the same seed.
    fn move_on(&mut self) {
        let bytes = self.replica.take_snapshot().to_bytes();
        let snapshot = WorldSnapshot::from_bytes(&bytes).expect("whole");
        self.replica = Replica::new(self.config.clone()).expect("a replica");
        self.replica.restore(&snapshot).expect("the same subnet");
    }
}

/// Draws what is done next.
struct Script {
    random: ChaCha20Rng,
    canisters: Vec<Principal>,
}

impl Script {
    fn next(&mut self) -> Act {
        match self.random.gen_range(0..100) {
            0..40 => {
                let to = self.random.gen_range(0..ACTORS);
                Act::Submit { to, deed: self.deed(3) }
            }
            40..90 => Act::Step { messages: self.random.gen_range(1..6) },
            90..97 => Act::Advance { by: Duration::from_millis(self.random.gen_range(0..9_000)) },
            97..99 => Act::Upgrade { canister: self.random.gen_range(0..ACTORS) },
            _ => Act::Create,
        }
    }

    fn deed(&mut self, depth: u32) -> Deed {
        let call = (depth > 0 && self.random.gen_bool(0.6)).then(|| self.call(depth));
        Deed {
            bump: self.random.gen_range(0..13),
            print_and_certify: self.random.gen_bool(0.3),
            timer_seconds: if self.random.gen_bool(0.1) { self.random.gen_range(1..10) } else { 0 },
            call,
            reply_early: self.random.gen_bool(0.1),
            trap: self.random.gen_bool(0.1),
        }
    }

    fn call(&mut self, depth: u32) -> Call {
        let (callee, method, arg) = match self.random.gen_range(0..10) {
            0 => (Principal::management_canister(), "raw_rand", Encode!().expect("encodes")),
            1 => (Principal::management_canister(), "http_request", self.outcall()),
            2 => (self.canisters[0], "no_such_method", Vec::new()),
            _ => {
                let callee = self.canisters[self.random.gen_range(0..ACTORS)];
                (callee, "go", self.deed(depth - 1).encode())
            }
        };
        Call {
            callee,
            method,
            arg,
            cycles: if method == "http_request" { 10_000_000_000 } else { 1_000 },
            timeout_seconds: if self.random.gen_bool(0.3) { self.random.gen_range(1..20) } else { 0 },
            trap_in_callback: self.random.gen_bool(0.15),
        }
    }

    fn outcall(&mut self) -> Vec<u8> {
        let is_replicated = self.random.gen_bool(0.5);
        let args = HttpRequestArgs {
            url: format!("https://{HOST}/{}", self.random.gen_range(0..1_000)),
            max_response_bytes: Some(2_000),
            method: if is_replicated { HttpMethod::GET } else { HttpMethod::PUT },
            is_replicated: Some(is_replicated),
            pricing_version: self.random.gen_bool(0.5).then_some(2),
            ..HttpRequestArgs::default()
        };
        Encode!(&args).expect("encodes")
    }
}

#[test]
fn should_repeat_a_run_exactly_and_across_snapshots() {
    let server = Server::start();
    for seed in [1, 2] {
        let [mut first, mut second, mut broken] = [(); 3].map(|()| Run::new(seed, server.routes()));
        let mut script =
            Script { random: ChaCha20Rng::seed_from_u64(seed), canisters: first.canisters.clone() };
        for number in 0..length() / 2 {
            let act = script.next();
            let hash = first.act(&act);
            assert_eq!(second.act(&act), hash, "seed {seed}, act {number} differs in a second run: {act:?}");
            if number % 37 == 0 {
                broken.move_on();
            }
            assert_eq!(broken.act(&act), hash, "seed {seed}, act {number} differs after a snapshot: {act:?}");
        }
        assert!(first.executed > length() / 2, "{} messages are too few to tell", first.executed);
        let answers = server.answers();
        assert!(answers > 100, "{answers} answers of the server are too few to tell");
    }
}
