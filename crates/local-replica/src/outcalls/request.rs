//! What a canister may ask for: the checks made before anything is sent, with the network's own
//! reject codes and messages.

use candid::Principal;
use ic_management_canister_types::{HttpHeader, HttpMethod, HttpRequestArgs};
use url::Url;

use super::replication::Replication;
use crate::message::{Reject, RejectCode};

/// Header names, header values and body of a request together, in bytes.
pub const MAX_REQUEST_BYTES: usize = 2_000_000;
/// Headers and body of an answer together, in bytes; also the default of `max_response_bytes`.
pub const MAX_RESPONSE_BYTES: u64 = 2_000_000;
const MAX_URL_BYTES: usize = 8_192;
const MAX_HEADERS: usize = 64;
const MAX_HEADER_NAME_OR_VALUE_BYTES: usize = 8 * 1_024;
const MAX_HEADERS_TOTAL_BYTES: usize = 48 * 1_024;

/// Checks a request in the network's order and returns its URL, which is https. The replication is
/// what it says, with the counts of a flexible one checked before.
pub(super) fn check(
    args: &HttpRequestArgs,
    replication: Replication,
    caller: Principal,
) -> Result<Url, Reject> {
    if let Some(transform) = &args.transform {
        let owner = transform.function.0.principal;
        if owner != caller {
            return Err(canister_reject(format!(
                "transform principal id expected to be {caller}, got {owner}"
            )));
        }
    }
    if args.url.len() > MAX_URL_BYTES {
        return Err(canister_reject(format!("url size {} exceeds {MAX_URL_BYTES}", args.url.len())));
    }
    check_headers_and_body(&args.headers, args.body.as_deref().unwrap_or_default())
        .map_err(|error| canister_reject(error.to_string()))?;
    if let Some(asked) = args.max_response_bytes.filter(|asked| *asked > MAX_RESPONSE_BYTES) {
        return Err(canister_reject(format!(
            "max_response_bytes expected to be in the range [0..{MAX_RESPONSE_BYTES}], got {asked}"
        )));
    }
    let is_changing = matches!(args.method, HttpMethod::PUT | HttpMethod::DELETE | HttpMethod::PATCH);
    if is_changing && !replication.is_deterministic() {
        return Err(canister_reject(
            match replication {
                Replication::Full | Replication::Single => {
                    "The requested HTTP method is only allowed for non-replicated requests."
                }
                Replication::Flexible(_) => {
                    "The requested HTTP method is only allowed for requests with \
                     min_responses = max_responses = total_requests."
                }
            }
            .to_string(),
        ));
    }
    let url = Url::parse(&args.url).map_err(|error| fatal(format!("Failed to parse URL: {error}")))?;
    if url.scheme() != "https" {
        return Err(fatal("Url need to specify https scheme".to_string()));
    }
    Ok(url)
}

/// A limit that requests and answers share is exceeded, in the network's words.
#[derive(Debug, thiserror::Error)]
pub(super) enum TooLarge {
    #[error("number of all http headers {0} exceeds {max}", max = MAX_HEADERS)]
    HeaderCount(usize),
    #[error(
        "number of bytes to represent some http header {what} {bytes} exceeds {max}",
        max = MAX_HEADER_NAME_OR_VALUE_BYTES
    )]
    Header { what: &'static str, bytes: usize },
    #[error(
        "total number of bytes to represent all http header names and values {0} exceeds {max}",
        max = MAX_HEADERS_TOTAL_BYTES
    )]
    Headers(usize),
    #[error(
        "total number of bytes to represent all http header names and values and http body {0} exceeds {max}",
        max = MAX_REQUEST_BYTES
    )]
    HeadersAndBody(usize),
}

/// Checks the limits that requests and answers share.
pub(super) fn check_headers_and_body(headers: &[HttpHeader], body: &[u8]) -> Result<(), TooLarge> {
    if headers.len() > MAX_HEADERS {
        return Err(TooLarge::HeaderCount(headers.len()));
    }
    let longest = |length: fn(&HttpHeader) -> usize| headers.iter().map(length).max().unwrap_or(0);
    for (what, bytes) in [("name", longest(|h| h.name.len())), ("value", longest(|h| h.value.len()))] {
        if bytes > MAX_HEADER_NAME_OR_VALUE_BYTES {
            return Err(TooLarge::Header { what, bytes });
        }
    }
    let headers_bytes = header_bytes(headers);
    if headers_bytes > MAX_HEADERS_TOTAL_BYTES {
        return Err(TooLarge::Headers(headers_bytes));
    }
    let total_bytes = headers_bytes + body.len();
    if total_bytes > MAX_REQUEST_BYTES {
        return Err(TooLarge::HeadersAndBody(total_bytes));
    }
    Ok(())
}

/// Bytes of all header names and values.
pub(super) fn header_bytes(headers: &[HttpHeader]) -> usize {
    headers.iter().map(|header| header.name.len() + header.value.len()).sum()
}

/// The bytes that a request is priced by.
pub(super) fn priced_bytes(args: &HttpRequestArgs) -> u64 {
    let transform_bytes = args
        .transform
        .as_ref()
        .map_or(0, |transform| transform.function.0.method.len() + transform.context.len());
    let body_bytes = args.body.as_ref().map_or(0, Vec::len);
    (args.url.len() + header_bytes(&args.headers) + body_bytes + transform_bytes) as u64
}

pub(super) fn canister_reject(message: String) -> Reject {
    Reject::with_error_code(RejectCode::CanisterReject, "IC0406", message)
}

pub(super) fn fatal(message: String) -> Reject {
    Reject::new(RejectCode::SysFatal, message)
}

pub(super) fn transient(message: String) -> Reject {
    Reject::new(RejectCode::SysTransient, message)
}

#[cfg(test)]
mod tests;
