//! What an HTTP outcall costs, in cycles.
//!
//! Version 1 ("legacy") charges for the largest answer asked for, used or not. Version 2
//! ("pay-as-you-go") charges a base fee, then each node for what it used, then the delivery of the
//! answer through consensus; what was attached beyond that comes back. Under version 2 the cycles
//! attached are also each node's budget: a node that runs out of it rejects, perhaps after the
//! server was contacted.

use std::time::Duration;

use candid::{CandidType, Decode, Reserved};
use ic_management_canister_types::{HttpRequestArgs, ReplicationCounts};
use serde::Deserialize;
use thiserror::Error;

use super::consensus;
use super::request::{self, MAX_RESPONSE_BYTES};
use crate::message::Reject;

/// How long the subnet waits for an answer.
pub(super) const MAX_ROUNDTRIP: Duration = Duration::from_secs(60);
/// Instructions that a query, and so a transform, may use.
const MAX_TRANSFORM_INSTRUCTIONS: u64 = 5_000_000_000;
/// Added to `max_response_bytes` for the Candid encoding when the largest delivery is reserved for.
const CANDID_OVERHEAD_BYTES: u64 = 1_024;
/// A reject of this size may be delivered in place of any answer, so no less is reserved for.
const MAX_REJECT_BYTES: u64 = 1_025;

/// Which nodes send the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// Every node sends; the subnet agrees on the answer.
    Full,
    /// One node, drawn for this call, sends; its word is taken.
    Single,
}

impl Replication {
    pub(super) fn of(args: &HttpRequestArgs) -> Self {
        if args.is_replicated == Some(false) { Self::Single } else { Self::Full }
    }

    fn senders(self, nodes: u32) -> u128 {
        match self {
            Self::Full => u128::from(nodes),
            Self::Single => 1,
        }
    }
}

/// The price of a version 1 outcall in a subnet of `nodes` nodes.
///
/// `request_bytes` counts URL, header names and values, body, and the transform's name and context.
pub fn cost_v1(nodes: u32, request_bytes: u64, max_response_bytes: u64) -> u128 {
    let n = u128::from(nodes);
    let bytes = 400 * u128::from(request_bytes) + 800 * u128::from(max_response_bytes);
    (3_000_000 + 60_000 * n + bytes) * n
}

/// The use that a canister wants priced by `ic0.cost_http_request_v2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostParams {
    /// Bytes of URL, header names and values, body, and the transform's name and context.
    pub request_bytes: u64,
    /// Milliseconds from sending the request to having the whole answer.
    pub http_roundtrip_time_ms: u64,
    /// Bytes of the answer, headers included, before the transform.
    pub raw_response_bytes: u64,
    /// Bytes of the answer after the transform.
    pub transformed_response_bytes: u64,
    /// Instructions that the transform uses.
    pub transform_instructions: u64,
    /// Which nodes send.
    pub replication: Replication,
}

/// Why an argument of `ic0.cost_http_request_v2` cannot be priced.
#[derive(Debug, Error)]
pub enum CostParamsError {
    /// Not the Candid record that the system call takes.
    #[error("cost_http_request_v2: argument is not the expected Candid record: {0}")]
    Candid(#[from] candid::Error),
    /// Flexible outcalls are not offered by this replica.
    #[error("cost_http_request_v2: outcall_type is `flexible`, which this replica does not offer")]
    Flexible,
}

#[derive(CandidType, Deserialize)]
enum OutcallType {
    #[serde(rename = "fully_replicated")]
    FullyReplicated(Reserved),
    #[serde(rename = "non_replicated")]
    NonReplicated(Reserved),
    #[serde(rename = "flexible")]
    Flexible(Option<ReplicationCounts>),
}

#[derive(CandidType, Deserialize)]
struct CostParamsRecord {
    request_bytes: u64,
    http_roundtrip_time_ms: u64,
    raw_response_bytes: u64,
    transformed_response_bytes: u64,
    transform_instructions: u64,
    outcall_type: Option<OutcallType>,
}

impl CostParams {
    /// Reads the system call's argument; an absent `outcall_type` means fully replicated.
    ///
    /// # Errors
    /// See [`CostParamsError`]; the system call traps with it.
    pub fn decode(argument: &[u8]) -> Result<Self, CostParamsError> {
        let record = Decode!(argument, CostParamsRecord)?;
        let replication = match record.outcall_type {
            None | Some(OutcallType::FullyReplicated(_)) => Replication::Full,
            Some(OutcallType::NonReplicated(_)) => Replication::Single,
            Some(OutcallType::Flexible(_)) => return Err(CostParamsError::Flexible),
        };
        Ok(Self {
            request_bytes: record.request_bytes,
            http_roundtrip_time_ms: record.http_roundtrip_time_ms,
            raw_response_bytes: record.raw_response_bytes,
            transformed_response_bytes: record.transformed_response_bytes,
            transform_instructions: record.transform_instructions,
            replication,
        })
    }
}

/// The cycles to attach to a version 2 outcall that uses exactly `params`, in a subnet of `nodes`
/// nodes. What is charged in the end is at most this.
pub fn cost_v2(nodes: u32, params: &CostParams) -> u128 {
    base_fee(nodes, params.request_bytes, params.replication).saturating_add(usage_fee(nodes, params))
}

fn base_fee(nodes: u32, request_bytes: u64, replication: Replication) -> u128 {
    let n = u128::from(nodes);
    let by_mode = match replication {
        Replication::Full => 140_000 * n + 800 * n * n,
        Replication::Single => 90_000 * n + 2_000 * n + 100_000,
    };
    n * (1_000_000 + 50 * u128::from(request_bytes) + by_mode)
}

fn usage_fee(nodes: u32, params: &CostParams) -> u128 {
    let senders = params.replication.senders(nodes);
    let delivered_bytes = params.transformed_response_bytes.max(MAX_REJECT_BYTES);
    let gossip = match params.replication {
        Replication::Full => 0,
        Replication::Single => gossip_fee(nodes, delivered_bytes),
    };
    // Only the nodes that agree pay for the delivery, out of budgets that are split over all.
    let delivery_per_sender = match params.replication {
        Replication::Full => {
            delivery_fee(nodes, delivered_bytes).div_ceil(u128::from(consensus::threshold(nodes)))
        }
        Replication::Single => delivery_fee(nodes, delivered_bytes),
    };
    let per_sender = network_fee(params.raw_response_bytes, params.http_roundtrip_time_ms)
        + transform_fee(params.transform_instructions)
        + gossip
        + delivery_per_sender;
    per_sender * senders
}

fn network_fee(downloaded_bytes: u64, roundtrip_ms: u64) -> u128 {
    50 * u128::from(downloaded_bytes) + 300 * u128::from(roundtrip_ms)
}

fn transform_fee(instructions: u64) -> u128 {
    u128::from(instructions) / 13
}

fn gossip_fee(nodes: u32, transformed_bytes: u64) -> u128 {
    50 * u128::from(nodes) * u128::from(transformed_bytes)
}

/// Putting an answer of that size into a block.
pub(super) fn delivery_fee(nodes: u32, delivered_bytes: u64) -> u128 {
    let n = u128::from(nodes);
    n * (10 * n + 600) * u128::from(delivered_bytes)
}

/// The cycles of one outcall: what is gone at once, and what each sending node may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Funding {
    attached: u128,
    prepaid: u128,
    /// `None` under version 1, where nothing is metered.
    allowance_per_sender: Option<u128>,
    nodes: u32,
    replication: Replication,
}

impl Funding {
    /// Takes the price that is due at once from the cycles attached.
    pub(super) fn new(nodes: u32, args: &HttpRequestArgs, attached: u128) -> Result<Self, Reject> {
        let replication = Replication::of(args);
        let request_bytes = request::priced_bytes(args);
        let pay_as_you_go = args.pricing_version == Some(2);
        let prepaid = if pay_as_you_go {
            base_fee(nodes, request_bytes, replication)
        } else {
            cost_v1(nodes, request_bytes, args.max_response_bytes.unwrap_or(MAX_RESPONSE_BYTES))
        };
        if attached < prepaid {
            return Err(request::canister_reject(format!(
                "http_request request sent with {} cycles, but {} cycles are required.",
                with_separators(attached),
                with_separators(prepaid)
            )));
        }
        let allowance_per_sender = pay_as_you_go.then(|| {
            let most_usable = usage_fee(nodes, &largest_use(args, replication));
            (attached - prepaid).min(most_usable) / replication.senders(nodes)
        });
        Ok(Self { attached, prepaid, allowance_per_sender, nodes, replication })
    }

    /// The largest answer that a node may read: what was asked for, or what its budget affords.
    pub(super) fn affordable_response_bytes(&self, asked_bytes: u64) -> u64 {
        self.allowance_per_sender.map_or(asked_bytes, |allowance| {
            asked_bytes.min(u64::try_from(allowance / 50).unwrap_or(u64::MAX))
        })
    }

    pub(super) fn meter(&self) -> Meter {
        Meter { funding: *self, spent: 0 }
    }

    /// What a node that never reported costs: its allowance is not given back.
    pub(super) fn forfeited(&self) -> u128 {
        self.allowance_per_sender.unwrap_or(0)
    }

    /// Whether the unspent budgets of the nodes that agreed pay for the delivery.
    pub(super) fn affords_delivery(&self, spent_by_contributors: &[u128], delivered_bytes: u64) -> bool {
        self.allowance_per_sender.is_none_or(|allowance| {
            let unspent: u128 = spent_by_contributors.iter().map(|spent| allowance - spent).sum();
            delivery_fee(self.nodes, delivered_bytes) <= unspent
        })
    }

    /// What is charged in the end and what comes back, given what the nodes and the delivery used.
    pub(super) fn close(&self, used: u128) -> (u128, u128) {
        let charged = match self.allowance_per_sender {
            None => self.prepaid,
            Some(_) => (self.prepaid + used).min(self.attached),
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
pub(super) struct OutOfBudget;

/// What one node has used of its budget.
pub(super) struct Meter {
    funding: Funding,
    spent: u128,
}

impl Meter {
    pub(super) fn network(&mut self, downloaded_bytes: u64, elapsed: Duration) -> Result<(), OutOfBudget> {
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.charge(network_fee(downloaded_bytes, elapsed_ms))
    }

    pub(super) fn transform(&mut self, instructions: u64) -> Result<(), OutOfBudget> {
        self.charge(transform_fee(instructions))
    }

    /// Sharing the answer with the other nodes, which only a single sender has to.
    pub(super) fn gossip(&mut self, transformed_bytes: u64) -> Result<(), OutOfBudget> {
        match self.funding.replication {
            Replication::Full => Ok(()),
            Replication::Single => self.charge(gossip_fee(self.funding.nodes, transformed_bytes)),
        }
    }

    /// Cycles used so far, never more than the budget; 0 under version 1.
    pub(super) fn spent(&self) -> u128 {
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

/// Cycles as the network writes them: digits in groups of three.
fn with_separators(cycles: u128) -> String {
    let digits = cycles.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;
