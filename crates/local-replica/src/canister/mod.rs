//! The state of one canister: code and memories, settings, balance, open calls, logs, history.

mod call_context;
mod history;
mod log;
mod memory_usage;
mod query_statistics;
mod settings;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::Arc;

use candid::Principal;
use serde::{Deserialize, Serialize};

pub use call_context::{CallContext, CallContextId, Callback, CallbackId, OpenCalls};
pub use history::{History, Originator};
pub use log::Log;
pub use memory_usage::MemoryUsage;
pub use query_statistics::QueryStatistics;
pub use settings::{MAX_ENVIRONMENT_VARIABLE_BYTES, Settings};
pub use snapshot::{Snapshot, SnapshotId, SnapshotSource};

use crate::cycles::Prices;
use crate::execution::{CanisterTrap, CompiledModule, Environment, Instance};
use crate::scheduler::Origin;
use crate::topology::Topology;

const NS_PER_SECOND: u128 = 1_000_000_000;
/// What bounds the heap when the settings do not.
const DEFAULT_WASM_MEMORY_LIMIT_BYTES: u64 = 4 << 30;

/// Whether a canister takes messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Running,
    /// Takes only responses; answers these `stop_canister` calls once no call is open.
    Stopping {
        stop_requests: Vec<StopRequest>,
    },
    Stopped,
}

/// A `stop_canister` call that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequest {
    pub origin: Origin,
    pub cycles: u128,
    /// When the call was made.
    pub time_ns: u64,
}

/// Whether `canister_on_low_wasm_memory` is to run: once each time that the heap comes closer to
/// its limit than the threshold of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LowMemoryHook {
    #[default]
    ConditionNotSatisfied,
    Ready,
    Executed,
}

impl Status {
    /// The number that `ic0.canister_status` returns.
    pub fn number(&self) -> u32 {
        match self {
            Self::Running => 1,
            Self::Stopping { .. } => 2,
            Self::Stopped => 3,
        }
    }
}

/// One canister.
#[derive(Debug)]
pub struct Canister {
    pub id: Principal,
    pub settings: Settings,
    pub status: Status,
    pub balance_cycles: u128,
    pub version: u64,
    /// Absent while the canister is empty.
    pub instance: Option<Instance>,
    pub certified_data: Vec<u8>,
    /// Time of the next `canister_global_timer`; 0 when none is set.
    pub global_timer_ns: u64,
    /// From when the next heartbeat is due.
    pub next_heartbeat_ns: u64,
    pub low_memory_hook: LowMemoryHook,
    pub open_calls: OpenCalls,
    pub log: Log,
    pub history: History,
    /// Chunks of code by their SHA-256.
    pub chunk_store: BTreeMap<[u8; 32], Vec<u8>>,
    pub snapshots: BTreeMap<SnapshotId, Snapshot>,
    pub next_snapshot: u64,
    pub query_statistics: QueryStatistics,
    /// Until when resources have been paid for.
    pub paid_until_ns: u64,
}

impl Canister {
    pub fn new(id: Principal, settings: Settings, balance_cycles: u128, time_ns: u64) -> Self {
        Self {
            id,
            settings,
            status: Status::Running,
            balance_cycles,
            version: 0,
            instance: None,
            certified_data: Vec::new(),
            global_timer_ns: 0,
            next_heartbeat_ns: 0,
            low_memory_hook: LowMemoryHook::default(),
            open_calls: OpenCalls::default(),
            log: Log::default(),
            history: History::default(),
            chunk_store: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            next_snapshot: 0,
            query_statistics: QueryStatistics::default(),
            paid_until_ns: time_ns,
        }
    }

    pub fn module(&self) -> Option<&Arc<CompiledModule>> {
        self.instance.as_ref().map(Instance::module)
    }

    pub fn is_controlled_by(&self, principal: Principal) -> bool {
        self.settings.controllers.contains(&principal)
    }

    /// Linear memory, stack included; empty without code.
    pub fn memory(&self) -> &[u8] {
        self.instance.as_ref().map_or(&[], Instance::memory)
    }

    pub fn stable_memory(&self) -> &[u8] {
        self.instance.as_ref().map_or(&[], |instance| instance.stable_memory().as_slice())
    }

    /// The stretches of linear memory that were ever written, as of the last message; all other bytes are zero. Cheaper to
    /// look through than [`Canister::memory`], which makes pages exist.
    pub fn written_memory(&self) -> impl Iterator<Item = &[u8]> {
        self.instance.iter().flat_map(Instance::written_heap)
    }

    /// The same of stable memory.
    pub fn written_stable_memory(&self) -> impl Iterator<Item = &[u8]> {
        self.instance.iter().flat_map(|instance| instance.stable_memory().written())
    }

    /// Bytes that storage is charged for.
    pub fn memory_bytes(&self) -> u128 {
        self.memory_usage().total().into()
    }

    /// Bytes of the subnet's memory that this canister holds or is guaranteed.
    pub fn held_bytes(&self) -> u128 {
        self.memory_bytes().max(self.settings.memory_allocation_bytes.into())
    }

    /// Cycles that existing for so long costs.
    pub fn idle_cycles(&self, prices: Prices, duration_ns: u128) -> u128 {
        let bytes = self.held_bytes();
        let percent = self.settings.compute_allocation_percent;
        prices.storage(bytes, duration_ns).saturating_add(prices.compute_allocation(percent, duration_ns))
    }

    /// Cycles that must stay in the balance for the freezing threshold.
    pub fn freezing_limit_cycles(&self, prices: Prices) -> u128 {
        let threshold_ns = u128::from(self.settings.freezing_threshold_seconds) * NS_PER_SECOND;
        self.idle_cycles(prices, threshold_ns)
    }

    /// Checks that so many cycles suffice for the freezing threshold with the memory held now.
    ///
    /// # Errors
    /// When they do not: the memory must not grow to this size.
    pub fn check_growth_is_paid(&self, prices: Prices, balance_cycles: u128) -> Result<(), CanisterTrap> {
        match self.freezing_limit_cycles(prices).saturating_sub(balance_cycles) {
            0 => Ok(()),
            missing_cycles => Err(CanisterTrap::GrowthUnpaid { missing_cycles }),
        }
    }

    /// Bytes of heap and stable memory, uncommitted growth included.
    pub fn memories_bytes(&self) -> usize {
        self.memory().len() + self.stable_memory().len()
    }

    pub fn liquid_cycles(&self, prices: Prices) -> u128 {
        self.balance_cycles.saturating_sub(self.freezing_limit_cycles(prices))
    }

    /// Adds to the balance, which cannot exceed 2^128 - 1: what is more is lost.
    pub fn add_cycles(&mut self, cycles: u128) {
        self.balance_cycles = self.balance_cycles.saturating_add(cycles);
    }

    /// Pays for the resources held since the last time. Says no when the balance, which is spent
    /// then, did not suffice.
    #[must_use]
    pub fn pay_for_resources(&mut self, prices: Prices, time_ns: u64) -> bool {
        let elapsed_ns = time_ns.saturating_sub(self.paid_until_ns);
        let due = self.idle_cycles(prices, elapsed_ns.into());
        let is_covered = due <= self.balance_cycles;
        self.balance_cycles = self.balance_cycles.saturating_sub(due);
        self.paid_until_ns = time_ns;
        is_covered
    }

    /// Drops what a canister without cycles cannot keep besides its code: allocations, snapshots and
    /// the details of its history.
    pub fn give_up_allocations(&mut self) {
        self.snapshots.clear();
        self.settings.compute_allocation_percent = 0;
        self.settings.memory_allocation_bytes = 0;
        self.history.forget_changes();
    }

    /// Looks whether the heap has come close to its limit, or is far from it again.
    pub fn update_low_memory_hook(&mut self) {
        let limit_bytes = match self.settings.wasm_memory_limit_bytes {
            0 => DEFAULT_WASM_MEMORY_LIMIT_BYTES,
            limit_bytes => limit_bytes,
        };
        let wanted_bytes =
            (self.memory().len() as u64).saturating_add(self.settings.wasm_memory_threshold_bytes);
        self.low_memory_hook = match self.low_memory_hook {
            _ if wanted_bytes <= limit_bytes => LowMemoryHook::ConditionNotSatisfied,
            LowMemoryHook::ConditionNotSatisfied => LowMemoryHook::Ready,
            ready_or_executed => ready_or_executed,
        };
    }

    /// What a message of this canister sees of it and of its subnet.
    pub fn environment(&self, subnet: &SubnetFacts, time_ns: u64) -> Environment {
        Environment {
            canister: self.id,
            subnet: subnet.id,
            root_key_der: subnet.root_key_der.clone(),
            topology: subnet.topology.clone(),
            prices: subnet.prices,
            time_ns,
            controllers: self.settings.controllers.clone(),
            canister_version: self.version,
            canister_status: self.status.number(),
            environment_variables: self.settings.environment_variables.clone(),
            freezing_limit_cycles: self.freezing_limit_cycles(subnet.prices),
            wasm_memory_limit_bytes: self.settings.wasm_memory_limit_bytes,
            open_calls: self.open_calls.calls_by_callee(),
            data_certificate: None,
        }
    }
}

/// What canisters can learn about their subnet; it never changes.
#[derive(Clone, Debug)]
pub struct SubnetFacts {
    pub id: Principal,
    pub root_key_der: Arc<[u8]>,
    pub prices: Prices,
    pub(crate) topology: Arc<Topology>,
}
