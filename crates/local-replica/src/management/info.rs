//! What the management canister tells about canisters.

use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInfoResult, CanisterLogFilter, CanisterLogRecord,
    CanisterMetadataArgs, CanisterMetadataResult, CanisterStatusResult, CanisterStatusType,
    FetchCanisterLogsArgs, FetchCanisterLogsResult, LogVisibility, MemoryMetrics, QueryStats, SubnetInfoArgs,
    SubnetInfoResult,
};

use super::access::{not_a_controller, only_canisters};
use super::payload::{decode, invalid, reply};
use crate::canister::{Canister, Log, Status};
use crate::cycles::Prices;
use crate::execution::MetadataVisibility;
use crate::message::{CallResult, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::{Request, not_found};

/// What the records of one reply may take, so that the reply stays below the limit of responses.
const MAX_LOG_REPLY_BYTES: usize = 2_000_000;
/// What a record takes besides its content.
const RECORD_OVERHEAD_BYTES: usize = 32;
const REPLICA_VERSION: &str = concat!("local-replica ", env!("CARGO_PKG_VERSION"));
const NS_PER_DAY: u128 = 86_400_000_000_000;

impl Replica {
    pub(super) fn canister_status(&self, caller: Principal, arg: &[u8]) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(arg)?;
        let canister = self.status_visible(caller, args.canister_id)?;
        reply(status_of(canister, self.subnet.prices))
    }

    pub(super) fn canister_info(&self, arg: &[u8]) -> CallResult {
        let (args,): (CanisterInfoArgs,) = decode(arg)?;
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

    pub(super) fn canister_metadata(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let caller = request.caller;
        let (args,): (CanisterMetadataArgs,) = decode(&request.arg)?;
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

    pub(super) fn subnet_info(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let (args,): (SubnetInfoArgs,) = decode(&request.arg)?;
        if args.subnet_id != self.subnet.id {
            return Err(Reject::with_error_code(
                RejectCode::CanisterReject,
                "IC0404",
                format!("subnet_id: there is no subnet {}, only {}", args.subnet_id, self.subnet.id),
            ));
        }
        reply(SubnetInfoResult { replica_version: REPLICA_VERSION.to_owned(), registry_version: 1 })
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
            return Err(Reject::with_error_code(
                RejectCode::CanisterReject,
                "IC0406",
                format!("Caller {caller} is not allowed to access canister logs"),
            ));
        }
        reply(FetchCanisterLogsResult { canister_log_records: selected(&canister.log, args.filter) })
    }
}

/// The records that the filter wants, as far as they fit into one reply: without a filter the newest,
/// with one the oldest, so that readers can page forward.
fn selected(log: &Log, filter: Option<CanisterLogFilter>) -> Vec<CanisterLogRecord> {
    let mut left_bytes = MAX_LOG_REPLY_BYTES;
    let fits = |record: &&CanisterLogRecord| {
        let taken = left_bytes.checked_sub(record.content.len() + RECORD_OVERHEAD_BYTES);
        left_bytes = taken.unwrap_or(0);
        taken.is_some()
    };
    let (start, end, key): (u64, u64, fn(&CanisterLogRecord) -> u64) = match filter {
        None => {
            let mut newest: Vec<_> = log.records().rev().take_while(fits).cloned().collect();
            newest.reverse();
            return newest;
        }
        Some(CanisterLogFilter::ByIdx { start, end }) => (start, end, |record| record.idx),
        Some(CanisterLogFilter::ByTimestampNanos { start, end }) => {
            (start, end, |record| record.timestamp_nanos)
        }
    };
    log.records().filter(|record| (start..end).contains(&key(record))).take_while(fits).cloned().collect()
}

fn status_of(canister: &Canister, prices: Prices) -> CanisterStatusResult {
    let usage = canister.memory_usage();
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
        memory_size: usage.total().into(),
        memory_metrics: MemoryMetrics {
            wasm_memory_size: usage.heap.into(),
            stable_memory_size: usage.stable.into(),
            global_memory_size: usage.globals.into(),
            wasm_binary_size: usage.module.into(),
            custom_sections_size: usage.custom_sections.into(),
            canister_history_size: usage.history.into(),
            wasm_chunk_store_size: usage.chunk_store.into(),
            snapshots_size: usage.snapshots.into(),
            log_memory_store_size: usage.log.into(),
        },
        cycles: canister.balance_cycles.into(),
        reserved_cycles: Nat::from(0_u8),
        idle_cycles_burned_per_day: (canister.idle_cycles(prices, NS_PER_DAY)).into(),
        query_stats: QueryStats {
            num_calls_total: canister.query_statistics.calls.into(),
            num_instructions_total: canister.query_statistics.instructions.into(),
            request_payload_bytes_total: canister.query_statistics.request_bytes.into(),
            response_payload_bytes_total: canister.query_statistics.response_bytes.into(),
        },
    }
}
