//! Requests and answers as plain data of our own, and the one way a token gets into a request.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::SecretToken;

/// Most bytes of header names, header values and body together that an HTTPS outcall carries.
pub const MAX_REQUEST_BYTES: usize = 2_000_000;

/// Bytes kept free in every request for the authorization header that is added last.
pub const AUTHORIZATION_RESERVE_BYTES: usize = 1_024;

/// What we call ourselves to registries.
pub(crate) const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// The methods that publishing and reading back need.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Read.
    Get,
    /// npm's publish.
    Put,
    /// PyPI's upload.
    Post,
}

/// A request that holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Absolute https URL.
    pub url: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty for reads.
    pub body: Vec<u8>,
}

/// What a registry answered. Nothing in it can be trusted, nor may it be kept as text: a hostile registry
/// could echo the request's token in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpAnswer {
    /// HTTP status code.
    pub status: u16,
    /// Header names, in any case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How a registry wants the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthorizationScheme {
    /// `Bearer <token>`: npm.
    Bearer,
    /// `Basic base64("__token__:<token>")`: PyPI.
    BasicToken,
}

/// A request with its token. Neither printable nor cloneable; the authorization value is wiped on drop.
///
/// ```compile_fail,E0277
/// fn printed(request: registry_protocols::http::AuthorizedRequest) { println!("{request:?}"); }
/// ```
pub struct AuthorizedRequest {
    request: HttpRequest,
    authorization: Zeroizing<String>,
}

/// The artifact does not fit one HTTPS outcall.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "artifact: found {found_bytes} bytes, at most {largest_bytes} fit one outcall beside this package's metadata; publish a smaller artifact, or use a mode that does not send the bytes"
)]
pub struct OversizeError {
    /// Size of the artifact, in bytes.
    pub found_bytes: usize,
    /// Exact size of the largest artifact that would fit with the same metadata, in bytes; 0 when even the
    /// metadata alone is too large.
    pub largest_bytes: usize,
}

impl HttpRequest {
    pub(crate) fn new(method: Method, url: String, headers: &[(&str, &str)], body: Vec<u8>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { method, url, headers, body }
    }

    /// Adds the token, as the last thing that happens to a request before it is sent.
    pub fn authorize(self, token: &SecretToken, scheme: AuthorizationScheme) -> AuthorizedRequest {
        AuthorizedRequest { request: self, authorization: authorization_value(token, scheme) }
    }
}

/// Bytes that a body may have beside these headers and the authorization to come.
pub(crate) fn body_budget_bytes(headers: &[(&str, &str)]) -> usize {
    let headers_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    MAX_REQUEST_BYTES - AUTHORIZATION_RESERVE_BYTES - headers_bytes
}

fn authorization_value(token: &SecretToken, scheme: AuthorizationScheme) -> Zeroizing<String> {
    // Exact capacities: a buffer that grows leaves its old self behind, unwiped.
    let text = std::str::from_utf8(token.expose()).expect("SecretToken::new admits printable ASCII only");
    match scheme {
        AuthorizationScheme::Bearer => {
            let mut value = Zeroizing::new(String::with_capacity("Bearer ".len() + text.len()));
            value.push_str("Bearer ");
            value.push_str(text);
            value
        }
        AuthorizationScheme::BasicToken => {
            let mut pair = Zeroizing::new(String::with_capacity("__token__:".len() + text.len()));
            pair.push_str("__token__:");
            pair.push_str(text);
            let mut value = Zeroizing::new(vec![0; "Basic ".len() + pair.len().div_ceil(3) * 4]);
            let (head, encoded) = value.split_at_mut("Basic ".len());
            head.copy_from_slice(b"Basic ");
            STANDARD
                .encode_slice(pair.as_bytes(), encoded)
                .expect("the slice has the encoding's exact length");
            Zeroizing::new(String::from_utf8(std::mem::take(&mut *value)).expect("base64 is ASCII"))
        }
    }
}

impl AuthorizedRequest {
    /// The method.
    pub fn method(&self) -> Method {
        self.request.method
    }

    /// Absolute https URL.
    pub fn url(&self) -> &str {
        &self.request.url
    }

    /// All headers, the authorization last. Whoever copies the values must wipe the copies.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let open = self.request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        open.chain(std::iter::once(("authorization", self.authorization.as_str())))
    }

    /// The body, moved out: it is large and holds no secret.
    pub fn take_body(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request.body)
    }
}

impl Drop for AuthorizedRequest {
    fn drop(&mut self) {
        self.authorization.zeroize();
    }
}

impl HttpAnswer {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MAX_TOKEN_BYTES;

    fn request() -> HttpRequest {
        HttpRequest::new(
            Method::Put,
            "https://npm.registry.example/demo".to_owned(),
            &[("accept", "*/*")],
            b"body".to_vec(),
        )
    }

    fn token(bytes: &[u8]) -> SecretToken {
        SecretToken::new(bytes.to_vec()).expect("printable")
    }

    #[test]
    fn should_add_the_bearer_token_last() {
        let authorized = request().authorize(&token(b"npm_abc"), AuthorizationScheme::Bearer);
        let headers: Vec<_> = authorized.headers().collect();
        assert_eq!(headers, [("accept", "*/*"), ("authorization", "Bearer npm_abc")]);
    }

    #[test]
    fn should_send_a_macaroon_as_the_password_of_the_token_user() {
        let authorized = request().authorize(&token(b"pypi-abc"), AuthorizationScheme::BasicToken);
        let expected = format!("Basic {}", STANDARD.encode("__token__:pypi-abc"));
        assert_eq!(authorized.headers().last(), Some(("authorization", expected.as_str())));
    }

    #[test]
    fn should_keep_the_longest_authorization_within_its_reserve() {
        let longest = token(&[b'a'; MAX_TOKEN_BYTES]);
        for scheme in [AuthorizationScheme::Bearer, AuthorizationScheme::BasicToken] {
            let value = authorization_value(&longest, scheme);
            assert!("authorization".len() + value.len() <= AUTHORIZATION_RESERVE_BYTES);
            assert_eq!(value.len(), value.capacity(), "a grown buffer leaves a copy behind");
        }
    }

    #[test]
    fn should_move_the_body_out_once() {
        let mut authorized = request().authorize(&token(b"t"), AuthorizationScheme::Bearer);
        assert_eq!(authorized.take_body(), b"body");
        assert!(authorized.take_body().is_empty());
    }

    #[test]
    fn should_find_a_header_whatever_its_case() {
        let answer = HttpAnswer {
            status: 429,
            headers: vec![("Retry-After".to_owned(), "7".to_owned())],
            body: Vec::new(),
        };
        assert_eq!(answer.header("retry-after"), Some("7"));
        assert_eq!(answer.header("etag"), None);
    }
}
