//! Hashing with a purpose: every hash names what it is for, and every field its length, so that no two uses and no
//! two lists of fields ever give the same input.

use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::group::Group;

#[derive(Clone)]
pub(super) struct Transcript(Sha512);

impl Transcript {
    pub(super) fn new(purpose: &str) -> Self {
        Self(Sha512::new()).bytes(b"countersign threshold v1").bytes(purpose.as_bytes())
    }

    pub(super) fn bytes(mut self, field: &[u8]) -> Self {
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
        self
    }

    pub(super) fn number(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(super) fn point<G: Group>(self, field: &G::Element) -> Self {
        self.bytes(&G::encode(field))
    }

    pub(super) fn digest(self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(&self.0.finalize()[..32]);
        digest
    }

    pub(super) fn scalar<G: Group>(self) -> G::Scalar {
        let mut uniform = Zeroizing::new([0; 48]);
        uniform.copy_from_slice(&Zeroizing::new(<[u8; 64]>::from(self.0.finalize()))[..48]);
        G::reduce(&uniform)
    }
}
