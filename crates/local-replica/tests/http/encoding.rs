//! HTTPS interface › CBOR encoding of requests and responses

use crate::raw::{call, post, post_as, query, unsigned};
use crate::setup::Setup;
use candid::Principal;
use ic_transport_types::Envelope;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;

const ANYONE: Principal = Principal::anonymous();

/// Every body is CBOR; anything else is refused with the place and the reason.
#[test]
fn should_refuse_a_body_that_is_no_cbor() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    for endpoint in
        ["v2/canister/{}/call", "v4/canister/{}/call", "v3/canister/{}/query", "v3/canister/{}/read_state"]
    {
        let url = setup.at(&endpoint.replace("{}", &canister.to_text()));
        post(&url, b"no cbor").assert_refused(400, "body: not a CBOR request envelope");
        post(&url, b"").assert_refused(400, "body: not a CBOR request envelope");
    }
}

/// Nothing may follow the envelope, and nothing of it may be missing.
#[test]
fn should_refuse_a_body_that_is_too_long_or_too_short() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v3/canister/{canister}/query"));
    let good = unsigned(query(ANYONE, canister, "get"));
    assert_eq!(post(&url, &good).status, 200);
    assert_eq!(post(&url, &[&good[..], &[0]].concat()).status, 400);
    assert_eq!(post(&url, &good[..good.len() - 1]).status, 400);
}

/// A required field that is missing is named.
#[test]
fn should_name_a_missing_field() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let good = unsigned(call(ANYONE, canister, "inc", vec![]));
    let envelope: BTreeMap<String, serde_cbor::Value> = serde_cbor::from_slice(&good).expect("a map");
    let serde_cbor::Value::Map(content) = &envelope["content"] else { panic!("no map") };
    for field in ["sender", "canister_id", "method_name", "arg", "ingress_expiry", "request_type"] {
        let mut without = content.clone();
        without.remove(&serde_cbor::Value::Text(field.to_owned())).expect("was there");
        let body = serde_cbor::to_vec(&BTreeMap::from([("content", without)])).expect("encodes");
        post(&setup.at(&format!("v4/canister/{canister}/call")), &body).assert_refused(400, field);
    }
}

/// The tag that says "this is CBOR" may stand before a request, or be left out.
#[test]
fn should_take_a_request_with_and_without_the_self_describing_tag() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v3/canister/{canister}/query"));
    let tagged = unsigned(query(ANYONE, canister, "get"));
    assert_eq!(tagged[..3], [0xd9, 0xd9, 0xf7]);
    assert_eq!(post(&url, &tagged).status, 200);
    assert_eq!(post(&url, &tagged[3..]).status, 200);
}

/// Every answer starts with the tag that says "this is CBOR".
#[test]
fn should_begin_answers_with_the_self_describing_tag() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    for (endpoint, content) in [
        ("call", call(ANYONE, canister, "inc", vec![])),
        ("query", query(ANYONE, canister, "get")),
        ("read_state", crate::raw::read_state(ANYONE, &[])),
    ] {
        let version = if endpoint == "call" { "v4" } else { "v3" };
        let answer =
            post(&setup.at(&format!("{version}/canister/{canister}/{endpoint}")), &unsigned(content));
        assert_eq!((answer.status, &answer.body[..3]), (200, &[0xd9, 0xd9, 0xf7][..]), "{endpoint}");
    }
}

/// Another type of content is refused before the body is looked at.
#[test]
fn should_refuse_another_content_type() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let body = unsigned(query(ANYONE, canister, "get"));
    let url = setup.at(&format!("v3/canister/{canister}/query"));
    for content_type in ["application/json", "text/plain", ""] {
        post_as(&url, content_type, &body).assert_refused(415, "Unexpected content-type");
    }
}

/// An id in the path is a principal in its textual form.
#[test]
fn should_refuse_an_id_that_is_no_principal() {
    let setup = Setup::start();
    let body = unsigned(query(ANYONE, Principal::management_canister(), "get"));
    post(&setup.at("v3/canister/nobody/query"), &body).assert_refused(400, "'nobody' is not a principal");
}

/// Requests are posted; other methods are refused.
#[test]
fn should_refuse_to_be_asked_with_get() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let answer = ureq::get(&setup.at(&format!("v3/canister/{canister}/query"))).call();
    assert!(matches!(answer, Err(ureq::Error::Status(405, _))));
}

/// An endpoint that does not exist is not found.
#[test]
fn should_not_find_an_unknown_endpoint() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let body = unsigned(query(ANYONE, canister, "get"));
    for endpoint in [format!("v1/canister/{canister}/query"), format!("v3/canister/{canister}/steal")] {
        assert_eq!(post(&setup.at(&endpoint), &body).status, 404, "{endpoint}");
    }
}

/// The status endpoint tells the root key in DER, for development networks.
#[test]
fn should_tell_the_root_key_in_the_status() {
    #[derive(Deserialize)]
    struct Status {
        #[serde(with = "serde_bytes")]
        root_key: Vec<u8>,
        replica_health_status: String,
    }
    let setup = Setup::start();
    let mut body = Vec::new();
    let response = ureq::get(&setup.at("v2/status")).call().expect("an answer");
    response.into_reader().read_to_end(&mut body).expect("a body");
    assert_eq!(body[..3], [0xd9, 0xd9, 0xf7]);
    let status: Status = serde_cbor::from_slice(&body).expect("a status");
    assert_eq!((status.root_key, status.replica_health_status.as_str()), (setup.root_key(), "healthy"));
}

/// Keys that the envelope does not have are ignored, as they may come with later specifications.
#[test]
fn should_ignore_an_unknown_key_of_the_envelope() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let good: Envelope<'_> =
        serde_cbor::from_slice(&unsigned(query(ANYONE, canister, "get"))).expect("decodes");
    let body = serde_cbor::to_vec(&BTreeMap::from([
        ("content", serde_cbor::value::to_value(&good.content).expect("encodes")),
        ("later", serde_cbor::Value::Null),
    ]))
    .expect("encodes");
    assert_eq!(post(&setup.at(&format!("v3/canister/{canister}/query")), &body).status, 200);
}
