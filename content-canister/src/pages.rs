//! Certified HTTP pages: owners' recipient keys as JSON, and what is answered to everything else. A gateway verifies
//! them against the root that the subnet certifies, beside the log's.

use std::{cell::RefCell, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use content_types::{OwnerName, RecipientKeyView};
use ic_certification::{HashTree, fork, fork_hash, pruned};
use ic_http_certification::{
    CERTIFICATE_EXPRESSION_HEADER_NAME, DefaultCelBuilder, DefaultResponseCertification, HttpCertification,
    HttpCertificationPath, HttpCertificationTree, HttpCertificationTreeEntry, HttpResponse, StatusCode,
    utils::add_v2_certificate_header,
};
use serde_json::{Value, json};

use crate::{owners, state::read_state, storage};

/// Says why a request was not let in. Not certified: it differs each time.
const WHY_HEADER: &str = "www-authenticate";
/// A wildcard path that every request matches.
const ANYWHERE: &str = "";

thread_local! {
    static PAGES: RefCell<Pages> = RefCell::new(Pages::default());
}

/// All pages, and the tree that certifies them.
#[derive(Default)]
struct Pages {
    tree: HttpCertificationTree,
    by_path: BTreeMap<String, Page>,
    fallbacks: BTreeMap<u16, Page>,
}

/// A page and its place in the tree.
#[derive(Clone)]
struct Page {
    path: HttpCertificationPath<'static>,
    certification: HttpCertification,
    response: HttpResponse<'static>,
}

impl Page {
    fn new(path: HttpCertificationPath<'static>, status: StatusCode, content: &Value) -> Self {
        let expression = DefaultCelBuilder::response_only_certification()
            .with_response_certification(DefaultResponseCertification::response_header_exclusions(vec![
                WHY_HEADER,
            ]))
            .build();
        let expression_text = expression.to_string();
        let headers = [
            ("content-type", "application/json"),
            // Pages of any origin may ask: a signature counts, not where a browser is.
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "GET, POST, PUT, DELETE"),
            ("access-control-allow-headers", "authorization, content-type"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-cache"),
            (CERTIFICATE_EXPRESSION_HEADER_NAME, expression_text.as_str()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let response = HttpResponse::builder()
            .with_status_code(status)
            .with_headers(headers)
            .with_body(content.to_string().into_bytes())
            .build();
        let certification = HttpCertification::response_only(&expression, &response, None)
            .expect("the response carries the expression that certifies it");
        Self { path, certification, response }
    }

    fn entry(&self) -> HttpCertificationTreeEntry<'_> {
        HttpCertificationTreeEntry::new(&self.path, self.certification.clone())
    }
}

impl Pages {
    fn put(&mut self, owner: &OwnerName, keys: &[RecipientKeyView]) {
        let path = format!("/keys/{owner}.json");
        let page = Page::new(
            HttpCertificationPath::exact(path.clone()),
            StatusCode::OK,
            &json!({ "owner": owner, "keys": keys.iter().map(key_json).collect::<Vec<_>>() }),
        );
        self.tree.insert(&page.entry());
        self.by_path.insert(path, page);
    }

    fn put_fallback(&mut self, status: StatusCode, content: &Value) {
        let page = Page::new(HttpCertificationPath::wildcard(ANYWHERE), status, content);
        self.tree.insert(&page.entry());
        self.fallbacks.insert(status.as_u16(), page);
    }

    /// The page with the proof that it is this canister's.
    fn certified(&self, page: &Page, url_path: &str, certificate: &[u8]) -> HttpResponse<'static> {
        let mut response = page.response.clone();
        let Ok(witness) = self.tree.witness(&page.entry(), url_path) else { return response };
        let witness = fork(witness, pruned(storage::read_log(|log| log.certified_root())));
        add_v2_certificate_header(certificate, &mut response, &witness, &page.path.to_expr_path());
        response
    }
}

fn key_json(key: &RecipientKeyView) -> Value {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "curve": key.curve,
        "jwk": serde_json::from_str::<Value>(&key.jwk).expect("a JWK is JSON"),
        "age": key.age,
        "cose_key": encode(&key.cose_key),
        "raw": encode(&key.raw),
    })
}

/// Makes all pages anew from the state.
pub fn rebuild() {
    let mut pages = Pages::default();
    pages.put_fallback(
        StatusCode::NOT_FOUND,
        &json!({
            "error": "there is no such page; recipient keys are at /keys/OWNER.json, content is at /content"
        }),
    );
    pages.put_fallback(
        StatusCode::UNAUTHORIZED,
        &json!({
            "error": "the request is not signed as it has to be; the header www-authenticate says what is wrong"
        }),
    );
    pages.put_fallback(StatusCode::OK, &json!({}));
    read_state(|state| {
        for (name, owner) in state.owners() {
            let keys = owners::recipient_keys(owner);
            if !keys.is_empty() {
                pages.put(name, &keys);
            }
        }
    });
    PAGES.set(pages);
}

/// Puts an owner's page in place.
pub fn publish(owner: &OwnerName) {
    let keys = read_state(|state| state.owner(owner).map(owners::recipient_keys)).unwrap_or_default();
    PAGES.with_borrow_mut(|pages| pages.put(owner, &keys));
}

/// The 32 bytes to certify: the pages', and the log's.
pub fn certified_root() -> [u8; 32] {
    let log = storage::read_log(|log| log.certified_root());
    PAGES.with_borrow(|pages| fork_hash(&pages.tree.root_hash(), &log))
}

/// The certified tree as far as it is the log's, as CBOR.
pub fn log_witness() -> Vec<u8> {
    let log = storage::read_log(|log| log.tip_tree());
    let tree: HashTree = PAGES.with_borrow(|pages| fork(pruned(pages.tree.root_hash()), log));
    let mut bytes = Vec::new();
    ciborium::into_writer(&tree, &mut bytes).expect("writing to a vector cannot fail");
    bytes
}

/// The page at a path, or that there is none.
pub fn page(url_path: &str, certificate: &[u8]) -> HttpResponse<'static> {
    PAGES.with_borrow(|pages| match pages.by_path.get(url_path) {
        Some(page) => pages.certified(page, url_path, certificate),
        None => pages.fallback(StatusCode::NOT_FOUND, url_path, certificate),
    })
}

/// What a browser asks before it sends a signed request from another origin's page.
pub fn preflight(url_path: &str, certificate: &[u8]) -> HttpResponse<'static> {
    PAGES.with_borrow(|pages| pages.fallback(StatusCode::OK, url_path, certificate))
}

/// That a request is not let in, and why.
pub fn unauthorized(url_path: &str, why: &str, certificate: &[u8]) -> HttpResponse<'static> {
    let mut response =
        PAGES.with_borrow(|pages| pages.fallback(StatusCode::UNAUTHORIZED, url_path, certificate));
    let why = format!("Bearer error=\"invalid_token\", error_description=\"{why}\"");
    response.headers_mut().push((WHY_HEADER.to_owned(), why));
    response
}

impl Pages {
    fn fallback(&self, status: StatusCode, url_path: &str, certificate: &[u8]) -> HttpResponse<'static> {
        let page = self.fallbacks.get(&status.as_u16()).expect("made with the pages");
        self.certified(page, url_path, certificate)
    }
}
