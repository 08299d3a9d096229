//! `POST …/read_state`: certified parts of the state tree, for those who may read them.

use super::effective_id::Destination;
use super::path_authorization::{ReadRequest, ReadableState, check_paths};
use super::response::{Cbor, HttpError};
use super::{Interface, Submission, SubmittedRequests, parse_principal};
use crate::Replica;
use crate::certification::Path as TreePath;
use crate::execution::MetadataVisibility;
use crate::message::{Principal, RequestId};
use axum::body::Bytes;
use axum::extract::{Path, State};
use ic_transport_types::{EnvelopeContent, ReadStateResponse};

/// `/api/v2/canister/<id>/read_state` and `/api/v3/canister/<id>/read_state`
pub(super) async fn on_canister(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Cbor<ReadStateResponse>, HttpError> {
    read_state(&interface, Destination::Canister(parse_principal(&id)?), &body).await
}

/// `/api/v2/subnet/<id>/read_state` and `/api/v3/subnet/<id>/read_state`
pub(super) async fn on_subnet(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Cbor<ReadStateResponse>, HttpError> {
    let subnet_id = parse_principal(&id)?;
    interface.check_subnet(subnet_id)?;
    read_state(&interface, Destination::Subnet(subnet_id), &body).await
}

async fn read_state(
    interface: &Interface,
    destination: Destination,
    body: &[u8],
) -> Result<Cbor<ReadStateResponse>, HttpError> {
    let request = interface.authenticated(body)?;
    let EnvelopeContent::ReadState { sender, paths, .. } = request.content else {
        return Err(HttpError::bad_request("content.request_type: this endpoint takes 'read_state'"));
    };
    let paths: Vec<TreePath> =
        paths.iter().map(|path| path.iter().map(|label| label.as_bytes().to_vec()).collect()).collect();
    let reader = ReadRequest { sender, targets: request.targets, destination };
    let requests = interface.requests.clone();
    let certificate = interface
        .driver
        .run(move |replica| {
            let state = Served { replica, requests: &requests.lock() };
            check_paths(&paths, &reader, &state)?;
            Ok::<_, HttpError>(replica.certificate(&paths))
        })
        .await??;
    Ok(Cbor(ReadStateResponse { certificate }))
}

/// The replica, with what the interface remembers of the requests that came through it.
struct Served<'a> {
    replica: &'a Replica,
    requests: &'a SubmittedRequests,
}

impl ReadableState for Served<'_> {
    fn is_known(&self, request_id: &RequestId) -> bool {
        self.replica.ingress_status(request_id).is_some()
    }

    fn submission(&self, request_id: &RequestId) -> Option<Submission> {
        self.requests.get(request_id)
    }

    fn is_private_section(&self, canister: Principal, name: &str) -> bool {
        self.replica.metadata_visibility(canister, name) == Some(MetadataVisibility::Private)
    }

    fn is_controller(&self, canister: Principal, principal: Principal) -> bool {
        self.replica.controllers(canister).contains(&principal)
    }
}
