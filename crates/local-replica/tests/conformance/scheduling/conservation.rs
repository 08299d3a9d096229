//! Abstract behavior › Cycle bookkeeping and resource consumption

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use candid::Principal;
use local_replica::cycles::Prices;
use local_replica::scheduler::{Origin, QueuedMessage, Request};
use local_replica::{IngressStatus, RequestId, Step};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::canisters::{Caller, Subnet, callee, canister_importing};

const BURNED: u128 = 123_456;

fn burning() -> Vec<u8> {
    canister_importing(
        r#"(import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))"#,
        &format!(
            r#"(func (export "canister_update call")
                 (call $burn (i64.const 0) (i64.const {BURNED}) (i32.const 48)) (call $msg_reply))"#
        ),
    )
}

/// All cycles there are: in balances, set aside for responses, attached to open calls, on their way.
fn total(subnet: &Subnet) -> u128 {
    let view = subnet.replica.view();
    let held: u128 = view
        .canisters()
        .map(|canister| {
            canister.balance_cycles
                + canister.open_calls.prepaid_cycles()
                + canister.open_calls.available_cycles()
        })
        .sum();
    let travelling: u128 = view
        .queue()
        .map(|message| match message {
            QueuedMessage::Request(request) => request.cycles,
            QueuedMessage::Response(response) => response.refund_cycles,
            QueuedMessage::Task(..) => 0,
        })
        .sum();
    held + travelling
}

/// A random run over canisters that call each other in all ways, with the fees computed beside it.
struct Run {
    subnet: Subnet,
    prices: Prices,
    burner: Principal,
    callees: Vec<Principal>,
    callers: Vec<Principal>,
    /// What executions were charged for, as reported.
    executions: Arc<AtomicU64>,
}

impl Run {
    fn new() -> Self {
        let mut subnet = Subnet::new();
        let mut callers = Vec::new();
        for method in ["reply", "reject", "trap", "silent", "accept300", "missing"] {
            let cycles = 1_000_000;
            let plain = Caller { method, cycles, payload: vec![1; 77], ..Caller::default() };
            let trapping = Caller {
                method,
                cycles,
                on_reply: "(call $fail)",
                on_reject: "(call $fail)",
                on_cleanup: Some("(call $bump (i32.const 1))"),
                ..Caller::default()
            };
            let early = Caller {
                method,
                cycles,
                before: "(call $msg_reply)",
                on_reply: "",
                on_reject: "",
                ..Caller::default()
            };
            callers.extend([plain, trapping, early].map(|caller| subnet.install(&caller.wasm())));
        }
        let callees = vec![subnet.install(&callee()), subnet.install(&callee())];
        let burner = subnet.install(&burning());
        let executions = Arc::new(AtomicU64::new(0));
        let sum = executions.clone();
        subnet.replica.observe(Box::new(move |report, _| {
            let charged = u64::try_from(report.cycles_charged).expect("far less than 2^64");
            sum.fetch_add(charged, Ordering::Relaxed);
        }));
        Self { subnet, prices: Prices::new(13), burner, callees, callers, executions }
    }

    fn submit(&mut self, random: &mut ChaCha20Rng) {
        if random.gen_bool(0.1) {
            self.subnet.submit(self.burner, "call", b"");
            return;
        }
        let id = self.callers[random.gen_range(0..self.callers.len())];
        let other = match random.gen_range(0..4) {
            0 => id,
            1 => Principal::from_slice(&[0, 0, 0, 0, 0, 0x77, 0, 0, 1, 1]),
            _ => self.callees[random.gen_range(0..self.callees.len())],
        };
        self.subnet.submit(id, "call", other.as_slice());
    }

    /// The fees of the message at the front of the queue that do not depend on its execution.
    fn fees_of_front(&self) -> u128 {
        let view = self.subnet.replica.view();
        match view.queue().next() {
            Some(QueuedMessage::Request(request)) => {
                let received = match request.origin {
                    Origin::Ingress(_) => self.prices.ingress(request.method.len() + request.arg.len()),
                    Origin::Canister { .. } | Origin::System => 0,
                };
                let exists = view
                    .canister(request.to)
                    .and_then(|canister| canister.module())
                    .map(|module| module.exports(&format!("canister_update {}", request.method)));
                let looked_for = if exists == Some(false) { self.prices.execution(0) } else { 0 };
                let burned = if request.to == self.burner { BURNED } else { 0 };
                received + looked_for + burned
            }
            Some(QueuedMessage::Response(response)) => {
                let bytes = response.result.as_ref().map_or_else(|reject| reject.message.len(), Vec::len);
                self.prices.response_transmission(bytes)
            }
            Some(QueuedMessage::Task(..)) | None => 0,
        }
    }

    /// What sending the newest calls in the queue costs.
    fn fees_of_calls(&self, calls: usize) -> u128 {
        let view = self.subnet.replica.view();
        let sent: Vec<_> = view
            .queue()
            .filter_map(|message| match message {
                QueuedMessage::Request(request) if matches!(request.origin, Origin::Canister { .. }) => {
                    Some((request.method.len() + request.arg.len()) as u64)
                }
                _ => None,
            })
            .collect();
        sent.iter().rev().take(calls).map(|bytes| self.prices.request_transmission(*bytes)).sum()
    }

    /// The user's message at the front of the queue.
    fn ingress_at_front(&self) -> Option<RequestId> {
        match self.subnet.replica.view().queue().next()? {
            QueuedMessage::Request(Request { origin: Origin::Ingress(id), .. }) => Some(*id),
            _ => None,
        }
    }

    fn has_expired(&self, id: &RequestId) -> bool {
        let status = self.subnet.replica.ingress_status(id);
        matches!(status, Some(IngressStatus::Rejected(reject)) if reject.error_code.as_deref() == Some("IC0202"))
    }

    fn step(&mut self) {
        let before = total(&self.subnet);
        let mut fees = self.fees_of_front();
        let ingress = self.ingress_at_front();
        self.executions.store(0, Ordering::Relaxed);
        let Step::Executed(report) = self.subnet.replica.step() else {
            assert_eq!(total(&self.subnet), before, "nothing was executed");
            return;
        };
        // A message that is not begun costs nothing.
        if ingress.is_some_and(|id| self.has_expired(&id)) {
            fees = 0;
        }
        let executions = u128::from(self.executions.load(Ordering::Relaxed));
        let calls = self.fees_of_calls(report.calls);
        assert_eq!(
            before - total(&self.subnet),
            fees + executions + calls,
            "{:?}: {fees} fees, {executions} for executions, {calls} for calls",
            report.entry
        );
    }

    fn let_time_pass(&mut self, seconds: u64) {
        let before = total(&self.subnet);
        let held: u128 = self
            .subnet
            .replica
            .view()
            .canisters()
            .map(|canister| canister.idle_cycles(self.prices, u128::from(seconds) * 1_000_000_000))
            .sum();
        self.subnet.replica.advance_time(Duration::from_secs(seconds));
        assert_eq!(before - total(&self.subnet), held);
    }
}

/// No cycle appears or vanishes: what all canisters, calls and messages hold together falls with each
/// message by exactly its execution, its transmission and reception fees and what it burned, and as time
/// passes by exactly what storage costs.
#[test]
fn should_lose_cycles_to_named_fees_only() {
    let mut random = ChaCha20Rng::seed_from_u64(4);
    let mut run = Run::new();
    for _ in 0..150 {
        run.submit(&mut random);
        for _ in 0..random.gen_range(0..6) {
            run.step();
        }
        if random.gen_bool(0.2) {
            run.let_time_pass(random.gen_range(1..100_000));
        }
    }
    for _ in 0..2_000 {
        run.step();
    }
    assert_eq!(run.subnet.replica.queued_messages(), 0);
}
