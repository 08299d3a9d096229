//! Users' public keys in DER, and the signatures made with them.

use super::IngressError;
use super::webauthn::WebAuthnKey;
use ic_signature_verification::verify_canister_sig;
use spki::der::Decode;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// Keys wrapped in COSE, as web authentication has them.
const COSE_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.56387.1.1");
const CANISTER_SIGNATURE_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.56387.1.2");
/// What precedes the key itself in the DER of a BLS12-381 public key.
const BLS_DER_PREFIX_BYTES: usize = 37;

/// The key under which certificates are believed, canister signatures among them.
#[derive(Clone, Copy, Debug)]
pub struct RootOfTrust<'a> {
    root_key_der: &'a [u8],
}

impl<'a> RootOfTrust<'a> {
    /// Of a root key in DER, as [`crate::Replica::root_key_der`] returns it.
    pub fn new(root_key_der: &'a [u8]) -> Self {
        Self { root_key_der }
    }

    fn raw_key(self) -> &'a [u8] {
        self.root_key_der.get(BLS_DER_PREFIX_BYTES..).unwrap_or_default()
    }
}

/// A public key that can authenticate a user.
pub(super) enum UserKey {
    Ed25519(ic_ed25519::PublicKey),
    Secp256k1(ic_secp256k1::PublicKey),
    P256(ic_secp256r1::PublicKey),
    WebAuthn(WebAuthnKey),
    /// A canister with a seed of its choice: in DER, which says both.
    Canister(Vec<u8>),
}

impl UserKey {
    /// Parses a key in DER; `field` names where it was found, for the error.
    pub(super) fn from_der(der: &[u8], field: impl Into<String>) -> Result<Self, IngressError> {
        if let Ok(key) = ic_ed25519::PublicKey::deserialize_rfc8410_der(der) {
            return Ok(Self::Ed25519(key));
        }
        if let Ok(key) = ic_secp256k1::PublicKey::deserialize_der(der) {
            return Ok(Self::Secp256k1(key));
        }
        if let Ok(key) = ic_secp256r1::PublicKey::deserialize_der(der) {
            return Ok(Self::P256(key));
        }
        Self::wrapped(der).ok_or_else(|| IngressError::UnsupportedKey { field: field.into() })
    }

    /// Keys of the schemes that the network has added to the usual ones.
    fn wrapped(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let key = info.subject_public_key.as_bytes()?;
        if info.algorithm.oid == COSE_OID {
            WebAuthnKey::from_cose(key).map(Self::WebAuthn)
        } else if info.algorithm.oid == CANISTER_SIGNATURE_OID {
            let id_bytes = usize::from(*key.first()?);
            (key.len() > id_bytes && id_bytes <= 29).then(|| Self::Canister(der.to_vec()))
        } else {
            None
        }
    }

    /// Whether `signature` is this key's on `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8], root: RootOfTrust<'_>) -> bool {
        match self {
            Self::Ed25519(key) => key.verify_signature(message, signature).is_ok(),
            // Browsers and hardware make signatures with either s, and the network takes both.
            Self::Secp256k1(key) => key.verify_ecdsa_signature_with_malleability(message, signature),
            Self::P256(key) => key.verify_signature(message, signature),
            Self::WebAuthn(key) => key.verifies(message, signature),
            Self::Canister(der) => verify_canister_sig(message, signature, der, root.raw_key()).is_ok(),
        }
    }
}
