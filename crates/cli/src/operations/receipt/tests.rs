use ic_ed25519::PrivateKey;
use registry_protocols::receipt::{
    BytesRead, Confirmation, DigestSet, PAYLOAD_TYPE, ReadBack, RegistryUrls, ReleasePredicate, Subject, pae,
};
use release_types::{Ecosystem, OrderId, Sha256Digest};

use super::*;

const BYTES: &[u8] = b"the package";

fn bytes(bytes: &[u8]) -> Claim {
    Claim::of_bytes(Sha256Digest::of(bytes))
}

fn custody(number: u8) -> Principal {
    Principal::from_slice(&[number, 1, 1])
}

/// Stands for the network: one master key, from which each canister's key derives.
struct Network {
    master: PrivateKey,
}

impl Network {
    fn new() -> Self {
        Self { master: PrivateKey::generate_from_seed(b"a network") }
    }

    fn key_of(&self, custody: Principal) -> [u8; 32] {
        receipt_key(&self.master.public_key(), custody)
    }

    /// Signs as the network does for `signer`.
    fn receipt(&self, signer: Principal, statement: &Statement) -> String {
        let path: Vec<_> = KEY_DERIVATION_PATH.iter().map(|part| part.to_vec()).collect();
        let path = DerivationPath::from_canister_id_and_path(signer.as_slice(), &path);
        let (key, _) = self.master.derive_subkey(&path);
        let payload = statement.to_payload();
        let envelope = Envelope::new(&payload, "", &key.sign_message(&pae(PAYLOAD_TYPE, &payload)));
        serde_json::to_string(&envelope).expect("JSON")
    }
}

fn statement(custody: Principal) -> Statement {
    let url = "https://npm.registry.example/".to_string();
    Statement::new(
        vec![Subject {
            name: "demo-1.0.0.tgz".into(),
            digest: DigestSet { sha256: Sha256Digest::of(BYTES).to_string(), sha512: None },
        }],
        ReleasePredicate {
            dao: "aaaaa-aa".into(),
            custody: custody.to_text(),
            order_id: "proposal-1".into(),
            registry: RegistryUrls { ecosystem: Ecosystem::Npm, upload_url: url.clone(), read_url: url },
            package: "demo".into(),
            version: "1.0.0".into(),
            mode: "direct".into(),
            ordered_at_s: 1,
            vote: None,
            source: None,
            read_back: ReadBack {
                at_s: 2,
                replicated: true,
                confirmation: vec![Confirmation::RegistryWithoutKeys],
                bytes: vec![BytesRead::Whole],
            },
        },
    )
}

#[test]
fn should_approve_bytes_that_a_receipt_of_the_pinned_custody_names() {
    let network = Network::new();
    let receipt = network.receipt(custody(1), &statement(custody(1)));
    let verdict = judge(&bytes(BYTES), &receipt, &network.key_of(custody(1)), custody(1));
    assert!(matches!(verdict, Verdict::Approved { .. }), "{verdict:?}");
}

#[test]
fn should_not_approve_by_a_valid_receipt_of_another_custody() {
    let network = Network::new();
    let others = network.receipt(custody(2), &statement(custody(2)));
    let pinned = network.key_of(custody(1));
    let verdict = judge(&bytes(BYTES), &others, &pinned, custody(1));
    assert!(matches!(verdict, Verdict::NotApproved { .. }), "{verdict:?}");
    let pretending = network.receipt(custody(2), &statement(custody(1)));
    let verdict = judge(&bytes(BYTES), &pretending, &pinned, custody(1));
    assert!(matches!(verdict, Verdict::NotApproved { .. }), "{verdict:?}");
}

#[test]
fn should_not_approve_by_a_receipt_that_speaks_of_another_custody() {
    let network = Network::new();
    let receipt = network.receipt(custody(1), &statement(custody(2)));
    let verdict = judge(&bytes(BYTES), &receipt, &network.key_of(custody(1)), custody(1));
    assert!(matches!(verdict, Verdict::NotApproved { .. }), "{verdict:?}");
}

#[test]
fn should_not_approve_other_bytes() {
    let network = Network::new();
    let receipt = network.receipt(custody(1), &statement(custody(1)));
    let verdict = judge(&bytes(b"changed"), &receipt, &network.key_of(custody(1)), custody(1));
    assert!(matches!(verdict, Verdict::NotApproved { .. }), "{verdict:?}");
}

#[test]
fn should_not_tell_when_what_is_given_is_no_receipt() {
    let verdict = judge(&bytes(BYTES), "hello", &[0; 32], custody(1));
    assert!(matches!(verdict, Verdict::CannotTell { .. }), "{verdict:?}");
}

#[test]
fn should_find_the_receipt_among_all() {
    let network = Network::new();
    let key = network.key_of(custody(1));
    let view = |envelope_json| ReceiptView { order: OrderId("o".into()), signed_at_ns: 1, envelope_json };
    let foreign = view(network.receipt(custody(2), &statement(custody(2))));
    let own = view(network.receipt(custody(1), &statement(custody(1))));
    let judged = |receipts: &[ReceiptView]| {
        judge_by_all(&bytes(BYTES), &verified(receipts, &key, custody(1)), custody(1))
    };
    assert!(matches!(judged(&[foreign.clone(), own]), Verdict::Approved { .. }));
    assert!(matches!(judged(&[foreign]), Verdict::NotApproved { .. }));
}

#[test]
fn should_not_approve_bytes_that_are_served_as_another_release() {
    let network = Network::new();
    let (key, receipt) = (network.key_of(custody(1)), network.receipt(custody(1), &statement(custody(1))));
    let judged = |release: &str| {
        let claim = Claim { release: Some(release.parse().expect("a release")), ..bytes(BYTES) };
        judge(&claim, &receipt, &key, custody(1))
    };
    assert!(matches!(judged("npm:demo@1.0.0"), Verdict::Approved { .. }));
    for other in ["npm:demo@1.0.1", "npm:other@1.0.0", "pypi:demo==1.0.0"] {
        assert!(matches!(judged(other), Verdict::NotApproved { .. }), "{other}");
    }
}

#[test]
fn should_derive_the_same_key_as_the_network_publishes_for_a_canister() {
    let custody = custody(1);
    let path: Vec<_> = KEY_DERIVATION_PATH.iter().map(|part| part.to_vec()).collect();
    let canister = ic_ed25519::CanisterId::from_slice(custody.as_slice());
    let (known, _) = PublicKey::derive_mainnet_key(ic_ed25519::MasterPublicKeyId::Key1, &canister, &path);
    let master = PublicKey::mainnet_key(ic_ed25519::MasterPublicKeyId::Key1);
    assert_eq!(receipt_key(&master, custody), known.serialize_raw());
}
