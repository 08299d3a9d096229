//! A subnet's outcalls, without canisters: time and transforms are the test's.

use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::{FlexibleHttpRequestArgs, HttpRequestArgs, HttpRequestResult};
use local_replica::message::Reject;
use local_replica::outcalls::{
    FaultPlan, FaultSwitch, NodeIndex, OutcallArgs, OutcallEvent, OutcallId, OutcallRequest, Outcalls, Pace,
    Routes, Settled, Target, TransformCall, Transformed,
};

use super::server::Server;

pub const NODES: u32 = 13;
pub const PLENTY_OF_CYCLES: u128 = 100_000_000_000;
/// How long a test waits for a server of its own.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn caller() -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
}

pub fn node_id(node: NodeIndex) -> Principal {
    Principal::from_slice(&[1, 2, 3, node as u8])
}

/// The outcalls of a 13-node subnet, with `registry.example` played by `server`.
pub struct Subnet {
    pub outcalls: Outcalls,
    pub faults: FaultSwitch,
    pub cycles: u128,
    pub now_ns: u64,
    next_id: u64,
}

/// What happened, and to which calls.
#[derive(Debug, Default)]
pub struct Outcome {
    pub settled: Vec<(OutcallId, Settled)>,
    pub refunded: u128,
}

impl Subnet {
    pub fn facing(server: &Server) -> Self {
        Self::with_routes(&[("registry.example", &server.base_url())])
    }

    pub fn with_routes(routes: &[(&str, &str)]) -> Self {
        Self::new(Routes::from_pairs(routes.iter().copied()).expect("loopback routes"), Pace::Lockstep)
    }

    pub fn new(routes: Routes, pace: Pace) -> Self {
        Self::of_nodes(NODES, routes, pace)
    }

    /// A subnet of another size.
    pub fn of_nodes(nodes: u32, routes: Routes, pace: Pace) -> Self {
        let faults = FaultSwitch::default();
        let node_ids = (0..nodes).map(node_id).collect();
        let outcalls = Outcalls::new(routes, node_ids, faults.clone(), pace).with_seed(7);
        Self { outcalls, faults, cycles: PLENTY_OF_CYCLES, now_ns: 1_000, next_id: 1 }
    }

    /// Lets the next call go wrong.
    pub fn with_fault(self, plan: impl Into<FaultPlan>) -> Self {
        self.faults.next(Target::AnyCall, plan);
        self
    }

    pub fn start(&mut self, args: HttpRequestArgs) -> Result<OutcallId, Reject> {
        self.start_any(OutcallArgs::Http(args))
    }

    pub fn start_flexible(&mut self, args: FlexibleHttpRequestArgs) -> Result<OutcallId, Reject> {
        self.start_any(OutcallArgs::Flexible(args))
    }

    fn start_any(&mut self, args: OutcallArgs) -> Result<OutcallId, Reject> {
        let id = OutcallId(self.next_id);
        self.next_id += 1;
        let (cycles, time_ns) = (self.cycles, self.now_ns);
        self.outcalls.start(OutcallRequest { id, caller: caller(), args, cycles, time_ns })?;
        Ok(id)
    }

    pub fn pass_time(&mut self, time: Duration) {
        self.now_ns += time.as_nanos() as u64;
    }

    /// Waits until no node is sending, without a transform.
    pub fn collect(&mut self) -> Outcome {
        self.collect_with(|call| Transformed { result: Ok(call.response), instructions: 0 })
    }

    pub fn collect_with(&mut self, mut transform: impl FnMut(TransformCall<'_>) -> Transformed) -> Outcome {
        let mut outcome = Outcome::default();
        loop {
            for event in self.outcalls.advance(self.now_ns, &mut transform) {
                match event {
                    OutcallEvent::Settled(id, settled) => outcome.settled.push((id, settled)),
                    OutcallEvent::Refunded { canister, cycles } => {
                        assert_eq!(canister, caller());
                        outcome.refunded += cycles;
                    }
                }
            }
            if !self.outcalls.is_sending() {
                return outcome;
            }
            self.outcalls.wait(PATIENCE);
        }
    }

    /// Starts the call and returns how it is settled before any time passes.
    pub fn call(&mut self, args: HttpRequestArgs) -> Settled {
        self.call_with_transform(args, |_, answer| (answer, 0))
    }

    pub fn call_with_transform(
        &mut self,
        args: HttpRequestArgs,
        mut transform: impl FnMut(NodeIndex, HttpRequestResult) -> (HttpRequestResult, u64),
    ) -> Settled {
        let id = self.start(args).expect("the request is accepted");
        let outcome = self.collect_with(|call| {
            let (result, instructions) = transform(call.node, call.response);
            Transformed { result: Ok(result), instructions }
        });
        assert_eq!(self.outcalls.in_flight(), 0);
        outcome.only(id)
    }

    /// Starts the call, which no one answers, and returns how it is settled after a minute.
    pub fn call_until_timeout(&mut self, args: HttpRequestArgs) -> Settled {
        let id = self.start(args).expect("the request is accepted");
        assert!(self.collect().settled.is_empty(), "nothing is decided before the time is over");
        self.pass_time(Duration::from_secs(60));
        assert!(self.collect().settled.is_empty(), "the last moment counts");
        self.pass_time(Duration::from_nanos(1));
        self.collect().only(id)
    }
}

impl Outcome {
    /// The settlement of this call, which is the only one.
    pub fn only(mut self, id: OutcallId) -> Settled {
        assert_eq!(self.settled.len(), 1, "one call is settled");
        let (settled_id, settled) = self.settled.remove(0);
        assert_eq!(settled_id, id);
        settled
    }
}
