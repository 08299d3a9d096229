//! The subnet's threshold keys: vetKD (BLS12-381), Schnorr over Ed25519 and secp256k1, and ECDSA over
//! secp256k1, with the network's derivation, so that clients which derive public keys offline reach
//! the same keys.

mod ed25519;
mod faults;
mod secp256k1;
mod vetkd;

pub use ed25519::SchnorrEd25519Key;
pub use faults::{ShareFault, ShareFaults};
pub use secp256k1::{InvalidMerkleRoot, Secp256k1Key};
pub use vetkd::{CombinedKey, DerivationRequest, EncryptedKeyShare, NodeIndex, VetKdError, VetKdKey};
