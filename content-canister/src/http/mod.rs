//! Plain HTTPS through a gateway: certified pages for everybody, and content for owners who sign their requests.
//!
//! A page is a query. A request about content is asked as a query first, which lets it in to be executed as an update
//! if its signature holds; the update checks everything again and uses it up.

mod message;
mod routes;
mod signed_request;

use candid::Principal;
use content_types::ContentError;
use ic_http_certification::StatusCode;
use serde_json::json;

pub use message::{Request, Response};
pub use signed_request::{InvalidRequest, SignedRequest, authenticate};

use crate::{
    pages,
    runtime::Runtime,
    state::read_state,
    storage::{self, NotNoted},
};

/// What is about content begins so.
const CONTENT: &str = "/content";
const SECOND_NS: u64 = 1_000_000_000;

/// Answers a request that changes nothing, or says that it is to be executed.
pub fn query(canister: Principal, now_ns: u64, certificate: Option<Vec<u8>>, request: &Request) -> Response {
    let certificate = certificate.unwrap_or_default();
    let path = request.path();
    if request.method == "OPTIONS" {
        return pages::preflight(path, &certificate).into();
    }
    if !is_about_content(path) {
        return pages::page(path, &certificate).into();
    }
    match admit(canister, now_ns, request) {
        Ok(_) => Response::upgrade(),
        Err(refused) => pages::unauthorized(path, &refused.to_string(), &certificate).into(),
    }
}

/// Whether an update may be executed for this request; uses nothing up yet.
pub fn may_execute(canister: Principal, now_ns: u64, request: &Request) -> bool {
    is_about_content(request.path()) && admit(canister, now_ns, request).is_ok()
}

/// Carries a signed request out.
pub async fn update<R: Runtime>(runtime: &R, request: &Request) -> Response {
    let now_ns = runtime.time_ns();
    let noted = admit(runtime.canister_self(), now_ns, request).and_then(|signed| {
        let SignedRequest { owner, nonce, expires_at_s } = &signed;
        storage::with_used_requests(|used| used.note(owner, nonce, *expires_at_s, now_ns / SECOND_NS))?;
        Ok(signed.owner)
    });
    let owner = match noted {
        Ok(owner) => owner,
        Err(refused) => return failure(StatusCode::UNAUTHORIZED, &refused.to_string()),
    };
    match routes::carry_out(runtime, &owner, request).await {
        Ok(response) => response,
        Err(error) => failure(status_of(&error), &error.to_string()),
    }
}

/// Who signed the request, if its signature holds and it was not used yet.
fn admit(canister: Principal, now_ns: u64, request: &Request) -> Result<SignedRequest, InvalidRequest> {
    let now_s = now_ns / SECOND_NS;
    let signed = read_state(|state| {
        authenticate(request, canister, now_s, |owner| {
            state.owner(owner).map(|owner| owner.public_key_der.to_vec())
        })
    })?;
    storage::with_used_requests(|used| used.check(&signed.owner, &signed.nonce, signed.expires_at_s, now_s))?;
    Ok(signed)
}

impl From<NotNoted> for InvalidRequest {
    fn from(not_noted: NotNoted) -> Self {
        match not_noted {
            NotNoted::Replayed => Self::Replayed,
            NotNoted::TooMany => Self::TooMany,
        }
    }
}

fn is_about_content(path: &str) -> bool {
    path.strip_prefix(CONTENT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn failure(status: StatusCode, error: &str) -> Response {
    Response::json(status, &json!({ "error": error }))
}

fn status_of(error: &ContentError) -> StatusCode {
    match error {
        ContentError::NotAllowed { .. } => StatusCode::FORBIDDEN,
        ContentError::NoSuchItem { .. } => StatusCode::NOT_FOUND,
        ContentError::Invalid { .. } | ContentError::CannotOpen => StatusCode::UNPROCESSABLE_ENTITY,
        ContentError::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
        ContentError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}
