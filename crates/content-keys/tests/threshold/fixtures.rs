//! Keys dealt by somebody who knows them, which only tests do, and single keys to compare with.

use std::collections::BTreeMap;

use content_keys::{
    Dh, PublicKey, VaultKey,
    threshold::{
        Epoch, Group, HolderIndex, IdentityKey, KeySet, KeyShare, Partial, Point, PublicPolynomial,
        Recipient, Request, Roster, Seed, VerifiedPartial, Verifier,
    },
};
use rand::{RngCore, rngs::StdRng};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

pub const KEY_ID: &[u8] = b"content";

pub fn seed(rng: &mut StdRng) -> Seed {
    Seed::new(Zeroizing::new(bytes(rng)))
}

pub fn bytes<const N: usize>(rng: &mut StdRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

pub fn holder(index: u8) -> HolderIndex {
    HolderIndex::new(index).expect("not zero")
}

pub fn recipient(owner: &str) -> Recipient {
    Recipient { canister: b"vault".to_vec(), owner: owner.as_bytes().to_vec() }
}

/// The product's way of hashing, written once more.
pub fn hash(fields: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    for field in [&b"countersign threshold v1"[..]].iter().chain(fields) {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

pub fn hash_to_scalar<G: Group>(fields: &[&[u8]]) -> G::Scalar {
    G::reduce(hash(fields)[..48].try_into().expect("48 bytes"))
}

/// What is added to the key for the recipient.
pub fn tweak<G: Group>(recipient: &Recipient) -> G::Scalar {
    hash_to_scalar::<G>(&[
        b"recipient",
        G::CURVE.name().as_bytes(),
        KEY_ID,
        &recipient.canister,
        &recipient.owner,
    ])
}

pub fn roster<G: Group>(threshold: u8, holders: u8, rng: &mut StdRng) -> Roster<G> {
    let identities = (0..holders).map(|_| IdentityKey::new(&seed(rng)).public()).collect();
    Roster::new(KEY_ID.to_vec(), threshold, identities).expect("a roster")
}

/// A key of which somebody once knew all.
pub struct Split<G: Group> {
    pub keys: KeySet<G>,
    pub shares: BTreeMap<HolderIndex, KeyShare<G>>,
}

impl<G: Group> Split<G> {
    pub fn new(secret: G::Scalar, threshold: u8, holders: u8, rng: &mut StdRng) -> Self {
        let coefficients: Vec<_> =
            core::iter::once(secret).chain((1..threshold).map(|_| G::reduce(&bytes(rng)))).collect();
        Self::of_polynomial(&roster(threshold, holders, rng), Epoch(1), &coefficients)
    }

    pub fn of_polynomial(roster: &Roster<G>, epoch: Epoch, coefficients: &[G::Scalar]) -> Self {
        let points = coefficients.iter().map(|coefficient| Point::new(G::generate(coefficient)));
        let polynomial = PublicPolynomial::new(points.map(|point| point.expect("no identity")).collect());
        let keys = KeySet::new(roster.clone(), epoch, polynomial).expect("a key set");
        let shares = roster.holders().map(|holder| {
            let x = G::Scalar::from(holder.get().into());
            let value = coefficients.iter().rev().fold(G::Scalar::default(), |sum, one| sum * x + *one);
            let bytes = G::scalar_to_bytes(&value);
            (holder, KeyShare::from_bytes(keys.clone(), holder, &bytes).expect("the holder's share"))
        });
        Self { keys: keys.clone(), shares: shares.collect() }
    }
}

pub fn request<G: Group>(keys: &KeySet<G>, owner: &str, ephemeral: PublicKey, rng: &mut StdRng) -> Request {
    Request { keys: keys.id(), recipient: recipient(owner), ephemeral, id: bytes(rng) }
}

pub fn answers<'a, G: Group>(
    shares: impl IntoIterator<Item = &'a KeyShare<G>>,
    request: &Request,
    rng: &mut StdRng,
) -> Vec<Partial<G>> {
    shares
        .into_iter()
        .map(|share| share.evaluate(request, Some(&seed(rng))).expect("a request for this share"))
        .collect()
}

/// Verifies all answers, which must be good.
pub fn verified<G: Group>(
    keys: &KeySet<G>,
    request: &Request,
    answers: &[Partial<G>],
) -> Vec<VerifiedPartial<G>> {
    let verifier = Verifier::new(keys, request).expect("a request for these keys");
    answers.iter().map(|answer| verifier.verify(answer).expect("an honest answer")).collect()
}

/// Somebody with a key pair.
pub fn peer<G: Group>(rng: &mut StdRng) -> VaultKey<G> {
    VaultKey::from_uniform(&Zeroizing::new(bytes(rng))).expect("not zero")
}

/// What the shares and the peer make of each other's public keys, which must be the same.
pub fn assert_opens<'a, G: Group>(
    keys: &KeySet<G>,
    shares: impl IntoIterator<Item = &'a KeyShare<G>>,
    rng: &mut StdRng,
) {
    let peer = peer::<G>(rng);
    let request = request(keys, "alice", peer.public_key(), rng);
    let answers = answers(shares, &request, rng);
    let combined = keys.combine(&request, &verified(keys, &request, &answers)).expect("enough answers");
    let ours = combined.dh(&peer.public_key()).expect("the request's key");
    let theirs = peer.dh(&combined.public_key()).expect("a key");
    assert_eq!(ours.expose(), theirs.expose());
    assert_eq!(Some(combined.public_key()), keys.recipient_key(&request.recipient));
}
