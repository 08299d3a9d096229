use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ic_ed25519::PrivateKey;
use release_types::{Ecosystem, Sha256Digest};

use super::*;

fn key(seed: &str) -> PrivateKey {
    PrivateKey::generate_from_seed(seed.as_bytes())
}

fn public(seed: &str) -> [u8; 32] {
    key(seed).public_key().serialize_raw()
}

fn statement() -> Statement {
    Statement::new(
        vec![Subject {
            name: "demo-1.0.0.tgz".to_owned(),
            digest: DigestSet {
                sha256: Sha256Digest::of(b"bytes").to_string(),
                sha512: Some("ab".repeat(64)),
            },
        }],
        ReleasePredicate {
            dao: "aaaaa-aa".to_owned(),
            custody: "2vxsx-fae".to_owned(),
            order_id: "proposal-7".to_owned(),
            registry: RegistryUrls {
                ecosystem: Ecosystem::Npm,
                upload_url: "https://npm.registry.example/".to_owned(),
                read_url: "https://npm.registry.example/".to_owned(),
            },
            package: "demo".to_owned(),
            version: "1.0.0".to_owned(),
            mode: "direct".to_owned(),
            ordered_at_s: 1_800_000_030,
            vote: Some(VoteFacts {
                proposal_id: 7,
                decided_at_s: 1_800_000_000,
                tally: TallyFacts { yes: 3, no: 1, abstain: 0, total: 5 },
            }),
            source: None,
            read_back: ReadBack {
                at_s: 1_800_000_060,
                replicated: true,
                confirmation: vec![Confirmation::RegistryWithoutKeys],
                bytes: vec![BytesRead::Whole],
            },
        },
    )
}

fn signed(payload_type: &str, payload: &[u8], seed: &str) -> Envelope {
    let signature = key(seed).sign_message(&pae(payload_type, payload));
    Envelope { payload_type: payload_type.to_owned(), ..Envelope::new(payload, "hint", &signature) }
}

fn receipt() -> Envelope {
    signed(PAYLOAD_TYPE, &statement().to_payload(), "custody")
}

#[test]
fn should_encode_the_specification_s_example() {
    let encoded = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn should_write_the_fields_that_in_toto_names() {
    let json: serde_json::Value = serde_json::from_slice(&statement().to_payload()).expect("JSON");
    assert_eq!(json["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(json["predicateType"], "https://countersign.example/release/v1");
    assert_eq!(json["subject"][0]["digest"]["sha256"], Sha256Digest::of(b"bytes").to_string());
    assert_eq!(json["predicate"]["vote"]["proposalId"], 7);
    assert_eq!(json["predicate"]["registry"]["ecosystem"], "npm");
    assert!(json["predicate"].get("source").is_none());
}

#[test]
fn should_verify_a_receipt_through_its_json_form() {
    let json = serde_json::to_string(&receipt()).expect("serialises");
    let envelope: Envelope = serde_json::from_str(&json).expect("an envelope");
    let verified = verify(&envelope, &public("custody")).expect("signed by custody");
    assert_eq!(verified, statement());
    assert!(verified.subject_with(&Sha256Digest::of(b"bytes")).is_some());
    assert!(verified.subject_with(&Sha256Digest::of(b"other bytes")).is_none());
}

#[test]
fn should_not_accept_the_signature_of_another_custody_canister() {
    assert_eq!(verify(&receipt(), &public("other custody")), Err(VerificationError::NotSignedByKey));
    let mut unsigned = receipt();
    unsigned.signatures.clear();
    assert_eq!(verify(&unsigned, &public("custody")), Err(VerificationError::NotSignedByKey));
}

#[test]
fn should_not_accept_a_changed_statement() {
    let mut other = statement();
    other.predicate.version = "1.0.1".to_owned();
    let changed =
        Envelope { signatures: receipt().signatures, ..Envelope::new(&other.to_payload(), "", b"") };
    assert_eq!(verify(&changed, &public("custody")), Err(VerificationError::NotSignedByKey));
    let mut retyped = receipt();
    retyped.payload_type.push('x');
    assert_eq!(verify(&retyped, &public("custody")), Err(VerificationError::NotSignedByKey));
}

#[test]
fn should_accept_the_right_signature_among_others_and_either_base64() {
    let mut envelope = signed(PAYLOAD_TYPE, &statement().to_payload(), "somebody");
    let signature = key("custody").sign_message(&pae(PAYLOAD_TYPE, &statement().to_payload()));
    envelope
        .signatures
        .push(EnvelopeSignature { keyid: String::new(), sig: URL_SAFE_NO_PAD.encode(signature) });
    envelope.payload = URL_SAFE_NO_PAD.encode(statement().to_payload());
    assert_eq!(verify(&envelope, &public("custody")), Ok(statement()));
}

#[test]
fn should_refuse_signed_payloads_that_are_no_release_statement() {
    let key = public("custody");
    let other_type = signed("text/plain", &statement().to_payload(), "custody");
    assert_eq!(verify(&other_type, &key), Err(VerificationError::OtherPayloadType));
    let mut other_predicate = statement();
    other_predicate.predicate_type = "https://countersign.example/release/v2".to_owned();
    let mut other_statement = statement();
    other_statement.statement_type = "https://in-toto.io/Statement/v0.1".to_owned();
    let mut no_subject = statement();
    no_subject.subject.clear();
    let payloads = [other_predicate.to_payload(), other_statement.to_payload(), no_subject.to_payload()];
    for payload in payloads.into_iter().chain([b"{}".to_vec(), Vec::new()]) {
        let envelope = signed(PAYLOAD_TYPE, &payload, "custody");
        assert_eq!(verify(&envelope, &key), Err(VerificationError::NotAReleaseStatement));
    }
}

#[test]
fn should_refuse_garbage_without_panicking() {
    assert_eq!(verify(&receipt(), &[7; 31]), Err(VerificationError::InvalidKey { found_bytes: 31 }));
    let mut envelope = receipt();
    envelope.payload = "*".to_owned();
    assert_eq!(verify(&envelope, &public("custody")), Err(VerificationError::PayloadNotBase64));
    let mut envelope = receipt();
    envelope.signatures[0].sig = "AAAA".to_owned();
    assert_eq!(verify(&envelope, &public("custody")), Err(VerificationError::NotSignedByKey));
}
