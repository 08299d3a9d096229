//! Web authentication: keys in COSE, and signatures that a browser's authenticator makes on a challenge.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_cbor::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Labels and values of the COSE registry.
mod cose {
    pub(super) const KEY_TYPE: i128 = 1;
    pub(super) const ALGORITHM: i128 = 3;
    pub(super) const CURVE_OR_MODULUS: i128 = -1;
    pub(super) const X_OR_EXPONENT: i128 = -2;
    pub(super) const Y: i128 = -3;
    pub(super) const OCTET_KEY_PAIR: i128 = 1;
    pub(super) const ELLIPTIC_CURVE: i128 = 2;
    pub(super) const RSA: i128 = 3;
    pub(super) const ES256: i128 = -7;
    pub(super) const EDDSA: i128 = -8;
    pub(super) const RS256: i128 = -257;
    pub(super) const P256: i128 = 1;
    pub(super) const ED25519: i128 = 6;
}

/// A key that an authenticator holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WebAuthnKey {
    /// ECDSA on P-256 with SHA-256: the uncompressed point.
    Es256([u8; 65]),
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256 { modulus: Vec<u8>, exponent: Vec<u8> },
    /// EdDSA on Ed25519.
    EdDsa([u8; 32]),
}

/// What an authenticator returns, as the network expects it in a signature.
#[derive(Deserialize)]
struct Assertion {
    #[serde(with = "serde_bytes")]
    authenticator_data: Vec<u8>,
    client_data_json: String,
    #[serde(with = "serde_bytes")]
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct ClientData {
    challenge: String,
}

impl WebAuthnKey {
    /// Parses a COSE key; `None` when it is malformed, or of another scheme than the network takes.
    pub(super) fn from_cose(bytes: &[u8]) -> Option<Self> {
        let fields: BTreeMap<Value, Value> = serde_cbor::from_slice(bytes).ok()?;
        let integer = |label| match fields.get(&Value::Integer(label)) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let blob = |label| match fields.get(&Value::Integer(label)) {
            Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        let curve = integer(cose::CURVE_OR_MODULUS);
        match (integer(cose::KEY_TYPE)?, integer(cose::ALGORITHM)?) {
            (cose::ELLIPTIC_CURVE, cose::ES256) if curve == Some(cose::P256) => {
                let coordinates = [blob(cose::X_OR_EXPONENT)?, blob(cose::Y)?];
                let point = [&[4], coordinates[0], coordinates[1]].concat();
                coordinates.iter().all(|coordinate| coordinate.len() == 32).then_some(())?;
                Some(Self::Es256(point.try_into().ok()?))
            }
            (cose::OCTET_KEY_PAIR, cose::EDDSA) if curve == Some(cose::ED25519) => {
                Some(Self::EdDsa(blob(cose::X_OR_EXPONENT)?.try_into().ok()?))
            }
            (cose::RSA, cose::RS256) => Some(Self::Rs256 {
                modulus: blob(cose::CURVE_OR_MODULUS)?.to_vec(),
                exponent: blob(cose::X_OR_EXPONENT)?.to_vec(),
            }),
            _ => None,
        }
    }

    /// Whether `assertion` is this key's signature with `payload` as its challenge.
    pub(super) fn verifies(&self, payload: &[u8], assertion: &[u8]) -> bool {
        let Ok(assertion) = serde_cbor::from_slice::<Assertion>(assertion) else { return false };
        let Ok(client_data) = serde_json::from_str::<ClientData>(&assertion.client_data_json) else {
            return false;
        };
        let challenge = &client_data.challenge;
        let challenge = URL_SAFE_NO_PAD.decode(challenge).or_else(|_| URL_SAFE.decode(challenge));
        if challenge.is_ok_and(|challenge| challenge == payload) {
            let client_data_hash = Sha256::digest(&assertion.client_data_json);
            let signed = [&assertion.authenticator_data[..], &client_data_hash[..]].concat();
            self.signed(&signed, &assertion.signature)
        } else {
            false
        }
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rs256 { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        }
        .is_ok()
    }
}

#[cfg(test)]
mod tests;
