//! Certification › Certificate

use crate::raw::{Certified, call, path, post, unsigned};
use crate::setup::{Setup, identity};
use candid::{CandidType, Encode, Principal};
use ic_agent::identity::AnonymousIdentity;
use ic_agent::{AgentError, Identity};
use ic_certification::{Certificate, LookupResult};
use ic_transport_types::{ReadStateResponse, TransportCallResponse};
use std::time::Duration;

const ANYONE: Principal = Principal::anonymous();

#[derive(CandidType)]
struct OnCanister {
    canister_id: Principal,
}

fn certificate(setup: &Setup, canister: Principal) -> Certificate {
    let answer: ReadStateResponse =
        setup.try_read(&format!("v3/canister/{canister}"), &AnonymousIdentity, &[]).cbor();
    serde_cbor::from_slice(&answer.certificate).expect("a certificate")
}

fn is_signed(certificate: &Certificate, root_key_der: &[u8]) -> bool {
    let message = [&b"\x0Dic-state-root"[..], &certificate.tree.digest()].concat();
    ic_verify_bls_signature::verify_bls_signature(&certificate.signature, &message, &root_key_der[37..])
        .is_ok()
}

/// A certificate is signed by the root key, and by no other network's.
#[test]
fn should_sign_certificates_by_the_root_key() {
    let (setup, other) = (Setup::start(), Setup::start_with_seed(2));
    let certificate = certificate(&setup, setup.canister(ANYONE));
    assert!(is_signed(&certificate, &setup.root_key()));
    assert!(!is_signed(&certificate, &other.root_key()));
}

/// A certificate with one changed bit in its tree does not verify.
#[test]
fn should_not_verify_a_certificate_that_was_changed() {
    let setup = Setup::start();
    let mut certificate = certificate(&setup, setup.canister(ANYONE));
    let encoded = serde_cbor::to_vec(&certificate.tree).expect("encodes");
    let time = encoded.windows(4).position(|window| window == b"time").expect("the label") + 8;
    let mut changed = encoded.clone();
    changed[time] ^= 1;
    certificate.tree = serde_cbor::from_slice(&changed).expect("still a tree");
    assert!(!is_signed(&certificate, &setup.root_key()));
}

/// The certified time follows the replica's time.
#[test]
fn should_certify_the_time_that_it_is() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let time = || {
        let certified = setup.read(&format!("v3/canister/{canister}"), &AnonymousIdentity, &[]);
        leb128::read::unsigned(&mut &certified.value(&path([b"time"]))[..]).expect("LEB128")
    };
    let before = time();
    setup.move_time(Duration::from_secs(60));
    let passed_ns = time() - before;
    assert!((60_000_000_000..90_000_000_000).contains(&passed_ns), "{passed_ns}");
}

/// A certificate of one request shows nothing of another, but its hash.
#[test]
fn should_hide_what_was_not_asked_for() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let (first, _) = setup.certified_call(canister, "inc", vec![]);
    let (second, certified) = setup.certified_call(canister, "inc", vec![]);
    assert_eq!(certified.status(&second), "replied");
    let hidden = path([b"request_status", first.as_slice(), b"status"]);
    assert!(!matches!(certified.lookup(&hidden), LookupResult::Found(_)));
    assert!(!matches!(
        certified.lookup(&path([b"canister", canister.as_slice(), b"module_hash"])),
        LookupResult::Found(_)
    ));
}

/// What a canister certifies is in its data certificate, and a later value replaces it.
#[test]
fn should_certify_a_canisters_data() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let asked = path([b"canister", canister.as_slice(), b"certified_data"]);
    for data in [b"first".to_vec(), b"second".to_vec(), vec![]] {
        setup.certified_call(canister, "certify", data.clone());
        let asked_for = asked.clone();
        let certificate = setup.with_replica(move |replica| replica.certificate(&[asked_for]));
        assert_eq!(Certified::new(&certificate, &setup.root_key()).value(&asked), data);
    }
}

/// Certified data has at most 32 bytes.
#[test]
fn should_trap_when_a_canister_certifies_more_than_32_bytes() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let (id, certified) = setup.certified_call(canister, "certify", vec![7; 32]);
    assert_eq!(certified.status(&id), "replied");
    let (id, certified) = setup.certified_call(canister, "certify", vec![7; 33]);
    assert_eq!(certified.status(&id), "rejected");
}

/// A canister that is deleted is gone from the tree with the next certificate.
#[test]
fn should_prove_that_a_deleted_canister_is_gone() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let asked = path([b"canister", canister.as_slice(), b"controllers"]);
    let at = format!("v3/canister/{canister}");
    let read = || setup.read(&at, &AnonymousIdentity, std::slice::from_ref(&asked));
    assert!(matches!(read().lookup(&asked), LookupResult::Found(_)));
    for method in ["stop_canister", "delete_canister"] {
        let arg = Encode!(&OnCanister { canister_id: canister }).expect("encodes");
        let content = call(ANYONE, Principal::management_canister(), method, arg);
        let answer = post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content));
        assert!(matches!(answer.cbor(), TransportCallResponse::Replied { .. }), "{method}");
    }
    assert_eq!(read().lookup(&asked), LookupResult::Absent);
}

/// The agent verifies what it reads, and refuses what another network certified.
#[test]
fn should_be_refused_by_an_agent_of_another_network() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (setup, other) = (Setup::start(), Setup::start_with_seed(2));
    let canister = setup.canister(identity(1).sender().expect("a principal"));
    runtime.block_on(async {
        let agent = setup.agent(identity(1)).await;
        assert!(agent.read_state_canister_module_hash(canister).await.is_ok());
        agent.set_root_key(other.root_key());
        let error = agent.read_state_canister_module_hash(canister).await.expect_err("another key");
        assert!(matches!(error, AgentError::CertificateVerificationFailed()), "{error}");
    });
}
