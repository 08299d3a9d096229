//! HTTP gateway protocol › Certified responses

use crate::raw::path;
use crate::setup::Setup;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candid::{CandidType, Encode, Principal};
use ic_certification::{HashTree, labeled, leaf};
use ic_http_certification::{
    DefaultCelBuilder, DefaultResponseCertification, HttpCertification, HttpCertificationPath,
    HttpCertificationTree, HttpCertificationTreeEntry, HttpResponse, StatusCode,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpStream;

const ANYONE: Principal = Principal::anonymous();

/// Serves whatever it was last given, as `http_request` and as `http_request_update`.
const SERVER: &str = r#"(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (memory (export "memory") 4)
  (func (export "canister_update certify")
    (call $arg_copy (i32.const 64) (i32.const 0) (call $arg_size))
    (call $certify (i32.const 64) (call $arg_size))
    (call $reply))
  (func $keep (param $at i32)
    (i32.store (local.get $at) (call $arg_size))
    (call $arg_copy (i32.add (local.get $at) (i32.const 4)) (i32.const 0) (call $arg_size))
    (call $reply))
  (func $serve (param $at i32)
    (call $append (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at)))
    (call $reply))
  (func (export "canister_update keep") (call $keep (i32.const 65536)))
  (func (export "canister_update keep_for_update") (call $keep (i32.const 131072)))
  (func (export "canister_query http_request") (call $serve (i32.const 65536)))
  (func (export "canister_update http_request_update") (call $serve (i32.const 131072))))"#;

#[derive(CandidType, Clone)]
struct Page {
    status_code: u16,
    headers: Vec<(String, String)>,
    body: ByteBuf,
    upgrade: Option<bool>,
}

type ByteBuf = serde_bytes::ByteBuf;

impl Page {
    fn new(body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Self { status_code: 200, headers, body: ByteBuf::from(body.as_bytes()), upgrade: None }
    }
}

struct World {
    setup: Setup,
    canister: Principal,
}

/// What a browser sees.
struct Shown {
    status: u16,
    text: String,
}

impl World {
    fn new() -> Self {
        let setup = Setup::start();
        let canister = setup.canister_of(SERVER, ANYONE);
        Self { setup, canister }
    }

    fn give(&self, method: &str, page: &Page) {
        self.setup.certified_call(self.canister, method, Encode!(page).expect("encodes"));
    }

    /// Certifies a tree, and returns the certificate of its hash and the tree, as headers hold them.
    fn certify(&self, tree: &HashTree) -> (String, String) {
        self.setup.certified_call(self.canister, "certify", tree.digest().to_vec());
        let asked = path([b"canister", self.canister.as_slice(), b"certified_data"]);
        let certificate = self.setup.with_replica(move |replica| replica.certificate(&[asked]));
        let mut cbor = serde_cbor::Serializer::new(Vec::new());
        cbor.self_describe().and_then(|()| tree.serialize(&mut cbor)).expect("encodes");
        (STANDARD.encode(certificate), STANDARD.encode(cbor.into_inner()))
    }

    /// The page certified by the first version of the protocol: the body under its path.
    fn certified_v1(&self, mut page: Page) -> Page {
        let hash = <[u8; 32]>::from(Sha256::digest(&page.body));
        let (certificate, tree) = self.certify(&labeled("http_assets", labeled("/", leaf(hash))));
        let header = format!("certificate=:{certificate}:, tree=:{tree}:");
        page.headers.push(("IC-Certificate".to_owned(), header));
        page
    }

    /// The page certified by the second version: body, status and the type of content.
    fn certified_v2(&self, mut page: Page) -> Page {
        let expression = DefaultCelBuilder::response_only_certification()
            .with_response_certification(DefaultResponseCertification::certified_response_headers(vec![
                "content-type",
            ]))
            .build();
        page.headers.push(("IC-CertificateExpression".to_owned(), expression.to_string()));
        let response = HttpResponse::builder()
            .with_status_code(StatusCode::from_u16(page.status_code).expect("a status"))
            .with_headers(page.headers.clone())
            .with_body(page.body.to_vec())
            .build();
        let certification =
            HttpCertification::response_only(&expression, &response, None).expect("certifies");
        let at = HttpCertificationPath::exact("/");
        let entry = HttpCertificationTreeEntry::new(&at, certification);
        let mut tree = HttpCertificationTree::default();
        tree.insert(&entry);
        let witness = serde_cbor::to_vec(&tree.witness(&entry, "/").expect("a witness")).expect("encodes");
        let witness: HashTree = serde_cbor::from_slice(&witness).expect("a tree");
        let (certificate, tree) = self.certify(&witness);
        let mut path = serde_cbor::Serializer::new(Vec::new());
        path.self_describe().and_then(|()| at.to_expr_path().serialize(&mut path)).expect("encodes");
        let path = STANDARD.encode(path.into_inner());
        let header = format!("certificate=:{certificate}:, tree=:{tree}:, expr_path=:{path}:, version=2");
        page.headers.push(("IC-Certificate".to_owned(), header));
        page
    }

    /// Opens the page as a browser does, by the host's name.
    fn open(&self, host: &str) -> Shown {
        self.request(host, "/")
    }

    fn open_certified(&self) -> Shown {
        self.open(&format!("{}.localhost", self.canister))
    }

    fn request(&self, host: &str, target: &str) -> Shown {
        let address = self.setup.url().strip_prefix("http://").expect("a URL").to_owned();
        let mut stream = TcpStream::connect(address).expect("connects");
        write!(stream, "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("sends");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Shown { status, text }
    }
}

#[track_caller]
fn assert_shown(shown: &Shown, what: &str) {
    assert!(shown.status == 200 && shown.text.contains(what), "{}", shown.text);
}

#[track_caller]
fn assert_refused(shown: &Shown) {
    assert!(shown.status == 500 && shown.text.contains("verification failed"), "{}", shown.text);
}

/// A page certified by the second version of the protocol is shown.
#[test]
fn should_show_a_page_that_is_certified() {
    let world = World::new();
    world.give("keep", &world.certified_v2(Page::new("<h1>certified page</h1>")));
    let shown = world.open_certified();
    assert_shown(&shown, "certified page");
    assert!(shown.text.to_ascii_lowercase().contains("content-type: text/html"), "{}", shown.text);
}

/// A page certified by the first version of the protocol is shown.
#[test]
fn should_show_a_page_that_is_certified_by_the_first_version() {
    let world = World::new();
    world.give("keep", &world.certified_v1(Page::new("<h1>old page</h1>")));
    assert_shown(&world.open_certified(), "old page");
}

/// A page whose body is not the certified one is refused.
#[test]
fn should_refuse_a_page_with_another_body() {
    let world = World::new();
    for certified in [World::certified_v1, World::certified_v2] {
        let mut page = certified(&world, Page::new("<h1>certified page</h1>"));
        page.body = ByteBuf::from(*b"<h1>forged page</h1>");
        world.give("keep", &page);
        assert_refused(&world.open_certified());
    }
}

/// A page whose certified header was changed is refused.
#[test]
fn should_refuse_a_page_with_another_certified_header() {
    let world = World::new();
    let mut page = world.certified_v2(Page::new("<h1>certified page</h1>"));
    page.headers[0].1 = "text/plain".to_owned();
    world.give("keep", &page);
    assert_refused(&world.open_certified());
}

/// A page whose status was changed is refused.
#[test]
fn should_refuse_a_page_with_another_status() {
    let world = World::new();
    let mut page = world.certified_v2(Page::new("<h1>certified page</h1>"));
    page.status_code = 404;
    world.give("keep", &page);
    assert_refused(&world.open_certified());
}

/// A page without any certification is refused.
#[test]
fn should_refuse_a_page_that_is_not_certified() {
    let world = World::new();
    world.give("keep", &Page::new("<h1>anyone's page</h1>"));
    assert_refused(&world.open_certified());
}

/// A page that the canister no longer certifies is refused.
#[test]
fn should_refuse_a_page_that_the_canister_certifies_no_longer() {
    let world = World::new();
    let mut stale = world.certified_v2(Page::new("<h1>old page</h1>"));
    let fresh = world.certified_v2(Page::new("<h1>new page</h1>"));
    // The old tree under the certificate of the new one.
    let tree = |page: &Page| {
        let header = &page.headers.last().expect("certified").1;
        header.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let mixed = [tree(&fresh)[0].clone(), tree(&stale)[1..].join(", ")].join(", ");
    stale.headers.last_mut().expect("certified").1 = mixed;
    world.give("keep", &stale);
    assert_refused(&world.open_certified());
}

/// Headers that are not certified are not shown.
#[test]
fn should_not_show_headers_that_are_not_certified() {
    let world = World::new();
    let mut page = world.certified_v2(Page::new("<h1>certified page</h1>"));
    page.headers.insert(0, ("x-forged".to_owned(), "yes".to_owned()));
    world.give("keep", &page);
    let shown = world.open_certified();
    assert_shown(&shown, "certified page");
    assert!(!shown.text.contains("x-forged"), "{}", shown.text);
}

/// At a raw address nothing is verified.
#[test]
fn should_show_anything_at_a_raw_address() {
    let world = World::new();
    world.give("keep", &Page::new("<h1>anyone's page</h1>"));
    assert_shown(&world.open(&format!("{}.raw.localhost", world.canister)), "anyone's page");
}

/// A canister may ask that the request becomes a call, whose answer is certified by the network.
#[test]
fn should_upgrade_a_request_to_a_call() {
    let world = World::new();
    world.give("keep", &Page { upgrade: Some(true), ..Page::new("") });
    world.give("keep_for_update", &Page::new("<h1>page by call</h1>"));
    assert_shown(&world.open_certified(), "page by call");
}

/// A canister is named by the host or, where names cannot be chosen, in the query.
#[test]
fn should_find_the_canister_in_the_query() {
    let world = World::new();
    world.give("keep", &world.certified_v1(Page::new("<h1>old page</h1>")));
    let target = format!("/?canisterId={}", world.canister);
    assert_shown(&world.request("127.0.0.1", &target), "old page");
}

/// A canister without such a method, or none at all, is an error that says so.
#[test]
fn should_tell_what_is_wrong_with_a_canister_that_serves_nothing() {
    let world = World::new();
    let other = world.setup.canister(ANYONE);
    let nobody = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0xff, 0, 1, 1]);
    for canister in [other, nobody] {
        let shown = world.open(&format!("{canister}.localhost"));
        assert!(shown.status >= 400 && shown.text.contains(&canister.to_text()), "{}", shown.text);
    }
}

/// Without the name of a canister there is nothing to show.
#[test]
fn should_explain_how_to_name_a_canister() {
    let world = World::new();
    let shown = world.open("localhost");
    assert!(shown.status == 400 && shown.text.contains("canisterId"), "{}", shown.text);
}

/// At a canister's address the endpoints of the interface answer as everywhere, for its pages.
#[test]
fn should_serve_the_interface_at_a_canisters_address() {
    let world = World::new();
    let shown = world.request(&format!("{}.localhost", world.canister), "/api/v2/status");
    assert!(shown.status == 200 && shown.text.contains("root_key"), "{}", shown.text);
}
