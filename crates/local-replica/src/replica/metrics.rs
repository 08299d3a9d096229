//! What the subnet tells about its use, at `/subnet/<id>/metrics` of the state tree.

use ic_transport_types::SubnetMetrics;
use serde::{Deserialize, Serialize};

use super::Replica;
use crate::canister::Canister;
use crate::message::MessageReport;

/// Counts since the subnet began; neither ever falls.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    executed_messages: u64,
    /// Charged for executing messages; resources are not counted.
    consumed_cycles: u128,
}

impl Counters {
    /// Counts a message that was executed in replicated mode.
    pub(crate) fn count(&mut self, report: &MessageReport) {
        self.executed_messages += 1;
        self.consumed_cycles = self.consumed_cycles.saturating_add(report.cycles_charged);
    }
}

impl Replica {
    pub(super) fn subnet_metrics(&self) -> SubnetMetrics {
        let state_bytes: u128 = self.canisters.values().map(Canister::memory_bytes).sum();
        SubnetMetrics {
            num_canisters: self.canisters.len() as u64,
            canister_state_bytes: u64::try_from(state_bytes).unwrap_or(u64::MAX),
            consumed_cycles_total: self.counters.consumed_cycles,
            update_transactions_total: self.counters.executed_messages,
        }
    }
}
