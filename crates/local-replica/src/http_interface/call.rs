//! `POST …/call`: update calls; version 2 answers at once, versions 3 and 4 wait for the answer.

use super::body::CborBody;
use super::driver::Pending;
use super::effective_id::{Destination, check_call};
use super::response::{Cbor, HttpError, reject_response};
use super::{Interface, parse_principal};
use crate::certification::CertifiedTree;
use crate::message::{IngressMessage, Reject, RequestId};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ic_transport_types::{EnvelopeContent, TransportCallResponse};
use std::sync::Arc;
use std::time::Duration;

/// The largest call, envelope included.
const MAX_INGRESS_BYTES: usize = 2 * 1024 * 1024;
/// How long a synchronous call is held open before the client is told to poll.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// `/api/v2/canister/<id>/call`
pub(super) async fn asynchronous(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
) -> Result<Response, HttpError> {
    let destination = Destination::Canister(parse_principal(&id)?);
    Ok(match submit(&interface, destination, &body).await? {
        Ok(_) => StatusCode::ACCEPTED.into_response(),
        Err(reject) => Cbor(reject_response(reject)).into_response(),
    })
}

/// `/api/v3/canister/<id>/call` and `/api/v4/canister/<id>/call`
pub(super) async fn synchronous(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
) -> Result<Response, HttpError> {
    call_and_wait(&interface, Destination::Canister(parse_principal(&id)?), &body).await
}

/// `/api/v4/subnet/<id>/call`
pub(super) async fn on_subnet(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    CborBody(body): CborBody,
) -> Result<Response, HttpError> {
    let subnet_id = parse_principal(&id)?;
    interface.check_subnet(subnet_id)?;
    call_and_wait(&interface, Destination::Subnet(subnet_id), &body).await
}

async fn call_and_wait(
    interface: &Interface,
    destination: Destination,
    body: &[u8],
) -> Result<Response, HttpError> {
    let submitted = match submit(interface, destination, body).await? {
        Ok(submitted) => submitted,
        Err(reject) => {
            let rejection = TransportCallResponse::NonReplicatedRejection(reject_response(reject));
            return Ok(Cbor(rejection).into_response());
        }
    };
    match tokio::time::timeout(ANSWER_WAIT, submitted.answered.wait()).await {
        Err(_elapsed) => Ok(StatusCode::ACCEPTED.into_response()),
        Ok(tree) => {
            let path = vec![b"request_status".to_vec(), submitted.request_id.0.to_vec()];
            let certificate = tree?.certificate(&[path]);
            Ok(Cbor(TransportCallResponse::Replied { certificate }).into_response())
        }
    }
}

/// A call that the replica took.
struct Submitted {
    request_id: RequestId,
    answered: Pending<Arc<CertifiedTree>>,
}

/// Hands an authenticated call to the replica; the inner error is the replica's refusal to take it.
async fn submit(
    interface: &Interface,
    destination: Destination,
    body: &[u8],
) -> Result<Result<Submitted, Reject>, HttpError> {
    if body.len() > MAX_INGRESS_BYTES {
        return Err(HttpError::too_large(format!(
            "body: {} bytes; a call may have at most {MAX_INGRESS_BYTES}",
            body.len()
        )));
    }
    let request = interface.authenticated(body)?;
    let request_id = request.request_id;
    let EnvelopeContent::Call { ingress_expiry, sender, canister_id, method_name, arg, .. } = request.content
    else {
        return Err(HttpError::bad_request("content.request_type: this endpoint takes 'call'"));
    };
    check_call(destination, canister_id, &method_name, &arg)?;
    let message = IngressMessage {
        request_id,
        sender,
        canister_id,
        method_name,
        arg,
        ingress_expiry_ns: ingress_expiry,
    };
    let effective_id = destination.id();
    let subnet = interface.subnet_of(destination);
    let accepted = interface.driver.begin(subnet, move |replica| replica.submit_at(effective_id, message));
    // Asked for at once, so that the answer is not waited for by two trips to the replica.
    let answered = interface.driver.answered(subnet, request_id);
    Ok(accepted.wait().await?.map(|()| Submitted { request_id, answered }))
}
