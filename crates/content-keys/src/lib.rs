//! Content keys: ECDH on P-256 and X25519, open to ordinary tools.
//!
//! Anyone encrypts with `age`, a JOSE or COSE library, HPKE or a mobile-document wallet. All of these formats need
//! one secret operation, the [`Dh`] of a private key and the envelope's ephemeral key, and everything in
//! [`envelopes`] is written against it. [`threshold`] carries it out without the private key existing anywhere;
//! [`VaultKey`] with one that is derived for each use.
//!
//! Pure: no I/O, no clock, no randomness of its own.

mod curve;
mod dh;
pub mod envelopes;
pub mod threshold;
mod vault;

pub use curve::{Curve, InvalidPublicKey, PublicKey};
pub use dh::{Dh, DhError, SharedSecret};
pub use vault::VaultKey;
