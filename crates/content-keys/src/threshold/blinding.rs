//! Unlinkable document keys out of one shared key: key and ephemeral keys times the same factor. The holders see
//! blinded ephemeral keys only and do not know of it.

use zeroize::Zeroizing;

use super::{
    combine::Combined,
    group::Group,
    key_set::{KeySet, Recipient},
    secret::SecretScalar,
};
use crate::{DhError, PublicKey};

/// One document's factor. Whoever knows it can tell which documents' keys are of one recipient; it opens nothing.
pub struct Blinding<G: Group>(SecretScalar<G>);

impl<G: Group> Blinding<G> {
    /// From uniform bytes that nobody else knows. None for the bytes that give zero, which nobody ever meets.
    pub fn from_uniform(bytes: &Zeroizing<[u8; 48]>) -> Option<Self> {
        let scalar = SecretScalar::new(G::reduce(bytes));
        (*scalar.expose() != G::Scalar::default()).then_some(Self(scalar))
    }

    /// The document's public key.
    pub fn document_key(&self, keys: &KeySet<G>, recipient: &Recipient) -> Option<PublicKey> {
        self.multiply(&keys.recipient_key(recipient)?)
    }

    /// The key to ask the holders about in place of the reader's.
    ///
    /// # Errors
    /// [`DhError::OtherCurve`].
    pub fn blind(&self, reader: &PublicKey) -> Result<PublicKey, DhError> {
        self.multiply(reader).ok_or(DhError::OtherCurve)
    }

    /// The outcome for the blinded key, as the document's key and the reader's.
    ///
    /// # Errors
    /// [`DhError::Unavailable`] if it is not of this reader's key.
    pub fn unblind(&self, combined: Combined, reader: &PublicKey) -> Result<Combined, DhError> {
        if self.blind(reader)? != combined.ephemeral {
            return Err(DhError::Unavailable);
        }
        let recipient = self.blind(&combined.recipient)?;
        Ok(Combined { recipient, ephemeral: *reader, secret: combined.secret })
    }

    fn multiply(&self, key: &PublicKey) -> Option<PublicKey> {
        G::lower(&G::multiply(&G::lift(key)?, self.0.expose()))
    }
}
