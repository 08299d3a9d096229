//! A node's own Ed25519 key, under which it signs its answers to queries.

use candid::Principal;
use ic_ed25519::PrivateKey;
use rand::{CryptoRng, RngCore};

/// Identity of one node of the subnet.
#[derive(Clone, Debug)]
pub struct NodeKey {
    id: Principal,
    secret: PrivateKey,
}

impl NodeKey {
    /// A fresh key.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let secret = PrivateKey::deserialize_raw_32(&seed);
        Self { id: Principal::self_authenticating(secret.public_key().serialize_rfc8410_der()), secret }
    }

    /// The node's principal: the self-authenticating one of its key.
    pub fn id(&self) -> Principal {
        self.id
    }

    /// The public key in DER, 44 bytes, as it stands in the state tree.
    pub fn public_key_der(&self) -> Vec<u8> {
        self.secret.public_key().serialize_rfc8410_der()
    }

    /// The node's Ed25519 signature on `message`, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.secret.sign_message(message).to_vec()
    }
}
