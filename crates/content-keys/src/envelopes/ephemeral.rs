//! The other side of ECDH: a key for one answer, made from a seed and forgotten.

use curve25519_dalek::MontgomeryPoint;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Curve, Dh, DhError, PublicKey, SharedSecret};

/// 32 secret, uniformly random bytes for one answer, consumed by it: no key or nonce of an answer ever serves another.
pub struct SealingSeed(Hkdf<Sha256>);

impl SealingSeed {
    #[expect(clippy::needless_pass_by_value, reason = "whoever keeps the bytes could use them twice")]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(Hkdf::from_prk(&*bytes).expect("32 bytes are SHA-256's output length"))
    }

    /// Independent bytes for each `purpose`.
    pub(super) fn fill(&self, purpose: &str, out: &mut [u8]) {
        self.0.expand(purpose.as_bytes(), out).expect("no purpose needs more than 48 bytes");
    }

    pub(super) fn array<const N: usize>(&self, purpose: &str) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        self.fill(purpose, &mut *out);
        out
    }
}

/// A private key of the answering side.
pub(super) enum EphemeralKey {
    P256(p256::SecretKey),
    X25519(Zeroizing<[u8; 32]>),
}

impl EphemeralKey {
    pub(super) fn generate(curve: Curve, seed: &SealingSeed) -> Self {
        match curve {
            Curve::X25519 => Self::X25519(seed.array("ephemeral")),
            // Of 2^32 seeds about one needs a second try.
            Curve::P256 => (0_u32..)
                .find_map(|attempt| {
                    let scalar = seed.array::<32>(&format!("ephemeral {attempt}"));
                    p256::SecretKey::from_slice(&*scalar).ok().map(Self::P256)
                })
                .expect("the attempts do not run out"),
        }
    }
}

impl Dh for EphemeralKey {
    fn public_key(&self) -> PublicKey {
        match self {
            Self::P256(key) => PublicKey::P256(key.public_key()),
            Self::X25519(scalar) => PublicKey::X25519(MontgomeryPoint::mul_base_clamped(**scalar)),
        }
    }

    fn dh(&self, peer: &PublicKey) -> Result<SharedSecret, DhError> {
        let bytes = match (self, peer) {
            (Self::P256(key), PublicKey::P256(peer)) => {
                let shared = key.diffie_hellman(peer);
                let mut bytes = Zeroizing::new([0; 32]);
                bytes.copy_from_slice(shared.raw_secret_bytes());
                bytes
            }
            (Self::X25519(scalar), PublicKey::X25519(peer)) => {
                Zeroizing::new(peer.mul_clamped(**scalar).to_bytes())
            }
            _ => return Err(DhError::OtherCurve),
        };
        Ok(SharedSecret::new(bytes))
    }
}

/// A fresh key and the secret it shares with `reader`.
pub(super) fn agree(reader: &PublicKey, seed: &SealingSeed) -> (PublicKey, SharedSecret) {
    let key = EphemeralKey::generate(reader.curve(), seed);
    let shared =
        key.dh(reader).unwrap_or_else(|_| panic!("BUG: an ephemeral key on another curve than its reader"));
    (key.public_key(), shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> SealingSeed {
        SealingSeed::new(Zeroizing::new([3; 32]))
    }

    #[test]
    fn should_give_other_bytes_for_every_purpose() {
        let (key, nonce) = (seed().array::<32>("content key"), seed().array::<32>("nonce"));
        assert_ne!(key, nonce);
        assert_ne!(*key, [3; 32]);
        assert_eq!(key, seed().array::<32>("content key"));
    }

    #[test]
    fn should_agree_with_the_reader_on_both_curves_and_with_nobody_across_them() {
        let [p256, x25519] = [Curve::P256, Curve::X25519].map(|curve| EphemeralKey::generate(curve, &seed()));
        for reader in [&p256, &x25519] {
            let other = SealingSeed::new(Zeroizing::new([4; 32]));
            let (ephemeral, shared) = agree(&reader.public_key(), &other);
            assert_eq!(reader.dh(&ephemeral).expect("the same curve").expose(), shared.expose());
        }
        assert_eq!(p256.dh(&x25519.public_key()).err(), Some(DhError::OtherCurve));
    }
}
