//! Looking into the network: its state, memories, logs, and the trace of messages.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use candid::Principal;
use ic_management_canister_types::CanisterLogRecord;
use serde::{Deserialize, Serialize};

use super::Control;
use super::answer::Refusal;
use crate::Replica;
use crate::canister::Status;

/// Most messages in one answer of `GET /trace`.
const TRACE_PAGE: usize = 1_000;

#[derive(Serialize)]
pub(super) struct NetworkState {
    time_ns: u64,
    /// SHA-256 in hex of all that the network is.
    state_hash: String,
    queued_messages: usize,
    pending_outcalls: usize,
    canisters: Vec<CanisterState>,
}

#[derive(Serialize)]
struct CanisterState {
    id: Principal,
    status: &'static str,
    /// SHA-256 in hex; absent without code.
    module_hash: Option<String>,
    balance_cycles: u128,
    heap_bytes: usize,
    stable_bytes: usize,
}

pub(super) async fn state(State(control): State<Control>) -> Result<Json<NetworkState>, Refusal> {
    Ok(Json(control.driver.run(|replica| network_state(replica)).await?))
}

fn network_state(replica: &Replica) -> NetworkState {
    let canisters = replica.view().canisters().map(|canister| CanisterState {
        id: canister.id,
        status: match canister.status {
            Status::Running => "running",
            Status::Stopping { .. } => "stopping",
            Status::Stopped => "stopped",
        },
        module_hash: canister.module().map(|module| hex::encode(module.hash)),
        balance_cycles: canister.balance_cycles,
        heap_bytes: canister.memory().len(),
        stable_bytes: canister.stable_memory().len(),
    });
    NetworkState {
        time_ns: replica.time_ns(),
        state_hash: replica.state_hash().to_string(),
        queued_messages: replica.queued_messages(),
        pending_outcalls: replica.pending_outcalls(),
        canisters: canisters.collect(),
    }
}

/// Which bytes of a memory.
#[derive(Deserialize)]
pub(super) struct Range {
    #[serde(default)]
    offset: usize,
    /// To the end when absent.
    length: Option<usize>,
}

impl Range {
    fn of(&self, memory: &[u8]) -> Result<Vec<u8>, Refusal> {
        let end = self.length.map_or(memory.len(), |length| self.offset.saturating_add(length));
        memory.get(self.offset..end).map(<[u8]>::to_vec).ok_or_else(|| {
            Refusal::Malformed(format!(
                "bytes {} to {end} are not within the memory of {} bytes",
                self.offset,
                memory.len()
            ))
        })
    }
}

pub(super) async fn heap(
    State(control): State<Control>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
) -> Result<Response, Refusal> {
    bytes_of(control, &id, move |replica, id| range.of(replica.canister_memory(id))).await
}

pub(super) async fn stable_memory(
    State(control): State<Control>,
    Path(id): Path<String>,
    Query(range): Query<Range>,
) -> Result<Response, Refusal> {
    bytes_of(control, &id, move |replica, id| range.of(replica.stable_memory(id))).await
}

async fn bytes_of(
    control: Control,
    id: &str,
    read: impl FnOnce(&Replica, Principal) -> Result<Vec<u8>, Refusal> + Send + 'static,
) -> Result<Response, Refusal> {
    let id = canister_id(id)?;
    let bytes =
        control.driver.run(move |replica| known(replica, id).and_then(|()| read(replica, id))).await??;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

pub(super) async fn log(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> Result<Json<Vec<CanisterLogRecord>>, Refusal> {
    let id = canister_id(&id)?;
    let records = control.driver.run(move |replica| known(replica, id).map(|()| replica.logs(id))).await??;
    Ok(Json(records))
}

/// Which messages of the trace, and how they are written.
#[derive(Deserialize)]
pub(super) struct TracePage {
    /// Number of the first.
    #[serde(default)]
    from: u64,
    #[serde(default)]
    json: bool,
}

pub(super) async fn trace(State(control): State<Control>, Query(page): Query<TracePage>) -> Response {
    let messages = control.trace.read(page.from, TRACE_PAGE);
    if page.json {
        return Json(messages).into_response();
    }
    messages.iter().map(|message| format!("{message}\n")).collect::<String>().into_response()
}

pub(super) fn canister_id(text: &str) -> Result<Principal, Refusal> {
    Principal::from_text(text)
        .map_err(|error| Refusal::Malformed(format!("path: '{text}' is no canister id: {error}")))
}

pub(super) fn known(replica: &Replica, id: Principal) -> Result<(), Refusal> {
    match replica.view().canister(id) {
        Some(_) => Ok(()),
        None => Err(Refusal::NotFound(format!("there is no canister {id}; GET /state lists them"))),
    }
}
