//! `POST …/call`: update calls; version 2 answers at once, versions 3 and 4 wait for the answer.

use super::effective_id::{Destination, check_call};
use super::response::{Cbor, HttpError, reject_response};
use super::{Interface, Submission, parse_principal};
use crate::message::{IngressMessage, Reject, RequestId};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ic_transport_types::{EnvelopeContent, TransportCallResponse};
use std::time::Duration;

/// The largest call, envelope included.
const MAX_INGRESS_BYTES: usize = 2 * 1024 * 1024;
/// How long a synchronous call is held open before the client is told to poll.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// `/api/v2/canister/<id>/call`
pub(super) async fn asynchronous(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    body: Bytes,
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
    body: Bytes,
) -> Result<Response, HttpError> {
    call_and_wait(&interface, Destination::Canister(parse_principal(&id)?), &body).await
}

/// `/api/v4/subnet/<id>/call`
pub(super) async fn on_subnet(
    State(interface): State<Interface>,
    Path(id): Path<String>,
    body: Bytes,
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
    let request_id = match submit(interface, destination, body).await? {
        Ok(request_id) => request_id,
        Err(reject) => {
            let rejection = TransportCallResponse::NonReplicatedRejection(reject_response(reject));
            return Ok(Cbor(rejection).into_response());
        }
    };
    match tokio::time::timeout(ANSWER_WAIT, interface.driver.answered(request_id)).await {
        Err(_elapsed) => Ok(StatusCode::ACCEPTED.into_response()),
        Ok(answered) => {
            answered?;
            let path = vec![b"request_status".to_vec(), request_id.0.to_vec()];
            let certificate = interface.driver.run(move |replica| replica.certificate(&[path])).await?;
            Ok(Cbor(TransportCallResponse::Replied { certificate }).into_response())
        }
    }
}

/// Hands an authenticated call to the replica; the inner error is the replica's refusal to take it.
async fn submit(
    interface: &Interface,
    destination: Destination,
    body: &[u8],
) -> Result<Result<RequestId, Reject>, HttpError> {
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
    let submitted = interface.driver.run(move |replica| replica.submit(message)).await?;
    Ok(submitted.map(|()| {
        let submission = Submission {
            sender,
            canister_id,
            effective_id: destination.id(),
            ingress_expiry_ns: ingress_expiry,
        };
        interface.requests.lock().insert(request_id, submission);
        request_id
    }))
}
