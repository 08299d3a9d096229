//! What travels between users, canisters and the network, and what is reported about it.

use std::fmt;

pub use candid::Principal;
use serde::{Deserialize, Serialize};

/// Why a call was rejected, as the interface specification numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RejectCode {
    /// Fatal system error; retrying will not help.
    SysFatal = 1,
    /// Transient system error; a retry may help.
    SysTransient = 2,
    /// The destination does not exist or is not known here.
    DestinationInvalid = 3,
    /// The canister, or the network on its behalf, said no.
    CanisterReject = 4,
    /// The canister trapped, did not reply, is stopped, or has no such method.
    CanisterError = 5,
    /// The outcome of a best-effort call is unknown.
    SysUnknown = 6,
}

impl RejectCode {
    /// The number canisters and agents see.
    pub fn as_u32(self) -> u32 {
        self as u32
    }
}

/// A rejected call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{code:?}{}: {message}", .error_code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
pub struct Reject {
    pub code: RejectCode,
    pub message: String,
    /// The network's finer error code such as `IC0503`; users see it, canisters do not.
    pub error_code: Option<String>,
}

impl Reject {
    /// A reject without a finer error code.
    pub fn new(code: RejectCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), error_code: None }
    }

    /// A reject with the network's error code, for instance `IC0503`.
    pub fn with_error_code(
        code: RejectCode,
        error_code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), error_code: Some(error_code.into()) }
    }
}

/// The answer of a call: the reply bytes, or a reject.
pub type CallResult = Result<Vec<u8>, Reject>;

/// The id of an ingress message: the representation-independent hash of its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub [u8; 32]);

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", hex::encode(self.0))
    }
}

/// An update call by a user, already authenticated.
#[derive(Clone, Debug)]
pub struct IngressMessage {
    pub request_id: RequestId,
    pub sender: Principal,
    pub canister_id: Principal,
    pub method_name: String,
    pub arg: Vec<u8>,
    pub ingress_expiry_ns: u64,
}

/// How far an ingress message has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IngressStatus {
    /// Accepted, not yet executed.
    Received,
    /// Executing, or waiting for calls it made.
    Processing,
    Replied(#[serde(with = "serde_bytes")] Vec<u8>),
    Rejected(Reject),
    /// Answered so long ago that the answer was dropped.
    Done,
}

/// A query call by a user, already authenticated.
#[derive(Clone, Debug)]
pub struct QueryMessage {
    pub sender: Principal,
    pub canister_id: Principal,
    pub method_name: String,
    pub arg: Vec<u8>,
}

/// The code of a canister that was entered to process one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryPoint {
    Start,
    Init,
    PreUpgrade,
    PostUpgrade,
    InspectMessage {
        method: String,
    },
    Update {
        method: String,
    },
    /// A query; `replicated` when it was called as an update or by another canister.
    Query {
        method: String,
        replicated: bool,
    },
    CompositeQuery {
        method: String,
    },
    /// A transform of an HTTP outcall.
    Transform {
        method: String,
    },
    ReplyCallback {
        method: String,
    },
    RejectCallback {
        method: String,
    },
    Cleanup {
        method: String,
    },
    Heartbeat,
    GlobalTimer,
    OnLowWasmMemory,
    /// A method of the management canister or of a native stand-in; no wasm ran.
    Native {
        method: String,
    },
}

/// How the execution of one message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Ran to its end; changes kept (or discarded, for queries).
    Ok,
    /// Trapped with this message; changes rolled back.
    Trap(String),
}

/// What the execution of one message did.
#[derive(Clone, Debug)]
pub struct MessageReport {
    pub canister: Principal,
    pub entry: EntryPoint,
    /// Wasm instructions by the network's weights, host calls included.
    pub instructions: u64,
    /// Cycles charged to the canister for executing this message.
    pub cycles_charged: u128,
    pub outcome: Outcome,
    pub time_ns: u64,
    /// Whether the call context was answered by this message.
    pub replied: bool,
    /// Calls to canisters made by this message.
    pub calls: usize,
}

/// What [`crate::Replica::step`] did.
#[derive(Clone, Debug)]
pub enum Step {
    /// Exactly one message was executed.
    Executed(MessageReport),
    /// Nothing to execute, but nodes are sending an HTTP outcall.
    WaitingForOutcall,
    /// Nothing to do until a message arrives or time passes.
    Idle,
}
