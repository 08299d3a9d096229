//! The body of a request: CBOR, said to be so, and not too large.

use super::response::HttpError;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;

/// The largest body of any request.
pub(super) const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// A body that claims to be CBOR.
pub(super) struct CborBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for CborBody {
    type Rejection = HttpError;

    async fn from_request(request: Request, _: &S) -> Result<Self, HttpError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        if content_type != Some(b"application/cbor") {
            return Err(HttpError::unsupported_media_type(format!(
                "Unexpected content-type: '{}'; expected 'application/cbor'",
                content_type.unwrap_or_default().escape_ascii()
            )));
        }
        match axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(HttpError::too_large(format!(
                "body: could not be read to its end, or has more than the {MAX_BODY_BYTES} bytes that are allowed"
            ))),
        }
    }
}
