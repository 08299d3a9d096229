//! Requests and responses as gateways hand them on.

use candid::CandidType;
use ic_http_certification::{HttpResponse, StatusCode};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use serde_json::Value;

/// A request, to be answered or to be carried out.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: ByteBuf,
}

#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct Response {
    pub status_code: u16,
    pub headers: Vec<(String, String)>,
    pub body: ByteBuf,
    /// Whether the request is to be sent again as an update.
    pub upgrade: Option<bool>,
}

impl Request {
    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }
}

impl Response {
    /// Has the gateway send the request again as an update.
    pub fn upgrade() -> Self {
        Self { status_code: 200, headers: Vec::new(), body: ByteBuf::new(), upgrade: Some(true) }
    }

    /// The outcome of an update, which is certified as such.
    pub fn new(status: StatusCode, content_type: &str, body: Vec<u8>) -> Self {
        let headers = [
            ("content-type", content_type),
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ];
        Self {
            status_code: status.as_u16(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: ByteBuf::from(body),
            upgrade: None,
        }
    }

    pub fn json(status: StatusCode, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string().into_bytes())
    }
}

impl From<HttpResponse<'_>> for Response {
    fn from(page: HttpResponse<'_>) -> Self {
        Self {
            status_code: page.status_code().as_u16(),
            headers: page.headers().to_vec(),
            body: ByteBuf::from(page.body()),
            upgrade: None,
        }
    }
}
