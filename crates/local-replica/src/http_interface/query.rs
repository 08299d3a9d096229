//! `POST …/query`: queries, answered at once and signed by one node.

use super::body::CborBody;
use super::effective_id::{Destination, check_query};
use super::response::{Cbor, HttpError, reject_response};
use super::{Interface, parse_principal};
use crate::Replica;
use crate::message::{CallResult, QueryMessage, RequestId};
use crate::outcalls::NodeIndex;
use axum::extract::{Path, State};
use ic_transport_types::{EnvelopeContent, NodeSignature, QueryResponse, ReplyResponse};

/// `/api/v2/canister/<id>/query` and `/api/v3/canister/<id>/query`
pub(super) async fn on_canister(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
) -> Result<Cbor<QueryResponse>, HttpError> {
    query(&interface, Destination::Canister(parse_principal(&id)?), &body).await
}

/// `/api/v3/subnet/<id>/query`
pub(super) async fn on_subnet(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
) -> Result<Cbor<QueryResponse>, HttpError> {
    let subnet_id = parse_principal(&id)?;
    interface.check_subnet(subnet_id)?;
    query(&interface, Destination::Subnet(subnet_id), &body).await
}

async fn query(
    interface: &Interface,
    destination: Destination,
    body: &[u8],
) -> Result<Cbor<QueryResponse>, HttpError> {
    let request = interface.authenticated(body)?;
    let request_id = request.request_id;
    let EnvelopeContent::Query { sender, canister_id, method_name, arg, .. } = request.content else {
        return Err(HttpError::bad_request("content.request_type: this endpoint takes 'query'"));
    };
    check_query(destination, canister_id, &method_name, &arg)?;
    let message = QueryMessage { sender, canister_id, method_name, arg };
    let response = interface
        .driver
        .begin(interface.subnet_of(destination), move |replica| {
            let result = replica.query(message);
            signed(replica, request_id, result)
        })
        .wait()
        .await?;
    Ok(Cbor(response))
}

/// The response with the signature of one node, which the request id picks among those that are up.
fn signed(replica: &Replica, request_id: RequestId, result: CallResult) -> QueryResponse {
    let down = replica.faults().down();
    let nodes: Vec<NodeIndex> = (0..replica.node_count()).filter(|node| !down.contains(node)).collect();
    let node = nodes.get(usize::from(request_id.0[0]) % nodes.len().max(1)).copied();
    let lie = node.and_then(|node| replica.faults().query_lie(node));
    let mut response = match lie.map_or(result, Ok) {
        Ok(arg) => QueryResponse::Replied { reply: ReplyResponse { arg }, signatures: vec![] },
        Err(reject) => QueryResponse::Rejected { reject: reject_response(reject), signatures: vec![] },
    };
    let Some(node) = node.and_then(|node| replica.node_keys().get(node as usize)) else {
        return response;
    };
    let timestamp = replica.time_ns();
    let signable = response.signable(ic_transport_types::RequestId::new(&request_id.0), timestamp);
    let signature = NodeSignature { timestamp, signature: node.sign(&signable), identity: node.id() };
    let (QueryResponse::Replied { signatures, .. } | QueryResponse::Rejected { signatures, .. }) =
        &mut response;
    signatures.push(signature);
    response
}
