//! The asset canister, of the crate `ic-certified-assets`: another version of the canister development kit.

use std::io::{Read, Write};
use std::net::TcpStream;

use candid::{CandidType, Decode, Deserialize, Encode, Principal};
use local_replica::http_interface::ReplicaServer;
use local_replica::{Clock, Replica, ReplicaConfig};

use crate::{CONTROLLER, STRANGER, built, install, module, query, replica};

#[derive(CandidType)]
struct Asset {
    key: &'static str,
    content_type: &'static str,
    content_encoding: &'static str,
    content: Vec<u8>,
    sha256: Option<Vec<u8>>,
    aliased: Option<bool>,
}

#[derive(CandidType)]
struct HttpRequest {
    method: &'static str,
    url: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    certificate_version: Option<u16>,
}

#[derive(CandidType, Deserialize)]
struct HttpResponse {
    status_code: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn page() -> Vec<u8> {
    let asset = Asset {
        key: "/index.html",
        content_type: "text/html",
        content_encoding: "identity",
        content: b"<h1>releases</h1>".to_vec(),
        sha256: None,
        aliased: None,
    };
    Encode!(&asset).expect("encodes")
}

fn site() -> (Replica, Principal) {
    let mut replica = replica();
    let site = site_on(&mut replica);
    (replica, site)
}

fn site_on(replica: &mut Replica) -> Principal {
    let site = install(replica, &module("assets"), Encode!().expect("encodes"));
    replica.call(CONTROLLER, site, "store", page()).expect("the controller may store");
    site
}

fn get(replica: &mut Replica, site: Principal, url: &'static str) -> HttpResponse {
    let request = HttpRequest {
        method: "GET",
        url,
        headers: Vec::new(),
        body: Vec::new(),
        certificate_version: Some(2),
    };
    let reply = query(replica, site, "http_request", Encode!(&request).expect("encodes")).expect("answers");
    Decode!(&reply, HttpResponse).expect("a response")
}

fn certificate(response: &HttpResponse) -> Option<&str> {
    let header = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("IC-Certificate"));
    header.map(|(_, value)| value.as_str())
}

/// A stored page is served with a certificate, and the canister certifies a digest.
#[test]
fn should_serve_a_certified_page() {
    let (mut replica, site) = site();
    let response = get(&mut replica, site, "/index.html");
    assert_eq!((response.status_code, response.body.as_slice()), (200, &b"<h1>releases</h1>"[..]));
    let certificate = certificate(&response).expect("a certificate");
    assert!(certificate.contains("certificate=:") && certificate.contains("tree=:"), "{certificate}");
    assert_eq!(replica.certified_data(site).len(), 32);
}

/// The gateway, which verifies certificates, shows the page to a browser.
#[test]
fn should_show_the_page_through_the_gateway() {
    let config =
        ReplicaConfig::default().with_clock(Clock::Wall).with_module_cache(built().join("module-cache"));
    let mut replica = Replica::new(config).expect("the configuration is valid");
    let site = site_on(&mut replica);
    let server = ReplicaServer::start(replica, ([127, 0, 0, 1], 0).into()).expect("a free port");
    let url = server.url();
    let address = url.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(stream, "GET /index.html HTTP/1.1\r\nhost: {site}.localhost\r\nconnection: close\r\n\r\n")
        .expect("sends");
    let mut shown = String::new();
    stream.read_to_string(&mut shown).expect("an answer in text");
    assert!(shown.starts_with("HTTP/1.1 200") && shown.contains("<h1>releases</h1>"), "{shown}");
}

/// Who may not commit changes nothing.
#[test]
fn should_refuse_a_page_of_a_stranger() {
    let mut replica = replica();
    let site = install(&mut replica, &module("assets"), Encode!().expect("encodes"));
    replica.call(STRANGER, site, "store", page()).expect_err("a stranger may not store");
    assert_eq!(get(&mut replica, site, "/index.html").status_code, 404);
}

/// Pages outlive an upgrade, and are certified anew.
#[test]
fn should_serve_the_page_after_an_upgrade() {
    let (mut replica, site) = site();
    let certified = replica.certified_data(site).to_vec();
    replica.upgrade(site, &module("assets"), Encode!().expect("encodes")).expect("upgrades");
    assert_eq!(replica.certified_data(site), certified);
    assert_eq!(get(&mut replica, site, "/index.html").status_code, 200);
}
