//! One node sending one request, really, over HTTP/1.1 to the loopback server that plays the host.
//!
//! As on the network, whatever goes wrong before the head of an answer is there leads to sending the
//! same request again: directly first, then twice more, as through the proxies that a node has. The
//! server may have processed the earlier ones. Redirects are answers like any other, bodies stay
//! compressed, and repeated headers stay repeated.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use ic_management_canister_types::{HttpHeader, HttpMethod, HttpRequestResult};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::faults::Resent;
use super::pricing::MAX_ROUNDTRIP;
use super::request::{check_headers_and_body, fatal, header_bytes, transient};
use crate::message::Reject;

/// How often a node sends a request at most: directly, then through two proxies.
pub const MAX_ATTEMPTS: u8 = 3;
/// Sent when the canister names no user agent, as the network's nodes do.
const DEFAULT_USER_AGENT: &str = "ic/1.0";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a request really goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    /// How to speak TLS to it; `None` for plain HTTP.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// A request as each sending node sends it.
#[derive(Clone, Debug)]
pub(super) struct NodeRequest {
    pub(super) method: HttpMethod,
    /// The host that the canister named; what a TLS certificate must be for.
    pub(super) host: String,
    /// Host, and port if unusual, as the canister named it: the `Host` header.
    pub(super) authority: String,
    pub(super) path_and_query: String,
    /// `None` when no route plays the host.
    pub(super) target: Option<Target>,
    pub(super) headers: Vec<HttpHeader>,
    pub(super) body: Bytes,
    pub(super) max_response_bytes: u64,
}

/// Why a node has no answer to report.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The node reports this reject in place of an answer.
    Rejected(Reject),
    /// Nothing came in time; the node reports nothing.
    Silent,
}

/// What came of a node's sends.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) outcome: Result<HttpRequestResult, Failure>,
    pub(super) downloaded_bytes: u64,
}

impl Exchange {
    pub(super) fn without_sending(outcome: Result<HttpRequestResult, Failure>) -> Self {
        Self { outcome, downloaded_bytes: 0 }
    }
}

/// Why one attempt brought no head of an answer. The texts name no port and no time, so that all
/// nodes that fail in the same way say the same.
#[derive(Debug, Error)]
enum AttemptError {
    #[error("no route plays this host on the local network")]
    NoRoute,
    #[error("tcp connect error: {0}")]
    Connect(std::io::ErrorKind),
    #[error("tcp connect error: deadline has elapsed")]
    ConnectTimeout,
    #[error("{0:?} is no name that a certificate can be for")]
    ServerName(String),
    #[error("tls handshake error: {0}")]
    Tls(String),
    #[error("{0}")]
    Http(String),
    #[error("connection reset before the request was sent")]
    Unsent,
    #[error("connection closed before message completed")]
    Unanswered,
}

impl From<hyper::Error> for AttemptError {
    fn from(error: hyper::Error) -> Self {
        // The source of an input or output error may name what differs from node to node.
        Self::Http(error.to_string())
    }
}

/// Sends the request, again if need be, and reads the whole answer within the size limit.
pub(super) async fn send(request: &NodeRequest, resent: Resent) -> Exchange {
    let mut downloaded_bytes = 0;
    let exchange = timeout(MAX_ROUNDTRIP, exchange(request, resent, &mut downloaded_bytes)).await;
    let outcome = match exchange {
        Ok(outcome) => outcome.map_err(Failure::Rejected),
        Err(_elapsed) => Err(Failure::Silent),
    };
    Exchange { outcome, downloaded_bytes }
}

async fn exchange(
    request: &NodeRequest,
    resent: Resent,
    downloaded_bytes: &mut u64,
) -> Result<HttpRequestResult, Reject> {
    let headers = request_headers(request)?;
    // Ends the connections when the answer is read or given up.
    let mut connections = JoinSet::new();
    let mut errors = Vec::new();
    for number in 0..MAX_ATTEMPTS {
        match attempt(request, &headers, resent.fate(number), &mut connections).await {
            Ok(response) => return read(request, response, downloaded_bytes).await,
            Err(error) => errors.push(error),
        }
    }
    let (direct, proxied) = (errors.first(), errors.last());
    let says = |error: Option<&AttemptError>| error.map(ToString::to_string).unwrap_or_default();
    Err(transient(format!(
        "Connecting to {:.50} failed: direct connect {} and connect through socks {}",
        request.host,
        says(direct),
        says(proxied)
    )))
}

/// What the fault switch makes of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Undisturbed,
    /// The connection fails before anything reaches the server.
    Unsent,
    /// The server gets the request; its answer is lost.
    Unanswered,
}

async fn attempt(
    request: &NodeRequest,
    headers: &HeaderMap,
    fate: Fate,
    connections: &mut JoinSet<()>,
) -> Result<Response<Incoming>, AttemptError> {
    if fate == Fate::Unsent {
        return Err(AttemptError::Unsent);
    }
    let target = request.target.as_ref().ok_or(AttemptError::NoRoute)?;
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(target.address))
        .await
        .map_err(|_elapsed| AttemptError::ConnectTimeout)?
        .map_err(|error| AttemptError::Connect(error.kind()))?;
    let response = match &target.tls {
        None => ask(request, headers, stream, connections).await?,
        Some(tls) => {
            let name = ServerName::try_from(request.host.clone())
                .map_err(|_| AttemptError::ServerName(request.host.clone()))?;
            let stream = TlsConnector::from(Arc::clone(tls))
                .connect(name, stream)
                .await
                .map_err(|error| AttemptError::Tls(tls_failure(&error)))?;
            ask(request, headers, stream, connections).await?
        }
    };
    if fate == Fate::Unanswered { Err(AttemptError::Unanswered) } else { Ok(response) }
}

/// What went wrong, without the moment at which it did: all nodes that fail alike say the same.
fn tls_failure(error: &std::io::Error) -> String {
    let source = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    match source {
        Some(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. })) => {
            "invalid peer certificate: Expired".to_string()
        }
        Some(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { .. })) => {
            "invalid peer certificate: NotValidYet".to_string()
        }
        Some(error) => error.to_string(),
        None => error.kind().to_string(),
    }
}

async fn ask(
    request: &NodeRequest,
    headers: &HeaderMap,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connections: &mut JoinSet<()>,
) -> Result<Response<Incoming>, AttemptError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    connections.spawn(async move {
        // What goes wrong on the connection shows in the answer too.
        let _ = connection.await;
    });
    let mut message = Request::new(Full::new(request.body.clone()));
    *message.method_mut() = method(request.method);
    *message.uri_mut() = request
        .path_and_query
        .parse()
        .map_err(|_| AttemptError::Http(format!("{:?} is no request target", request.path_and_query)))?;
    *message.headers_mut() = headers.clone();
    Ok(sender.send_request(message).await?)
}

/// The canister's headers, and those that every request has.
fn request_headers(request: &NodeRequest) -> Result<HeaderMap, Reject> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
    for header in &request.headers {
        let name = HeaderName::try_from(&header.name)
            .map_err(|error| fatal(format!("Failed to parse header name {error}")))?;
        let value = HeaderValue::try_from(&header.value)
            .map_err(|error| fatal(format!("Failed to parse header value {error}")))?;
        headers.append(name, value);
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, HeaderValue::from_static(DEFAULT_USER_AGENT));
    }
    if !headers.contains_key(HOST) {
        let authority = HeaderValue::try_from(&request.authority)
            .map_err(|error| fatal(format!("Failed to parse header value {error}")))?;
        headers.insert(HOST, authority);
    }
    Ok(headers)
}

async fn read(
    request: &NodeRequest,
    response: Response<Incoming>,
    downloaded_bytes: &mut u64,
) -> Result<HttpRequestResult, Reject> {
    let limit = request.max_response_bytes;
    let status = response.status().as_u16();
    let headers = response_headers(response.headers())?;
    let headers_bytes = header_bytes(&headers) as u64;
    *downloaded_bytes = headers_bytes;
    let Some(body_limit) = limit.checked_sub(headers_bytes) else {
        return Err(fatal(format!("Header size exceeds specified response size limit {limit}")));
    };
    let body = Limited::new(response.into_body(), usize::try_from(body_limit).unwrap_or(usize::MAX))
        .collect()
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                *downloaded_bytes = limit;
                fatal(format!("Http body exceeds size limit of {limit} bytes."))
            } else {
                transient(format!("Failed to fetch body: {error}"))
            }
        })?
        .to_bytes();
    *downloaded_bytes += body.len() as u64;
    check_headers_and_body(&headers, &body).map_err(|error| fatal(error.to_string()))?;
    Ok(HttpRequestResult { status: status.into(), headers, body: body.to_vec() })
}

/// Names in lower case, repeated headers one by one.
fn response_headers(headers: &HeaderMap) -> Result<Vec<HttpHeader>, Reject> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = value
                .to_str()
                .map_err(|error| transient(format!("Failed to parse headers: {error}")))?
                .to_owned();
            Ok(HttpHeader { name: name.to_string(), value })
        })
        .collect()
}

fn method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::GET => Method::GET,
        HttpMethod::HEAD => Method::HEAD,
        HttpMethod::POST => Method::POST,
        HttpMethod::PUT => Method::PUT,
        HttpMethod::DELETE => Method::DELETE,
        HttpMethod::PATCH => Method::PATCH,
    }
}
