//! Management canister › Threshold keys and randomness
//!
//! `ecdsa_public_key`, `sign_with_ecdsa`, `schnorr_public_key`, `sign_with_schnorr`, `vetkd_public_key`,
//! `vetkd_derive_key`, `raw_rand`, also with nodes that fail.

use std::time::Duration;

use candid::{CandidType, Encode, Principal};
use ic_management_canister_types::*;
use ic_secp256k1::{DerivationPath, PublicKey};
use local_replica::RejectCode::{CanisterReject, DestinationInvalid, SysTransient};
use local_replica::threshold::{NodeIndex, ShareFault};
use local_replica::{CallResult, IngressStatus};

use crate::canisters::Subnet;
use crate::management_calls::{decoded, forwarded, unwrapped};

const KEY_1_CYCLES: u128 = 26_153_846_153;
const TEST_KEY_1_CYCLES: u128 = 10_000_000_000;

fn setup() -> (Subnet, Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.proxy();
    (subnet, id)
}

fn path() -> Vec<Vec<u8>> {
    vec![b"receipts".to_vec(), vec![]]
}

fn ecdsa(name: &str) -> SignWithEcdsaArgs {
    SignWithEcdsaArgs {
        message_hash: vec![7; 32],
        derivation_path: path(),
        key_id: EcdsaKeyId { curve: EcdsaCurve::Secp256k1, name: name.to_owned() },
    }
}

fn schnorr(algorithm: SchnorrAlgorithm, name: &str) -> SignWithSchnorrArgs {
    SignWithSchnorrArgs {
        message: b"message".to_vec(),
        derivation_path: path(),
        key_id: SchnorrKeyId { algorithm, name: name.to_owned() },
        aux: None,
    }
}

fn vetkd(name: &str, transport_public_key: Vec<u8>) -> VetKDDeriveKeyArgs {
    VetKDDeriveKeyArgs {
        input: b"input".to_vec(),
        context: b"context".to_vec(),
        transport_public_key,
        key_id: VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: name.to_owned() },
    }
}

/// The point at infinity, by which canisters ask for an unencrypted key.
fn identity() -> Vec<u8> {
    [&[0xc0][..], &[0; 47]].concat()
}

/// What a client derives offline from a pinned secp256k1 master key.
fn offline(master: &[u8], canister: Principal) -> PublicKey {
    let path = DerivationPath::from_canister_id_and_path(canister.as_slice(), &path());
    PublicKey::deserialize_sec1(master).expect("a public key").derive_subkey(&path).0
}

fn assert_rejected(result: CallResult, code: local_replica::RejectCode, message: &str) {
    let reject = result.expect_err("a reject");
    assert_eq!(reject.code, code, "{}", reject.message);
    assert!(reject.message.contains(message), "{}", reject.message);
}

/// `ecdsa_public_key` and `sign_with_ecdsa` use the key that clients derive offline from the master
/// key, and the signature is `r` and `s` of 32 bytes each.
#[test]
fn should_sign_with_the_canisters_ecdsa_key() {
    let (mut subnet, id) = setup();
    let args = ecdsa("key_1");
    let signed: SignWithEcdsaResult = decoded(subnet.manage_from(id, "sign_with_ecdsa", &args, KEY_1_CYCLES));
    let key_args = EcdsaPublicKeyArgs { canister_id: None, derivation_path: path(), key_id: args.key_id };
    let key: EcdsaPublicKeyResult = decoded(subnet.manage_from(id, "ecdsa_public_key", key_args, 0));
    let offline = offline(&subnet.replica.ecdsa_master_public_key(), id);
    assert_eq!(key.public_key, offline.serialize_sec1(true));
    assert_eq!(key.chain_code.len(), 32);
    assert_eq!(signed.signature.len(), 64);
    assert!(offline.verify_ecdsa_signature_prehashed(&[7; 32], &signed.signature));
}

/// A BIP-340 signature verifies under the x coordinate of the canister's public key.
#[test]
fn should_sign_with_the_canisters_bip340_key() {
    let (mut subnet, id) = setup();
    let args = schnorr(SchnorrAlgorithm::Bip340secp256k1, "test_key_1");
    let signed: SignWithSchnorrResult =
        decoded(subnet.manage_from(id, "sign_with_schnorr", &args, TEST_KEY_1_CYCLES));
    let key_args =
        SchnorrPublicKeyArgs { canister_id: Some(id), derivation_path: path(), key_id: args.key_id };
    let key: SchnorrPublicKeyResult = decoded(subnet.manage_from(id, "schnorr_public_key", key_args, 0));
    let offline = offline(&subnet.replica.bip340_master_public_key(), id);
    assert_eq!(key.public_key, offline.serialize_sec1(true));
    let public = PublicKey::deserialize_bip340(&key.public_key[1..]).expect("an x coordinate");
    assert!(public.verify_bip340_signature(b"message", &signed.signature));
}

/// With `bip341`, the signature is one for the taproot output key.
#[test]
fn should_sign_for_taproot() {
    let (mut subnet, id) = setup();
    for merkle_root_hash in [vec![], vec![3; 32]] {
        let aux = Some(SchnorrAux::Bip341(Bip341 { merkle_root_hash: merkle_root_hash.clone() }));
        let args = SignWithSchnorrArgs { aux, ..schnorr(SchnorrAlgorithm::Bip340secp256k1, "key_1") };
        let signed: SignWithSchnorrResult =
            decoded(subnet.manage_from(id, "sign_with_schnorr", &args, KEY_1_CYCLES));
        let offline = offline(&subnet.replica.bip340_master_public_key(), id);
        assert!(offline.verify_bip341_signature(b"message", &signed.signature, &merkle_root_hash));
    }
}

/// A Merkle root has 0 or 32 bytes, and no place in an Ed25519 signature.
#[test]
fn should_refuse_aux_that_fits_not() {
    let (mut subnet, id) = setup();
    for (algorithm, bytes) in [(SchnorrAlgorithm::Bip340secp256k1, 31), (SchnorrAlgorithm::Ed25519, 32)] {
        let aux = Some(SchnorrAux::Bip341(Bip341 { merkle_root_hash: vec![3; bytes] }));
        let args = SignWithSchnorrArgs { aux, ..schnorr(algorithm, "key_1") };
        let result = subnet.manage_from(id, "sign_with_schnorr", args, KEY_1_CYCLES);
        assert_rejected(result, CanisterReject, "aux");
    }
}

/// A message hash for ECDSA has 32 bytes.
#[test]
fn should_sign_hashes_of_32_bytes_only() {
    let (mut subnet, id) = setup();
    for bytes in [0, 31, 33] {
        let args = SignWithEcdsaArgs { message_hash: vec![7; bytes], ..ecdsa("key_1") };
        let result = subnet.manage_from(id, "sign_with_ecdsa", args, KEY_1_CYCLES);
        assert_rejected(result, CanisterReject, "message_hash");
    }
}

/// A derivation path has at most 255 elements.
#[test]
fn should_derive_along_at_most_255_elements() {
    let (mut subnet, id) = setup();
    let path = |length: usize| vec![vec![1]; length];
    let long = SignWithEcdsaArgs { derivation_path: path(256), ..ecdsa("key_1") };
    let result = subnet.manage_from(id, "sign_with_ecdsa", long, KEY_1_CYCLES);
    assert_rejected(result, CanisterReject, "derivation_path");
    let longest = SignWithEcdsaArgs { derivation_path: path(255), ..ecdsa("key_1") };
    subnet.manage_from(id, "sign_with_ecdsa", longest, KEY_1_CYCLES).expect("a signature");
    let key_id = SchnorrKeyId { algorithm: SchnorrAlgorithm::Ed25519, name: "key_1".to_owned() };
    let args = SchnorrPublicKeyArgs { canister_id: None, derivation_path: path(256), key_id };
    let result = subnet.manage_from(id, "schnorr_public_key", args, 0);
    assert_rejected(result, CanisterReject, "derivation_path");
}

/// Keys that the network does not have cannot be used, and the call is not even routed.
#[test]
fn should_know_only_the_networks_keys() {
    let (mut subnet, id) = setup();
    let mut refused = |method: &str, arg: Vec<u8>| {
        let result = subnet.forward(id, method, &arg, KEY_1_CYCLES);
        assert_rejected(result, DestinationInvalid, "unknown or disabled threshold key");
    };
    refused("sign_with_ecdsa", Encode!(&ecdsa("key_2")).expect("encodes"));
    let mut r1 = ecdsa("key_1");
    r1.key_id.curve = EcdsaCurve::Secp256r1;
    refused("sign_with_ecdsa", Encode!(&r1).expect("encodes"));
    refused("sign_with_schnorr", Encode!(&schnorr(SchnorrAlgorithm::Ed25519, "")).expect("encodes"));
    refused("vetkd_derive_key", Encode!(&vetkd("dfx_test_key", identity())).expect("encodes"));
}

/// Each signature and key must bring its price, which depends on the key; what is too much comes back.
#[test]
fn should_charge_the_price_of_the_key() {
    let (mut subnet, id) = setup();
    let mut check = |method: &'static str, arg: Vec<u8>, price: u128| {
        let result = subnet.forward(id, method, &arg, price - 1);
        assert_rejected(result, CanisterReject, &format!("but {price} cycles are required"));
        let before = subnet.replica.cycles_balance(id);
        subnet.forward(id, method, &arg, price + 1_000_000_000_000).expect("a reply");
        let spent = before - subnet.replica.cycles_balance(id);
        assert!((price..price + 100_000_000).contains(&spent), "{method} cost {spent}");
    };
    check("sign_with_ecdsa", Encode!(&ecdsa("key_1")).expect("encodes"), KEY_1_CYCLES);
    check("sign_with_ecdsa", Encode!(&ecdsa("test_key_1")).expect("encodes"), TEST_KEY_1_CYCLES);
    let bip340 = schnorr(SchnorrAlgorithm::Bip340secp256k1, "key_1");
    check("sign_with_schnorr", Encode!(&bip340).expect("encodes"), KEY_1_CYCLES);
    check("vetkd_derive_key", Encode!(&vetkd("test_key_1", identity())).expect("encodes"), TEST_KEY_1_CYCLES);
}

/// Public keys are free, and those of other canisters are told as well.
#[test]
fn should_tell_public_keys_of_any_canister() {
    let (mut subnet, id) = setup();
    let other = subnet.proxy();
    let mut key = |caller: Principal, canister_id: Option<Principal>| {
        let key_id = EcdsaKeyId { curve: EcdsaCurve::Secp256k1, name: "key_1".to_owned() };
        let args = EcdsaPublicKeyArgs { canister_id, derivation_path: path(), key_id };
        decoded::<EcdsaPublicKeyResult>(subnet.manage_from(caller, "ecdsa_public_key", args, 0)).public_key
    };
    assert_eq!(key(id, None), key(other, Some(id)));
    assert_ne!(key(id, None), key(id, Some(other)));
}

/// A principal that is no canister id has no vetKD key.
#[test]
fn should_tell_no_vetkd_key_of_a_user() {
    let (mut subnet, id) = setup();
    let args = VetKDPublicKeyArgs {
        canister_id: Some(Principal::anonymous()),
        context: Vec::new(),
        key_id: VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: "key_1".to_owned() },
    };
    assert_rejected(subnet.manage_from(id, "vetkd_public_key", args, 0), CanisterReject, "canister_id");
}

/// A transport key that is no point of G1 is refused, and the cycles come back.
#[test]
fn should_refuse_transport_keys_that_are_no_points() {
    let (mut subnet, id) = setup();
    let before = subnet.replica.cycles_balance(id);
    for bytes in [vec![], vec![0; 48], vec![0xff; 48]] {
        let result = subnet.manage_from(id, "vetkd_derive_key", vetkd("key_1", bytes), KEY_1_CYCLES);
        assert_rejected(result, CanisterReject, "transport_public_key");
    }
    assert!(before - subnet.replica.cycles_balance(id) < 1_000_000_000);
}

/// Each call of `raw_rand` gives other bytes.
#[test]
fn should_never_give_the_same_random_bytes() {
    let (mut subnet, id) = setup();
    let mut draw = || decoded::<Vec<u8>>(subnet.forward(id, "raw_rand", &Encode!().expect("encodes"), 0));
    let drawn: std::collections::BTreeSet<_> = (0..20).map(|_| draw()).collect();
    assert_eq!(drawn.len(), 20);
    assert!(drawn.iter().all(|bytes| bytes.len() == 32));
}

fn open(subnet: &mut Subnet, id: Principal, method: &str, arg: impl CandidType) -> local_replica::RequestId {
    let arg = Encode!(&arg).expect("encodes");
    let request = subnet.submit(id, "forward", &forwarded(method, &arg, KEY_1_CYCLES));
    subnet.replica.run_until_idle();
    request
}

fn nodes(nodes: std::ops::Range<u32>) -> impl Iterator<Item = NodeIndex> {
    nodes.map(NodeIndex)
}

/// Up to a third of the nodes may be silent or lie: keys and signatures come as ever.
#[test]
fn should_sign_and_derive_despite_the_faults_that_are_tolerated() {
    let (mut subnet, id) = setup();
    subnet.replica.share_faults().set(nodes(0..2), ShareFault::Silent);
    subnet.replica.share_faults().set(nodes(2..4), ShareFault::Wrong);
    subnet.manage_from(id, "vetkd_derive_key", vetkd("key_1", identity()), KEY_1_CYCLES).expect("a key");
    subnet.manage_from(id, "sign_with_ecdsa", ecdsa("key_1"), KEY_1_CYCLES).expect("a signature");
}

/// With too few good nodes a derivation waits, and is answered as soon as there are enough.
#[test]
fn should_answer_when_enough_nodes_are_good_again() {
    let (mut subnet, id) = setup();
    subnet.replica.share_faults().set(nodes(0..5), ShareFault::Wrong);
    let request = open(&mut subnet, id, "vetkd_derive_key", vetkd("key_1", identity()));
    assert_eq!(subnet.replica.ingress_status(&request), Some(&IngressStatus::Processing));
    subnet.replica.share_faults().clear();
    subnet.replica.run_until_idle();
    unwrapped(&subnet.answer(&request).expect("forward replies")).expect("a key");
}

/// With too few good nodes for too long, the call is rejected as transient and its cycles come back.
#[test]
fn should_reject_when_too_few_nodes_stay_good() {
    let (mut subnet, id) = setup();
    let before = subnet.replica.cycles_balance(id);
    subnet.replica.share_faults().set(nodes(0..9), ShareFault::Silent);
    let key = open(&mut subnet, id, "vetkd_derive_key", vetkd("key_1", identity()));
    let signature = open(&mut subnet, id, "sign_with_ecdsa", ecdsa("key_1"));
    subnet.replica.advance_time(Duration::from_secs(599));
    subnet.replica.run_until_idle();
    assert_eq!(subnet.replica.ingress_status(&key), Some(&IngressStatus::Processing));
    subnet.replica.advance_time(Duration::from_secs(1));
    subnet.replica.run_until_idle();
    for (request, message) in [(key, "VetKD request expired"), (signature, "Signature request expired")] {
        let reply = subnet.answer(&request).expect("forward replies");
        assert_rejected(unwrapped(&reply), SysTransient, message);
    }
    assert!(before - subnet.replica.cycles_balance(id) < 1_000_000_000);
}

/// A signature needs one good node more than may be faulty, a vetKey all that may not.
#[test]
fn should_need_fewer_nodes_for_signatures_than_for_keys() {
    let (mut subnet, id) = setup();
    subnet.replica.share_faults().set(nodes(0..8), ShareFault::Silent);
    let args = schnorr(SchnorrAlgorithm::Ed25519, "key_1");
    subnet.manage_from(id, "sign_with_schnorr", args, KEY_1_CYCLES).expect("a signature");
    let request = open(&mut subnet, id, "vetkd_derive_key", vetkd("key_1", identity()));
    assert_eq!(subnet.replica.ingress_status(&request), Some(&IngressStatus::Processing));
}
