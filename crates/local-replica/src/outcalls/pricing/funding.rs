//! The cycles of one outcall: what is gone at once, what each node may use, what comes back.

use ic_management_canister_types::HttpRequestArgs;

use super::{
    CANDID_OVERHEAD_BYTES, CostParams, MAX_ROUNDTRIP, MAX_TRANSFORM_INSTRUCTIONS, base_fee, cost_v1,
    gossip_fee, network_fee, transform_fee, usage_fee, with_separators,
};
use crate::message::Reject;
use crate::outcalls::replication::Replication;
use crate::outcalls::request::{self, MAX_RESPONSE_BYTES};

/// The cycles of one outcall.
#[derive(Clone, Copy, Debug)]
pub(in crate::outcalls) struct Funding {
    attached: u128,
    prepaid: u128,
    /// `None` under version 1, where nothing is metered.
    allowance_per_sender: Option<u128>,
    nodes: u32,
    replication: Replication,
}

impl Funding {
    /// Takes the price that is due at once from the cycles attached.
    pub(in crate::outcalls) fn new(
        nodes: u32,
        replication: Replication,
        args: &HttpRequestArgs,
        attached: u128,
    ) -> Result<Self, Reject> {
        let request_bytes = request::priced_bytes(args);
        let pay_as_you_go = args.pricing_version == Some(2);
        let prepaid = if pay_as_you_go {
            base_fee(nodes, request_bytes, replication)
        } else {
            cost_v1(nodes, request_bytes, args.max_response_bytes.unwrap_or(MAX_RESPONSE_BYTES))
        };
        if attached < prepaid {
            let method = match replication {
                Replication::Full | Replication::Single => "http_request",
                Replication::Flexible(_) => "flexible_http_request",
            };
            return Err(request::canister_reject(format!(
                "{method} request sent with {} cycles, but {} cycles are required.",
                with_separators(attached),
                with_separators(prepaid)
            )));
        }
        let allowance_per_sender = pay_as_you_go.then(|| {
            let most_usable = usage_fee(nodes, &largest_use(args, replication));
            (attached - prepaid).min(most_usable) / u128::from(replication.senders(nodes))
        });
        Ok(Self { attached, prepaid, allowance_per_sender, nodes, replication })
    }

    /// What each node may use; `None` when nothing is metered.
    pub(in crate::outcalls) fn allowance_per_sender(&self) -> Option<u128> {
        self.allowance_per_sender
    }

    /// The largest answer that a node may read: what was asked for, or what its budget affords.
    pub(in crate::outcalls) fn affordable_response_bytes(&self, asked_bytes: u64) -> u64 {
        self.allowance_per_sender.map_or(asked_bytes, |allowance| {
            asked_bytes.min(u64::try_from(allowance / 50).unwrap_or(u64::MAX))
        })
    }

    pub(in crate::outcalls) fn meter(&self) -> Meter {
        Meter { funding: *self, spent: 0 }
    }

    /// Whether so many nodes, which spent so much together, have enough left for the delivery.
    pub(in crate::outcalls) fn affords(&self, contributors: usize, spent: u128, delivery: u128) -> bool {
        self.allowance_per_sender.is_none_or(|allowance| {
            spent.saturating_add(delivery) <= allowance.saturating_mul(contributors as u128)
        })
    }

    /// What all senders together have left when those who reported spent so much; `None` when nothing
    /// is metered.
    pub(in crate::outcalls) fn unspent(&self, spent: u128) -> Option<u128> {
        let senders = u128::from(self.replication.senders(self.nodes));
        self.allowance_per_sender.map(|allowance| (allowance * senders).saturating_sub(spent))
    }

    /// What is charged and what comes back with the answer, given what the nodes that reported used,
    /// how many did not report, and the delivery.
    pub(in crate::outcalls) fn close(&self, spent: u128, unreported: usize, delivery: u128) -> (u128, u128) {
        let charged = match self.allowance_per_sender {
            None => self.prepaid,
            Some(allowance) => {
                let used = spent + allowance * unreported as u128 + delivery;
                (self.prepaid + used).min(self.attached)
            }
        };
        (charged, self.attached - charged)
    }
}

fn largest_use(args: &HttpRequestArgs, replication: Replication) -> CostParams {
    let raw_response_bytes = args.max_response_bytes.unwrap_or(MAX_RESPONSE_BYTES);
    CostParams {
        request_bytes: 0,
        http_roundtrip_time_ms: u64::try_from(MAX_ROUNDTRIP.as_millis()).unwrap_or(u64::MAX),
        raw_response_bytes,
        transformed_response_bytes: raw_response_bytes + CANDID_OVERHEAD_BYTES,
        transform_instructions: MAX_TRANSFORM_INSTRUCTIONS,
        replication,
    }
}

/// A node ran out of its share of the cycles attached.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::outcalls) struct OutOfBudget;

/// What one node has used of its budget.
pub(in crate::outcalls) struct Meter {
    funding: Funding,
    spent: u128,
}

impl Meter {
    pub(in crate::outcalls) fn network(
        &mut self,
        downloaded_bytes: u64,
        roundtrip_ms: u64,
    ) -> Result<(), OutOfBudget> {
        self.charge(network_fee(downloaded_bytes, roundtrip_ms))
    }

    /// The most instructions that the transform may use.
    pub(in crate::outcalls) fn affordable_instructions(&self) -> u64 {
        self.funding.allowance_per_sender.map_or(MAX_TRANSFORM_INSTRUCTIONS, |allowance| {
            // The price is rounded down, so that the last instructions cost nothing.
            let affordable = allowance.saturating_sub(self.spent).saturating_mul(13).saturating_add(12);
            u64::try_from(affordable).unwrap_or(u64::MAX).min(MAX_TRANSFORM_INSTRUCTIONS)
        })
    }

    pub(in crate::outcalls) fn transform(&mut self, instructions: u64) -> Result<(), OutOfBudget> {
        self.charge(transform_fee(instructions))
    }

    /// Sharing the answer with the other nodes, which only those do whose own answer counts.
    pub(in crate::outcalls) fn gossip(&mut self, transformed_bytes: u64) -> Result<(), OutOfBudget> {
        match self.funding.replication {
            Replication::Full => Ok(()),
            Replication::Single | Replication::Flexible(_) => {
                self.charge(gossip_fee(self.funding.nodes, transformed_bytes))
            }
        }
    }

    /// Cycles used so far, never more than the budget; 0 under version 1.
    pub(in crate::outcalls) fn spent(&self) -> u128 {
        self.funding.allowance_per_sender.map_or(0, |allowance| self.spent.min(allowance))
    }

    fn charge(&mut self, cycles: u128) -> Result<(), OutOfBudget> {
        self.spent = self.spent.saturating_add(cycles);
        match self.funding.allowance_per_sender {
            Some(allowance) if self.spent > allowance => Err(OutOfBudget),
            _ => Ok(()),
        }
    }
}
