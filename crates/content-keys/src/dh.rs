//! The one secret operation that every envelope format needs.

use zeroize::Zeroizing;

use crate::PublicKey;

/// The outcome of ECDH: P-256's affine x, big endian, or X25519's u, little endian. Never leaves its canister: only
/// what a key derivation function makes of it opens anything.
pub struct SharedSecret(Zeroizing<[u8; 32]>);

impl SharedSecret {
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes, for a key derivation function.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Somebody who can multiply a point by a private key, without showing it.
pub trait Dh {
    /// The key that envelopes are made for.
    fn public_key(&self) -> PublicKey;

    /// The secret shared with the holder of `ephemeral`'s private key.
    ///
    /// # Errors
    /// [`DhError::OtherCurve`] if the ephemeral key is not on [`Self::public_key`]'s curve.
    fn dh(&self, ephemeral: &PublicKey) -> Result<SharedSecret, DhError>;
}

/// Why there is no shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DhError {
    #[error("the envelope's ephemeral key is on another curve than the recipient's key")]
    OtherCurve,
    #[error("the shared point is the identity")]
    Identity,
    /// Too few holders answered in time, or too few answers held.
    #[error("the key's holders cannot be reached")]
    Unavailable,
}
