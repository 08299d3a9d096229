//! The public side of a shared key: what everyone checks shares and answers against, and the key of each owner.

use serde::{Deserialize, Serialize};

use super::{
    group::Group,
    point::Point,
    polynomial::PublicPolynomial,
    roster::{Epoch, HolderIndex, Roster},
    transcript::Transcript,
};
use crate::PublicKey;

/// A key in one epoch. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields<G>", into = "Fields<G>", bound = "")]
pub struct KeySet<G: Group> {
    fields: Fields<G>,
    id: KeySetId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
struct Fields<G: Group> {
    roster: Roster<G>,
    epoch: Epoch,
    polynomial: PublicPolynomial<G>,
}

/// The hash of a key set: tells shares apart that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeySetId(pub [u8; 32]);

/// Why a key set is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("polynomial has {found} coefficients; allowed: {needed}, the threshold")]
pub struct InvalidKeySet {
    found: usize,
    needed: usize,
}

/// For whom a key opens. Everyone has an own key, so that a copied envelope opens for nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The canister that opens: two that share a key open nothing of each other's.
    #[serde(with = "serde_bytes")]
    pub canister: Vec<u8>,
    /// Whose content it is.
    #[serde(with = "serde_bytes")]
    pub owner: Vec<u8>,
}

impl<G: Group> KeySet<G> {
    /// `polynomial` is at zero the key, at each holder's index its public share.
    ///
    /// # Errors
    /// [`InvalidKeySet`] if its degree is not the threshold's.
    pub fn new(
        roster: Roster<G>,
        epoch: Epoch,
        polynomial: PublicPolynomial<G>,
    ) -> Result<Self, InvalidKeySet> {
        let (coefficients, needed) = (polynomial.coefficients(), roster.threshold());
        if coefficients.len() != needed {
            return Err(InvalidKeySet { found: coefficients.len(), needed });
        }
        let transcript = Transcript::new("key set").bytes(roster.digest()).number(epoch.0);
        let transcript = coefficients.iter().fold(transcript, |sum, point| sum.point::<G>(point.element()));
        let id = KeySetId(transcript.digest());
        Ok(Self { fields: Fields { roster, epoch, polynomial }, id })
    }

    /// Who holds the key.
    pub fn roster(&self) -> &Roster<G> {
        &self.fields.roster
    }

    /// How often its shares have been renewed.
    pub fn epoch(&self) -> Epoch {
        self.fields.epoch
    }

    /// The hash of all of it.
    pub fn id(&self) -> KeySetId {
        self.id
    }

    /// At zero the key, at each holder's index its public share.
    pub fn polynomial(&self) -> &PublicPolynomial<G> {
        &self.fields.polynomial
    }

    /// The point that stays the same for the key's whole life. It is nobody's recipient key.
    pub fn key(&self) -> &Point<G> {
        &self.polynomial().coefficients()[0]
    }

    /// What this holder's share is the logarithm of. None if there is no such holder.
    pub fn public_share(&self, holder: HolderIndex) -> Option<Point<G>> {
        self.roster().identity(holder)?;
        Point::computed(self.polynomial().evaluate(holder))
    }

    /// The public key that envelopes for this recipient are made for. None by an accident that nobody can bring about.
    pub fn recipient_key(&self, recipient: &Recipient) -> Option<PublicKey> {
        let key = *self.key().element() + G::generate(&self.tweak(recipient));
        G::lower(&G::clear_cofactor(&key))
    }

    /// What is added to the key, and so to every share, for this recipient: the same in all epochs.
    pub(super) fn tweak(&self, recipient: &Recipient) -> G::Scalar {
        Transcript::new("recipient")
            .bytes(G::CURVE.name().as_bytes())
            .bytes(self.roster().key_id())
            .bytes(&recipient.canister)
            .bytes(&recipient.owner)
            .scalar::<G>()
    }
}

impl<G: Group> TryFrom<Fields<G>> for KeySet<G> {
    type Error = InvalidKeySet;

    fn try_from(fields: Fields<G>) -> Result<Self, InvalidKeySet> {
        Self::new(fields.roster, fields.epoch, fields.polynomial)
    }
}

impl<G: Group> From<KeySet<G>> for Fields<G> {
    fn from(keys: KeySet<G>) -> Self {
        keys.fields
    }
}
