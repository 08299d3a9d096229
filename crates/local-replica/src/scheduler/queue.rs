//! What waits to be executed.

use candid::Principal;
use serde::{Deserialize, Serialize};

use crate::canister::CallbackId;
use crate::message::{CallResult, RequestId};

/// Who waits for the answer of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A user.
    Ingress(RequestId),
    Canister {
        canister: Principal,
        callback: CallbackId,
    },
    /// Nobody: the system started a task.
    System,
}

/// A call of a canister's method.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    pub to: Principal,
    pub method: String,
    #[serde(with = "serde_bytes")]
    pub arg: Vec<u8>,
    pub caller: Principal,
    pub cycles: u128,
    /// When the caller stops waiting; 0 when it waits without bound.
    pub deadline_ns: u64,
    pub origin: Origin,
}

/// The answer of a call, on its way back to the canister that made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Response {
    pub to: Principal,
    pub callback: CallbackId,
    pub result: CallResult,
    pub refund_cycles: u128,
    /// Made up because the deadline has passed.
    pub is_expiry: bool,
}

/// What the system itself starts in a canister.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SystemTask {
    /// `canister_heartbeat`
    Heartbeat,
    /// `canister_global_timer`
    GlobalTimer,
    /// `canister_on_low_wasm_memory`
    OnLowWasmMemory,
}

/// One message of the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum QueuedMessage {
    Request(Request),
    Response(Response),
    /// A task of this canister is due.
    Task(Principal, SystemTask),
}
