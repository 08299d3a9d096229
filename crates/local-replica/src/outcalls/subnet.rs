//! The outcalls of one subnet: those under way, and what starts the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::HttpRequestResult;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha20Rng;
use url::Url;

use super::adapter::{self, Exchange, NodeRequest};
use super::call::{OutcallEvent, OutcallId, OutcallRequest, OutcallUnderWay};
use super::faults::{Fault, FaultPlan, FaultSwitch, NodeIndex, Resent};
use super::flight::{Flight, Moment};
use super::pricing::Funding;
use super::replication::Replication;
use super::request::{self, MAX_RESPONSE_BYTES};
use super::routes::{self, Routes};
use super::senders::Senders;
use super::share::{ShareRules, Transform};
use crate::message::Reject;

/// How many outcalls of a subnet may be without an answer at a time.
pub const MAX_OUTCALLS_IN_FLIGHT: usize = 3_000;

/// When conclusions are drawn from what nodes report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At every report, as on the network: which nodes are heard depends on how fast servers are.
    Eager,
    /// When no node is sending any more, in the order of the calls: a run that waits for that before
    /// every step can be repeated exactly. Nodes that are dead, late or held back by a fault are not
    /// waited for.
    Lockstep,
}

/// The outcalls of one subnet.
pub struct Outcalls {
    routes: Routes,
    node_ids: Vec<Principal>,
    faults: FaultSwitch,
    pace: Pace,
    seed: u64,
    senders: Senders,
    flights: BTreeMap<OutcallId, Flight>,
    launches: u64,
    report: Sender<Report>,
    reports: Receiver<Report>,
}

/// What came of a node's sends.
struct Report {
    id: OutcallId,
    launch: u64,
    node: NodeIndex,
    exchange: Exchange,
}

impl Outcalls {
    /// The outcalls of a subnet of these nodes, at least one.
    pub fn new(routes: Routes, node_ids: Vec<Principal>, faults: FaultSwitch, pace: Pace) -> Self {
        let (report, reports) = channel();
        Self {
            routes,
            node_ids,
            faults,
            pace,
            seed: 0,
            senders: Senders::new(),
            flights: BTreeMap::new(),
            launches: 0,
            report,
            reports,
        }
    }

    /// Where calls go from now on; those under way keep their server.
    pub fn routes(&mut self) -> &mut Routes {
        &mut self.routes
    }

    /// Draws the nodes of non-replicated and flexible calls from this seed instead of 0.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks and prices a call, then lets its nodes send. Returns without waiting for them.
    ///
    /// # Errors
    /// The network's reject for a request that may not be sent. Nothing was sent then, and all
    /// cycles attached belong to the caller.
    pub fn start(&mut self, request: OutcallRequest) -> Result<(), Reject> {
        self.launch(request, None)
    }

    /// Lets the nodes of a call that was under way elsewhere, or before, send again.
    ///
    /// # Errors
    /// As [`Outcalls::start`], which has accepted the same call before.
    pub fn resume(&mut self, call: OutcallUnderWay) -> Result<(), Reject> {
        self.launch(call.request, Some(call.faults))
    }

    /// The calls without an answer, in the order of their ids: what [`Outcalls::resume`] takes.
    pub fn under_way(&self) -> impl Iterator<Item = &OutcallUnderWay> {
        self.flights.values().filter(|flight| !flight.is_settled()).map(|flight| &flight.call)
    }

    /// Forgets all calls, as a subnet does whose state is replaced by another. What their nodes are
    /// sending is still sent.
    pub fn forget_all(&mut self) {
        self.flights.clear();
    }

    /// Takes what nodes reported and draws the conclusions, at the subnet's time `now_ns`. Never waits.
    pub fn advance(&mut self, now_ns: u64, transform: &mut Transform<'_>) -> Vec<OutcallEvent> {
        while let Ok(report) = self.reports.try_recv() {
            self.note(report);
        }
        let moment = Moment { now_ns, releases: self.faults.releases() };
        let mut events = Vec::new();
        let is_time = self.pace == Pace::Eager || !self.is_sending();
        for flight in self.flights.values_mut() {
            if is_time || now_ns > flight.timeout_ns() {
                flight.advance(moment, &self.node_ids, transform, &mut events);
            }
        }
        self.flights.retain(|_, flight| !flight.is_spent(moment));
        events
    }

    /// Waits for the next report of a node, at most so long. Returns at once when no node is sending.
    pub fn wait(&mut self, at_most: Duration) {
        if self.is_sending()
            && let Ok(report) = self.reports.recv_timeout(at_most)
        {
            self.note(report);
        }
    }

    /// Whether a node of a call without an answer is really sending. When none is, only time or
    /// [`FaultSwitch::release`] brings the answers that are missing.
    pub fn is_sending(&self) -> bool {
        self.flights.values().any(|flight| !flight.is_settled() && flight.sending > 0)
    }

    /// How many calls are without an answer.
    pub fn in_flight(&self) -> usize {
        self.under_way().count()
    }

    fn launch(&mut self, request: OutcallRequest, faults: Option<FaultPlan>) -> Result<(), Reject> {
        let nodes = self.node_ids.len() as u32;
        let (args, replication) = request.args.clone().resolve(nodes)?;
        let url = request::check(&args, replication, request.caller)?;
        if self.in_flight() >= MAX_OUTCALLS_IN_FLIGHT {
            return Err(request::canister_reject(format!(
                "max number ({MAX_OUTCALLS_IN_FLIGHT}) of http requests in-flight reached."
            )));
        }
        let funding = Funding::new(nodes, replication, &args, request.cycles)?;
        let faults = faults.unwrap_or_else(|| self.faults.take(&args));
        let max_response_bytes =
            funding.affordable_response_bytes(args.max_response_bytes.unwrap_or(MAX_RESPONSE_BYTES));
        let rules =
            ShareRules { canister: request.caller, transform: args.transform, max_response_bytes, funding };
        let message = Arc::new(NodeRequest {
            method: args.method,
            host: url.host_str().unwrap_or_default().to_owned(),
            authority: routes::authority(&url).unwrap_or_default(),
            path_and_query: path_and_query(&url),
            target: self.routes.resolve(&url),
            headers: args.headers,
            body: args.body.unwrap_or_default().into(),
            max_response_bytes,
        });
        let committee = self.committee(request.id, replication);
        let id = request.id;
        let call = OutcallUnderWay { request, faults };
        self.launches += 1;
        let (releases, launch) = (self.faults.releases(), self.launches);
        let mut flight = Flight::new(call, replication, rules, committee.len(), releases, launch);
        for node in committee {
            self.dispatch(&mut flight, node, &message);
        }
        self.flights.insert(id, flight);
        Ok(())
    }

    /// Lets one node do its part, as its fault wants it.
    fn dispatch(&mut self, flight: &mut Flight, node: NodeIndex, message: &Arc<NodeRequest>) {
        let resent = match flight.call.faults.of(node) {
            Some(Fault::TimeoutBeforeSending) => return,
            Some(Fault::NodeLies(lie)) => {
                let answer = HttpRequestResult {
                    status: lie.status.into(),
                    headers: lie.headers.clone(),
                    body: lie.body.clone(),
                };
                flight.note(node, Exchange::without_sending(Ok(answer)));
                return;
            }
            Some(Fault::Resent(resent)) => *resent,
            Some(Fault::AnswerDropped | Fault::Garbled | Fault::Late { .. } | Fault::HeldBack) | None => {
                Resent::default()
            }
        };
        flight.sending += 1;
        let (message, report) = (Arc::clone(message), self.report.clone());
        let (id, launch) = (flight.call.request.id, flight.launch);
        self.senders.spawn(async move {
            let exchange = adapter::send(&message, resent).await;
            // Nobody listens any more when the replica is gone.
            let _ = report.send(Report { id, launch, node, exchange });
        });
    }

    /// The nodes that send, drawn from the seed and the call's id alone.
    fn committee(&self, id: OutcallId, replication: Replication) -> Vec<NodeIndex> {
        let nodes = self.node_ids.len();
        let senders = replication.senders(nodes as u32) as usize;
        if senders == nodes {
            return (0..nodes as u32).collect();
        }
        let mut random = ChaCha20Rng::seed_from_u64(self.seed);
        random.set_stream(id.0);
        let mut drawn: Vec<NodeIndex> =
            index::sample(&mut random, nodes, senders).into_iter().map(|node| node as u32).collect();
        drawn.sort_unstable();
        drawn
    }

    fn note(&mut self, report: Report) {
        // Who reports for a call that was forgotten is not heard, also when the call was made again.
        if let Some(flight) = self.flights.get_mut(&report.id).filter(|flight| flight.launch == report.launch)
        {
            flight.sending -= 1;
            flight.note(report.node, report.exchange);
        }
    }
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
