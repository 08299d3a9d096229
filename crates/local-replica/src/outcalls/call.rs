//! What a canister asks for, and what it gets.

use candid::{Decode, Encode, Principal};
use ic_management_canister_types::{FlexibleHttpRequestArgs, HttpRequestArgs};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::faults::FaultPlan;
use super::replication::{FlexibleCounts, Replication};
use crate::message::{CallResult, Reject};

/// Names one outcall; chosen by whoever starts it, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutcallId(pub u64);

/// The argument of the method called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcallArgs {
    /// Of `http_request`.
    Http(HttpRequestArgs),
    /// Of `flexible_http_request`.
    Flexible(FlexibleHttpRequestArgs),
}

impl OutcallArgs {
    /// Brings both to one form, in a subnet of `nodes` nodes.
    pub(super) fn resolve(self, nodes: u32) -> Result<(HttpRequestArgs, Replication), Reject> {
        match self {
            Self::Http(args) => {
                let is_single = args.is_replicated == Some(false);
                Ok((args, if is_single { Replication::Single } else { Replication::Full }))
            }
            Self::Flexible(args) => {
                let counts = FlexibleCounts::new(args.replication.as_ref(), nodes)?;
                let args = HttpRequestArgs {
                    url: args.url,
                    max_response_bytes: args.max_response_bytes,
                    method: args.method,
                    headers: args.headers,
                    body: args.body,
                    transform: args.transform,
                    is_replicated: None,
                    pricing_version: Some(2),
                };
                Ok((args, Replication::Flexible(counts)))
            }
        }
    }
}

/// A canister's call of `http_request` or `flexible_http_request`.
#[derive(Clone, Debug)]
pub struct OutcallRequest {
    /// Names the call until it is settled.
    pub id: OutcallId,
    /// The canister that calls, and the only one whose transform may be named.
    pub caller: Principal,
    /// The argument of the call.
    pub args: OutcallArgs,
    /// Cycles attached to the call.
    pub cycles: u128,
    /// The subnet's time when the call was made, in nanoseconds.
    pub time_ns: u64,
}

/// What the canister gets, and what it paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Candid bytes of the method's result, or the reject.
    pub response: CallResult,
    /// Cycles kept. What it contains for nodes that have not reported may still come back later.
    pub charged: u128,
    /// Cycles that come back with the answer; with `charged` it makes the cycles attached.
    pub refund: u128,
}

/// Something that came of an outcall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcallEvent {
    /// The call has its answer.
    Settled(OutcallId, Settled),
    /// A node reported after the answer: what it had left comes back to the canister's balance.
    Refunded {
        /// The canister that made the call.
        canister: Principal,
        /// What comes back.
        cycles: u128,
    },
}

/// A call that has no answer yet: all that is needed to let its nodes send again, as they do on the
/// network when they start anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Record", try_from = "Record")]
pub struct OutcallUnderWay {
    /// The call.
    pub request: OutcallRequest,
    /// What goes wrong with it.
    pub faults: FaultPlan,
}

/// How a call under way is stored; its argument as the canister encodes it.
#[derive(Serialize, Deserialize)]
struct Record {
    id: OutcallId,
    caller: Principal,
    is_flexible: bool,
    args: ByteBuf,
    cycles: u128,
    time_ns: u64,
    faults: FaultPlan,
}

impl From<OutcallUnderWay> for Record {
    fn from(call: OutcallUnderWay) -> Self {
        let OutcallUnderWay { request, faults } = call;
        let (is_flexible, args) = match &request.args {
            OutcallArgs::Http(args) => (false, Encode!(args)),
            OutcallArgs::Flexible(args) => (true, Encode!(args)),
        };
        let args = ByteBuf::from(args.expect("the argument came as Candid"));
        let OutcallRequest { id, caller, cycles, time_ns, .. } = request;
        Self { id, caller, is_flexible, args, cycles, time_ns, faults }
    }
}

impl TryFrom<Record> for OutcallUnderWay {
    type Error = candid::Error;

    fn try_from(record: Record) -> Result<Self, candid::Error> {
        let args = if record.is_flexible {
            OutcallArgs::Flexible(Decode!(&record.args, FlexibleHttpRequestArgs)?)
        } else {
            OutcallArgs::Http(Decode!(&record.args, HttpRequestArgs)?)
        };
        let Record { id, caller, cycles, time_ns, faults, .. } = record;
        Ok(Self { request: OutcallRequest { id, caller, args, cycles, time_ns }, faults })
    }
}
