//! HTTPS interface › Request: Query call

use crate::raw::{MANAGEMENT, call, expiring, in_minutes, path, post, query, signed, unsigned};
use crate::setup::{Setup, identity};
use candid::Principal;
use ic_agent::Identity;
use ic_agent::identity::AnonymousIdentity;
use ic_transport_types::{EnvelopeContent, NodeSignature, QueryResponse, RejectCode};

const ANYONE: Principal = Principal::anonymous();

fn ask(setup: &Setup, canister: Principal, content: &EnvelopeContent) -> QueryResponse {
    post(&setup.at(&format!("v3/canister/{canister}/query")), &unsigned(content.clone())).cbor()
}

/// Checks a response's one signature under the node's key, as a certificate has it.
fn assert_signed_by_a_node(
    setup: &Setup,
    canister: Principal,
    content: &EnvelopeContent,
    response: &QueryResponse,
) {
    let (QueryResponse::Replied { signatures, .. } | QueryResponse::Rejected { signatures, .. }) = response;
    let [NodeSignature { timestamp, signature, identity }] = signatures.as_slice() else {
        panic!("{} signatures", signatures.len());
    };
    let subnet = setup.subnet_id();
    let key = path([b"subnet", subnet.as_slice(), b"node", identity.as_slice(), b"public_key"]);
    let at = format!("v3/canister/{canister}");
    let key = setup.read(&at, &AnonymousIdentity, &[path([b"subnet"])]).value(&key);
    let key = ic_ed25519::PublicKey::deserialize_rfc8410_der(&key).expect("an Ed25519 key in DER");
    let message = response.signable(content.to_request_id(), *timestamp);
    key.verify_signature(&message, signature).expect("a good signature");
    let other = response.signable(content.to_request_id(), timestamp + 1);
    assert!(key.verify_signature(&other, signature).is_err());
}

/// A reply carries its argument and the signature of one node of the subnet.
#[test]
fn should_reply_to_a_query_with_a_nodes_signature() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let content = query(ANYONE, canister, "get");
    let response = ask(&setup, canister, &content);
    let QueryResponse::Replied { reply, .. } = &response else { panic!("{response:?}") };
    assert_eq!(reply.arg, [0; 4]);
    assert_signed_by_a_node(&setup, canister, &content, &response);
}

/// A reject carries code, message and error code, and is signed as a reply is.
#[test]
fn should_reject_a_query_with_a_nodes_signature() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let content = query(ANYONE, canister, "missing");
    let response = ask(&setup, canister, &content);
    let QueryResponse::Rejected { reject, .. } = &response else { panic!("{response:?}") };
    assert_eq!(reject.reject_code, RejectCode::CanisterError);
    assert_eq!(reject.error_code.as_deref(), Some("IC0536"));
    assert_signed_by_a_node(&setup, canister, &content, &response);
}

/// The deprecated version 2 of the endpoint answers alike.
#[test]
fn should_answer_queries_of_version_2() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let body = unsigned(query(ANYONE, canister, "get"));
    let answer = post(&setup.at(&format!("v2/canister/{canister}/query")), &body);
    assert!(matches!(answer.cbor(), QueryResponse::Replied { .. }));
}

/// An update method cannot be queried.
#[test]
fn should_reject_a_query_of_an_update_method() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    assert!(matches!(ask(&setup, canister, &query(ANYONE, canister, "inc")), QueryResponse::Rejected { .. }));
}

/// A composite query method can be queried.
#[test]
fn should_answer_a_composite_query() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    assert!(matches!(
        ask(&setup, canister, &query(ANYONE, canister, "composed")),
        QueryResponse::Replied { .. }
    ));
}

/// What a query changes is discarded.
#[test]
fn should_discard_what_a_query_changes() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    for _ in 0..2 {
        let response = ask(&setup, canister, &query(ANYONE, canister, "inc_and_get"));
        let QueryResponse::Replied { reply, .. } = &response else { panic!("{response:?}") };
        assert_eq!(reply.arg, [1, 0, 0, 0]);
    }
}

/// A query sees the effect of every call that was answered before it.
#[test]
fn should_see_in_a_query_what_a_call_did_before() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    setup.certified_call(canister, "inc", vec![]);
    let response = ask(&setup, canister, &query(ANYONE, canister, "get"));
    let QueryResponse::Replied { reply, .. } = &response else { panic!("{response:?}") };
    assert_eq!(reply.arg, [1, 0, 0, 0]);
}

/// A canister that does not exist is an invalid destination.
#[test]
fn should_reject_a_query_of_a_canister_that_does_not_exist() {
    let setup = Setup::start();
    let nobody = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0xff, 0, 1, 1]);
    let response = ask(&setup, nobody, &query(ANYONE, nobody, "get"));
    let QueryResponse::Rejected { reject, .. } = &response else { panic!("{response:?}") };
    assert_eq!(reject.reject_code, RejectCode::DestinationInvalid);
}

/// The effective canister id of a query is the queried canister.
#[test]
fn should_refuse_a_query_at_another_canister() {
    let setup = Setup::start();
    let (canister, other) = (setup.canister(ANYONE), setup.canister(ANYONE));
    let answer =
        post(&setup.at(&format!("v3/canister/{other}/query")), &unsigned(query(ANYONE, canister, "get")));
    answer.assert_refused(400, "effective canister id");
}

/// The subnet's query endpoint serves `list_canisters` only.
#[test]
fn should_refuse_other_queries_at_the_subnet_endpoint() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v3/subnet/{}/query", setup.subnet_id()));
    post(&url, &unsigned(query(ANYONE, canister, "get"))).assert_refused(400, "list_canisters only");
    post(&url, &unsigned(query(ANYONE, MANAGEMENT, "canister_status")))
        .assert_refused(400, "list_canisters only");
}

/// A signed query must not have expired; an anonymous one may have any expiry.
#[test]
fn should_check_the_expiry_of_signed_queries_only() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let user = identity(1);
    let url = setup.at(&format!("v3/canister/{canister}/query"));
    for expiry_ns in [0, in_minutes(60)] {
        let anonymous = expiring(query(ANYONE, canister, "get"), expiry_ns);
        assert_eq!(post(&url, &unsigned(anonymous)).status, 200);
        let content = expiring(query(user.sender().expect("a principal"), canister, "get"), expiry_ns);
        post(&url, &signed(&user, content)).assert_refused(400, "Invalid request expiry");
    }
}

/// An endpoint takes its own type of request only.
#[test]
fn should_refuse_a_call_at_the_query_endpoint() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let body = unsigned(call(ANYONE, canister, "get", vec![]));
    post(&setup.at(&format!("v3/canister/{canister}/query")), &body)
        .assert_refused(400, "content.request_type");
}

/// Queries are answered by more than one node, so that clients meet the keys of several.
#[test]
fn should_let_several_nodes_answer() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let mut nodes = std::collections::BTreeSet::new();
    for minute in 0..8 {
        let response = ask(&setup, canister, &expiring(query(ANYONE, canister, "get"), in_minutes(minute)));
        let QueryResponse::Replied { signatures, .. } = response else { panic!("rejected") };
        nodes.insert(signatures[0].identity);
    }
    assert!(nodes.len() > 1);
}
