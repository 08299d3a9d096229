//! Which paths of the state tree a reader may ask for, by the rules of the interface specification.

use super::effective_id::Destination;
use super::response::HttpError;
use crate::certification::Path;
use crate::message::{Principal, RequestId};
use std::collections::BTreeSet;

/// The most paths in one request.
const MAX_PATHS: usize = 1_000;
/// The most labels in one path.
const MAX_LABELS: usize = 127;

/// Who reads, and where the request was sent.
#[derive(Clone, Debug)]
pub(super) struct ReadRequest {
    pub(super) sender: Principal,
    /// The canisters that the sender's delegation is good for; `None` is all.
    pub(super) targets: Option<BTreeSet<Principal>>,
    pub(super) destination: Destination,
}

/// Who sent a request, and the canister or subnet at whose endpoint it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Submission {
    pub(super) sender: Principal,
    pub(super) canister_id: Principal,
    pub(super) effective_id: Principal,
}

/// What the rules must know of the state.
pub(super) trait ReadableState {
    /// How the request came in, if the tree holds its status.
    fn submission(&self, request_id: &RequestId) -> Option<Submission>;
    /// Whether the canister has a private custom section of that name.
    fn is_private_section(&self, canister: Principal, name: &str) -> bool;
    fn is_controller(&self, canister: Principal, principal: Principal) -> bool;
}

/// Checks all paths of a request.
pub(super) fn check_paths(
    paths: &[Path],
    reader: &ReadRequest,
    state: &dyn ReadableState,
) -> Result<(), HttpError> {
    if paths.len() > MAX_PATHS {
        return Err(HttpError::bad_request(format!(
            "content.paths: {} paths; at most {MAX_PATHS} are allowed",
            paths.len()
        )));
    }
    for path in paths {
        check_path(path, reader, state)?;
    }
    for (first, what) in [(&b"request_status"[..], "request"), (b"canister_ranges", "subnet")] {
        let ids: BTreeSet<&[u8]> = paths
            .iter()
            .filter(|path| path.first().is_some_and(|label| label == first))
            .filter_map(|path| path.get(1).map(Vec::as_slice))
            .collect();
        if ids.len() > 1 {
            return Err(HttpError::bad_request(format!(
                "content.paths: /{}/… of {} {what}s; ask for one {what} at a time",
                first.escape_ascii(),
                ids.len()
            )));
        }
    }
    Ok(())
}

fn check_path(path: &Path, reader: &ReadRequest, state: &dyn ReadableState) -> Result<(), HttpError> {
    if path.len() > MAX_LABELS {
        return Err(HttpError::bad_request(format!(
            "content.paths: a path of {} labels; at most {MAX_LABELS} are allowed",
            path.len()
        )));
    }
    let labels: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    match labels.as_slice() {
        [b"time"] | [b"subnet"] | [b"subnet", _] => Ok(()),
        [b"subnet", _, b"public_key" | b"type" | b"node" | b"canister_ranges"] => Ok(()),
        [b"subnet", _, b"node", _] | [b"subnet", _, b"node", _, b"public_key"] => Ok(()),
        [b"subnet", id, b"metrics"] if reader.destination.id().as_slice() != *id => {
            Err(HttpError::forbidden(format!(
                "content.paths: {} can be read at the endpoint of that subnet only",
                display(path)
            )))
        }
        [b"subnet", _, b"metrics"] | [b"canister_ranges", _] => match reader.destination {
            Destination::Subnet(_) => Ok(()),
            Destination::Canister(_) => Err(HttpError::forbidden(format!(
                "content.paths: {} can be read at the subnet's endpoint only",
                display(path)
            ))),
        },
        [b"api_boundary_nodes"]
        | [b"api_boundary_nodes", _]
        | [b"api_boundary_nodes", _, b"domain" | b"ipv4_address" | b"ipv6_address"] => Ok(()),
        [b"request_status", id]
        | [
            b"request_status",
            id,
            b"status" | b"reply" | b"reject_code" | b"reject_message" | b"error_code",
        ] => check_request_status(id, reader, state),
        [b"canister", id, b"module_hash" | b"controllers"] => concerned_canister(id, reader).map(|_| ()),
        [b"canister", id, b"metadata", name] => {
            check_metadata(concerned_canister(id, reader)?, name, reader, state)
        }
        _ => Err(HttpError::bad_request(format!(
            "content.paths: {} is not a path that can be read",
            display(path)
        ))),
    }
}

fn check_request_status(id: &[u8], reader: &ReadRequest, state: &dyn ReadableState) -> Result<(), HttpError> {
    let request_id = <[u8; 32]>::try_from(id).map(RequestId).map_err(|_| {
        HttpError::bad_request(format!("content.paths: a request id of {} bytes; expected 32", id.len()))
    })?;
    let Some(submission) = state.submission(&request_id) else {
        return Ok(());
    };
    let readable = submission.sender == reader.sender
        && submission.effective_id == reader.destination.id()
        && reader.targets.as_ref().is_none_or(|targets| targets.contains(&submission.canister_id));
    if readable {
        Ok(())
    } else {
        Err(HttpError::forbidden(
            "content.paths: the status of a request can be read only by its sender, at the path it was sent to",
        ))
    }
}

fn concerned_canister(id: &[u8], reader: &ReadRequest) -> Result<Principal, HttpError> {
    let canister = Principal::try_from_slice(id)
        .map_err(|error| HttpError::bad_request(format!("content.paths: no canister id: {error}")))?;
    if reader.destination == Destination::Canister(canister) {
        Ok(canister)
    } else {
        Err(HttpError::bad_request(format!(
            "content.paths: asks about canister {canister}, but was sent to {}",
            reader.destination.id()
        )))
    }
}

fn check_metadata(
    canister: Principal,
    name: &[u8],
    reader: &ReadRequest,
    state: &dyn ReadableState,
) -> Result<(), HttpError> {
    let name = std::str::from_utf8(name)
        .map_err(|_| HttpError::bad_request("content.paths: a metadata name that is not UTF-8"))?;
    if state.is_private_section(canister, name) && !state.is_controller(canister, reader.sender) {
        return Err(HttpError::forbidden(format!(
            "content.paths: the metadata '{name}' of {canister} is private to its controllers"
        )));
    }
    Ok(())
}

fn display(path: &Path) -> String {
    path.iter().map(|label| format!("/{}", label.escape_ascii())).collect()
}

#[cfg(test)]
mod tests;
