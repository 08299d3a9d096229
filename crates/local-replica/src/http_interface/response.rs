//! HTTP responses: CBOR bodies for answers, plain text for refusals.

use super::driver::ReplicaStopped;
use crate::ingress::IngressError;
use crate::message::{Reject, RejectCode};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ic_transport_types::RejectResponse;
use serde::Serialize;

/// A refused request.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    message: String,
}

impl HttpError {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, message: message.into() }
    }

    pub(super) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, message: message.into() }
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, message: message.into() }
    }
}

impl From<IngressError> for HttpError {
    fn from(error: IngressError) -> Self {
        // As the network's nodes answer, whatever is wrong with a request.
        Self::bad_request(error.to_string())
    }
}

impl From<ReplicaStopped> for HttpError {
    fn from(stopped: ReplicaStopped) -> Self {
        let status = match &stopped {
            ReplicaStopped::OnRequest => StatusCode::SERVICE_UNAVAILABLE,
            ReplicaStopped::Panicked { .. } | ReplicaStopped::NotKept { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, message: stopped.to_string() }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        (self.status, format!("{}\n", self.message)).into_response()
    }
}

/// A 200 answer with a self-described CBOR body.
pub(super) struct Cbor<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Cbor<T> {
    fn into_response(self) -> Response {
        let mut cbor = serde_cbor::Serializer::new(Vec::new());
        match cbor.self_describe().and_then(|()| self.0.serialize(&mut cbor)) {
            Ok(()) => ([(header::CONTENT_TYPE, "application/cbor")], cbor.into_inner()).into_response(),
            Err(error) => HttpError {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                message: format!("cannot encode the answer: {error}"),
            }
            .into_response(),
        }
    }
}

/// A reject in the form in which agents read it.
pub(super) fn reject_response(reject: Reject) -> RejectResponse {
    use ic_transport_types::RejectCode as Code;
    let reject_code = match reject.code {
        RejectCode::SysFatal => Code::SysFatal,
        // Users never make best-effort calls; agents know no code for them.
        RejectCode::SysTransient | RejectCode::SysUnknown => Code::SysTransient,
        RejectCode::DestinationInvalid => Code::DestinationInvalid,
        RejectCode::CanisterReject => Code::CanisterReject,
        RejectCode::CanisterError => Code::CanisterError,
    };
    RejectResponse { reject_code, reject_message: reject.message, error_code: reject.error_code }
}
