//! Refusals of the control interface: a status and one line that says what to do.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http_interface::ReplicaStopped;

/// Why a request could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    NotFound(String),
    #[error(transparent)]
    Stopped(#[from] ReplicaStopped),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{self}\n")).into_response()
    }
}
