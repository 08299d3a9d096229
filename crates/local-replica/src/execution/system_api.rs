//! What a running message can see and what it has done so far: the meaning of the system calls,
//! apart from how their arguments lie in WebAssembly memory.

mod calls;
mod cycles;
mod reply;

use std::collections::BTreeMap;
use std::sync::Arc;

use candid::Principal;
use serde::{Deserialize, Serialize};

pub(super) use calls::CallPerformed;

use super::{CanisterTrap, Context};
use crate::cycles::Prices;
use crate::message::{CallResult, Reject};
use crate::topology::Topology;

/// A function of the canister's table and the value that it is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFunction {
    pub index: u64,
    pub environment: u64,
}

/// What the canister wants called when the answer of a call arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackFunctions {
    pub reply: TableFunction,
    pub reject: TableFunction,
    pub cleanup: Option<TableFunction>,
}

/// A call that the message made.
#[derive(Clone, Debug)]
pub struct OutgoingCall {
    pub callee: Principal,
    pub method: String,
    pub arg: Vec<u8>,
    /// Attached cycles, already taken from the balance.
    pub cycles: u128,
    /// Set aside for the response, already taken from the balance.
    pub prepaid_cycles: u128,
    pub callbacks: CallbackFunctions,
    /// Present in bounded-wait calls; at most [`calls::MAX_TIMEOUT_SECONDS`].
    pub timeout_seconds: Option<u32>,
}

/// The canister and its subnet, as the message sees them.
#[derive(Clone, Debug)]
pub struct Environment {
    pub canister: Principal,
    pub subnet: Principal,
    pub root_key_der: Arc<[u8]>,
    pub(crate) topology: Arc<Topology>,
    pub prices: Prices,
    pub time_ns: u64,
    pub controllers: Vec<Principal>,
    pub canister_version: u64,
    /// 1 running, 2 stopping, 3 stopped.
    pub canister_status: u32,
    /// Sorted by name.
    pub environment_variables: BTreeMap<String, String>,
    /// Cycles that must stay in the balance for the freezing threshold.
    pub freezing_limit_cycles: u128,
    /// What the linear memory may have after an update, in bytes; 0 is no limit.
    pub wasm_memory_limit_bytes: u64,
    /// How many calls to each canister are not yet answered.
    pub open_calls: BTreeMap<Principal, usize>,
    /// In queries: a certificate for the canister's certified data.
    pub data_certificate: Option<Vec<u8>>,
}

/// The message to execute.
#[derive(Clone, Debug)]
pub struct Input {
    pub context: Context,
    pub caller: Principal,
    pub arg: Vec<u8>,
    /// The method that opened the call context.
    pub method: String,
    /// In reject callbacks and their cleanup.
    pub reject: Option<Reject>,
    /// Of the call being answered; 0 when its caller waits without bound.
    pub deadline_ns: u64,
    pub cycles_available: u128,
    pub cycles_refunded: u128,
    /// Whether the call can still be answered.
    pub may_respond: bool,
    /// Instructions already executed in this call context.
    pub context_instructions: u64,
    /// Balance without the reserve for this execution.
    pub balance_cycles: u128,
    pub global_timer_ns: u64,
    pub instruction_limit: u64,
}

impl Input {
    /// A message without argument, caller or call context; set what differs.
    pub fn new(context: Context, caller: Principal, instruction_limit: u64) -> Self {
        Self {
            context,
            caller,
            arg: Vec::new(),
            method: String::new(),
            reject: None,
            deadline_ns: 0,
            cycles_available: 0,
            cycles_refunded: 0,
            may_respond: false,
            context_instructions: 0,
            balance_cycles: 0,
            global_timer_ns: 0,
            instruction_limit,
        }
    }
}

/// What the message did, to be kept only if it does not trap (except the log).
#[derive(Clone, Debug, Default)]
pub struct Effects {
    pub response: Option<CallResult>,
    pub calls: Vec<OutgoingCall>,
    /// Balance after the message, still without the unused part of the execution reserve.
    pub balance_cycles: u128,
    pub accepted_cycles: u128,
    pub certified_data: Option<Vec<u8>>,
    pub global_timer_ns: Option<u64>,
    /// Whether `canister_inspect_message` accepted.
    pub accepted_message: bool,
    /// Lines printed; kept even when the message traps.
    pub log: Vec<Vec<u8>>,
}

impl Effects {
    /// Adds to the balance, which cannot exceed 2^128 - 1: what is more is lost.
    pub(super) fn add_cycles(&mut self, cycles: u128) {
        self.balance_cycles = self.balance_cycles.saturating_add(cycles);
    }
}

/// The system API during one execution.
#[derive(Debug)]
pub struct SystemApi {
    pub(super) environment: Arc<Environment>,
    pub(super) input: Input,
    pub(super) effects: Effects,
    reply_buffer: Vec<u8>,
    call_under_construction: Option<OutgoingCall>,
}

impl SystemApi {
    pub(super) fn new(environment: Arc<Environment>, input: Input) -> Self {
        let effects = Effects { balance_cycles: input.balance_cycles, ..Effects::default() };
        Self { environment, input, effects, reply_buffer: Vec::new(), call_under_construction: None }
    }

    pub(super) fn into_effects(mut self) -> Effects {
        self.discard_call_under_construction();
        self.effects
    }

    pub(super) fn accept_message(&mut self) -> Result<(), CanisterTrap> {
        if self.effects.accepted_message {
            return Err(CanisterTrap::violation("the message was already accepted"));
        }
        self.effects.accepted_message = true;
        Ok(())
    }

    /// Sets the global timer (0 deactivates) and returns the value before.
    pub(super) fn set_global_timer(&mut self, timestamp_ns: u64) -> u64 {
        let before = self.effects.global_timer_ns.unwrap_or(self.input.global_timer_ns);
        self.effects.global_timer_ns = Some(timestamp_ns);
        before
    }

    pub(super) fn set_certified_data(&mut self, data: Vec<u8>) -> Result<(), CanisterTrap> {
        if data.len() > 32 {
            return Err(CanisterTrap::violation(format!(
                "certified data has {} bytes; allowed are at most 32",
                data.len()
            )));
        }
        self.effects.certified_data = Some(data);
        Ok(())
    }

    pub(super) fn is_controller(&self, principal: &[u8]) -> Result<bool, CanisterTrap> {
        let principal = Principal::try_from_slice(principal)
            .map_err(|error| CanisterTrap::violation(format!("not a principal: {error}")))?;
        Ok(self.environment.controllers.contains(&principal))
    }

    pub(super) fn environment_variable(&self, name: &[u8]) -> Result<Option<&str>, CanisterTrap> {
        let name = std::str::from_utf8(name)
            .map_err(|_| CanisterTrap::violation("the name of an environment variable must be UTF-8"))?;
        Ok(self.environment.environment_variables.get(name).map(String::as_str))
    }

    pub(super) fn environment_variable_name(&self, index: u64) -> Result<&str, CanisterTrap> {
        self.environment
            .environment_variables
            .keys()
            .nth(index as usize)
            .map(String::as_str)
            .ok_or_else(|| CanisterTrap::violation(format!("there is no environment variable {index}")))
    }

    pub(super) fn reject_message(&self) -> Result<&str, CanisterTrap> {
        self.input
            .reject
            .as_ref()
            .map(|reject| reject.message.as_str())
            .ok_or_else(|| CanisterTrap::violation("there is no reject message"))
    }
}
