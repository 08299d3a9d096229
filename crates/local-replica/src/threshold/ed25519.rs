//! Schnorr over Ed25519, derived as on the network: a canister's key is the master key moved along
//! a path that begins with the canister id.
//!
//! One secret stands for the nodes' shares: the signatures cannot be told apart, and no fault of a
//! signing node is needed here.

use ic_ed25519::{DerivationPath, PrivateKey};
use rand::{CryptoRng, RngCore};

/// The subnet's master key for threshold Ed25519 signatures.
#[derive(Clone, Debug)]
pub struct SchnorrEd25519Key {
    master: PrivateKey,
}

impl SchnorrEd25519Key {
    /// A fresh master key.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self { master: PrivateKey::deserialize_raw_32(&seed) }
    }

    /// The 32-byte master public key: what a client pins.
    pub fn master_public_key(&self) -> [u8; 32] {
        self.master.public_key().serialize_raw()
    }

    /// The 32-byte public key of `canister` for `path`, and its chain code, from which further keys
    /// can be derived offline.
    pub fn public_key(&self, canister: &[u8], path: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
        let path = DerivationPath::from_canister_id_and_path(canister, path);
        let (key, chain_code) = self.master.public_key().derive_subkey(&path);
        (key.serialize_raw().to_vec(), chain_code.to_vec())
    }

    /// The 64-byte Ed25519 signature of `canister`'s key for `path` on `message`.
    pub fn sign(&self, canister: &[u8], path: &[Vec<u8>], message: &[u8]) -> Vec<u8> {
        let path = DerivationPath::from_canister_id_and_path(canister, path);
        self.master.derive_subkey(&path).0.sign_message(message).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_ed25519::PublicKey;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    const CANISTER: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 7, 1, 1];

    #[test]
    fn should_sign_under_the_key_that_clients_derive_offline() {
        let key = SchnorrEd25519Key::generate(&mut ChaCha20Rng::from_seed([1; 32]));
        let path = vec![b"receipts".to_vec(), b"v1".to_vec()];

        let offline_path = DerivationPath::from_canister_id_and_path(CANISTER, &path);
        let master = PublicKey::deserialize_raw(&key.master_public_key()).expect("a public key");
        let (offline, chain_code) = master.derive_subkey(&offline_path);

        assert_eq!(key.public_key(CANISTER, &path), (offline.serialize_raw().to_vec(), chain_code.to_vec()));
        let signature = key.sign(CANISTER, &path, b"statement");
        assert!(offline.verify_signature(b"statement", &signature).is_ok());
        assert!(offline.verify_signature(b"another statement", &signature).is_err());
    }

    #[test]
    fn should_separate_canisters_and_paths() {
        let key = SchnorrEd25519Key::generate(&mut ChaCha20Rng::from_seed([1; 32]));
        let keys = [
            key.public_key(CANISTER, &[]).0,
            key.public_key(CANISTER, &[b"a".to_vec()]).0,
            key.public_key(&[1], &[]).0,
        ];
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }
}
