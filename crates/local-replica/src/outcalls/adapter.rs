//! One node sending one request, really, over HTTP/1.1 to the loopback server that plays the host.
//!
//! Redirects are answers like any other, never followed. Nothing is retried here: a second send
//! happens only when the fault switch orders it.

use std::io::Read;
use std::time::{Duration, Instant};

use ic_management_canister_types::{HttpHeader, HttpMethod, HttpRequestResult};
use url::Url;

use super::request::{check_headers_and_body, fatal, header_bytes, transient};
use crate::message::Reject;

/// Sent when the canister names no user agent, as the network's nodes do.
const DEFAULT_USER_AGENT: &str = "ic/1.0";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Guards against a server that announces a huge body: memory is taken as bytes arrive.
const INITIAL_BODY_CAPACITY_BYTES: usize = 64 * 1_024;

/// A request as each sending node sends it.
#[derive(Debug)]
pub(super) struct NodeRequest {
    pub(super) method: HttpMethod,
    /// Host, and port if unusual, as the canister named it: the `Host` header.
    pub(super) authority: String,
    /// Where the request really goes; `None` when no route plays the host.
    pub(super) target: Option<Url>,
    pub(super) headers: Vec<HttpHeader>,
    pub(super) body: Vec<u8>,
    pub(super) max_response_bytes: u64,
    /// When the subnet gives up waiting.
    pub(super) deadline: Instant,
}

/// Why a node has no answer to report.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The node reports this reject in place of an answer.
    Rejected(Reject),
    /// Nothing came before the deadline; the node reports nothing.
    Silent,
}

/// What came of one send.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) outcome: Result<HttpRequestResult, Failure>,
    pub(super) downloaded_bytes: u64,
    pub(super) elapsed: Duration,
}

/// Sends the request and reads the whole answer, within the deadline and the size limit.
pub(super) fn send(request: &NodeRequest) -> Exchange {
    let started = Instant::now();
    let mut downloaded_bytes = 0;
    let outcome = exchange(request, started, &mut downloaded_bytes).map_err(|reject| {
        // Which read or write a timeout interrupted does not matter: the subnet has given up.
        if Instant::now() >= request.deadline { Failure::Silent } else { Failure::Rejected(reject) }
    });
    Exchange { outcome, downloaded_bytes, elapsed: started.elapsed() }
}

fn exchange(
    request: &NodeRequest,
    now: Instant,
    downloaded_bytes: &mut u64,
) -> Result<HttpRequestResult, Reject> {
    let Some(target) = &request.target else {
        return Err(cannot_connect(request, "no route plays this host on the local network"));
    };
    let time_left = request.deadline.saturating_duration_since(now);
    if time_left.is_zero() {
        return Err(transient("Deadline Exceeded".to_string()));
    }
    // No pooled connections: each node is its own client, and a stale one would be retried.
    let agent = ureq::AgentBuilder::new()
        .redirects(0)
        .max_idle_connections(0)
        .timeout_connect(CONNECT_TIMEOUT)
        .timeout(time_left)
        .user_agent(DEFAULT_USER_AGENT)
        .build();
    let mut call = agent.request_url(method_name(request.method), target).set("Host", &request.authority);
    for (name, value) in joined(&request.headers) {
        call = call.set(&name, &value);
    }
    let bodyless = request.body.is_empty() && matches!(request.method, HttpMethod::GET | HttpMethod::HEAD);
    let sent = if bodyless { call.call() } else { call.send_bytes(&request.body) };
    let response = match sent {
        Ok(response) | Err(ureq::Error::Status(_, response)) => response,
        Err(ureq::Error::Transport(error)) => return Err(transport_failure(request, &error)),
    };
    read(request, response, downloaded_bytes)
}

fn read(
    request: &NodeRequest,
    response: ureq::Response,
    downloaded_bytes: &mut u64,
) -> Result<HttpRequestResult, Reject> {
    let limit = request.max_response_bytes;
    let status = response.status();
    let headers = response_headers(&response)?;
    let headers_bytes = header_bytes(&headers) as u64;
    *downloaded_bytes = headers_bytes;
    let Some(body_limit) = limit.checked_sub(headers_bytes) else {
        return Err(fatal(format!("Header size exceeds specified response size limit {limit}")));
    };
    let mut body = Vec::with_capacity(INITIAL_BODY_CAPACITY_BYTES);
    response
        .into_reader()
        .take(body_limit + 1)
        .read_to_end(&mut body)
        .map_err(|error| transient(format!("Failed to fetch body: {error}")))?;
    *downloaded_bytes += body.len() as u64;
    if body.len() as u64 > body_limit {
        return Err(fatal(format!("Http body exceeds size limit of {limit} bytes.")));
    }
    check_headers_and_body(&headers, &body).map_err(fatal)?;
    Ok(HttpRequestResult { status: status.into(), headers, body })
}

/// Headers in the order of the answer, names in lower case, repeated ones one by one.
fn response_headers(response: &ureq::Response) -> Result<Vec<HttpHeader>, Reject> {
    let names = response.headers_names();
    let mut headers = Vec::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        let earlier = names[..position].iter().filter(|other| *other == name).count();
        let value = response
            .all(name)
            .get(earlier)
            .map(ToString::to_string)
            .ok_or_else(|| transient(format!("Failed to parse headers: {name} is not visible ASCII")))?;
        headers.push(HttpHeader { name: name.clone(), value });
    }
    Ok(headers)
}

/// One entry per header name: repeated ones joined by commas, which HTTP says is the same.
fn joined(headers: &[HttpHeader]) -> Vec<(String, String)> {
    let mut joined: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for header in headers {
        match joined.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&header.name)) {
            Some((_, value)) => {
                value.push_str(", ");
                value.push_str(&header.value);
            }
            None => joined.push((header.name.clone(), header.value.clone())),
        }
    }
    joined
}

fn transport_failure(request: &NodeRequest, error: &ureq::Transport) -> Reject {
    match error.kind() {
        // Only the canister's own header can be refused before anything is sent.
        ureq::ErrorKind::BadHeader => fatal("Failed to parse headers".to_string()),
        kind => cannot_connect(request, &kind.to_string()),
    }
}

fn cannot_connect(request: &NodeRequest, why: &str) -> Reject {
    transient(format!("Connecting to {:.50} failed: {why}", request.authority))
}

fn method_name(method: HttpMethod) -> &'static str {
    match method {
        HttpMethod::GET => "GET",
        HttpMethod::HEAD => "HEAD",
        HttpMethod::POST => "POST",
        HttpMethod::PUT => "PUT",
        HttpMethod::DELETE => "DELETE",
        HttpMethod::PATCH => "PATCH",
    }
}
