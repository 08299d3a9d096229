//! The subnet's threshold keys: vetKD (BLS12-381) and Schnorr over Ed25519, with the network's
//! derivation, so that clients which derive public keys offline reach the same keys.

mod ed25519;
mod vetkd;

pub use ed25519::SchnorrEd25519Key;
pub use vetkd::{CombinedKey, DerivationRequest, EncryptedKeyShare, NodeIndex, VetKdError, VetKdKey};
