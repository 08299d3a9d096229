//! The fault switch: outcalls that go wrong on demand, in the ways that the network allows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ic_management_canister_types::{HttpMethod, HttpRequestArgs};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Position of a node in the subnet, from 0.
pub type NodeIndex = u32;

/// The answer that a lying node makes up instead of sending the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lie {
    /// HTTP status that the node reports.
    pub status: u16,
    /// Body that the node reports; no headers.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// One way in which an outcall goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Every request is really sent and processed; the answer never reaches the subnet.
    AnswerDropped,
    /// Every sending node sends twice and reports the second answer.
    SentTwice,
    /// Every sending node reports this without sending anything.
    NodeLies(Lie),
    /// The listed nodes report these without sending; the others are honest. A non-replicated call
    /// is affected only when the node drawn for it is listed.
    NodesLie(BTreeMap<NodeIndex, Lie>),
    /// Nothing is sent and no answer comes.
    TimeoutBeforeSending,
}

/// Which calls a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Any call.
    AnyCall,
    /// Calls of one HTTP method, so that a publish can be hit and its read-back left alone.
    Method(HttpMethod),
}

impl Target {
    fn matches(self, args: &HttpRequestArgs) -> bool {
        match self {
            Self::AnyCall => true,
            Self::Method(method) => args.method == method,
        }
    }
}

/// A handle to the faults to come. Clones share the same switch, so that a test keeps one while the
/// replica owns the other.
#[derive(Clone, Debug, Default)]
pub struct FaultSwitch {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    once: VecDeque<(Target, Fault)>,
    standing: Vec<(Target, Fault)>,
}

impl FaultSwitch {
    /// Lets the next call that matches go wrong, once. Faults queue up in the order given.
    pub fn next(&self, target: Target, fault: Fault) {
        self.plan.lock().once.push_back((target, fault));
    }

    /// Lets every call that matches go wrong until [`FaultSwitch::clear`]. One-time faults go first;
    /// of several standing ones the earliest that matches counts.
    pub fn until_cleared(&self, target: Target, fault: Fault) {
        self.plan.lock().standing.push((target, fault));
    }

    /// Forgets all faults, one-time and standing. Calls already under way keep theirs.
    pub fn clear(&self) {
        *self.plan.lock() = Plan::default();
    }

    /// The fault of this call, if any; a one-time fault is used up.
    pub(super) fn take(&self, args: &HttpRequestArgs) -> Option<Fault> {
        let mut plan = self.plan.lock();
        if let Some(position) = plan.once.iter().position(|(target, _)| target.matches(args)) {
            return plan.once.remove(position).map(|(_, fault)| fault);
        }
        plan.standing.iter().find(|(target, _)| target.matches(args)).map(|(_, fault)| fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: HttpMethod) -> HttpRequestArgs {
        HttpRequestArgs { method, ..Default::default() }
    }

    #[test]
    fn should_use_up_a_fault_when_it_was_meant_for_the_next_call() {
        let switch = FaultSwitch::default();
        switch.next(Target::Method(HttpMethod::PUT), Fault::AnswerDropped);
        assert_eq!(switch.take(&call(HttpMethod::GET)), None);
        assert_eq!(switch.take(&call(HttpMethod::PUT)), Some(Fault::AnswerDropped));
        assert_eq!(switch.take(&call(HttpMethod::PUT)), None);
    }

    #[test]
    fn should_keep_a_standing_fault_until_it_is_cleared() {
        let switch = FaultSwitch::default();
        switch.until_cleared(Target::AnyCall, Fault::SentTwice);
        switch.clone().next(Target::AnyCall, Fault::AnswerDropped);
        assert_eq!(switch.take(&call(HttpMethod::GET)), Some(Fault::AnswerDropped));
        assert_eq!(switch.take(&call(HttpMethod::GET)), Some(Fault::SentTwice));
        assert_eq!(switch.take(&call(HttpMethod::POST)), Some(Fault::SentTwice));
        switch.clear();
        assert_eq!(switch.take(&call(HttpMethod::GET)), None);
    }
}
