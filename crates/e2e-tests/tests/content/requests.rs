//! Signed requests over HTTP: used once, for what they were signed for, and never without a signature.

use std::time::Duration;

use candid::Encode;
use content_types::{CurveName, ItemView};
use e2e_tests::{
    canister_wasm::canister_wasm,
    content_world::{ContentWorld, HttpRequest, Owner, claims, request, signed},
};
use serde_json::{Value, json};

const CONTENT: &[u8] = b"a secret that only its owner reads";
/// What the inspection of messages answers.
const NOT_LET_IN: Option<&str> = Some("IC0406");

fn body(response: &e2e_tests::content_world::HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("no JSON: {}", response.text()))
}

/// Stores an age file by two requests.
fn upload(world: &mut ContentWorld, owner: &Owner) -> u64 {
    let envelope = world.age_for(owner, CurveName::X25519, CONTENT);
    let item = json!({ "title": "by HTTP", "format": "age", "size_bytes": envelope.len() });
    let begun = world.ask(owner, "POST", "/content", item.to_string().as_bytes());
    assert_eq!(begun.status_code, 201, "{}", begun.text());
    let item = body(&begun)["item"].as_u64().expect("a number");
    let put = world.ask(owner, "PUT", &format!("/content/{item}/chunks/0"), &envelope);
    assert_eq!(put.status_code, 200, "{}", put.text());
    let stored: ItemView = serde_json::from_slice(&put.body).expect("an item");
    assert!(stored.stored_at_ns.is_some() && stored.missing_chunks.is_empty());
    item
}

fn retrieval(owner: &Owner) -> Vec<u8> {
    let reader: Value = serde_json::from_str(&owner.retrieval(None).reader).expect("a JWK");
    json!({ "reader": reader, "answer": "jwe", "part": { "offset_bytes": 2, "length_bytes": 6 } })
        .to_string()
        .into_bytes()
}

#[test]
fn should_keep_share_retrieve_and_delete_by_signed_requests_alone() {
    let (mut world, [alice, bob]) = ContentWorld::with_owners(["alice", "bob"]);
    let item = upload(&mut world, &alice);
    let retrieve = format!("/content/{item}/retrieve");
    let answer = world.ask(&alice, "POST", &retrieve, &retrieval(&alice));
    assert_eq!((answer.status_code, answer.header("content-type")), (200, Some("application/jose")));
    assert_eq!(alice.open(&answer.body), b"secret");

    assert_eq!(world.ask(&bob, "POST", &retrieve, &retrieval(&bob)).status_code, 404);
    let readers = format!("/content/{item}/readers/bob");
    assert_eq!(world.ask(&alice, "PUT", &readers, b"").status_code, 200);
    let answer = world.ask(&bob, "POST", &retrieve, &retrieval(&bob));
    assert_eq!(bob.open(&answer.body), b"secret");
    let listed = body(&world.ask(&bob, "GET", "/content?after=0", b""));
    assert_eq!(listed["items"][0]["item"], item);
    assert_eq!(body(&world.ask(&bob, "GET", &format!("/content?after={item}"), b""))["items"], json!([]));
    assert_eq!(world.ask(&alice, "DELETE", &readers, b"").status_code, 200);
    assert_eq!(world.ask(&bob, "POST", &retrieve, &retrieval(&bob)).status_code, 404);
    assert_eq!(world.ask(&alice, "DELETE", &format!("/content/{item}"), b"").status_code, 200);
    assert_eq!(world.ask(&alice, "POST", &retrieve, &retrieval(&alice)).status_code, 404);
    for (method, url) in [("PATCH", "/content"), ("GET", "/content/1"), ("PUT", "/content/x/chunks/0")] {
        let refused = world.ask(&alice, method, url, b"");
        assert_eq!(refused.status_code, 422, "{method} {url}: {}", refused.text());
    }
}

/// Also after an upgrade, and not even when its body is another encoding of the same.
#[test]
fn should_not_carry_out_a_request_twice() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let item = upload(&mut world, &alice);
    let asked = request("POST", &format!("/content/{item}/retrieve"), &retrieval(&alice));
    let once = signed(&alice, &asked, &claims(&world, &alice, &asked));
    assert_eq!(world.http_update(&once).expect("let in").status_code, 200);
    let refused = world.http_update(&once).expect_err("used already");
    assert_eq!(refused.error_code.as_deref(), NOT_LET_IN);
    let page = world.http_query(&once);
    assert_eq!(page.status_code, 401);
    assert!(page.header("www-authenticate").is_some_and(|why| why.contains("claim jti")), "{page:?}");

    world
        .replica
        .upgrade(world.content, &canister_wasm("content_canister"), Encode!().expect("encodes"))
        .expect("upgrades");
    let refused = world.http_update(&once).expect_err("used already, before the upgrade");
    assert_eq!(refused.error_code.as_deref(), NOT_LET_IN);
    world.pass(Duration::from_secs(121));
    assert_eq!(world.http_query(&once).status_code, 401, "it expired");
}

#[test]
fn should_let_pages_of_other_origins_ask() {
    let (mut world, [alice]) = ContentWorld::with_owners(["alice"]);
    let allowed = world.http_query(&request("OPTIONS", "/content", b""));
    assert_eq!((allowed.status_code, allowed.upgrade), (200, None));
    let headers = "access-control-allow-headers";
    assert!(allowed.header(headers).is_some_and(|names| names.contains("authorization")), "{allowed:?}");
    let listed = world.ask(&alice, "GET", "/content", b"");
    assert_eq!(listed.header("access-control-allow-origin"), Some("*"));
}

/// A signature is good for one canister, method, path and body, and only from its owner's key.
#[test]
fn should_not_carry_out_a_request_that_was_signed_for_something_else() {
    let (mut world, [alice, mallory]) = ContentWorld::with_owners(["alice", "mallory"]);
    let item = upload(&mut world, &alice);
    let asked = request("POST", &format!("/content/{item}/retrieve"), &retrieval(&alice));
    let good = claims(&world, &alice, &asked);
    let sign = |claims: &Value| signed(&alice, &asked, claims);
    let with = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        claims
    };
    let changed = |change: fn(&mut HttpRequest)| {
        let mut request = sign(&good);
        change(&mut request);
        request
    };
    let late = world.replica.time_ns() / 1_000_000_000 + 301;
    let attempts = [
        asked.clone(),
        changed(|request| request.method = "DELETE".into()),
        changed(|request| request.url = "/content/2/retrieve".into()),
        changed(|request| request.url.push_str("?after=1")),
        changed(|request| request.body = serde_bytes::ByteBuf::from(b"{}")),
        changed(|request| request.headers[0].1.push('A')),
        changed(|request| request.headers.push(request.headers[0].clone())),
        sign(&with("aud", json!("aaaaa-aa"))),
        sign(&with("iss", json!("mallory"))),
        sign(&with("iss", json!("nobody"))),
        sign(&with("exp", json!(1))),
        sign(&with("exp", json!(late))),
        signed(&mallory, &asked, &good),
    ];
    let before = world.replica.stable_memory(world.content).to_vec();
    let balance_cycles = world.replica.cycles_balance(world.content);
    for (index, attempt) in attempts.iter().enumerate() {
        let page = world.http_query(attempt);
        assert_eq!((page.status_code, page.upgrade), (401, None), "{index}");
        let refused = world.http_update(attempt).expect_err("not let in");
        assert_eq!(refused.error_code.as_deref(), NOT_LET_IN, "{index}");
    }
    assert_eq!(world.replica.cycles_balance(world.content), balance_cycles, "strangers cost nothing");
    assert!(world.replica.stable_memory(world.content) == before);
    assert_eq!(world.http_update(&sign(&good)).expect("let in").status_code, 200);
}
