//! Threshold signatures over secp256k1, ECDSA and BIP-340, derived as on the network: a canister's
//! key is the master key moved along a path that begins with the canister id.
//!
//! One secret stands for the nodes' shares: the signatures cannot be told apart.

use std::fmt;

use ic_secp256k1::{DerivationPath, PrivateKey};
use rand::{CryptoRng, RngCore};

/// The Merkle root given for a taproot signature is no root.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("merkle_root_hash has {found_bytes} bytes; allowed are 0, for a key without scripts, and 32")]
pub struct InvalidMerkleRoot {
    pub found_bytes: usize,
}

/// A master key over secp256k1. ECDSA and BIP-340 each have their own.
#[derive(Clone)]
pub struct Secp256k1Key {
    master: PrivateKey,
}

impl fmt::Debug for Secp256k1Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secp256k1Key({})", hex::encode(self.master_public_key()))
    }
}

impl Secp256k1Key {
    /// A fresh master key.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self { master: PrivateKey::generate_using_rng(rng) }
    }

    /// The master public key, 33 bytes in compressed SEC1 form: what a client pins.
    pub fn master_public_key(&self) -> Vec<u8> {
        self.master.public_key().serialize_sec1(true)
    }

    /// The public key of `canister` for `path`, 33 bytes in compressed SEC1 form, and its chain code,
    /// from which further keys can be derived offline.
    pub fn public_key(&self, canister: &[u8], path: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
        let path = DerivationPath::from_canister_id_and_path(canister, path);
        let (key, chain_code) = self.master.public_key().derive_subkey(&path);
        (key.serialize_sec1(true), chain_code.to_vec())
    }

    /// The 64-byte ECDSA signature `r ‖ s`, with the smaller `s`, on a 32-byte hash.
    pub fn sign_ecdsa(&self, canister: &[u8], path: &[Vec<u8>], hash: &[u8; 32]) -> Vec<u8> {
        self.secret(canister, path).sign_digest_with_ecdsa(hash).to_vec()
    }

    /// The 64-byte BIP-340 signature on `message`. With a Merkle root, the key is tweaked as BIP-341
    /// says, so that the signature spends a taproot output.
    ///
    /// # Errors
    /// When the Merkle root has neither 0 nor 32 bytes.
    pub fn sign_bip340<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        canister: &[u8],
        path: &[Vec<u8>],
        message: &[u8],
        merkle_root: Option<&[u8]>,
    ) -> Result<Vec<u8>, InvalidMerkleRoot> {
        let secret = self.secret(canister, path);
        match merkle_root {
            None => Ok(secret.sign_message_with_bip340(message, rng).to_vec()),
            Some(root) => secret
                .sign_message_with_bip341(message, rng, root)
                .map(|signature| signature.to_vec())
                .map_err(|_| InvalidMerkleRoot { found_bytes: root.len() }),
        }
    }

    fn secret(&self, canister: &[u8], path: &[Vec<u8>]) -> PrivateKey {
        self.master.derive_subkey(&DerivationPath::from_canister_id_and_path(canister, path)).0
    }
}

#[cfg(test)]
mod tests;
