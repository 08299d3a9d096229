//! What the management canister tells about canisters.

use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInfoResult, CanisterLogFilter, CanisterMetadataArgs,
    CanisterMetadataResult, CanisterStatusResult, CanisterStatusType, FetchCanisterLogsArgs,
    FetchCanisterLogsResult, LogVisibility, MemoryMetrics, QueryStats, StatusVisibility,
};

use super::access::{not_a_controller, only_canisters};
use super::payload::{decode, invalid, reply};
use crate::canister::{Canister, Status};
use crate::cycles::Prices;
use crate::execution::MetadataVisibility;
use crate::message::CallResult;
use crate::replica::Replica;
use crate::scheduler::{Request, not_found};

const NS_PER_DAY: u128 = 86_400_000_000_000;

impl Replica {
    pub(super) fn canister_status(&self, caller: Principal, arg: &[u8]) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(arg)?;
        let id = args.canister_id;
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let is_open = match &canister.settings.status_visibility {
            StatusVisibility::Public => true,
            StatusVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
            StatusVisibility::Controllers => false,
        };
        if !is_open && caller != id && !canister.is_controlled_by(caller) {
            return Err(not_a_controller(caller, id, "canister_status"));
        }
        reply(status_of(canister, self.subnet.prices))
    }

    pub(super) fn canister_info(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let (args,): (CanisterInfoArgs,) = decode(&request.arg)?;
        let id = args.canister_id;
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let requested = usize::try_from(args.num_requested_changes.unwrap_or(0)).unwrap_or(usize::MAX);
        reply(CanisterInfoResult {
            total_num_changes: canister.history.total(),
            recent_changes: canister.history.recent(requested).to_vec(),
            module_hash: canister.module().map(|module| module.hash.to_vec()),
            controllers: canister.settings.controllers.clone(),
        })
    }

    pub(super) fn canister_metadata(&self, caller: Principal, arg: &[u8]) -> CallResult {
        let (args,): (CanisterMetadataArgs,) = decode(arg)?;
        let id = args.canister_id;
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let section = canister.module().and_then(|module| module.metadata.get(&args.name));
        match section {
            Some((MetadataVisibility::Private, _)) if !canister.is_controlled_by(caller) => {
                Err(not_a_controller(caller, id, "canister_metadata"))
            }
            Some((_, content)) => reply(CanisterMetadataResult { value: content.clone() }),
            None => Err(invalid(format!("Canister {id} has no metadata section '{}'", args.name))),
        }
    }

    pub(super) fn fetch_canister_logs(&self, caller: Principal, arg: &[u8]) -> CallResult {
        let (args,): (FetchCanisterLogsArgs,) = decode(arg)?;
        let id = args.canister_id;
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let is_open = match &canister.settings.log_visibility {
            LogVisibility::Public => true,
            LogVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
            LogVisibility::Controllers => false,
        };
        if !is_open && !canister.is_controlled_by(caller) {
            return Err(not_a_controller(caller, id, "fetch_canister_logs"));
        }
        let canister_log_records = canister
            .log
            .records()
            .filter(|record| match &args.filter {
                None => true,
                Some(CanisterLogFilter::ByIdx { start, end }) => (*start..*end).contains(&record.idx),
                Some(CanisterLogFilter::ByTimestampNanos { start, end }) => {
                    (*start..*end).contains(&record.timestamp_nanos)
                }
            })
            .cloned()
            .collect();
        reply(FetchCanisterLogsResult { canister_log_records })
    }
}

fn status_of(canister: &Canister, prices: Prices) -> CanisterStatusResult {
    let chunk_bytes: usize = canister.chunk_store.values().map(Vec::len).sum();
    let zero = || Nat::from(0_u8);
    CanisterStatusResult {
        status: match canister.status {
            Status::Running => CanisterStatusType::Running,
            Status::Stopping { .. } => CanisterStatusType::Stopping,
            Status::Stopped => CanisterStatusType::Stopped,
        },
        ready_for_migration: canister.status == Status::Stopped,
        version: canister.version,
        settings: canister.settings.to_definite(),
        module_hash: canister.module().map(|module| module.hash.to_vec()),
        memory_size: canister.memory_bytes().into(),
        memory_metrics: MemoryMetrics {
            wasm_memory_size: canister.memory().len().into(),
            stable_memory_size: canister.stable_memory().len().into(),
            global_memory_size: zero(),
            wasm_binary_size: canister.module().map_or(0, |module| module.sent.len()).into(),
            custom_sections_size: zero(),
            canister_history_size: zero(),
            wasm_chunk_store_size: chunk_bytes.into(),
            snapshots_size: zero(),
            log_memory_store_size: zero(),
        },
        cycles: canister.balance_cycles.into(),
        reserved_cycles: zero(),
        idle_cycles_burned_per_day: (canister.idle_cycles(prices, NS_PER_DAY)).into(),
        query_stats: QueryStats {
            num_calls_total: zero(),
            num_instructions_total: zero(),
            request_payload_bytes_total: zero(),
            response_payload_bytes_total: zero(),
        },
    }
}
