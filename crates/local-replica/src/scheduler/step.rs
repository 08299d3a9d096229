//! The loop: one message at a time.

use std::time::{Duration, Instant};

use super::QueuedMessage;
use crate::message::Step;
use crate::outcalls::tolerated_faults;
use crate::replica::Replica;

/// How long [`Replica::run_until_idle`] waits for one outcall at most; the network gives up after
/// 60 seconds.
const OUTCALL_PATIENCE: Duration = Duration::from_secs(90);
/// How many messages [`Replica::run_until_idle`] executes at most.
const MAX_MESSAGES: usize = 1_000_000;
/// How often resources are charged for while messages are executed.
const RESOURCE_PAYMENT_INTERVAL_NS: u64 = 10_000_000_000;

impl Replica {
    /// Executes exactly one message, after collecting answered outcalls, passed deadlines and due
    /// tasks. A callback that traps is one message with its cleanup.
    ///
    /// With [`crate::Clock::Manual`] answers of outcalls come in only when nothing else is left to
    /// execute, all together and in the order of the calls: a run does not depend on how fast servers are.
    pub fn step(&mut self) -> Step {
        if self.faults().down().len() > tolerated_faults(self.node_count()) as usize {
            // Too few nodes for consensus: the subnet stands still, and so does its time.
            return Step::Idle;
        }
        self.refresh_clock();
        self.pay_for_resources(RESOURCE_PAYMENT_INTERVAL_NS);
        let follows_the_world = self.clock.follows_the_world();
        if follows_the_world {
            self.collect_outcalls(None);
        }
        self.serve_awaiting_shares();
        self.expire_callbacks();
        self.expire_stop_requests();
        self.enqueue_due_tasks();
        if !follows_the_world && self.queue.is_empty() {
            self.collect_outcalls(None);
        }
        while let Some(message) = self.queue.pop_front() {
            let report = match message {
                QueuedMessage::Request(request) => self.deliver_request(request),
                QueuedMessage::Response(response) => self.deliver_response(response),
                QueuedMessage::Task(canister, task) => self.deliver_task(canister, task),
            };
            if let Some(report) = report {
                self.counters.count(&report);
                return Step::Executed(report);
            }
        }
        if self.outcalls().is_sending() { Step::WaitingForOutcall } else { Step::Idle }
    }

    /// Waits until no node is sending an outcall any more. With a clock that tests move, a run that does
    /// so before every step does not depend on how fast servers are. Answers that wait for time to pass
    /// are not waited for.
    pub fn await_outcalls(&mut self) {
        let since = Instant::now();
        while self.outcalls().is_sending() {
            let left = OUTCALL_PATIENCE.saturating_sub(since.elapsed());
            if left.is_zero() {
                return;
            }
            self.collect_outcalls(Some(left));
        }
    }

    /// Executes messages until none is left, waiting for outcalls under way. Timers that are not
    /// yet due stay; so do calls that wait for time to pass.
    pub fn run_until_idle(&mut self) {
        self.run_while(|_| true);
    }

    /// Like [`Replica::run_until_idle`], but stops as soon as `wanted` says no.
    pub(crate) fn run_while(&mut self, wanted: impl Fn(&Self) -> bool) {
        let mut waiting_since = None;
        for _ in 0..MAX_MESSAGES {
            if !wanted(self) {
                return;
            }
            match self.step() {
                Step::Executed(_) => waiting_since = None,
                Step::Idle => return,
                Step::WaitingForOutcall => {
                    let since = *waiting_since.get_or_insert_with(Instant::now);
                    let left = OUTCALL_PATIENCE.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        return;
                    }
                    self.collect_outcalls(Some(left));
                }
            }
        }
    }

    /// Charges for what canisters hold; those that cannot pay lose their code.
    pub(crate) fn pay_for_resources(&mut self, interval_ns: u64) {
        let time_ns = self.time_ns();
        let prices = self.subnet.prices;
        let mut exhausted = Vec::new();
        for canister in self.canisters.values_mut() {
            if time_ns.saturating_sub(canister.paid_until_ns) >= interval_ns
                && !canister.pay_for_resources(prices, time_ns)
            {
                canister.give_up_allocations();
                exhausted.push(canister.id);
            }
        }
        for id in exhausted {
            self.remove_code(id);
        }
    }
}
