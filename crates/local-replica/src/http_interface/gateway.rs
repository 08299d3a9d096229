//! The HTTP gateway: pages that canisters serve by `http_request`, shown to browsers once their
//! certification is verified. The work is that of the network's own gateway library, with an agent
//! that calls this server.
//!
//! A canister is addressed as `http://<canister id>.localhost:<port>`, as
//! `http://<canister id>.raw.localhost:<port>` without verification, or by `?canisterId=<canister id>`.

use super::Interface;
use super::body::MAX_BODY_BYTES;
use super::response::HttpError;
use crate::message::Principal;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use gateway_agent::{Agent, AgentError};
use ic_http_gateway::{HttpGatewayClient, HttpGatewayRequestArgs};

/// Tells who answered, or should have.
const CANISTER_ID_HEADER: HeaderName = HeaderName::from_static("x-ic-canister-id");

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("the gateway's agent could not be made: {0}")]
    Agent(#[from] AgentError),
    #[error("the gateway could not be made: {0}")]
    Client(#[from] ic_http_gateway::HttpGatewayError),
}

/// Fetches pages from canisters.
#[derive(Clone)]
pub(super) struct Gateway {
    client: HttpGatewayClient,
}

/// Which canister serves a page, and whether its answer must be certified.
#[derive(Debug, PartialEq, Eq)]
struct Addressed {
    canister: Principal,
    is_raw: bool,
}

impl Gateway {
    /// A gateway to the network at `url`, whose certificates must be signed by `root_key_der`.
    pub(super) fn new(url: &str, root_key_der: &[u8]) -> Result<Self, GatewayError> {
        let agent = Agent::builder().with_url(url).build()?;
        agent.set_root_key(root_key_der.to_vec());
        Ok(Self { client: HttpGatewayClient::builder().with_agent(agent).build()? })
    }
}

/// Serves any request that is not for an endpoint of the interface.
pub(super) async fn serve(
    State(interface): State<Interface>,
    request: Request,
) -> Result<Response, HttpError> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(Addressed { canister, is_raw }) = addressed(host.unwrap_or_default(), request.uri().query())
    else {
        return Err(HttpError::bad_request(
            "no canister is named; open http://<canister id>.localhost:<port>/ or /?canisterId=<canister id>",
        ));
    };
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        HttpError::too_large(format!("body: more than the {MAX_BODY_BYTES} bytes that are allowed"))
    })?;
    let canister_request = axum::http::Request::from_parts(head, body);
    let mut fetch =
        interface.gateway.client.request(HttpGatewayRequestArgs { canister_request, canister_id: canister });
    fetch.unsafe_set_skip_verification(is_raw);
    let (mut head, body) = fetch.send().await.canister_response.into_parts();
    let id = HeaderValue::from_str(&canister.to_text()).expect("letters, digits and dashes make a header");
    head.headers.insert(CANISTER_ID_HEADER, id);
    Ok(Response::from_parts(head, Body::new(body)))
}

fn addressed(host: &str, query: Option<&str>) -> Option<Addressed> {
    let name = host.split(':').next().unwrap_or_default();
    let by_host = name.strip_suffix(".localhost").and_then(|labels| match labels.strip_suffix(".raw") {
        Some(id) => Some(Addressed { canister: Principal::from_text(id).ok()?, is_raw: true }),
        None => Some(Addressed { canister: Principal::from_text(labels).ok()?, is_raw: false }),
    });
    by_host.or_else(|| {
        let id = url::form_urlencoded::parse(query?.as_bytes()).find(|(name, _)| name == "canisterId")?.1;
        Some(Addressed { canister: Principal::from_text(&*id).ok()?, is_raw: false })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "rwlgt-iiaaa-aaaaa-aaaaa-cai";

    #[test]
    fn should_find_the_canister_in_the_host_or_in_the_query() {
        let canister = Principal::from_text(ID).expect("an id");
        let found = addressed;
        let certified = Some(Addressed { canister, is_raw: false });
        assert_eq!(found(&format!("{ID}.localhost:8100"), None), certified);
        assert_eq!(found(&format!("{ID}.localhost"), Some("canisterId=aaaaa-aa")), certified);
        let query = format!("a=b&canisterId={ID}");
        assert_eq!(found("127.0.0.1:8100", Some(&query)), certified);
        assert_eq!(
            found(&format!("{ID}.raw.localhost:8100"), None),
            Some(Addressed { canister, is_raw: true })
        );
        for host in ["localhost:8100", "nobody.localhost", "rwlgt-iiaaa-aaaaa-aaaaa-cai.example", ""] {
            assert_eq!(found(host, None), None, "{host}");
        }
        assert_eq!(found("localhost", Some("canisterId=nobody")), None);
    }
}
