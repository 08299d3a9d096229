//! Owners' signing keys: P-256 (ES256) and Ed25519 (EdDSA).

use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};

/// What SubjectPublicKeyInfo in DER of a P-256 key begins with; 65 bytes of the uncompressed point follow.
const P256_DER_START: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key that an owner signs requests with.
pub enum SigningKey {
    P256(VerifyingKey),
    Ed25519(ic_ed25519::PublicKey),
}

impl SigningKey {
    /// Reads SubjectPublicKeyInfo in the one DER form that tools write, so that a key has one principal: of P-256 with the
    /// point uncompressed. None for anything else.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        if let Some(point) = der.strip_prefix(&P256_DER_START) {
            let is_uncompressed = point.len() == 65;
            return VerifyingKey::from_sec1_bytes(point).ok().filter(|_| is_uncompressed).map(Self::P256);
        }
        let key = ic_ed25519::PublicKey::deserialize_rfc8410_der(der).ok()?;
        (key.serialize_rfc8410_der() == der).then_some(Self::Ed25519(key))
    }

    /// JOSE's name of its signatures.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// Whether `signature` (64 bytes) is its signature of `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ed25519(key) => key.verify_signature(message, signature).is_ok(),
        }
    }
}
