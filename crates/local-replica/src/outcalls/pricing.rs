//! What an HTTP outcall costs, in cycles.
//!
//! Version 1 ("legacy") charges for the largest answer asked for, used or not. Version 2
//! ("pay-as-you-go") charges a base fee, then each node for what it used, then the delivery of the
//! answer through consensus; what was attached beyond that comes back. Under version 2 the cycles
//! attached are also each node's budget: a node that runs out of it rejects, perhaps after the
//! server was contacted.

mod funding;

use std::time::Duration;

use candid::{CandidType, Reserved};
use ic_management_canister_types::ReplicationCounts;
use serde::Deserialize;
use thiserror::Error;

pub(super) use funding::{Funding, Meter, OutOfBudget};

use super::consensus;
use super::replication::{FlexibleCounts, Replication};
use crate::candid_arguments::decode_args;
use crate::message::Reject;

/// How long the subnet waits for an answer.
pub(super) const MAX_ROUNDTRIP: Duration = Duration::from_secs(60);
/// Instructions that a query, and so a transform, may use.
const MAX_TRANSFORM_INSTRUCTIONS: u64 = 5_000_000_000;
/// Added to `max_response_bytes` for the Candid encoding when the largest delivery is reserved for.
const CANDID_OVERHEAD_BYTES: u64 = 1_024;
/// A reject of this size may be delivered in place of any answer, so no less is reserved for.
const MAX_REJECT_BYTES: u64 = 1_025;

/// What a flexible outcall pays for each answer on top of the answer's own bytes.
pub(super) const FLEXIBLE_OVERHEAD_BYTES: u64 = 181;

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
    /// The counts of a flexible outcall contradict each other.
    #[error("cost_http_request_v2: outcall_type: {}", .0.message)]
    Counts(Reject),
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
    /// Reads the system call's argument, in a subnet of `nodes` nodes; an absent `outcall_type` means
    /// fully replicated.
    ///
    /// # Errors
    /// See [`CostParamsError`]; the system call traps with it.
    pub fn decode(argument: &[u8], nodes: u32) -> Result<Self, CostParamsError> {
        let (record,): (CostParamsRecord,) = decode_args(argument)?;
        let replication = match record.outcall_type {
            None | Some(OutcallType::FullyReplicated(_)) => Replication::Full,
            Some(OutcallType::NonReplicated(_)) => Replication::Single,
            Some(OutcallType::Flexible(counts)) => {
                let counts = FlexibleCounts::new(counts.as_ref(), nodes).map_err(CostParamsError::Counts)?;
                Replication::Flexible(counts)
            }
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
        Replication::Single => 90_000 * n + flexible_response_fee(nodes, 1) / n,
        Replication::Flexible(counts) => 90_000 * n + flexible_response_fee(nodes, counts.min_responses) / n,
    };
    n * (1_000_000 + 50 * u128::from(request_bytes) + by_mode)
}

/// Delivering so many answers of a flexible outcall, their bytes aside.
pub(super) fn flexible_response_fee(nodes: u32, responses: u32) -> u128 {
    let n = u128::from(nodes);
    n * (2_000 * n + 100_000) * u128::from(responses)
}

fn usage_fee(nodes: u32, params: &CostParams) -> u128 {
    let delivered_bytes = params.transformed_response_bytes.max(MAX_REJECT_BYTES);
    let gossip = match params.replication {
        Replication::Full => 0,
        Replication::Single | Replication::Flexible(_) => gossip_fee(nodes, delivered_bytes),
    };
    let per_sender = network_fee(params.raw_response_bytes, params.http_roundtrip_time_ms)
        .saturating_add(transform_fee(params.transform_instructions))
        .saturating_add(gossip)
        .saturating_add(delivery_per_sender(nodes, params.replication, delivered_bytes));
    per_sender.saturating_mul(u128::from(params.replication.senders(nodes)))
}

/// What each sender has to hold for the delivery, so that any result pays for itself out of the
/// budgets of those who contribute to it.
fn delivery_per_sender(nodes: u32, replication: Replication, delivered_bytes: u64) -> u128 {
    match replication {
        Replication::Full => {
            delivery_fee(nodes, delivered_bytes).div_ceil(u128::from(consensus::threshold(nodes)))
        }
        Replication::Single => delivery_fee(nodes, delivered_bytes),
        Replication::Flexible(FlexibleCounts { max_responses: 0, .. }) => 0,
        Replication::Flexible(counts) => {
            let total = counts.total_requests;
            let bytes = FLEXIBLE_OVERHEAD_BYTES.saturating_add(delivered_bytes);
            let bodies = delivery_fee(nodes, bytes).saturating_mul(u128::from(total));
            let further = flexible_response_fee(nodes, total - counts.min_responses);
            bodies.saturating_add(further).div_ceil(u128::from(total))
        }
    }
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
    (n * (10 * n + 600)).saturating_mul(u128::from(delivered_bytes))
}

/// Cycles as the network writes them: digits in groups of three.
pub(super) fn with_separators(cycles: u128) -> String {
    let digits = cycles.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;
