//! A canister's settings, checked.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterSettings, DefiniteCanisterSettings, EnvironmentVariable, LogVisibility, SnapshotVisibility,
    StatusVisibility,
};
use serde::{Deserialize, Serialize};

use crate::message::{Reject, RejectCode};

const MAX_CONTROLLERS: usize = 10;
const MAX_ENVIRONMENT_VARIABLES: usize = 20;
/// Longest name, and longest value, of an environment variable.
pub const MAX_ENVIRONMENT_VARIABLE_BYTES: usize = 128;
const MAX_VIEWERS: usize = 10;
const LOG_BYTES: RangeInclusive<u64> = 4096..=2 * 1024 * 1024;
const MAX_MEMORY_BYTES: u64 = 1 << 48;

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub controllers: Vec<Principal>,
    pub compute_allocation_percent: u64,
    pub memory_allocation_bytes: u64,
    pub freezing_threshold_seconds: u64,
    pub reserved_cycles_limit: u128,
    pub minimum_incoming_call_cycles: u128,
    pub log_visibility: LogVisibility,
    pub log_memory_limit_bytes: u64,
    pub snapshot_visibility: SnapshotVisibility,
    pub status_visibility: StatusVisibility,
    pub wasm_memory_limit_bytes: u64,
    pub wasm_memory_threshold_bytes: u64,
    pub environment_variables: BTreeMap<String, String>,
}

impl Settings {
    /// The network's defaults, controlled by `controllers`.
    pub fn new(controllers: Vec<Principal>) -> Self {
        Self {
            controllers,
            compute_allocation_percent: 0,
            memory_allocation_bytes: 0,
            freezing_threshold_seconds: 2_592_000,
            reserved_cycles_limit: 5_000_000_000_000,
            minimum_incoming_call_cycles: 0,
            log_visibility: LogVisibility::Controllers,
            log_memory_limit_bytes: 4096,
            snapshot_visibility: SnapshotVisibility::Controllers,
            status_visibility: StatusVisibility::Controllers,
            wasm_memory_limit_bytes: 3 * 1024 * 1024 * 1024,
            wasm_memory_threshold_bytes: 0,
            environment_variables: BTreeMap::new(),
        }
    }

    /// Applies the settings that are present; absent ones stay.
    ///
    /// # Errors
    /// When a value is out of range; nothing is changed then.
    pub fn updated(&self, change: CanisterSettings) -> Result<Self, Reject> {
        let mut new = self.clone();
        if let Some(controllers) = change.controllers {
            at_most("controllers", controllers.len() as u128, MAX_CONTROLLERS as u128)?;
            new.controllers = controllers;
        }
        set(&mut new.compute_allocation_percent, "compute_allocation", change.compute_allocation, 100)?;
        set(&mut new.memory_allocation_bytes, "memory_allocation", change.memory_allocation, u64::MAX)?;
        set(&mut new.freezing_threshold_seconds, "freezing_threshold", change.freezing_threshold, u64::MAX)?;
        set(&mut new.log_memory_limit_bytes, "log_memory_limit", change.log_memory_limit, *LOG_BYTES.end())?;
        if (1..*LOG_BYTES.start()).contains(&new.log_memory_limit_bytes) {
            return Err(out_of_range(format!(
                "log_memory_limit is {}; allowed are 0 and {LOG_BYTES:?}",
                new.log_memory_limit_bytes
            )));
        }
        set(
            &mut new.wasm_memory_limit_bytes,
            "wasm_memory_limit",
            change.wasm_memory_limit,
            MAX_MEMORY_BYTES,
        )?;
        set(
            &mut new.wasm_memory_threshold_bytes,
            "wasm_memory_threshold",
            change.wasm_memory_threshold,
            MAX_MEMORY_BYTES,
        )?;
        set_cycles(&mut new.reserved_cycles_limit, "reserved_cycles_limit", change.reserved_cycles_limit)?;
        set_cycles(
            &mut new.minimum_incoming_call_cycles,
            "minimum_incoming_canister_call_cycles",
            change.minimum_incoming_canister_call_cycles,
        )?;
        if let Some(visibility) = change.log_visibility {
            if let LogVisibility::AllowedViewers(viewers) = &visibility {
                at_most("log_visibility: allowed_viewers", viewers.len() as u128, MAX_VIEWERS as u128)?;
            }
            new.log_visibility = visibility;
        }
        if let Some(visibility) = change.snapshot_visibility {
            if let SnapshotVisibility::AllowedViewers(viewers) = &visibility {
                at_most("snapshot_visibility: allowed_viewers", viewers.len() as u128, MAX_VIEWERS as u128)?;
            }
            new.snapshot_visibility = visibility;
        }
        if let Some(visibility) = change.status_visibility {
            if let StatusVisibility::AllowedViewers(viewers) = &visibility {
                at_most("status_visibility: allowed_viewers", viewers.len() as u128, MAX_VIEWERS as u128)?;
            }
            new.status_visibility = visibility;
        }
        if let Some(variables) = change.environment_variables {
            new.environment_variables = environment_variables(variables)?;
        }
        Ok(new)
    }

    /// The settings as the management canister reports them.
    pub fn to_definite(&self) -> DefiniteCanisterSettings {
        DefiniteCanisterSettings {
            controllers: self.controllers.clone(),
            compute_allocation: self.compute_allocation_percent.into(),
            memory_allocation: self.memory_allocation_bytes.into(),
            freezing_threshold: self.freezing_threshold_seconds.into(),
            reserved_cycles_limit: self.reserved_cycles_limit.into(),
            minimum_incoming_canister_call_cycles: self.minimum_incoming_call_cycles.into(),
            log_visibility: self.log_visibility.clone(),
            log_memory_limit: self.log_memory_limit_bytes.into(),
            snapshot_visibility: self.snapshot_visibility.clone(),
            status_visibility: self.status_visibility.clone(),
            wasm_memory_limit: self.wasm_memory_limit_bytes.into(),
            wasm_memory_threshold: self.wasm_memory_threshold_bytes.into(),
            environment_variables: self
                .environment_variables
                .iter()
                .map(|(name, value)| EnvironmentVariable { name: name.clone(), value: value.clone() })
                .collect(),
        }
    }
}

fn environment_variables(variables: Vec<EnvironmentVariable>) -> Result<BTreeMap<String, String>, Reject> {
    at_most("environment_variables", variables.len() as u128, MAX_ENVIRONMENT_VARIABLES as u128)?;
    let mut sorted = BTreeMap::new();
    for EnvironmentVariable { name, value } in variables {
        at_most(
            "environment_variables: bytes of a name",
            name.len() as u128,
            MAX_ENVIRONMENT_VARIABLE_BYTES as u128,
        )?;
        at_most(
            "environment_variables: bytes of a value",
            value.len() as u128,
            MAX_ENVIRONMENT_VARIABLE_BYTES as u128,
        )?;
        if sorted.contains_key(&name) {
            return Err(invalid(format!("environment_variables: '{name}' is given twice")));
        }
        sorted.insert(name, value);
    }
    Ok(sorted)
}

fn set(target: &mut u64, field: &str, value: Option<Nat>, max: u64) -> Result<(), Reject> {
    if let Some(value) = value {
        let number = u64::try_from(&value.0)
            .ok()
            .filter(|number| *number <= max)
            .ok_or_else(|| out_of_range(format!("{field} is {value}; allowed are 0 to {max}")))?;
        *target = number;
    }
    Ok(())
}

fn set_cycles(target: &mut u128, field: &str, value: Option<Nat>) -> Result<(), Reject> {
    if let Some(value) = value {
        *target = u128::try_from(&value.0)
            .map_err(|_| out_of_range(format!("{field} is {value}; allowed are 0 to 2^128 - 1")))?;
    }
    Ok(())
}

fn at_most(field: &str, found: u128, max: u128) -> Result<(), Reject> {
    if found > max {
        return Err(invalid(format!("{field}: found {found}; allowed are at most {max}")));
    }
    Ok(())
}

fn invalid(message: String) -> Reject {
    Reject::with_error_code(RejectCode::CanisterReject, "IC0408", message)
}

fn out_of_range(message: String) -> Reject {
    Reject::with_error_code(RejectCode::CanisterError, "IC0504", message)
}
