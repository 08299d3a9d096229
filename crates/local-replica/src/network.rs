//! Several subnets, each a [`Replica`] with its own key, nodes, canisters and queue, joined by streams of messages.
//!
//! They advance in rounds. In a round every subnet executes what it has; what it sends to another leaves at the end of
//! the round, and is executed there two rounds later, when that subnet has seen it certified.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::{Clock, ReplicaConfig, SubnetPlace};
use crate::message::{CallResult, IngressStatus, Principal, RequestId, Step};
use crate::replica::{Replica, ReplicaError, StateError};
use crate::scheduler::StreamMessage;

/// After how many rounds a message is executed on another subnet.
const STREAM_ROUNDS: u64 = 2;
/// How much time a round takes where only tests move the clock.
const ROUND_TIME: Duration = Duration::from_millis(500);
/// How many rounds [`Network::run_until_idle`] makes at most.
const MAX_ROUNDS: u64 = 100_000;

/// Why a network cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("subnet {index}: {source}")]
pub struct NetworkError {
    index: u32,
    source: ReplicaError,
}

/// A network of several subnets, or of one.
pub struct Network {
    subnets: Vec<Replica>,
    streams: VecDeque<InTransit>,
    rounds: u64,
    clock: Clock,
}

struct InTransit {
    /// The round in which it is executed.
    round: u64,
    to: usize,
    message: StreamMessage,
}

impl Network {
    /// Starts this many subnets, each with the configuration's nodes, and keys that follow from its seed.
    ///
    /// # Errors
    /// As [`Replica::new`], and when there are too few or too many subnets.
    pub fn new(config: &ReplicaConfig, subnets: u32) -> Result<Self, NetworkError> {
        let start = |index: u32| {
            let config = ReplicaConfig { place: SubnetPlace { index, subnets }, ..config.clone() };
            Replica::new(config).map_err(|source| NetworkError { index, source })
        };
        // Also no subnet at all is refused.
        let subnets = (0..subnets.max(1)).map(start).collect::<Result<_, _>>()?;
        Ok(Self { subnets, streams: VecDeque::new(), rounds: 0, clock: config.clock })
    }

    /// How many subnets there are.
    pub fn len(&self) -> usize {
        self.subnets.len()
    }

    /// Whether there is none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.subnets.is_empty()
    }

    /// The subnet of this number; the root is 0.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn subnet(&mut self, index: usize) -> &mut Replica {
        &mut self.subnets[index]
    }

    /// The subnet that has this canister id; the root for ids that none has.
    pub fn host(&mut self, canister: Principal) -> &mut Replica {
        let index = self.subnets[0].subnet.topology.subnet_of(canister).unwrap_or(0);
        &mut self.subnets[index]
    }

    /// How many rounds there have been.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Moves the time of all subnets forward.
    pub fn advance_time(&mut self, by: Duration) {
        self.subnets.iter_mut().for_each(|subnet| subnet.advance_time(by));
    }

    /// Executes a message on every subnet that has one; when none has, ends the round and begins the next. Whether
    /// anything happened.
    pub(crate) fn step(&mut self) -> bool {
        let mut executed = false;
        for subnet in &mut self.subnets {
            executed |= matches!(subnet.step(), Step::Executed(_));
        }
        if executed || self.subnets.len() == 1 {
            return executed;
        }
        self.end_round();
        let is_under_way = !self.streams.is_empty();
        if is_under_way {
            self.begin_round();
        }
        is_under_way
    }

    /// Keeps the state, where it is kept on disk.
    pub(crate) fn keep(&mut self) -> Result<(), StateError> {
        self.subnets.iter_mut().try_for_each(Replica::keep)
    }

    /// Whether the state is kept on disk.
    pub(crate) fn is_kept(&self) -> bool {
        self.subnets.iter().any(Replica::is_kept)
    }

    /// Brings the messages that are due, lets every subnet execute what it has, and takes what they send. Whether
    /// anything is under way afterwards.
    pub fn round(&mut self) -> bool {
        self.begin_round();
        self.subnets.iter_mut().for_each(Replica::run_until_idle);
        self.end_round();
        !self.streams.is_empty()
    }

    fn begin_round(&mut self) {
        self.rounds += 1;
        if self.clock == Clock::Manual {
            self.advance_time(ROUND_TIME);
        }
        while let Some(due) = self.streams.pop_front_if(|next| next.round <= self.rounds) {
            self.subnets[due.to].induct(due.message);
        }
    }

    fn end_round(&mut self) {
        let round = self.rounds + STREAM_ROUNDS;
        for subnet in &mut self.subnets {
            let sent = subnet.take_outgoing().into_iter();
            self.streams.extend(sent.map(|(to, message)| InTransit { round, to, message }));
        }
    }

    /// Makes rounds until nothing is under way. Timers that are not yet due stay; so do calls that wait for time to
    /// pass.
    pub fn run_until_idle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            if !self.round() {
                return;
            }
        }
    }

    /// Submits an update call and makes rounds until it is answered. No signature is needed.
    ///
    /// # Errors
    /// The reject; also when the call waits for time that does not pass, with code `SysUnknown`.
    pub fn call(&mut self, sender: Principal, canister: Principal, method: &str, arg: Vec<u8>) -> CallResult {
        let request = self.host(canister).begin_call(sender, canister, method, arg)?;
        while self.round() && self.is_open(canister, &request) {}
        self.host(canister).end_call(&request, method)
    }

    fn is_open(&mut self, canister: Principal, request: &RequestId) -> bool {
        let status = self.host(canister).ingress_status(request);
        matches!(status, Some(IngressStatus::Received | IngressStatus::Processing))
    }
}

impl From<Replica> for Network {
    /// A network of this one subnet.
    fn from(replica: Replica) -> Self {
        let clock = if replica.clock.follows_the_world() { Clock::Wall } else { Clock::Manual };
        Self { subnets: vec![replica], streams: VecDeque::new(), rounds: 0, clock }
    }
}
