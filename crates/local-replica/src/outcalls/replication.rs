//! Which nodes send a request, and how many answers the canister gets.

use ic_management_canister_types::ReplicationCounts;

use super::consensus;
use super::request::canister_reject;
use crate::message::Reject;

/// Which nodes send the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// Every node sends; the subnet agrees on one answer.
    Full,
    /// One node, drawn for this call, sends; its word is taken.
    Single,
    /// Some nodes, drawn for this call, send; the canister gets their answers one by one.
    Flexible(FlexibleCounts),
}

/// How many nodes of a flexible outcall send and how many answers there are to be. It holds that
/// `min_responses <= max_responses <= total_requests`, which is at least 1 and at most all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlexibleCounts {
    /// Nodes that send.
    pub total_requests: u32,
    /// Answers without which the call fails.
    pub min_responses: u32,
    /// Answers that are delivered at most.
    pub max_responses: u32,
}

impl FlexibleCounts {
    /// Checks what a canister asks for, in a subnet of `nodes` nodes; absent means all nodes, of which
    /// more than two thirds have to answer.
    ///
    /// # Errors
    /// The network's reject, which names the counts that contradict each other.
    pub fn new(counts: Option<&ReplicationCounts>, nodes: u32) -> Result<Self, Reject> {
        let Some(counts) = counts else {
            return Ok(Self {
                total_requests: nodes,
                min_responses: 2 * nodes / 3 + 1,
                max_responses: nodes,
            });
        };
        let (total, min, max) = (counts.total_requests, counts.min_responses, counts.max_responses);
        let contradiction = if total < 1 {
            format!("total_requests ({total}) must be at least 1")
        } else if total > nodes {
            format!("total_requests ({total}) must not exceed the number of available nodes ({nodes})")
        } else if min > max {
            format!("min_responses ({min}) must not exceed max_responses ({max})")
        } else if max > total {
            format!("max_responses ({max}) must not exceed total_requests ({total})")
        } else {
            return Ok(Self { total_requests: total, min_responses: min, max_responses: max });
        };
        Err(canister_reject(contradiction))
    }
}

impl Replication {
    /// How many nodes send.
    pub(super) fn senders(self, nodes: u32) -> u32 {
        match self {
            Self::Full => nodes,
            Self::Single => 1,
            Self::Flexible(counts) => counts.total_requests,
        }
    }

    /// How many nodes have to report the same, where one answer is agreed on.
    pub(super) fn threshold(self, nodes: u32) -> u32 {
        match self {
            Self::Full => consensus::threshold(nodes),
            Self::Single | Self::Flexible(_) => 1,
        }
    }

    /// Whether it is certain how often the request is sent and answered, which changing methods need.
    pub(super) fn is_deterministic(self) -> bool {
        match self {
            Self::Full => false,
            Self::Single => true,
            Self::Flexible(counts) => {
                counts.min_responses == counts.total_requests && counts.max_responses == counts.total_requests
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(total: u32, min: u32, max: u32) -> Result<FlexibleCounts, String> {
        let counts = ReplicationCounts { total_requests: total, min_responses: min, max_responses: max };
        FlexibleCounts::new(Some(&counts), 13).map_err(|reject| reject.message)
    }

    #[test]
    fn should_ask_all_nodes_for_more_than_two_thirds_by_default() {
        for (nodes, min) in [(1, 1), (4, 3), (13, 9), (34, 23)] {
            let expected = FlexibleCounts { total_requests: nodes, min_responses: min, max_responses: nodes };
            assert_eq!(FlexibleCounts::new(None, nodes).expect("valid"), expected);
        }
    }

    #[test]
    fn should_refuse_counts_that_contradict_each_other() {
        assert!(counts(13, 0, 13).is_ok());
        assert!(counts(1, 0, 0).is_ok());
        assert_eq!(counts(0, 0, 0).expect_err("none"), "total_requests (0) must be at least 1");
        assert_eq!(
            counts(14, 1, 1).expect_err("too many"),
            "total_requests (14) must not exceed the number of available nodes (13)"
        );
        let crossed = counts(4, 3, 2).expect_err("crossed");
        assert_eq!(crossed, "min_responses (3) must not exceed max_responses (2)");
        let above = counts(2, 1, 3).expect_err("above the total");
        assert_eq!(above, "max_responses (3) must not exceed total_requests (2)");
    }
}
