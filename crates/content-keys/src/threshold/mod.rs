//! ECDH with a private key that exists in shares only.
//!
//! Holders make the key together ([`Holder`]): each deals a polynomial's values to the others, committed before any
//! is shown, signed, and echoed, so that whoever deals badly is named by what it signed ([`Evidence`]). The same
//! dealing, of polynomials with a zero, renews the shares and gives a lost holder its share back. Who carries the
//! messages is trusted for nothing but carrying them.
//!
//! To use the key, each holder multiplies the envelope's key by its share ([`KeyShare::evaluate`]); any threshold of
//! answers, checked by [`Verifier`], combine to what ECDH with the whole key gives ([`KeySet::combine`]). Each
//! recipient has an own key, by what is added to every share; each document may have one, by [`Blinding`].

mod blinding;
mod combine;
mod evaluation;
mod group;
mod key_set;
mod point;
mod polynomial;
mod roster;
mod sealable;
mod secret;
mod sharing;
mod signature;
mod transcript;

pub use blinding::Blinding;
pub use combine::{CombineError, Combined};
pub use evaluation::{
    BadPartial, EqualityProof, InvalidRequest, KeyShare, Partial, Request, VerifiedPartial, Verifier,
};
pub use group::{Group, P256, X25519};
pub use key_set::{InvalidKeySet, KeySet, KeySetId, Recipient};
pub use point::{Point, Product, Response};
pub use polynomial::PublicPolynomial;
pub use roster::{Epoch, HolderIndex, InvalidRoster, MAX_HOLDERS, MAX_KEY_ID_BYTES, Roster};
pub(crate) use secret::SecretScalar;
pub use secret::Seed;
pub use sharing::*;
pub use signature::{IdentityKey, Signature};
