//! Certified pages, as the network's own gateway library verifies them, and requests through it.

use std::net::{Ipv4Addr, SocketAddr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use content_types::CurveName;
use e2e_tests::content_world::{ContentWorld, Owner, administrator, claims, request, signed};
use local_replica::{Clock, http_interface::ReplicaServer};
use serde_json::{Value, json};

/// A page through the gateway: status and body.
fn open(url: &str, canister: &str, path: &str) -> (u16, Value) {
    let asked = ureq::get(&format!("{url}{path}")).set("host", &format!("{canister}.localhost"));
    let response = match asked.call() {
        Ok(response) | Err(ureq::Error::Status(_, response)) => response,
        Err(error) => panic!("{path}: {error}"),
    };
    let status = response.status();
    let text = response.into_string().expect("text");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[test]
fn should_show_recipient_keys_that_a_gateway_verifies_and_take_signed_requests_through_it() {
    let mut world = ContentWorld::administered(administrator(), Clock::Wall);
    let alice = Owner::new("alice");
    world.register(&alice);
    let keys = [CurveName::P256, CurveName::X25519].map(|curve| world.recipient_key(&alice, curve));
    let list = request("GET", "/content", b"");
    let list = signed(&alice, &list, &claims(&world, &alice, &list));
    let canister = world.content.to_text();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = ReplicaServer::start(world.replica, address).expect("a server");

    let (status, page) = open(&server.url(), &canister, "/keys/alice.json");
    let shown = |index: usize| {
        let key = &page["keys"][index];
        let raw = BASE64_URL_SAFE_NO_PAD.decode(key["raw"].as_str().expect("text")).expect("base64");
        (key["curve"].clone(), key["age"].clone(), key["jwk"].clone(), raw)
    };
    assert_eq!((status, &page["owner"]), (200, &json!("alice")), "{page}");
    for (index, (key, curve)) in keys.iter().zip(["P-256", "X25519"]).enumerate() {
        let jwk: Value = serde_json::from_str(&key.to_jwk()).expect("JSON");
        assert_eq!(shown(index), (json!(curve), json!(key.to_age_recipient()), jwk, key.to_bytes()));
    }
    for path in ["/", "/keys/bob.json", "/keys/alice.json/", "/keys"] {
        let (status, page) = open(&server.url(), &canister, path);
        assert_eq!(status, 404, "{path}: {page}");
        assert!(page["error"].as_str().is_some_and(|error| error.contains("/keys/OWNER.json")), "{page}");
    }
    let (status, page) = open(&server.url(), &canister, "/content");
    assert_eq!(status, 401, "{page}");

    let answer = ureq::get(&format!("{}/content", server.url()))
        .set("host", &format!("{canister}.localhost"))
        .set("authorization", &list.headers[0].1)
        .call()
        .expect("carried out");
    assert_eq!(answer.into_string().expect("text"), r#"{"items":[]}"#);
    server.stop();
}
