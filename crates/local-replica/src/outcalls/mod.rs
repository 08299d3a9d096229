//! HTTPS outcalls: `http_request` of the management canister.
//!
//! A replicated call is really sent by every node, each answer goes through the canister's
//! transform, and enough byte-equal results make the answer. A non-replicated call is sent by one
//! node drawn for it, whose word is taken. Requests go to loopback servers only, by [`Routes`];
//! [`FaultSwitch`] makes them go wrong on demand.
//!
//! ```text
//! start: checks, price, faults ──▶ workers: each node sends ──▶ finished ──▶ settle: transform, agree, refund
//! ```

mod adapter;
mod consensus;
mod faults;
mod pricing;
mod request;
mod routes;
mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use candid::{Encode, Principal};
use ic_management_canister_types::{HttpRequestArgs, HttpRequestResult, TransformContext};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

pub use self::faults::{Fault, FaultSwitch, Lie, NodeIndex, Target};
pub use self::pricing::{CostParams, CostParamsError, Replication, cost_v1, cost_v2};
pub use self::request::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
pub use self::routes::{RouteError, Routes};

use self::adapter::{Exchange, Failure, NodeRequest};
use self::consensus::{Agreement, Share};
use self::pricing::{Funding, MAX_ROUNDTRIP};
use self::workers::Workers;
use crate::message::{CallResult, Reject};

/// Names one outcall; chosen by whoever starts it, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutcallId(pub u64);

/// A canister's call of `http_request`.
#[derive(Clone, Debug)]
pub struct OutcallRequest {
    /// Names the call until it is settled.
    pub id: OutcallId,
    /// The canister that calls, and the only one whose transform may be named.
    pub caller: Principal,
    /// The argument of the call.
    pub args: HttpRequestArgs,
    /// Cycles attached to the call.
    pub cycles: u128,
    /// The subnet's time, in nanoseconds; quoted in reject messages only.
    pub time_ns: u64,
}

/// What the canister gets, and what it paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Candid bytes of `http_request_result`, or the reject.
    pub response: CallResult,
    /// Cycles kept.
    pub charged: u128,
    /// Cycles that come back; with `charged` it makes the cycles attached.
    pub refund: u128,
}

/// Runs the canister's transform on one node's answer: the result, and the instructions used.
pub type Transform<'a> = dyn FnMut(NodeIndex, &TransformContext, HttpRequestResult) -> Result<(HttpRequestResult, u64), Reject>
    + 'a;

/// The answers of all nodes that were to send, ready to be settled.
#[derive(Debug)]
pub struct NodeAnswers {
    call: Arc<Call>,
    answers: BTreeMap<NodeIndex, Exchange>,
}

impl NodeAnswers {
    /// The slowest node's time from sending to having the whole answer.
    pub fn roundtrip(&self) -> Duration {
        self.answers.values().map(|exchange| exchange.elapsed).max().unwrap_or_default()
    }
}

/// What all nodes of one call share.
#[derive(Debug)]
struct Call {
    id: OutcallId,
    transform: Option<TransformContext>,
    funding: Funding,
    replication: Replication,
    timeout_ns: u64,
    fault: Option<Fault>,
    request: NodeRequest,
}

struct Flight {
    call: Arc<Call>,
    senders: usize,
    answers: BTreeMap<NodeIndex, Exchange>,
}

/// The outcalls of one subnet: those under way, and what starts the next.
pub struct Outcalls {
    routes: Routes,
    nodes: u32,
    faults: FaultSwitch,
    delegates: ChaCha20Rng,
    workers: Workers,
    flights: BTreeMap<OutcallId, Flight>,
    report: Sender<(OutcallId, NodeIndex, Exchange)>,
    reports: Receiver<(OutcallId, NodeIndex, Exchange)>,
}

impl Outcalls {
    /// The outcalls of a subnet of `nodes` nodes, at least one.
    pub fn new(routes: Routes, nodes: u32, faults: FaultSwitch) -> Self {
        let (report, reports) = channel();
        Self {
            routes,
            nodes: nodes.max(1),
            faults,
            delegates: ChaCha20Rng::seed_from_u64(0),
            workers: Workers::new(),
            flights: BTreeMap::new(),
            report,
            reports,
        }
    }

    /// Draws the nodes of non-replicated calls from this seed instead of 0.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.delegates = ChaCha20Rng::seed_from_u64(seed);
        self
    }

    /// Checks and prices a call, then lets its nodes send. Returns without waiting for them.
    ///
    /// # Errors
    /// The network's reject for a request that may not be sent. Nothing was sent then, and all
    /// cycles attached belong to the caller.
    pub fn start(&mut self, outcall: OutcallRequest) -> Result<(), Reject> {
        let OutcallRequest { id, caller, args, cycles, time_ns } = outcall;
        let url = request::check(&args, caller)?;
        let funding = Funding::new(self.nodes, &args, cycles)?;
        let fault = self.faults.take(&args);
        let replication = Replication::of(&args);
        let asked_bytes = args.max_response_bytes.unwrap_or(MAX_RESPONSE_BYTES);
        let call = Arc::new(Call {
            id,
            transform: args.transform,
            funding,
            replication,
            timeout_ns: time_ns.saturating_add(MAX_ROUNDTRIP.as_nanos() as u64),
            fault,
            request: NodeRequest {
                method: args.method,
                authority: routes::authority(&url).unwrap_or_default(),
                target: self.routes.resolve(&url),
                headers: args.headers,
                body: args.body.unwrap_or_default(),
                max_response_bytes: funding.affordable_response_bytes(asked_bytes),
                deadline: Instant::now() + MAX_ROUNDTRIP,
            },
        });
        let senders = match replication {
            Replication::Full => 0..self.nodes,
            Replication::Single => {
                let drawn = self.delegates.gen_range(0..self.nodes);
                drawn..drawn + 1
            }
        };
        let flight = Flight { call: Arc::clone(&call), senders: senders.len(), answers: BTreeMap::new() };
        self.flights.insert(id, flight);
        self.workers.prepare(self.flights.values().map(|flight| flight.senders).sum());
        for node in senders {
            let (call, report) = (Arc::clone(&call), self.report.clone());
            self.workers.submit(move || {
                // Nobody listens any more when the replica is gone.
                let _ = report.send((call.id, node, answer_of(&call, node)));
            });
        }
        Ok(())
    }

    /// The calls whose nodes have all answered or given up, in the order of their ids.
    ///
    /// With `wait`, blocks for at most that long until there is one; returns at once when nothing is
    /// in flight.
    pub fn finished(&mut self, wait: Option<Duration>) -> Vec<(OutcallId, NodeAnswers)> {
        let give_up = wait.map(|wait| Instant::now() + wait);
        loop {
            while let Ok(report) = self.reports.try_recv() {
                self.note(report);
            }
            let done: Vec<OutcallId> = self
                .flights
                .iter()
                .filter(|(_, flight)| flight.answers.len() == flight.senders)
                .map(|(id, _)| *id)
                .collect();
            let time_left = give_up.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
            if !done.is_empty() || self.flights.is_empty() || time_left.is_zero() {
                return done.into_iter().filter_map(|id| self.land(id)).collect();
            }
            if let Ok(report) = self.reports.recv_timeout(time_left) {
                self.note(report);
            }
        }
    }

    /// How many calls are started and not yet returned by [`Outcalls::finished`].
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Makes one answer of the nodes' answers: transforms each, finds agreement, closes the bill.
    pub fn settle(&mut self, answers: NodeAnswers, transform: &mut Transform<'_>) -> Settled {
        let NodeAnswers { call, answers } = answers;
        let mut shares: Vec<Share> = Vec::with_capacity(answers.len());
        let mut spent: Vec<u128> = Vec::with_capacity(answers.len());
        for (node, exchange) in answers {
            let (share, cycles) = share_of(&call, node, exchange, transform);
            shares.push(share);
            spent.push(cycles);
        }
        let needed = match call.replication {
            Replication::Full => consensus::threshold(self.nodes) as usize,
            Replication::Single => 1,
        };
        let mut used: u128 = spent.iter().sum();
        let response = match consensus::agree(&shares, needed, call.id, call.timeout_ns) {
            Agreement::Reached { content, contributors } => {
                let delivered_bytes = delivered_bytes(&content);
                let spent: Vec<u128> = contributors.iter().map(|position| spent[*position]).collect();
                if call.funding.affords_delivery(&spent, delivered_bytes) {
                    used += pricing::delivery_fee(self.nodes, delivered_bytes);
                    content
                } else {
                    Err(request::canister_reject("Out of cycles".to_string()))
                }
            }
            Agreement::Diverged(reject) | Agreement::TimedOut(reject) => Err(reject),
        };
        let (charged, refund) = call.funding.close(used);
        Settled { response, charged, refund }
    }

    fn note(&mut self, (id, node, exchange): (OutcallId, NodeIndex, Exchange)) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.answers.insert(node, exchange);
        }
    }

    fn land(&mut self, id: OutcallId) -> Option<(OutcallId, NodeAnswers)> {
        let flight = self.flights.remove(&id)?;
        Some((id, NodeAnswers { call: flight.call, answers: flight.answers }))
    }
}

/// What a node has to report, with the call's fault taking effect.
fn answer_of(call: &Call, node: NodeIndex) -> Exchange {
    let lie = match &call.fault {
        Some(Fault::NodeLies(lie)) => Some(lie),
        Some(Fault::NodesLie(lies)) => lies.get(&node),
        _ => None,
    };
    match (&call.fault, lie) {
        (_, Some(lie)) => without_sending(Ok(HttpRequestResult {
            status: lie.status.into(),
            headers: Vec::new(),
            body: lie.body.clone(),
        })),
        (Some(Fault::TimeoutBeforeSending), _) => without_sending(Err(Failure::Silent)),
        (Some(Fault::AnswerDropped), _) => {
            let sent = adapter::send(&call.request);
            Exchange { outcome: Err(Failure::Silent), ..sent }
        }
        (Some(Fault::SentTwice), _) => {
            adapter::send(&call.request);
            adapter::send(&call.request)
        }
        _ => adapter::send(&call.request),
    }
}

fn without_sending(outcome: Result<HttpRequestResult, Failure>) -> Exchange {
    Exchange { outcome, downloaded_bytes: 0, elapsed: Duration::ZERO }
}

/// One node's share after its transform, and the cycles that the node used.
fn share_of(
    call: &Call,
    node: NodeIndex,
    exchange: Exchange,
    transform: &mut Transform<'_>,
) -> (Share, u128) {
    let mut meter = call.funding.meter();
    let content = match exchange.outcome {
        Err(Failure::Silent) => return (None, call.funding.forfeited()),
        _ if meter.network(exchange.downloaded_bytes, exchange.elapsed).is_err() => {
            Err(insufficient_cycles())
        }
        Err(Failure::Rejected(reject)) => Err(reject),
        Ok(answer) => transformed(call, node, answer, &mut meter, transform),
    };
    let content = match meter.gossip(delivered_bytes(&content)) {
        Ok(()) => content,
        Err(pricing::OutOfBudget) => Err(insufficient_cycles()),
    };
    (Some(content), meter.spent())
}

fn transformed(
    call: &Call,
    node: NodeIndex,
    answer: HttpRequestResult,
    meter: &mut pricing::Meter,
    transform: &mut Transform<'_>,
) -> CallResult {
    let Some(context) = &call.transform else {
        return encode(&answer);
    };
    let (result, instructions) = transform(node, context, answer)?;
    meter.transform(instructions).map_err(|pricing::OutOfBudget| insufficient_cycles())?;
    let bytes = encode(&result)?;
    let limit = call.request.max_response_bytes;
    if bytes.len() as u64 > limit {
        return Err(request::fatal(format!("Transformed http response exceeds limit: {limit}")));
    }
    Ok(bytes)
}

fn encode(result: &HttpRequestResult) -> CallResult {
    Encode!(result).map_err(|error| {
        request::fatal(format!("Failed to parse adapter http response to 'http_response' candid: {error}"))
    })
}

fn delivered_bytes(content: &CallResult) -> u64 {
    match content {
        Ok(bytes) => bytes.len() as u64,
        Err(reject) => reject.message.len() as u64,
    }
}

fn insufficient_cycles() -> Reject {
    request::canister_reject("Insufficient cycles".to_string())
}
