//! Secret scalars and the randomness they are made of: wiped when dropped, never shown, compared or copied.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use zeroize::{Zeroize, Zeroizing};

use super::{group::Group, transcript::Transcript};

/// A scalar that nobody may learn. It is serialised only as part of a state that is about to be sealed: the type is
/// not seen outside of this crate.
pub(crate) struct SecretScalar<G: Group>(G::Scalar);

impl<G: Group> SecretScalar<G> {
    pub(crate) fn new(scalar: G::Scalar) -> Self {
        Self(scalar)
    }

    pub(crate) fn expose(&self) -> &G::Scalar {
        &self.0
    }

    /// `self + other * factor`
    pub(crate) fn plus(&self, other: &Self, factor: &G::Scalar) -> Self {
        Self(self.0 + other.0 * *factor)
    }

    pub(crate) fn public(&self) -> G::Element {
        G::generate(&self.0)
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(G::scalar_to_bytes(&self.0))
    }

    /// None if the bytes are not below the group's order.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        G::scalar_from_bytes(bytes).map(Self)
    }
}

impl<G: Group> Drop for SecretScalar<G> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<G: Group> fmt::Debug for SecretScalar<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretScalar")
    }
}

impl<G: Group> Serialize for SecretScalar<G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(serializer)
    }
}

impl<'de, G: Group> Deserialize<'de> for SecretScalar<G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Zeroizing::new(<[u8; 32]>::deserialize(deserializer)?);
        Self::from_bytes(&bytes).ok_or_else(|| D::Error::custom("a scalar above the group's order"))
    }
}

/// 32 uniform bytes that nobody else knows, for one use.
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Of bytes that are uniform, secret, and given to nothing else.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn scalar<G: Group>(&self, purpose: &str, context: &[u8], number: u64) -> SecretScalar<G> {
        SecretScalar::new(
            Transcript::new("seed")
                .bytes(purpose.as_bytes())
                .bytes(self.expose())
                .bytes(context)
                .number(number)
                .scalar::<G>(),
        )
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}
