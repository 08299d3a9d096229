//! Nodes that fail at their part in threshold signatures and vetKD, on demand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::NodeIndex;

/// How a node fails when it is asked for its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareFault {
    /// It does not answer.
    Silent,
    /// It answers with a share that does not verify.
    Wrong,
}

/// The nodes that fail until they are cleared. With too few good nodes left, a request for a
/// signature or a key waits, and is rejected when its time is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareFaults {
    nodes: BTreeMap<NodeIndex, ShareFault>,
}

impl ShareFaults {
    /// Lets these nodes fail from now on.
    pub fn set(&mut self, nodes: impl IntoIterator<Item = NodeIndex>, fault: ShareFault) {
        self.nodes.extend(nodes.into_iter().map(|node| (node, fault)));
    }

    /// Makes all nodes good again.
    pub fn clear(&mut self) {
        self.nodes.clear();
    }

    /// How this node fails, if it does.
    pub fn of(&self, node: NodeIndex) -> Option<ShareFault> {
        self.nodes.get(&node).copied()
    }

    /// How many of a subnet's `nodes` nodes give good shares.
    pub fn good_nodes(&self, nodes: u32) -> u32 {
        let failing = self.nodes.keys().filter(|node| node.0 < nodes).count();
        nodes - u32::try_from(failing).expect("at most as many as there are nodes")
    }
}
