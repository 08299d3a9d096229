//! HTTPS interface › Authentication

use crate::raw::{Answer, call, envelope, in_minutes, path, post, signed, unsigned};
use crate::setup::{Setup, identity};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use candid::Principal;
use ic_agent::Identity;
use ic_agent::identity::{
    AnonymousIdentity, BasicIdentity, DelegatedIdentity, Prime256v1Identity, Secp256k1Identity,
};
use ic_certification::{HashTree, labeled, leaf};
use ic_transport_types::{Delegation, DelegationPermissions, Envelope, EnvelopeContent, SignedDelegation};
use serde::Serialize;
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// A replica with a canister that tells callers who they are.
struct World {
    setup: Setup,
    canister: Principal,
}

impl World {
    fn new() -> Self {
        let setup = Setup::start();
        let canister = setup.canister(Principal::anonymous());
        Self { setup, canister }
    }

    fn send(&self, envelope: &Envelope<'_>) -> Answer {
        post(&self.setup.at(&format!("v4/canister/{}/call", self.canister)), &envelope.encode_bytes())
    }

    fn whoami(&self, sender: Principal) -> EnvelopeContent {
        call(sender, self.canister, "whoami", vec![])
    }

    /// Sends a good request and checks that the canister sees its sender.
    #[track_caller]
    fn assert_known(&self, envelope: &Envelope<'_>) {
        let id = envelope.content.to_request_id();
        let caller = self.setup.replied(&self.send(envelope)).reply(&id);
        assert_eq!(Principal::from_slice(&caller), *envelope.content.sender());
    }

    /// Signs as whoever `identity` is.
    fn by(&self, identity: &dyn Identity) -> Envelope<'static> {
        envelope(identity, self.whoami(identity.sender().expect("a principal")))
    }
}

fn p256() -> Prime256v1Identity {
    let key = ic_secp256r1::PrivateKey::generate_insecure_key_for_testing(1).serialize_rfc5915_pem();
    Prime256v1Identity::from_pem(key.as_bytes()).expect("a key")
}

fn secp256k1() -> Secp256k1Identity {
    let key = ic_secp256k1::PrivateKey::generate_from_seed(&[1]).serialize_rfc5915_pem();
    Secp256k1Identity::from_pem(key.as_bytes()).expect("a key")
}

/// A request signed with Ed25519, or with ECDSA on either curve, is its signer's.
#[test]
fn should_know_the_signer_of_each_plain_scheme() {
    let world = World::new();
    for identity in [&identity(1) as &dyn Identity, &secp256k1(), &p256()] {
        world.assert_known(&world.by(identity));
    }
}

/// One changed bit of a signature spoils it, in every plain scheme.
#[test]
fn should_refuse_a_signature_with_one_bit_changed() {
    let world = World::new();
    for identity in [&identity(1) as &dyn Identity, &secp256k1(), &p256()] {
        let mut envelope = world.by(identity);
        envelope.sender_sig.as_mut().expect("signed")[33] ^= 4;
        world.send(&envelope).assert_refused(400, "Invalid signature");
    }
}

/// A request without signature is the anonymous principal's.
#[test]
fn should_know_the_anonymous_caller() {
    let world = World::new();
    world.assert_known(&world.by(&AnonymousIdentity));
}

/// The anonymous principal signs nothing: key, signature and delegation must be absent.
#[test]
fn should_refuse_an_anonymous_request_that_is_signed() {
    let world = World::new();
    let plain = world.by(&AnonymousIdentity);
    for envelope in [
        Envelope { sender_pubkey: Some(vec![1]), ..plain.clone() },
        Envelope { sender_sig: Some(vec![1]), ..plain.clone() },
        Envelope { sender_delegation: Some(vec![]), ..plain },
    ] {
        world.send(&envelope).assert_refused(400, "must be absent");
    }
}

/// Everyone else must give key and signature.
#[test]
fn should_refuse_a_request_without_key_or_signature() {
    let world = World::new();
    let good = world.by(&identity(1));
    world
        .send(&Envelope { sender_pubkey: None, ..good.clone() })
        .assert_refused(400, "sender_pubkey: missing");
    world.send(&Envelope { sender_sig: None, ..good }).assert_refused(400, "sender_sig: missing");
}

/// The key must be the sender's own.
#[test]
fn should_refuse_a_sender_who_is_not_the_keys_principal() {
    let world = World::new();
    let other = identity(2).sender().expect("a principal");
    world.send(&envelope(&identity(1), world.whoami(other))).assert_refused(400, "content.sender");
}

/// What was signed is the request's id: a changed content does not verify.
#[test]
fn should_refuse_a_content_that_was_changed_after_signing() {
    let world = World::new();
    let mut envelope = world.by(&identity(1));
    if let EnvelopeContent::Call { method_name, .. } = envelope.content.to_mut() {
        *method_name = "inc".to_owned();
    }
    world.send(&envelope).assert_refused(400, "Invalid signature");
}

fn delegation(
    from: &BasicIdentity,
    to: &BasicIdentity,
    change: impl FnOnce(&mut Delegation),
) -> SignedDelegation {
    let mut delegation = Delegation {
        pubkey: to.public_key().expect("a key"),
        expiration: in_minutes(10),
        targets: None,
        permissions: None,
    };
    change(&mut delegation);
    let signature = from.sign_delegation(&delegation).expect("signs").signature.expect("a signature");
    SignedDelegation { delegation, signature }
}

/// A call in the name of `identity(1)`, signed by `identity(last)` with this chain.
fn delegated(world: &World, last: u8, chain: Vec<SignedDelegation>) -> Envelope<'static> {
    let owner = identity(1).public_key().expect("a key");
    let content = world.whoami(identity(1).sender().expect("a principal"));
    let signature = identity(last).sign(&content).expect("signs").signature;
    Envelope {
        content: Cow::Owned(content),
        sender_pubkey: Some(owner),
        sender_sig: signature,
        sender_delegation: Some(chain),
    }
}

fn chain_to(last: u8) -> Vec<SignedDelegation> {
    (1..last).map(|seed| delegation(&identity(seed), &identity(seed + 1), |_| {})).collect()
}

/// A key may let another sign in its place; the caller is who the first key belongs to.
#[test]
fn should_know_the_sender_behind_a_delegation() {
    let world = World::new();
    world.assert_known(&delegated(&world, 2, chain_to(2)));
    world.assert_known(&delegated(&world, 4, chain_to(4)));
}

/// A chain has at most 20 delegations.
#[test]
fn should_refuse_more_than_20_delegations() {
    let world = World::new();
    world.assert_known(&delegated(&world, 21, chain_to(21)));
    world.send(&delegated(&world, 22, chain_to(22))).assert_refused(400, "at most 20");
}

/// A delegation ends at its expiration.
#[test]
fn should_refuse_a_delegation_that_has_expired() {
    let world = World::new();
    let past = in_minutes(0) - 60_000_000_000;
    let chain = vec![delegation(&identity(1), &identity(2), |delegation| delegation.expiration = past)];
    world.send(&delegated(&world, 2, chain)).assert_refused(400, "Specified sender delegation has expired");
}

/// A delegation with targets is good for these canisters only.
#[test]
fn should_heed_the_targets_of_a_delegation() {
    let world = World::new();
    let to = |target| {
        vec![delegation(&identity(1), &identity(2), |delegation| delegation.targets = Some(vec![target]))]
    };
    world.assert_known(&delegated(&world, 2, to(world.canister)));
    let other = Principal::from_slice(&[9, 1, 1]);
    world.send(&delegated(&world, 2, to(other))).assert_refused(400, "targets");
}

/// A delegation has at most 1000 targets.
#[test]
fn should_refuse_more_than_1000_targets() {
    let world = World::new();
    let with = |count| {
        let targets = vec![world.canister; count];
        vec![delegation(&identity(1), &identity(2), |delegation| delegation.targets = Some(targets))]
    };
    world.assert_known(&delegated(&world, 2, with(1000)));
    world.send(&delegated(&world, 2, with(1001))).assert_refused(400, "at most 1000");
}

/// A delegation for queries authenticates no calls.
#[test]
fn should_refuse_a_call_by_a_delegation_for_queries() {
    let world = World::new();
    let chain = vec![delegation(&identity(1), &identity(2), |delegation| {
        delegation.permissions = Some(DelegationPermissions::Queries);
    })];
    world.send(&delegated(&world, 2, chain)).assert_refused(400, "queries only");
}

/// No key appears twice in a chain.
#[test]
fn should_refuse_a_chain_with_a_cycle() {
    let world = World::new();
    let to_itself = vec![delegation(&identity(1), &identity(1), |_| {})];
    world.send(&delegated(&world, 1, to_itself)).assert_refused(400, "appears twice");
    let back =
        vec![delegation(&identity(1), &identity(2), |_| {}), delegation(&identity(2), &identity(1), |_| {})];
    world.send(&delegated(&world, 1, back)).assert_refused(400, "appears twice");
}

/// Each delegation is signed by the key before it.
#[test]
fn should_refuse_a_delegation_by_a_key_outside_of_the_chain() {
    let world = World::new();
    let chain = vec![delegation(&identity(3), &identity(2), |_| {})];
    world.send(&delegated(&world, 2, chain)).assert_refused(400, "Invalid delegation");
}

/// The last key of the chain signs the request, not the first.
#[test]
fn should_refuse_a_request_that_the_end_of_the_chain_did_not_sign() {
    let world = World::new();
    world.send(&delegated(&world, 1, chain_to(2))).assert_refused(400, "Invalid signature");
}

/// A chain may pass through keys of different schemes.
#[test]
fn should_follow_a_chain_across_schemes() {
    let world = World::new();
    let (owner, session) = (p256(), identity(2));
    let delegation = Delegation {
        pubkey: session.public_key().expect("a key"),
        expiration: in_minutes(10),
        targets: None,
        permissions: None,
    };
    let signature = owner.sign_delegation(&delegation).expect("signs").signature.expect("a signature");
    let chain = vec![SignedDelegation { delegation, signature }];
    let identity =
        DelegatedIdentity::new_unchecked(owner.public_key().expect("a key"), Box::new(session), chain);
    world.assert_known(&world.by(&identity));
}

/// A key in DER: the algorithm's identifier, and the key of that algorithm.
fn der(last_of_oid: u8, key: &[u8]) -> Vec<u8> {
    let oid = [0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, last_of_oid];
    let key = [&[0x03, u8::try_from(key.len()).expect("short") + 1, 0], key].concat();
    [&[0x30, u8::try_from(oid.len() + key.len()).expect("short")], &oid[..], &key].concat()
}

#[derive(Serialize)]
struct Assertion {
    authenticator_data: ByteBuf,
    client_data_json: String,
    signature: ByteBuf,
}

/// A request signed by web authentication carries the request as its challenge.
#[test]
fn should_know_a_web_authentication_key() {
    let world = World::new();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let point = key.public_key().as_ref();
    let cose = [
        &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20],
        &point[1..33],
        &[0x22, 0x58, 0x20],
        &point[33..],
    ]
    .concat();
    let public_key = der(1, &cose);
    let content = world.whoami(Principal::self_authenticating(&public_key));
    let sign = |challenge: &[u8]| {
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let client_data_json = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}"}}"#);
        let message = [&[7; 37][..], &Sha256::digest(&client_data_json)].concat();
        let signature = key.sign(&SystemRandom::new(), &message).expect("signs");
        let assertion = Assertion {
            authenticator_data: ByteBuf::from([7; 37]),
            client_data_json,
            signature: ByteBuf::from(signature.as_ref()),
        };
        let mut cbor = serde_cbor::Serializer::new(Vec::new());
        cbor.self_describe().and_then(|()| assertion.serialize(&mut cbor)).expect("encodes");
        cbor.into_inner()
    };
    let with = |signature| Envelope {
        content: Cow::Owned(content.clone()),
        sender_pubkey: Some(public_key.clone()),
        sender_sig: Some(signature),
        sender_delegation: None,
    };
    world.assert_known(&with(sign(&content.to_request_id().signable())));
    world.send(&with(sign(b"something else"))).assert_refused(400, "Invalid signature");
}

#[derive(Serialize)]
struct CanisterSignature {
    certificate: ByteBuf,
    tree: HashTree,
}

const SEED: &[u8] = b"user 7";

/// The key under which a canister signs for one of its users.
fn canister_key(canister: Principal) -> Vec<u8> {
    der(2, &[&[canister.as_slice().len() as u8], canister.as_slice(), SEED].concat())
}

/// Lets a canister sign `message`: it certifies a tree that says so.
fn canister_signature(setup: &Setup, canister: Principal, message: &[u8]) -> Vec<u8> {
    let hash = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
    let tree = labeled("sig", labeled(hash(SEED), labeled(hash(message), leaf(vec![]))));
    setup.certified_call(canister, "certify", tree.digest().to_vec());
    let certified_data = path([b"canister", canister.as_slice(), b"certified_data"]);
    let certificate = setup.with_replica(move |replica| replica.certificate(&[certified_data]));
    let signature = CanisterSignature { certificate: ByteBuf::from(certificate), tree };
    let mut cbor = serde_cbor::Serializer::new(Vec::new());
    cbor.self_describe().and_then(|()| signature.serialize(&mut cbor)).expect("encodes");
    cbor.into_inner()
}

fn by_canister(world: &World, signature: Vec<u8>, content: EnvelopeContent) -> Envelope<'static> {
    Envelope {
        content: Cow::Owned(content),
        sender_pubkey: Some(canister_key(world.canister)),
        sender_sig: Some(signature),
        sender_delegation: None,
    }
}

/// A canister signs for its users by what it certifies.
#[test]
fn should_know_a_user_for_whom_a_canister_signs() {
    let world = World::new();
    let content = world.whoami(Principal::self_authenticating(canister_key(world.canister)));
    let signature = canister_signature(&world.setup, world.canister, &content.to_request_id().signable());
    world.assert_known(&by_canister(&world, signature, content));
}

/// A canister signature is good for the one request that was certified.
#[test]
fn should_refuse_a_canister_signature_on_another_request() {
    let world = World::new();
    let content = world.whoami(Principal::self_authenticating(canister_key(world.canister)));
    let signature = canister_signature(&world.setup, world.canister, b"another request");
    world.send(&by_canister(&world, signature, content)).assert_refused(400, "Invalid signature");
}

/// A canister signature of another canister does not verify.
#[test]
fn should_refuse_a_signature_of_another_canister() {
    let world = World::new();
    let other = world.setup.canister(Principal::anonymous());
    let content = world.whoami(Principal::self_authenticating(canister_key(world.canister)));
    let signature = canister_signature(&world.setup, other, &content.to_request_id().signable());
    world.send(&by_canister(&world, signature, content)).assert_refused(400, "Invalid signature");
}

/// A canister signature certified by another network does not verify.
#[test]
fn should_refuse_a_canister_signature_of_another_network() {
    let (world, elsewhere) = (World::new(), Setup::start_with_seed(2));
    let twin = elsewhere.canister(Principal::anonymous());
    assert_eq!(twin, world.canister, "the same id on the other network");
    let content = world.whoami(Principal::self_authenticating(canister_key(world.canister)));
    let signature = canister_signature(&elsewhere, twin, &content.to_request_id().signable());
    world.send(&by_canister(&world, signature, content)).assert_refused(400, "Invalid signature");
}

/// A session key to which a canister signature delegates signs requests: so Internet Identity works.
#[test]
fn should_know_a_user_behind_a_delegation_by_a_canister() {
    let world = World::new();
    let session = identity(2);
    let delegation = Delegation {
        pubkey: session.public_key().expect("a key"),
        expiration: in_minutes(10),
        targets: None,
        permissions: None,
    };
    let signature = canister_signature(&world.setup, world.canister, &delegation.signable());
    let chain = vec![SignedDelegation { delegation, signature }];
    let identity = DelegatedIdentity::new_unchecked(canister_key(world.canister), Box::new(session), chain);
    world.assert_known(&world.by(&identity));
}

/// A key that is of no known scheme is refused.
#[test]
fn should_refuse_a_key_of_an_unknown_scheme() {
    let world = World::new();
    for key in [der(3, b"some key"), b"no DER".to_vec()] {
        let content = world.whoami(Principal::self_authenticating(&key));
        let envelope = Envelope {
            content: Cow::Owned(content),
            sender_pubkey: Some(key),
            sender_sig: Some(vec![1; 64]),
            sender_delegation: None,
        };
        world.send(&envelope).assert_refused(400, "known scheme");
    }
}

/// Queries are authenticated as calls are.
#[test]
fn should_authenticate_queries_as_well() {
    let world = World::new();
    let user = identity(1);
    let content = crate::raw::query(user.sender().expect("a principal"), world.canister, "get");
    let url = world.setup.at(&format!("v3/canister/{}/query", world.canister));
    assert_eq!(post(&url, &signed(&user, content.clone())).status, 200);
    post(&url, &unsigned(content)).assert_refused(400, "sender_pubkey: missing");
}
