//! Recipient keys as they are published, and what a retrieval asks for and brings.

use candid::CandidType;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::Part;

/// A curve, as ordinary tools write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub enum CurveName {
    #[serde(rename = "P-256")]
    P256,
    X25519,
}

/// A key that content is encrypted to, in every form.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RecipientKeyView {
    pub curve: CurveName,
    /// JSON Web Key.
    pub jwk: String,
    /// What `age -r` takes: `age1…`, or `age1tag1…` on P-256.
    pub age: String,
    /// COSE_Key in CBOR.
    pub cose_key: ByteBuf,
    /// 65 bytes of uncompressed P-256, or 32 bytes of X25519.
    pub raw: ByteBuf,
}

/// What to open, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Retrieval {
    /// The bytes of the content that are asked for; all of it if absent.
    #[serde(default)]
    pub part: Option<Part>,
    /// The public key that the answer is encrypted to: a JWK, or an age recipient.
    pub reader: String,
    pub answer: AnswerFormat,
}

/// How an answer is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum AnswerFormat {
    /// Compact JWE: `ECDH-ES+A256KW`, `A256GCM`.
    #[serde(rename = "jwe")]
    Jwe,
    /// An age file.
    #[serde(rename = "age")]
    Age,
}

/// A part of the content under a fresh key.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Retrieved {
    /// Encrypted to the reader.
    pub answer: ByteBuf,
}
