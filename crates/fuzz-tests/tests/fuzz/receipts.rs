//! Receipts as `countersign verify` reads them.

use fuzz_tests::{Campaign, corpus};
use ic_ed25519::PrivateKey;
use registry_protocols::receipt::{Envelope, PAYLOAD_TYPE, pae, verify};

fn key() -> PrivateKey {
    PrivateKey::deserialize_raw_32(&[7; 32])
}

fn signed(payload: &[u8]) -> Envelope {
    let signature = key().sign_message(&pae(PAYLOAD_TYPE, payload));
    Envelope::new(payload, "custody", &signature)
}

#[test]
fn should_stand_any_envelope() {
    let public_key = key().public_key().serialize_raw();
    let as_text = |payload: &Vec<u8>| serde_json::to_vec(&signed(payload)).expect("an envelope is JSON");
    let seeds: Vec<_> = corpus("statements").iter().map(as_text).collect();
    Campaign::new("envelopes", seeds).inputs(2_000).run(|text| {
        if let Ok(envelope) = serde_json::from_slice(text) {
            drop(verify(&envelope, &public_key));
        }
    });
}

#[test]
fn should_stand_any_signed_statement() {
    let public_key = key().public_key().serialize_raw();
    let seeds = corpus("statements");
    assert!(
        seeds.iter().any(|payload| verify(&signed(payload), &public_key).is_ok()),
        "no seed is a receipt"
    );
    Campaign::new("statements", seeds)
        .inputs(2_000)
        .run(|payload| drop(verify(&signed(payload), &public_key)));
}
