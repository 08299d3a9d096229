//! From enough holders' answers to the shared secret.

use std::collections::BTreeMap;

use zeroize::{Zeroize, Zeroizing};

use super::{
    evaluation::{InvalidRequest, Partial, Request, VerifiedPartial},
    group::Group,
    key_set::KeySet,
    polynomial::lagrange,
    roster::HolderIndex,
};
use crate::{Dh, DhError, PublicKey, SharedSecret};

/// Why answers do not combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error("{found} answers; {needed} are needed")]
    TooFew { found: usize, needed: usize },
    #[error("{0} answers twice")]
    Duplicate(HolderIndex),
    #[error("there is no {0}")]
    UnknownHolder(HolderIndex),
    #[error("the answer of {0} is for another request or of other shares")]
    OtherRequest(HolderIndex),
    /// No honest holders' answers do this to a checked ephemeral key.
    #[error("the answers add up to the identity")]
    Identity,
}

/// The outcome of one request: ECDH with that one ephemeral key.
pub struct Combined {
    pub(super) recipient: PublicKey,
    pub(super) ephemeral: PublicKey,
    pub(super) secret: SharedSecret,
}

impl Dh for Combined {
    fn public_key(&self) -> PublicKey {
        self.recipient
    }

    fn dh(&self, ephemeral: &PublicKey) -> Result<SharedSecret, DhError> {
        if ephemeral.curve() != self.ephemeral.curve() {
            return Err(DhError::OtherCurve);
        }
        if *ephemeral != self.ephemeral {
            return Err(DhError::Unavailable);
        }
        Ok(SharedSecret::new(Zeroizing::new(*self.secret.expose())))
    }
}

impl<G: Group> KeySet<G> {
    /// Combines answers that were verified for this request; the first of them that suffice.
    ///
    /// # Errors
    /// [`CombineError`]: too few, one holder's twice, another request's.
    pub fn combine(
        &self,
        request: &Request,
        partials: &[VerifiedPartial<G>],
    ) -> Result<Combined, CombineError> {
        let digest = request.digest();
        if let Some(other) = partials.iter().find(|partial| partial.request != digest) {
            return Err(CombineError::OtherRequest(other.holder));
        }
        self.add_up(request, partials.iter().map(|partial| (partial.holder, partial.product)))
    }

    /// Combines answers without proofs. A wrong one gives a wrong secret: only for envelopes that authenticate what
    /// they hold. If one does not open, ask again with proofs to tell a bad envelope from a bad holder.
    ///
    /// # Errors
    /// [`CombineError`]: too few, one holder's twice, no holder's, of other shares.
    pub fn combine_unproven(
        &self,
        request: &Request,
        partials: &[Partial<G>],
    ) -> Result<Combined, CombineError> {
        if let Some(other) = partials.iter().find(|partial| partial.keys != self.id()) {
            return Err(CombineError::OtherRequest(other.holder));
        }
        self.add_up(request, partials.iter().map(|partial| (partial.holder, partial.product.0)))
    }

    fn add_up(
        &self,
        request: &Request,
        answers: impl Iterator<Item = (HolderIndex, G::Element)>,
    ) -> Result<Combined, CombineError> {
        request.point(self)?;
        let mut products = BTreeMap::new();
        for (holder, product) in answers {
            self.roster().identity(holder).ok_or(CombineError::UnknownHolder(holder))?;
            if products.insert(holder, product).is_some() {
                return Err(CombineError::Duplicate(holder));
            }
        }
        let needed = self.roster().threshold();
        if products.len() < needed {
            return Err(CombineError::TooFew { found: products.len(), needed });
        }
        let holders: Vec<_> = products.keys().copied().take(needed).collect();
        let mut terms: Vec<_> = lagrange::<G>(&holders, 0).into_iter().zip(products.into_values()).collect();
        let mut shared = G::clear_cofactor(&G::combine_public(&terms));
        let coordinate = G::coordinate(&shared);
        shared.zeroize();
        terms.iter_mut().for_each(|(_, product)| product.zeroize());
        let recipient = self.recipient_key(&request.recipient).ok_or(CombineError::Identity)?;
        let secret = SharedSecret::new(coordinate.ok_or(CombineError::Identity)?);
        Ok(Combined { recipient, ephemeral: request.ephemeral, secret })
    }
}
