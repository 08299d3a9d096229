//! One call from its start until nothing more can come of it: who still sends, who holds an answer
//! back, what was reported, and what follows from it.

use std::collections::BTreeMap;

use candid::Principal;

use super::adapter::Exchange;
use super::call::{OutcallEvent, OutcallUnderWay, Settled};
use super::consensus::{self, Quorum, Verdict};
use super::faults::{Fault, NodeIndex};
use super::flexible::{self, Committee};
use super::pricing::MAX_ROUNDTRIP;
use super::replication::Replication;
use super::share::{Share, ShareRules, Transform};

/// The moment at which a flight is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now_ns: u64,
    /// How often the fault switch has released answers that are held back.
    pub(super) releases: u64,
}

/// When an answer that is held back may be reported.
#[derive(Clone, Copy, Debug)]
enum Hold {
    UntilTime(u64),
    /// Until there are more releases than this.
    UntilReleased(u64),
}

impl Hold {
    fn is_over(self, moment: Moment) -> bool {
        match self {
            Self::UntilTime(time_ns) => moment.now_ns >= time_ns,
            Self::UntilReleased(releases) => moment.releases > releases,
        }
    }
}

pub(super) struct Flight {
    pub(super) call: OutcallUnderWay,
    pub(super) replication: Replication,
    pub(super) rules: ShareRules,
    /// How many nodes are to send.
    committee_size: usize,
    releases_at_start: u64,
    /// Tells this launch of the call from others of the same call.
    pub(super) launch: u64,
    /// Nodes that really send at this moment.
    pub(super) sending: usize,
    held: Vec<(Hold, NodeIndex, Exchange)>,
    arrived: BTreeMap<NodeIndex, Exchange>,
    shares: BTreeMap<NodeIndex, Share>,
    is_settled: bool,
}

impl Flight {
    pub(super) fn new(
        call: OutcallUnderWay,
        replication: Replication,
        rules: ShareRules,
        committee_size: usize,
        releases: u64,
        launch: u64,
    ) -> Self {
        Self {
            call,
            replication,
            rules,
            committee_size,
            releases_at_start: releases,
            launch,
            sending: 0,
            held: Vec::new(),
            arrived: BTreeMap::new(),
            shares: BTreeMap::new(),
            is_settled: false,
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// The last moment at which reports count, in nanoseconds.
    pub(super) fn timeout_ns(&self) -> u64 {
        self.call.request.time_ns.saturating_add(MAX_ROUNDTRIP.as_nanos() as u64)
    }

    /// Takes what a node really got, or made up; its fault decides what becomes of it.
    pub(super) fn note(&mut self, node: NodeIndex, mut exchange: Exchange) {
        match self.call.faults.of(node) {
            Some(Fault::AnswerDropped) => {}
            Some(Fault::Late { by_ns }) => {
                let due_ns = self.call.request.time_ns.saturating_add(*by_ns);
                self.held.push((Hold::UntilTime(due_ns), node, exchange));
            }
            Some(Fault::HeldBack) => {
                self.held.push((Hold::UntilReleased(self.releases_at_start), node, exchange));
            }
            Some(Fault::Garbled) => {
                if let Ok(answer) = &mut exchange.outcome {
                    answer.body.iter_mut().for_each(|byte| *byte = !*byte);
                }
                self.arrived.insert(node, exchange);
            }
            Some(Fault::TimeoutBeforeSending | Fault::Resent(_) | Fault::NodeLies(_)) | None => {
                self.arrived.insert(node, exchange);
            }
        }
    }

    /// Makes shares of what arrived and draws the conclusions.
    pub(super) fn advance(
        &mut self,
        moment: Moment,
        node_ids: &[Principal],
        transform: &mut Transform<'_>,
        events: &mut Vec<OutcallEvent>,
    ) {
        for (_, node, exchange) in self.held.extract_if(.., |(hold, _, _)| hold.is_over(moment)) {
            self.arrived.insert(node, exchange);
        }
        let is_over = self.is_over(moment.now_ns);
        if self.arrived.is_empty() && !is_over {
            return;
        }
        let roundtrip_ms = moment.now_ns.saturating_sub(self.call.request.time_ns) / 1_000_000;
        for (node, exchange) in std::mem::take(&mut self.arrived) {
            if is_over {
                continue;
            }
            if let Some(share) = self.rules.share_of(node, exchange, roundtrip_ms, transform) {
                self.report(node, share, events);
            }
        }
        if self.is_settled {
            return;
        }
        let verdict = self.decide(node_ids).or_else(|| is_over.then(|| self.timed_out()));
        if let Some(verdict) = verdict {
            self.settle(verdict, events);
        }
    }

    /// Whether nothing more can come of the call.
    pub(super) fn is_spent(&self, moment: Moment) -> bool {
        let nothing_to_refund = self.rules.funding.allowance_per_sender().is_none();
        self.is_settled
            && (nothing_to_refund || self.is_over(moment.now_ns) || self.shares.len() == self.committee_size)
    }

    fn is_over(&self, now_ns: u64) -> bool {
        now_ns > self.timeout_ns()
    }

    fn report(&mut self, node: NodeIndex, share: Share, events: &mut Vec<OutcallEvent>) {
        if self.is_settled
            && let Some(allowance) = self.rules.funding.allowance_per_sender()
            && allowance > share.spent_cycles
        {
            let cycles = allowance - share.spent_cycles;
            events.push(OutcallEvent::Refunded { canister: self.rules.canister, cycles });
        }
        self.shares.insert(node, share);
    }

    fn decide(&self, node_ids: &[Principal]) -> Option<Verdict> {
        let nodes = node_ids.len() as u32;
        match self.replication {
            Replication::Flexible(counts) => {
                let committee = Committee { counts, node_ids, funding: &self.rules.funding };
                flexible::decide(&self.shares, committee)
            }
            Replication::Full | Replication::Single => {
                let quorum = Quorum {
                    nodes,
                    senders: self.replication.senders(nodes),
                    threshold: self.replication.threshold(nodes),
                };
                consensus::decide(self.shares.values(), quorum, &self.rules.funding, self.call.request.id)
            }
        }
    }

    fn timed_out(&self) -> Verdict {
        Verdict::without_delivery(match self.replication {
            Replication::Flexible(_) => flexible::timed_out(),
            Replication::Full | Replication::Single => Err(consensus::timed_out()),
        })
    }

    fn settle(&mut self, verdict: Verdict, events: &mut Vec<OutcallEvent>) {
        self.is_settled = true;
        let spent = self.shares.values().map(|share| share.spent_cycles).sum();
        let unreported = self.committee_size - self.shares.len();
        let (charged, refund) = self.rules.funding.close(spent, unreported, verdict.delivery_cycles);
        let settled = Settled { response: verdict.response, charged, refund };
        events.push(OutcallEvent::Settled(self.call.request.id, settled));
    }
}
