//! Against another implementation: keys that FROST's key generation made are keys of ours, and FROST's holders and
//! ours agree on every public share.

use std::collections::BTreeMap;

use content_keys::{
    PublicKey,
    threshold::{Epoch, Group, KeySet, KeyShare, P256, Point, PublicPolynomial, X25519},
};
use rand::{SeedableRng, rngs::StdRng};

use crate::fixtures::{assert_opens, holder, roster};

/// What came out of somebody else's key generation, 3 of 5, in its own encodings.
struct Foreign {
    /// By dealer: the commitment to its polynomial.
    commitments: Vec<Vec<Vec<u8>>>,
    /// By holder: share and public share.
    shares: Vec<(Vec<u8>, Vec<u8>)>,
    key: Vec<u8>,
}

macro_rules! generate {
    ($frost:ident, $rng:expr) => {{
        use $frost::{Identifier, keys::dkg};
        let ids: Vec<Identifier> = (1..=5u16).map(|id| id.try_into().expect("not zero")).collect();
        let (mut secrets, mut first) = (Vec::new(), BTreeMap::new());
        for id in &ids {
            let (secret, package) = dkg::part1(*id, 5, 3, &mut *$rng).expect("part 1");
            secrets.push(secret);
            first.insert(*id, package);
        }
        let commitments =
            first.values().map(|package| package.commitment().serialize().expect("points")).collect();
        let others = |id: &Identifier| {
            let mut others = first.clone();
            others.remove(id);
            others
        };
        let mut second: BTreeMap<Identifier, BTreeMap<Identifier, _>> = BTreeMap::new();
        let mut secrets_2 = Vec::new();
        for (id, secret) in ids.iter().zip(secrets) {
            let (secret, packages) = dkg::part2(secret, &others(id)).expect("part 2");
            secrets_2.push(secret);
            for (to, package) in packages {
                second.entry(to).or_default().insert(*id, package);
            }
        }
        let (mut shares, mut key) = (Vec::new(), Vec::new());
        for (id, secret) in ids.iter().zip(&secrets_2) {
            let (own, public) = dkg::part3(secret, &others(id), &second[id]).expect("part 3");
            let public_share = public.verifying_shares()[id].serialize().expect("a point");
            shares.push((own.signing_share().serialize(), public_share));
            key = public.verifying_key().serialize().expect("a point");
        }
        Foreign { commitments, shares, key }
    }};
}

fn agree<G: Group>(foreign: &Foreign, decode: fn(&[u8]) -> G::Element, rng: &mut StdRng) {
    let coefficients = (0..3).map(|degree| {
        let dealt = foreign.commitments.iter().map(|dealer| decode(&dealer[degree]));
        Point::new(dealt.fold(G::identity(), |sum, one| sum + one)).expect("no identity")
    });
    let polynomial = PublicPolynomial::new(coefficients.collect());
    let keys = KeySet::<G>::new(roster(3, 5, rng), Epoch(1), polynomial).expect("a key set");
    let point = |bytes: &[u8]| Point::<G>::new(decode(bytes)).expect("no identity");
    assert_eq!(*keys.key(), point(&foreign.key));
    let shares: Vec<_> = (1..).map(holder).zip(&foreign.shares).take(5).collect();
    let shares: Vec<_> = shares
        .into_iter()
        .map(|(holder, (secret, public))| {
            assert_eq!(keys.public_share(holder), Some(point(public)));
            let secret = secret[..].try_into().expect("32 bytes");
            KeyShare::from_bytes(keys.clone(), holder, secret).expect("the holder's share")
        })
        .collect();
    for chosen in [&shares[..3], &shares[2..], &shares[1..4]] {
        assert_opens(&keys, chosen, rng);
    }
}

#[test]
fn should_use_keys_of_frost_on_p256() {
    let rng = &mut StdRng::seed_from_u64(1);
    let foreign = generate!(frost_p256, rng);
    agree::<P256>(&foreign, |bytes| P256::lift(&PublicKey::p256(bytes).expect("a key")).expect("P-256"), rng);
}

#[test]
fn should_use_keys_of_frost_on_ed25519() {
    let rng = &mut StdRng::seed_from_u64(2);
    let foreign = generate!(frost_ed25519, rng);
    agree::<X25519>(&foreign, |bytes| X25519::decode(bytes).expect("a point"), rng);
}
