//! Why an execution failed, and how the network words it.

use crate::message::{Reject, RejectCode};
use candid::Principal;

/// A failed execution. Its changes are rolled back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanisterTrap {
    /// The canister called `ic0.trap`.
    #[error("Canister called `ic0.trap` with message: '{0}'")]
    Called(String),
    /// WebAssembly trapped: unreachable, out of bounds, division by zero, …
    #[error("Canister trapped: {0}")]
    Wasm(String),
    /// A system call against the interface specification.
    #[error("Canister violated contract: {0}")]
    ContractViolation(String),
    #[error("Canister exceeded the limit of {limit} instructions for single message execution")]
    InstructionLimit { limit: u64 },
    #[error("Canister has no method '{0}'")]
    MethodNotFound(String),
    #[error("Canister cannot grow its memory further")]
    OutOfMemory,
    #[error(
        "Canister exceeded its current Wasm memory limit of {limit_bytes} bytes. The peak Wasm memory usage was {used_bytes} bytes. Move data from the Wasm memory to the stable memory, or raise the limit in the canister settings."
    )]
    MemoryLimit { limit_bytes: u64, used_bytes: u64 },
    #[error(
        "Canister cannot grow its memory due to insufficient cycles. At least {missing_cycles} additional cycles are required above the freezing threshold; top it up."
    )]
    GrowthUnpaid { missing_cycles: u128 },
}

impl CanisterTrap {
    pub fn violation(message: impl Into<String>) -> Self {
        Self::ContractViolation(message.into())
    }

    /// The network's error code, for instance `IC0503`.
    pub fn error_code(&self) -> &'static str {
        match self {
            Self::Wasm(_) => "IC0502",
            Self::Called(_) => "IC0503",
            Self::ContractViolation(_) => "IC0504",
            Self::OutOfMemory => "IC0507",
            Self::GrowthUnpaid { .. } => "IC0532",
            Self::InstructionLimit { .. } => "IC0522",
            Self::MethodNotFound(_) => "IC0536",
            Self::MemoryLimit { .. } => "IC0539",
        }
    }

    /// What the canister's log says about it.
    pub fn log_line(&self) -> String {
        match self {
            Self::Called(message) if message.is_empty() => "[TRAP]: (no message)".to_owned(),
            Self::Called(text) | Self::Wasm(text) => format!("[TRAP]: {text}"),
            other => format!("[TRAP]: {other}"),
        }
    }

    /// The reject that the caller of `canister` receives.
    pub fn to_reject(&self, canister: Principal) -> Reject {
        Reject::with_error_code(
            RejectCode::CanisterError,
            self.error_code(),
            format!("Error from Canister {canister}: {self}"),
        )
    }

    /// Reads what wasmtime reports.
    pub(super) fn from_wasmtime(error: &wasmtime::Error, limit: u64) -> Self {
        if let Some(trap) = error.downcast_ref::<Self>() {
            return trap.clone();
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::OutOfFuel) => Self::InstructionLimit { limit },
            Some(trap) => Self::Wasm(trap_text(*trap)),
            None => Self::Wasm(format!("{error:#}")),
        }
    }
}

/// The network's words for traps that it tells apart.
fn trap_text(trap: wasmtime::Trap) -> String {
    match trap {
        wasmtime::Trap::StackOverflow => "stack overflow".to_owned(),
        wasmtime::Trap::MemoryOutOfBounds => "heap out of bounds".to_owned(),
        wasmtime::Trap::TableOutOfBounds => "table out of bounds".to_owned(),
        wasmtime::Trap::IntegerDivisionByZero => "integer division by 0".to_owned(),
        wasmtime::Trap::UnreachableCodeReached => "unreachable".to_owned(),
        other => other.to_string(),
    }
}
