//! The DSSE envelope: pre-authentication encoding, JSON form, verification.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use ic_ed25519::PublicKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::receipt::{PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, Statement};

/// A signed statement, as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Base64 of the statement's bytes.
    pub payload: String,
    /// How to read them.
    pub payload_type: String,
    /// Signatures over [`pae`] of both.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EnvelopeSignature {
    /// A hint at the key, which decides nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keyid: String,
    /// Base64 of the signature.
    pub sig: String,
}

/// Why an envelope proves nothing.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum VerificationError {
    /// The pinned key is no Ed25519 key.
    #[error(
        "public key: found {found_bytes} bytes that are no Ed25519 key, expected 32; check the pinned key"
    )]
    InvalidKey {
        /// Length of what was given.
        found_bytes: usize,
    },
    /// The payload is not base64.
    #[error("receipt, payload: is not base64; fetch the receipt again")]
    PayloadNotBase64,
    /// No signature by the pinned key.
    #[error("receipt, signatures: none was made by the pinned key over this payload; not approved")]
    NotSignedByKey,
    /// Signed, but something else.
    #[error("receipt, payloadType: is not `application/vnd.in-toto+json`; this is no receipt")]
    OtherPayloadType,
    /// Signed, but no release statement.
    #[error(
        "receipt, payload: is not a version 1 release statement with at least one subject; this is no receipt, or one of a newer version"
    )]
    NotAReleaseStatement,
}

/// DSSE's pre-authentication encoding: the bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// The envelope of a payload signed elsewhere (over [`pae`] of [`PAYLOAD_TYPE`] and the payload).
    pub fn new(payload: &[u8], keyid: &str, signature: &[u8]) -> Self {
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![EnvelopeSignature { keyid: keyid.to_owned(), sig: STANDARD.encode(signature) }],
        }
    }
}

/// Checks the envelope against a pinned Ed25519 key (32 bytes) and reads the statement.
///
/// Whether its canister ids, package and digests are the expected ones is for the caller to compare.
pub fn verify(envelope: &Envelope, public_key: &[u8]) -> Result<Statement, VerificationError> {
    let key = PublicKey::deserialize_raw(public_key)
        .map_err(|_| VerificationError::InvalidKey { found_bytes: public_key.len() })?;
    let payload = decode_base64(&envelope.payload).ok_or(VerificationError::PayloadNotBase64)?;
    let signed = pae(&envelope.payload_type, &payload);
    let is_by_key = |signature: &EnvelopeSignature| {
        decode_base64(&signature.sig).is_some_and(|sig| key.verify_signature(&signed, &sig).is_ok())
    };
    if !envelope.signatures.iter().any(is_by_key) {
        return Err(VerificationError::NotSignedByKey);
    }
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(VerificationError::OtherPayloadType);
    }
    serde_json::from_slice::<Statement>(&payload)
        .ok()
        .filter(|statement| {
            statement.statement_type == STATEMENT_TYPE
                && statement.predicate_type == PREDICATE_TYPE
                && !statement.subject.is_empty()
        })
        .ok_or(VerificationError::NotAReleaseStatement)
}

/// Either alphabet, with padding or without, as DSSE asks of verifiers.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    let url_safe = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    standard.decode(text).or_else(|_| url_safe.decode(text)).ok()
}
