//! Users' public keys in DER, and the signatures made with them.

use super::IngressError;

/// Object identifier of canister signatures, 1.3.6.1.4.1.56387.1.2, as DER encodes it.
const CANISTER_SIGNATURE_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, 0x02];
/// Object identifier of keys wrapped in COSE (WebAuthn), 1.3.6.1.4.1.56387.1.1.
const COSE_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, 0x01];

/// A public key that can authenticate a user.
pub(super) enum UserKey {
    Ed25519(ic_ed25519::PublicKey),
    Secp256k1(ic_secp256k1::PublicKey),
    P256(ic_secp256r1::PublicKey),
}

impl UserKey {
    /// Parses a key in DER; `field` names where it was found, for the error.
    pub(super) fn from_der(der: &[u8], field: impl Into<String>) -> Result<Self, IngressError> {
        if let Ok(key) = ic_ed25519::PublicKey::deserialize_rfc8410_der(der) {
            Ok(Self::Ed25519(key))
        } else if let Ok(key) = ic_secp256k1::PublicKey::deserialize_der(der) {
            Ok(Self::Secp256k1(key))
        } else if let Ok(key) = ic_secp256r1::PublicKey::deserialize_der(der) {
            Ok(Self::P256(key))
        } else {
            Err(IngressError::UnsupportedKey { field: field.into(), reason: why_not(der) })
        }
    }

    /// Whether `signature` is this key's on `message`: raw Ed25519, or `r ‖ s` of ECDSA with SHA-256.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => key.verify_signature(message, signature).is_ok(),
            // Browsers and hardware make signatures with either s, and the network takes both.
            Self::Secp256k1(key) => key.verify_ecdsa_signature_with_malleability(message, signature),
            Self::P256(key) => key.verify_signature(message, signature),
        }
    }
}

fn why_not(der: &[u8]) -> &'static str {
    let contains = |oid: &[u8]| der.windows(oid.len()).any(|window| window == oid);
    if contains(CANISTER_SIGNATURE_OID) {
        "a canister signature, which the local replica does not verify"
    } else if contains(COSE_OID) {
        "a WebAuthn key, which the local replica does not verify"
    } else {
        "not a public key of a known scheme"
    }
}
