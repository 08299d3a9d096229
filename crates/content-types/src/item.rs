//! Content: encrypted when it comes, stored as it came.

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{CurveName, OwnerName};

/// Longest item, in bytes.
pub const MAX_ITEM_BYTES: u64 = 256 * 1024 * 1024;
/// Longest item of a format that opens as a whole only (all but age), in bytes.
pub const MAX_WHOLE_ENVELOPE_BYTES: u64 = 4 * 1024 * 1024;
/// Most content that one retrieval brings, in bytes.
pub const MAX_PART_BYTES: u64 = 1024 * 1024;

/// Numbers items from 1; never used again.
pub type ItemId = u64;

/// How an item is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Format {
    /// A binary age file: parts of it open alone.
    #[serde(rename = "age")]
    Age,
    /// Compact or flattened JWE.
    #[serde(rename = "jwe")]
    Jwe,
    /// COSE_Encrypt.
    #[serde(rename = "cose")]
    Cose,
    /// HPKE's base mode, `enc` followed by the ciphertext of one message, `info` and `aad` empty.
    #[serde(rename = "hpke")]
    Hpke(HpkeSuite),
}

/// What an HPKE envelope does not say itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct HpkeSuite {
    /// Which of the owner's keys; the KEM follows from it.
    pub curve: CurveName,
    pub kdf: HpkeKdf,
    pub aead: HpkeAead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum HpkeKdf {
    #[serde(rename = "HKDF-SHA256")]
    HkdfSha256,
    #[serde(rename = "HKDF-SHA512")]
    HkdfSha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum HpkeAead {
    #[serde(rename = "AES-128-GCM")]
    Aes128Gcm,
    #[serde(rename = "AES-256-GCM")]
    Aes256Gcm,
    ChaCha20Poly1305,
}

/// Announces an item. Its envelope follows in chunks of [`CHUNK_BYTES`](crate::CHUNK_BYTES), the last shorter.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct BeginUploadArgs {
    /// For people; not encrypted. At most 200 bytes.
    pub title: String,
    pub format: Format,
    /// Of the envelope.
    pub size_bytes: u64,
}

/// Bytes of the content, not of its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Part {
    pub offset_bytes: u64,
    /// At least 1.
    pub length_bytes: u64,
}

impl Part {
    /// The position after its last byte; none beyond 64 bits.
    pub fn end_bytes(&self) -> Option<u64> {
        self.offset_bytes.checked_add(self.length_bytes)
    }

    /// Whether all of `other` lies in it.
    pub fn contains(&self, other: &Self) -> bool {
        match (self.end_bytes(), other.end_bytes()) {
            (Some(end), Some(other_end)) => self.offset_bytes <= other.offset_bytes && other_end <= end,
            _ => false,
        }
    }
}

/// What another owner may read of an item. A later grant to the same reader replaces it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Grant {
    pub reader: OwnerName,
    /// From when on no longer, in nanoseconds since 1970; never if absent.
    #[serde(default)]
    pub until_ns: Option<u64>,
    /// Only this part, which a retrieval then has to name; all if absent.
    #[serde(default)]
    pub part: Option<Part>,
}

/// An item, as its owner and its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ItemView {
    pub item: ItemId,
    pub owner: OwnerName,
    pub title: String,
    pub format: Format,
    /// Of the envelope.
    pub size_bytes: u64,
    /// Of the content of a stored age file; the other formats do not tell before they open.
    pub content_bytes: Option<u64>,
    /// Chunks that did not arrive yet; empty when the item is stored.
    pub missing_chunks: Vec<u32>,
    /// When the last chunk arrived and the envelope was understood.
    pub stored_at_ns: Option<u64>,
    /// Who else may read it; a reader sees its own grant alone.
    pub grants: Vec<Grant>,
}
