//! The fault switch: outcalls that go wrong on demand, in the ways that the network allows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ic_management_canister_types::{HttpHeader, HttpMethod, HttpRequestArgs};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::adapter::Fate;

/// Position of a node in the subnet, from 0.
pub type NodeIndex = u32;

/// The answer that a lying node makes up instead of sending the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lie {
    /// HTTP status that the node reports.
    pub status: u16,
    /// Headers that the node reports.
    #[serde(default)]
    pub headers: Vec<HttpHeader>,
    /// Body that the node reports.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// How often a node's sends fail before one is answered. A node sends three times at most: when all
/// three fail, it reports that it could not connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resent {
    /// So many sends fail first, before anything reaches the server.
    pub unsent: u8,
    /// So many sends then reach the server, which may process them, and their answers are lost.
    pub unanswered: u8,
}

impl Resent {
    /// What happens to the send with this number, from 0.
    pub(super) fn fate(self, number: u8) -> Fate {
        if number < self.unsent {
            Fate::Unsent
        } else if number < self.unsent.saturating_add(self.unanswered) {
            Fate::Unanswered
        } else {
            Fate::Undisturbed
        }
    }
}

/// One way in which a node goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The node is dead: it sends nothing and reports nothing.
    TimeoutBeforeSending,
    /// The node really sends, the server answers, and the subnet never hears of it.
    AnswerDropped,
    /// The node's first sends fail, so that it sends again.
    Resent(Resent),
    /// The node reports this without sending anything.
    NodeLies(Lie),
    /// The node really sends, and reports the answer with every byte of its body changed.
    Garbled,
    /// The node really sends, and reports the answer so long after the call was started, by the
    /// subnet's time.
    Late {
        /// Nanoseconds.
        by_ns: u64,
    },
    /// The node really sends, and reports the answer once [`FaultSwitch::release`] is called.
    HeldBack,
}

/// Which nodes a fault is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nodes {
    /// Every node that sends.
    Every,
    /// These, if they send: of a non-replicated or flexible call, only the nodes drawn do.
    Only(BTreeSet<NodeIndex>),
}

/// What goes wrong with one call: a fault for each node, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultPlan {
    faults: Vec<(Nodes, Fault)>,
}

impl FaultPlan {
    /// Adds a fault for these nodes. A node that is meant twice has the fault that was added first.
    pub fn on(mut self, nodes: impl IntoIterator<Item = NodeIndex>, fault: Fault) -> Self {
        self.faults.push((Nodes::Only(nodes.into_iter().collect()), fault));
        self
    }

    /// The fault of this node.
    pub(super) fn of(&self, node: NodeIndex) -> Option<&Fault> {
        let is_meant = |nodes: &Nodes| match nodes {
            Nodes::Every => true,
            Nodes::Only(nodes) => nodes.contains(&node),
        };
        self.faults.iter().find(|(nodes, _)| is_meant(nodes)).map(|(_, fault)| fault)
    }
}

impl From<Fault> for FaultPlan {
    /// The fault for every node that sends.
    fn from(fault: Fault) -> Self {
        Self { faults: vec![(Nodes::Every, fault)] }
    }
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
    settings: Arc<Mutex<Settings>>,
}

/// All that is to go wrong yet, to be kept and set again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFaults {
    down: BTreeSet<NodeIndex>,
    query_lies: BTreeMap<NodeIndex, ByteBuf>,
    once: VecDeque<(Target, FaultPlan)>,
    standing: Vec<(Target, FaultPlan)>,
}

#[derive(Debug, Default)]
struct Settings {
    planned: PlannedFaults,
    releases: u64,
}

impl FaultSwitch {
    /// Lets the next call that matches go wrong, once. Faults queue up in the order given.
    pub fn next(&self, target: Target, plan: impl Into<FaultPlan>) {
        self.settings.lock().planned.once.push_back((target, plan.into()));
    }

    /// Lets every call that matches go wrong until [`FaultSwitch::clear`]. One-time faults go first;
    /// of several standing ones the earliest that matches counts.
    pub fn until_cleared(&self, target: Target, plan: impl Into<FaultPlan>) {
        self.settings.lock().planned.standing.push((target, plan.into()));
    }

    /// Takes a node down, or up again, until this is called anew. A node that is down sends no
    /// outcalls, signs no answers of queries and gives no shares of threshold keys; when more nodes
    /// are down than the subnet tolerates, it stands still.
    pub fn set_down(&self, node: NodeIndex, is_down: bool) {
        let down = &mut self.settings.lock().planned.down;
        if is_down {
            down.insert(node);
        } else {
            down.remove(&node);
        }
    }

    /// The nodes that are down.
    pub fn down(&self) -> BTreeSet<NodeIndex> {
        self.settings.lock().planned.down.clone()
    }

    /// Lets a node answer every query with this reply, properly signed, whatever the canister said;
    /// `None` makes it honest again. One such node is enough to deceive who trusts queries.
    pub fn set_query_lie(&self, node: NodeIndex, reply: Option<Vec<u8>>) {
        let lies = &mut self.settings.lock().planned.query_lies;
        match reply {
            Some(reply) => lies.insert(node, ByteBuf::from(reply)),
            None => lies.remove(&node),
        };
    }

    /// What this node replies to every query, if it lies.
    pub fn query_lie(&self, node: NodeIndex) -> Option<Vec<u8>> {
        self.settings.lock().planned.query_lies.get(&node).map(|reply| reply.to_vec())
    }

    /// Forgets all faults, one-time and standing, and takes every node up. Calls already under way keep theirs.
    pub fn clear(&self) {
        self.plan(PlannedFaults::default());
    }

    /// The faults to come, one-time and standing.
    pub fn planned(&self) -> PlannedFaults {
        self.settings.lock().planned.clone()
    }

    /// Replaces all faults to come. Calls already under way keep theirs.
    pub fn plan(&self, planned: PlannedFaults) {
        self.settings.lock().planned = planned;
    }

    /// Lets every node that holds an answer back by [`Fault::HeldBack`] report it now.
    pub fn release(&self) {
        self.settings.lock().releases += 1;
    }

    /// How often [`FaultSwitch::release`] was called.
    pub(super) fn releases(&self) -> u64 {
        self.settings.lock().releases
    }

    /// What goes wrong with this call; a one-time plan is used up.
    pub(super) fn take(&self, args: &HttpRequestArgs) -> FaultPlan {
        let planned = &mut self.settings.lock().planned;
        let once = planned.once.iter().position(|(target, _)| target.matches(args));
        let found = match once.and_then(|position| planned.once.remove(position)) {
            Some((_, plan)) => plan,
            None => {
                let standing = planned.standing.iter().find(|(target, _)| target.matches(args));
                standing.map(|(_, plan)| plan.clone()).unwrap_or_default()
            }
        };
        if planned.down.is_empty() {
            return found;
        }
        let mut plan = FaultPlan::default().on(planned.down.iter().copied(), Fault::TimeoutBeforeSending);
        plan.faults.extend(found.faults);
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(switch: &FaultSwitch, method: HttpMethod) -> Option<Fault> {
        switch.take(&HttpRequestArgs { method, ..Default::default() }).of(3).cloned()
    }

    #[test]
    fn should_use_up_a_fault_when_it_was_meant_for_the_next_call() {
        let switch = FaultSwitch::default();
        switch.next(Target::Method(HttpMethod::PUT), Fault::AnswerDropped);
        assert_eq!(taken(&switch, HttpMethod::GET), None);
        assert_eq!(taken(&switch, HttpMethod::PUT), Some(Fault::AnswerDropped));
        assert_eq!(taken(&switch, HttpMethod::PUT), None);
    }

    #[test]
    fn should_keep_a_standing_fault_until_it_is_cleared() {
        let switch = FaultSwitch::default();
        switch.until_cleared(Target::AnyCall, Fault::Garbled);
        switch.clone().next(Target::AnyCall, Fault::AnswerDropped);
        assert_eq!(taken(&switch, HttpMethod::GET), Some(Fault::AnswerDropped));
        assert_eq!(taken(&switch, HttpMethod::GET), Some(Fault::Garbled));
        assert_eq!(taken(&switch, HttpMethod::POST), Some(Fault::Garbled));
        switch.clear();
        assert_eq!(taken(&switch, HttpMethod::GET), None);
    }

    #[test]
    fn should_come_back_to_the_faults_that_were_planned() {
        let switch = FaultSwitch::default();
        switch.next(Target::AnyCall, Fault::Garbled);
        let planned = switch.planned();
        assert_eq!(taken(&switch, HttpMethod::GET), Some(Fault::Garbled));
        switch.plan(planned);
        assert_eq!(taken(&switch, HttpMethod::GET), Some(Fault::Garbled));
    }

    #[test]
    fn should_give_each_node_the_first_fault_meant_for_it() {
        let plan = FaultPlan::default().on([1, 2], Fault::Garbled).on(2..4, Fault::HeldBack);
        let faults: Vec<_> = (0..5).map(|node| plan.of(node).cloned()).collect();
        let garbled = Some(Fault::Garbled);
        assert_eq!(faults, [None, garbled.clone(), garbled, Some(Fault::HeldBack), None]);
    }

    #[test]
    fn should_let_a_node_that_is_down_send_nothing_whatever_else_is_planned() {
        let switch = FaultSwitch::default();
        switch.set_down(3, true);
        switch.until_cleared(Target::AnyCall, Fault::Garbled);
        assert_eq!(taken(&switch, HttpMethod::GET), Some(Fault::TimeoutBeforeSending));
        switch.set_down(3, false);
        assert_eq!(taken(&switch, HttpMethod::GET), Some(Fault::Garbled));
    }

    #[test]
    fn should_order_the_fates_of_sends() {
        let fates: Vec<_> = (0..3).map(|number| Resent { unsent: 1, unanswered: 1 }.fate(number)).collect();
        assert_eq!(fates, [Fate::Unsent, Fate::Unanswered, Fate::Undisturbed]);
    }

    #[test]
    fn should_be_written_and_read_as_json() {
        let plan = FaultPlan::from(Fault::Late { by_ns: 5 });
        let json = serde_json::to_string(&plan).expect("serialises");
        assert_eq!(json, r#"[["every",{"late":{"by_ns":5}}]]"#);
        assert_eq!(serde_json::from_str::<FaultPlan>(&json).expect("reads back"), plan);
    }
}
