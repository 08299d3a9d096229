//! Schnorr signatures in the key's own group: what a holder signed, anyone can hold against it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    group::Group,
    point::{Point, Product, Response},
    secret::{SecretScalar, Seed},
    transcript::Transcript,
};

/// A signature, or a proof that somebody knows the logarithm of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Signature<G: Group> {
    commitment: Product<G>,
    response: Response<G>,
}

impl<G: Group> Signature<G> {
    /// The nonce is a hash of the key and the message: the same message gives the same signature, so that a step done
    /// twice tells nothing new.
    pub(super) fn new(key: &SecretScalar<G>, message: &Transcript) -> Self {
        let message = message.clone().digest();
        let secret = key.to_bytes();
        let nonce = SecretScalar::<G>::new(
            Transcript::new("signature nonce").bytes(&secret[..]).bytes(&message).scalar::<G>(),
        );
        let commitment = nonce.public();
        let challenge = Self::challenge(&key.public(), &commitment, &message);
        let response = *nonce.plus(key, &challenge).expose();
        Self { commitment: Product(commitment), response: Response(response) }
    }

    pub(super) fn verify(&self, key: &Point<G>, message: &Transcript) -> bool {
        let challenge = Self::challenge(key.element(), &self.commitment.0, &message.clone().digest());
        G::generate_and_multiply_public(&self.response.0, &-challenge, key.element()) == self.commitment.0
    }

    pub(super) fn describe(&self, transcript: Transcript) -> Transcript {
        transcript.point::<G>(&self.commitment.0).bytes(&G::scalar_to_bytes(&self.response.0))
    }

    fn challenge(key: &G::Element, commitment: &G::Element, message: &[u8; 32]) -> G::Scalar {
        Transcript::new("signature").point::<G>(key).point::<G>(commitment).bytes(message).scalar::<G>()
    }
}

/// The key by which a holder signs what it says while shares are dealt. Its public half is pinned by all others.
pub struct IdentityKey<G: Group>(SecretScalar<G>);

impl<G: Group> IdentityKey<G> {
    /// The one key that the seed gives.
    pub fn new(seed: &Seed) -> Self {
        Self(seed.scalar("identity", &[], 0))
    }

    /// What the other holders pin.
    pub fn public(&self) -> Point<G> {
        Point::computed(self.0.public()).expect("a hash is not zero")
    }

    /// For sealing.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.to_bytes()
    }

    /// None if the bytes are none of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        SecretScalar::from_bytes(bytes).filter(|key| *key.expose() != G::Scalar::default()).map(Self)
    }

    pub(super) fn sign(&self, message: &Transcript) -> Signature<G> {
        Signature::new(&self.0, message)
    }
}
