//! `POST …/read_state`: certified parts of the state tree, for those who may read them.

use super::body::CborBody;
use super::effective_id::Destination;
use super::path_authorization::{ReadRequest, ReadableState, Submission, check_paths};
use super::response::{Cbor, HttpError};
use super::{Interface, parse_principal};
use crate::Replica;
use crate::certification::Path as TreePath;
use crate::execution::MetadataVisibility;
use crate::message::{Principal, RequestId};
use axum::extract::{Path, State};
use ic_transport_types::{EnvelopeContent, ReadStateResponse};

/// `/api/v2/canister/<id>/read_state` and `/api/v3/canister/<id>/read_state`
pub(super) async fn on_canister(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
) -> Result<Cbor<ReadStateResponse>, HttpError> {
    read_state(&interface, Destination::Canister(parse_principal(&id)?), &body).await
}

/// `/api/v2/subnet/<id>/read_state` and `/api/v3/subnet/<id>/read_state`
pub(super) async fn on_subnet(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
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
    let (tree, paths) = interface
        .driver
        .begin(interface.subnet_of(destination), move |replica| {
            check_paths(&paths, &reader, replica)?;
            Ok::<_, HttpError>((replica.certified_tree(), paths))
        })
        .wait()
        .await??;
    Ok(Cbor(ReadStateResponse { certificate: tree.certificate(&paths) }))
}

impl ReadableState for Replica {
    fn submission(&self, request_id: &RequestId) -> Option<Submission> {
        self.ingress.get(request_id).map(|record| Submission {
            sender: record.sender,
            canister_id: record.canister_id,
            effective_id: record.effective_id,
        })
    }

    fn is_private_section(&self, canister: Principal, name: &str) -> bool {
        self.metadata_visibility(canister, name) == Some(MetadataVisibility::Private)
    }

    fn is_controller(&self, canister: Principal, principal: Principal) -> bool {
        self.controllers(canister).contains(&principal)
    }
}
