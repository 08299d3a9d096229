//! What a holder with bad intentions can write: it knows the formats and its own keys, and nothing else.

use ciborium::Value;
use content_keys::threshold::{
    DirectShare, Group, HolderIndex, IdentityKey, KeyShare, Partial, Request, SessionId, Signature,
};
use rand::rngs::StdRng;
use serde::Serialize;

use crate::fixtures::{bytes, hash, hash_to_scalar, tweak};

fn encoded<G: Group>(point: &G::Element) -> Value {
    Value::Bytes(G::encode(point))
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn value(of: &impl Serialize) -> Value {
    Value::serialized(of).expect("a message")
}

fn number(holder: HolderIndex) -> [u8; 8] {
    u64::from(holder.get()).to_be_bytes()
}

/// An answer with a proof by the share, of which the first half holds.
pub fn signed_lie<G: Group>(share: &KeyShare<G>, request: &Request, rng: &mut StdRng) -> Partial<G> {
    let secret = G::scalar_from_bytes(&share.to_bytes()).expect("a scalar") + tweak::<G>(&request.recipient);
    let point = G::lift(&request.ephemeral).expect("this curve");
    let product = G::multiply(&point, &(secret + 1u64.into()));
    let nonce = G::reduce(&bytes(rng));
    let (generated, multiplied) = (G::generate(&nonce), G::multiply(&point, &nonce));
    let challenge = hash_to_scalar::<G>(&[
        b"evaluation",
        &request.keys.0,
        &request.recipient.canister,
        &request.recipient.owner,
        &request.id,
        &request.ephemeral.to_bytes(),
        &number(share.holder()),
        &G::encode(&G::generate(&secret)),
        &G::encode(&product),
        &G::encode(&generated),
        &G::encode(&multiplied),
    ]);
    let response = G::scalar_to_bytes(&(nonce + challenge * secret)).to_vec();
    map([
        ("keys", value(&request.keys)),
        ("holder", value(&share.holder())),
        ("product", encoded::<G>(&product)),
        (
            "proof",
            map([
                ("generated", encoded::<G>(&generated)),
                ("multiplied", encoded::<G>(&multiplied)),
                ("response", Value::Bytes(response)),
            ]),
        ),
    ])
    .deserialized()
    .expect("an answer")
}

/// A true signature over whatever the holder likes.
pub fn sign<G: Group>(identity: &IdentityKey<G>, fields: &[&[u8]], rng: &mut StdRng) -> Signature<G> {
    let key = G::scalar_from_bytes(&identity.to_bytes()).expect("a scalar");
    let nonce = G::reduce(&bytes(rng));
    let commitment = G::generate(&nonce);
    let public = G::encode(&G::generate(&key));
    let challenge =
        hash_to_scalar::<G>(&[b"signature", &public, &G::encode(&commitment), &hash(fields)[..32]]);
    let response = G::scalar_to_bytes(&(nonce + challenge * key)).to_vec();
    map([("commitment", encoded::<G>(&commitment)), ("response", Value::Bytes(response))])
        .deserialized()
        .expect("a signature")
}

pub fn sign_commitment<G: Group>(
    identity: &IdentityKey<G>,
    session: SessionId,
    from: HolderIndex,
    digest: &[u8; 32],
    rng: &mut StdRng,
) -> Signature<G> {
    sign(identity, &[b"commitment", &session.0, &number(from), digest], rng)
}

pub fn sign_possession<G: Group>(
    constant: &IdentityKey<G>,
    session: SessionId,
    from: HolderIndex,
    rng: &mut StdRng,
) -> Signature<G> {
    sign(constant, &[b"possession", &session.0, &number(from)], rng)
}

pub fn sign_confirmation<G: Group>(
    identity: &IdentityKey<G>,
    session: SessionId,
    from: HolderIndex,
    transcript: &[u8; 32],
    rng: &mut StdRng,
) -> Signature<G> {
    sign(identity, &[b"confirmation", &session.0, &number(from), transcript], rng)
}

/// What a revelation's commitment is the hash of.
pub fn revelation_digest<G: Group>(
    session: SessionId,
    from: HolderIndex,
    revelation: &content_keys::threshold::Revelation<G>,
) -> [u8; 32] {
    let bytes = |value: &Value| value.as_bytes().expect("bytes").clone();
    let points: Vec<_> =
        value(&revelation.polynomial).as_array().expect("points").iter().map(bytes).collect();
    let possession = value(&revelation.possession);
    let proof: Vec<_> = possession.as_map().expect("fields").iter().map(|(_, field)| bytes(field)).collect();
    let count = (points.len() as u64).to_be_bytes();
    let from = number(from);
    let mut fields: Vec<&[u8]> = vec![b"revelation", &session.0, &from, &count];
    fields.extend(points.iter().chain(&proof).map(Vec::as_slice));
    hash(&fields)[..32].try_into().expect("32 bytes")
}

/// What to change in a share before it is signed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Value,
    Transcript,
    Signature,
}

/// A share with something changed; signed by the identity, unless it is the signature that is changed.
pub fn change_share<G: Group>(
    identity: &IdentityKey<G>,
    share: &DirectShare<G>,
    change: Change,
    rng: &mut StdRng,
) -> DirectShare<G> {
    let mut tree: Value = ciborium::from_reader(&share.to_bytes()[..]).expect("a share");
    let bytes_of =
        |tree: &Value, name: &str| -> [u8; 32] { field(tree, name).deserialized().expect("32 bytes") };
    let mut signed_value = bytes_of(&tree, "value");
    let mut transcript = bytes_of(&tree, "transcript");
    match change {
        Change::Value => {
            let scalar = G::scalar_from_bytes(&signed_value).expect("a scalar") + 1u64.into();
            signed_value = G::scalar_to_bytes(&scalar);
            set(&mut tree, "value", value(&signed_value));
        }
        Change::Transcript => {
            transcript[0] ^= 1;
            set(&mut tree, "transcript", value(&transcript));
        }
        Change::Signature => signed_value[0] ^= 1,
    }
    let from: HolderIndex = field(&tree, "from").deserialized().expect("a holder");
    let statement: &[&[u8]] =
        &[b"share", &share.session().0, &number(from), &transcript, &number(share.to()), &signed_value];
    set(&mut tree, "signature", value(&sign(identity, statement, rng)));
    let mut bytes = Vec::new();
    ciborium::into_writer(&tree, &mut bytes).expect("memory");
    DirectShare::from_bytes(&bytes).expect("a share")
}

fn field<'a>(tree: &'a Value, name: &str) -> &'a Value {
    let fields = tree.as_map().expect("fields");
    &fields.iter().find(|(key, _)| key.as_text() == Some(name)).expect("the field").1
}

fn set(tree: &mut Value, name: &str, value: Value) {
    let fields = tree.as_map_mut().expect("fields");
    fields.iter_mut().find(|(key, _)| key.as_text() == Some(name)).expect("the field").1 = value;
}
