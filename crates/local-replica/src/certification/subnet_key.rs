//! A subnet's BLS12-381 key, under which certificates are signed.
//!
//! The first subnet's is the root of trust; it delegates to those of the others.

use ic_bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use ic_bls12_381::{G1Affine, G1Projective, G2Affine, Scalar};
use pairing::group::ff::Field;
use rand::{CryptoRng, RngCore};
use sha2::Sha256;
use std::fmt;

/// DER header of a BLS12-381 public key in G2, as the interface specification fixes it.
const DER_PREFIX: &[u8; 37] = b"\x30\x81\x82\x30\x1d\x06\x0d\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x01\x02\x01\x06\x0c\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x02\x01\x03\x61\x00";
const SIGNATURE_DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// A subnet's key. The first one's is what clients trust: they take it from the status endpoint, or pin it.
#[derive(Clone)]
pub struct SubnetKey {
    secret: Scalar,
    public: [u8; 96],
}

impl fmt::Debug for SubnetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubnetKey").field("public", &hex::encode(self.public)).finish()
    }
}

impl SubnetKey {
    /// A fresh key.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let secret = Scalar::random(rng);
        let public = G2Affine::from(G2Affine::generator() * secret).to_compressed();
        Self { secret, public }
    }

    /// The public key in DER, 133 bytes.
    pub fn public_key_der(&self) -> Vec<u8> {
        [&DER_PREFIX[..], &self.public[..]].concat()
    }

    /// The BLS signature on `message`: a compressed point of G1, 48 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hash = <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(message, SIGNATURE_DST);
        G1Affine::from(hash * self.secret).to_compressed().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    #[test]
    fn should_sign_so_that_the_agents_verifier_accepts() {
        let key = SubnetKey::generate(&mut ChaCha20Rng::from_seed([1; 32]));
        let public = &key.public_key_der()[DER_PREFIX.len()..];
        let signature = key.sign(b"message");
        assert!(ic_verify_bls_signature::verify_bls_signature(&signature, b"message", public).is_ok());
        assert!(ic_verify_bls_signature::verify_bls_signature(&signature, b"other", public).is_err());
    }
}
