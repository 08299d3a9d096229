//! A holder's part of one ECDH, and the proof that it is the right one.
//!
//! The proof shows that the answer and the holder's public share have the same logarithm (Chaum and Pedersen). Its
//! first half alone is a Schnorr signature by the share over everything in the challenge, the answer included: a
//! holder whose first half holds and whose second does not has signed a lie, which anyone can check.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{
    group::Group,
    key_set::{KeySet, KeySetId, Recipient},
    point::{Product, Response},
    roster::{Epoch, HolderIndex},
    secret::{SecretScalar, Seed},
    transcript::Transcript,
};
use crate::PublicKey;

/// One ECDH asked of the holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Of which shares.
    pub keys: KeySetId,
    /// For whom it opens.
    pub recipient: Recipient,
    /// The envelope's key.
    pub ephemeral: PublicKey,
    /// Told apart from all other requests, by who asks.
    pub id: [u8; 32],
}

/// A holder's share, open in memory.
pub struct KeyShare<G: Group> {
    keys: KeySet<G>,
    holder: HolderIndex,
    secret: SecretScalar<G>,
}

/// A holder's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Partial<G: Group> {
    /// Of which shares.
    pub keys: KeySetId,
    /// Whose.
    pub holder: HolderIndex,
    /// The ephemeral key times the holder's share for the recipient.
    pub product: Product<G>,
    /// Absent if none was asked for.
    pub proof: Option<EqualityProof<G>>,
}

/// That the product and the public share have the same logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct EqualityProof<G: Group> {
    generated: Product<G>,
    multiplied: Product<G>,
    response: Response<G>,
}

/// Why a holder does not answer, or an answer to a request cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    #[error("the request is for other shares than these, of epoch {held}", held = .held.0)]
    OtherKeys { held: Epoch },
    #[error("the request's ephemeral key is on another curve than the key")]
    OtherCurve,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPartial {
    #[error("there is no {0}")]
    UnknownHolder(HolderIndex),
    #[error("{0} answers with other shares than was asked")]
    OtherKeys(HolderIndex),
    #[error("{0} gives no proof")]
    NoProof(HolderIndex),
    /// Whoever received the answer knows whose it is; it cannot show it to others.
    #[error("the answer of {0} is not signed by its share")]
    Unsigned(HolderIndex),
    /// The request and the answer together show it to anyone.
    #[error("{0} signed a product that is not its share's")]
    Lie(HolderIndex),
}

/// An answer of which the proof holds, for one request.
pub struct VerifiedPartial<G: Group> {
    pub(super) request: [u8; 32],
    pub(super) holder: HolderIndex,
    pub(super) product: G::Element,
}

impl<G: Group> KeyShare<G> {
    /// Opens a share out of its bytes. None if they are not this holder's share of the key.
    pub fn from_bytes(keys: KeySet<G>, holder: HolderIndex, bytes: &[u8; 32]) -> Option<Self> {
        Self::new(keys, holder, SecretScalar::from_bytes(bytes)?)
    }

    pub(super) fn new(keys: KeySet<G>, holder: HolderIndex, secret: SecretScalar<G>) -> Option<Self> {
        let public = keys.public_share(holder)?;
        (*public.element() == secret.public()).then_some(Self { keys, holder, secret })
    }

    /// For sealing.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.secret.to_bytes()
    }

    /// The public side of the share.
    pub fn keys(&self) -> &KeySet<G> {
        &self.keys
    }

    /// Whose share it is.
    pub fn holder(&self) -> HolderIndex {
        self.holder
    }

    /// Multiplies the ephemeral key by the share; with a proof if there is a seed for it, which nothing else uses.
    /// Whether the request is allowed is for the caller to know.
    ///
    /// # Errors
    /// [`InvalidRequest`]: of other shares, of another curve.
    pub fn evaluate(&self, request: &Request, proof: Option<&Seed>) -> Result<Partial<G>, InvalidRequest> {
        let point = request.point(&self.keys)?;
        let tweak = self.keys.tweak(&request.recipient);
        let secret = SecretScalar::<G>::new(*self.secret.expose() + tweak);
        let product = G::multiply(&point, secret.expose());
        let proof = proof
            .map(|seed| EqualityProof::new(request.context(self.holder), &secret, &point, &product, seed));
        Ok(Partial { keys: self.keys.id(), holder: self.holder, product: Product(product), proof })
    }
}

impl Request {
    pub(super) fn point<G: Group>(&self, held: &KeySet<G>) -> Result<G::Element, InvalidRequest> {
        if self.keys != held.id() {
            return Err(InvalidRequest::OtherKeys { held: held.epoch() });
        }
        G::lift(&self.ephemeral).ok_or(InvalidRequest::OtherCurve)
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        self.describe(Transcript::new("request")).digest()
    }

    /// What a holder's proof is about. The key set names the key, its curve and its epoch.
    fn context(&self, holder: HolderIndex) -> Transcript {
        self.describe(Transcript::new("evaluation")).number(holder.get().into())
    }

    fn describe(&self, transcript: Transcript) -> Transcript {
        transcript
            .bytes(&self.keys.0)
            .bytes(&self.recipient.canister)
            .bytes(&self.recipient.owner)
            .bytes(&self.id)
            .bytes(&self.ephemeral.to_bytes())
    }
}

/// Judges answers to one request: what depends on the request alone is computed once.
pub struct Verifier<'a, G: Group> {
    keys: &'a KeySet<G>,
    request: &'a Request,
    digest: [u8; 32],
    point: G::Element,
    tweak: G::Element,
}

impl<'a, G: Group> Verifier<'a, G> {
    /// A judge of answers to this request.
    ///
    /// # Errors
    /// [`InvalidRequest`] if the request is not one for these keys.
    pub fn new(keys: &'a KeySet<G>, request: &'a Request) -> Result<Self, InvalidRequest> {
        Ok(Self {
            keys,
            request,
            digest: request.digest(),
            point: request.point(keys)?,
            tweak: G::generate(&keys.tweak(&request.recipient)),
        })
    }

    /// Judges one answer.
    ///
    /// # Errors
    /// [`BadPartial`], which names the holder. With [`BadPartial::Lie`], request and answer are the evidence: anyone
    /// who has the key set comes to the same verdict.
    pub fn verify(&self, partial: &Partial<G>) -> Result<VerifiedPartial<G>, BadPartial> {
        let holder = partial.holder;
        let share = self.keys.public_share(holder).ok_or(BadPartial::UnknownHolder(holder))?;
        if partial.keys != self.keys.id() {
            return Err(BadPartial::OtherKeys(holder));
        }
        let proof = partial.proof.ok_or(BadPartial::NoProof(holder))?;
        let share = *share.element() + self.tweak;
        let challenge = proof.challenge(self.request.context(holder), &share, &partial.product.0);
        if !proof.is_signed(&challenge, &share) {
            return Err(BadPartial::Unsigned(holder));
        }
        if !proof.is_equal(&challenge, &self.point, &partial.product.0) {
            return Err(BadPartial::Lie(holder));
        }
        Ok(VerifiedPartial { request: self.digest, holder, product: partial.product.0 })
    }
}

impl<G: Group> EqualityProof<G> {
    /// The nonce is a hash of the secret, of fresh randomness and of the context: neither bad randomness nor a request
    /// asked twice gives two challenges for one nonce.
    fn new(
        context: Transcript,
        secret: &SecretScalar<G>,
        point: &G::Element,
        product: &G::Element,
        seed: &Seed,
    ) -> Self {
        let nonce = SecretScalar::<G>::new(
            context.clone().bytes(&secret.to_bytes()[..]).bytes(seed.expose()).scalar::<G>(),
        );
        let mut proof = Self {
            generated: Product(nonce.public()),
            multiplied: Product(G::multiply(point, nonce.expose())),
            response: Response(G::Scalar::default()),
        };
        let challenge = proof.challenge(context, &secret.public(), product);
        proof.response = Response(*nonce.plus(secret, &challenge).expose());
        proof
    }

    fn challenge(&self, context: Transcript, share: &G::Element, product: &G::Element) -> G::Scalar {
        [share, product, &self.generated.0, &self.multiplied.0]
            .into_iter()
            .fold(context, Transcript::point::<G>)
            .scalar::<G>()
    }

    fn is_signed(&self, challenge: &G::Scalar, share: &G::Element) -> bool {
        let generated = G::generate_and_multiply_public(&self.response.0, &-*challenge, share);
        G::clear_cofactor(&(generated - self.generated.0)) == G::identity()
    }

    /// Times the cofactor: an ephemeral key with a component of small order has no exact products modulo the group's
    /// order, and the result ignores the difference.
    fn is_equal(&self, challenge: &G::Scalar, point: &G::Element, product: &G::Element) -> bool {
        let multiplied = G::combine_public(&[(self.response.0, *point), (-*challenge, *product)]);
        G::clear_cofactor(&(multiplied - self.multiplied.0)) == G::identity()
    }
}

impl<G: Group> Drop for VerifiedPartial<G> {
    fn drop(&mut self) {
        self.product.zeroize();
    }
}

impl<G: Group> core::fmt::Debug for VerifiedPartial<G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "VerifiedPartial({})", self.holder)
    }
}

impl<G: Group> core::fmt::Debug for KeyShare<G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyShare({}, epoch {})", self.holder, self.keys.epoch().0)
    }
}
