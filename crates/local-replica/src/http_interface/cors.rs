//! What pages of other origins may ask: as much as the network's boundary nodes allow them.

use axum::http::{HeaderName, Method, header};
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};

/// How long a browser may remember the answer.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

pub(super) fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([
            Method::HEAD,
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ])
        .allow_headers([
            header::USER_AGENT,
            header::DNT,
            header::IF_NONE_MATCH,
            header::IF_MODIFIED_SINCE,
            header::CACHE_CONTROL,
            header::CONTENT_TYPE,
            header::RANGE,
            header::COOKIE,
            HeaderName::from_static("x-requested-with"),
            HeaderName::from_static("x-ic-canister-id"),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-ic-canister-id"),
        ])
        .max_age(MAX_AGE)
}
