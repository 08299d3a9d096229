//! What one node reports to the others: its answer after the transform, and what it used.

use candid::{Encode, Principal};
use ic_management_canister_types::{HttpRequestResult, TransformContext};

use super::adapter::{Exchange, Failure};
use super::faults::NodeIndex;
use super::pricing::{Funding, Meter, OutOfBudget};
use super::request::{canister_reject, fatal};
use crate::message::{CallResult, Reject};

/// Rejects are cut to this length before they are shared.
const MAX_REJECT_MESSAGE_BYTES: usize = 1_024;

/// One node's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) content: CallResult,
    /// Never more than the node's allowance.
    pub(super) spent_cycles: u128,
}

/// A run of the canister's transform on one node's answer.
#[derive(Debug)]
pub struct TransformCall<'a> {
    /// The canister that made the outcall.
    pub canister: Principal,
    /// The node whose answer it is.
    pub node: NodeIndex,
    /// The method to run, and what it gets besides the answer.
    pub context: &'a TransformContext,
    /// The node's answer.
    pub response: HttpRequestResult,
    /// How many instructions it may use.
    pub instruction_limit: u64,
}

/// What a transform made of an answer.
#[derive(Debug)]
pub struct Transformed {
    /// The answer that the node reports in place of its own, or the reject.
    pub result: Result<HttpRequestResult, Reject>,
    /// Instructions used, also when it failed.
    pub instructions: u64,
}

/// Runs canisters' transforms.
pub type Transform<'a> = dyn FnMut(TransformCall<'_>) -> Transformed + 'a;

/// What every node's share of a call depends on.
#[derive(Clone, Debug)]
pub(super) struct ShareRules {
    pub(super) canister: Principal,
    pub(super) transform: Option<TransformContext>,
    pub(super) max_response_bytes: u64,
    pub(super) funding: Funding,
}

impl ShareRules {
    /// One node's share of the call; `None` when the node has nothing to report.
    pub(super) fn share_of(
        &self,
        node: NodeIndex,
        exchange: Exchange,
        roundtrip_ms: u64,
        transform: &mut Transform<'_>,
    ) -> Option<Share> {
        let mut meter = self.funding.meter();
        let within_budget = meter.network(exchange.downloaded_bytes, roundtrip_ms);
        let content = match exchange.outcome {
            Err(Failure::Silent) => return None,
            Err(Failure::Rejected(reject)) => Err(reject),
            Ok(answer) => within_budget
                .map_err(|OutOfBudget| insufficient_cycles())
                .and_then(|()| self.transformed(node, answer, &mut meter, transform)),
        };
        let content = match meter.gossip(delivered_bytes(&content)) {
            Ok(()) => content,
            Err(OutOfBudget) => Err(insufficient_cycles()),
        };
        Some(Share { content: content.map_err(shortened), spent_cycles: meter.spent() })
    }

    fn transformed(
        &self,
        node: NodeIndex,
        answer: HttpRequestResult,
        meter: &mut Meter,
        transform: &mut Transform<'_>,
    ) -> CallResult {
        let Some(context) = &self.transform else {
            return encode(&answer);
        };
        let transformed = transform(TransformCall {
            canister: self.canister,
            node,
            context,
            response: answer,
            instruction_limit: meter.affordable_instructions(),
        });
        meter.transform(transformed.instructions).map_err(|OutOfBudget| insufficient_cycles())?;
        let bytes = encode(&transformed.result?)?;
        let limit = self.max_response_bytes;
        if bytes.len() as u64 > limit {
            return Err(fatal(format!("Transformed http response exceeds limit: {limit}")));
        }
        Ok(bytes)
    }
}

/// The bytes that a share adds to a block.
pub(super) fn delivered_bytes(content: &CallResult) -> u64 {
    match content {
        Ok(bytes) => bytes.len() as u64,
        // The reject code takes one.
        Err(reject) => reject.message.len() as u64 + 1,
    }
}

fn encode(result: &HttpRequestResult) -> CallResult {
    Encode!(result).map_err(|error| {
        fatal(format!("Failed to parse adapter http response to 'http_response' candid: {error}"))
    })
}

fn shortened(mut reject: Reject) -> Reject {
    let end = reject.message.floor_char_boundary(MAX_REJECT_MESSAGE_BYTES);
    reject.message.truncate(end);
    reject
}

fn insufficient_cycles() -> Reject {
    canister_reject("Insufficient cycles".to_string())
}
