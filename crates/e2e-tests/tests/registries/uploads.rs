//! Uploads to a Python index by hand, with any token: what somebody does who has caught one.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e_tests::archives::wheel;
use registry_protocols::{endpoint::EndpointUrl, macaroon, pypi::upload_request, secret::SecretToken};

/// Uploads a wheel with a token in an `authorization` header; returns the status and what the index says.
pub fn upload(url: &str, authorization: &str, project: &str, version: &str, bytes: &[u8]) -> (u16, String) {
    let form = [("name", project), ("version", version), ("filetype", "bdist_wheel"), ("pyversion", "py3")]
        .into_iter()
        .chain([("metadata_version", "2.1")])
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let form: Vec<_> = form.collect();
    let filename = format!("{}-{version}-py3-none-any.whl", project.replace('-', "_"));
    // Only the body and the headers are used; where they go is the test's business.
    let endpoint =
        EndpointUrl::check("upload_url", "https://pypi.registry.example/legacy/").expect("a good URL");
    let request = upload_request(&endpoint, &form, &filename, bytes).expect("an upload");
    let mut sent = ureq::post(url);
    for (name, value) in &request.headers {
        sent = sent.set(name, value);
    }
    match sent.set("authorization", authorization).send_bytes(&request.body) {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => {
            (answer.status(), answer.into_string().expect("text"))
        }
        Err(error) => panic!("the index does not answer: {error}"),
    }
}

/// A wheel of a project.
pub fn wheel_of(project: &str, version: &str) -> Vec<u8> {
    wheel(&project.replace('-', "_"), version, 0)
}

/// A token in an `authorization` header.
pub fn basic(token: &[u8]) -> String {
    format!("Basic {}", BASE64.encode([b"__token__:", token].concat()))
}

/// The token in an `authorization` header.
pub fn token_of(authorization: &str) -> SecretToken {
    let decoded = BASE64.decode(authorization.strip_prefix("Basic ").expect("basic")).expect("base64");
    SecretToken::new(decoded.strip_prefix(b"__token__:").expect("a token's user").to_vec()).expect("a token")
}

/// A token narrowed as custody narrows it: to a project, for a time.
pub fn narrowed(token: &str, project: &str, from_s: u64, until_s: u64) -> String {
    let token = SecretToken::new(token.as_bytes().to_vec()).expect("a token");
    basic(macaroon::narrow(&token, project, from_s, until_s).expect("a macaroon").expose())
}
