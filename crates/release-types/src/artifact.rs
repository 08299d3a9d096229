//! Artifacts: the exact bytes under review, addressed by their SHA-256.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::Sha256Digest;

/// Size of every chunk of an artifact but the last. One chunk fits an ingress message and a reply (2 MiB).
pub const CHUNK_BYTES: u64 = 1_048_576;

/// An artifact that a proposal names.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// The name under which it is published, e.g. `demo-1.0.0.tgz` or `demo-1.0.0-py3-none-any.whl`.
    pub filename: String,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
}

/// Announces an artifact before its chunks are sent.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct BeginUploadArgs {
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
}

/// One chunk of an announced artifact.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UploadChunkArgs {
    /// The artifact's digest.
    pub sha256: Sha256Digest,
    /// Position of the chunk, from 0.
    pub index: u32,
    /// [`CHUNK_BYTES`] bytes, or the rest for the last chunk.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// What of an artifact has arrived. Uploading is resumable: send the missing chunks in any order.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UploadStatus {
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
    /// Indices of chunks still missing; empty when the artifact is complete and its digest was verified.
    pub missing_chunks: Vec<u32>,
    /// Incomplete uploads, and complete artifacts that no live proposal names, are dropped after this moment; the
    /// largest number while a live proposal names it.
    pub expires_at_ns: u64,
}

/// Why an upload was refused. Nothing is kept of a refused call.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum UploadError {
    /// Only members and proposers may upload.
    NotAllowed { caller: Principal },
    /// Larger than any publishing mode can carry; `limit_bytes` is the largest artifact allowed.
    TooLarge { size_bytes: u64, limit_bytes: u64 },
    /// The uploader's unproposed bytes would exceed the quota; withdraw or wait until `frees_at_ns`.
    QuotaExceeded { used_bytes: u64, quota_bytes: u64, frees_at_ns: u64 },
    /// No such upload was begun (or it was collected); call `begin_upload` first.
    NotBegun,
    /// Another size was announced for the same digest.
    SizeDiffers { announced_bytes: u64 },
    /// The index does not exist or the chunk has not its exact length.
    WrongChunk { index: u32, expected_bytes: u64, received_bytes: u64 },
    /// All chunks are there but hash to something else; they were dropped, upload again.
    DigestDiffers { received: Sha256Digest },
    /// The artifact is empty.
    Empty,
}

/// Asks for one chunk of a complete artifact.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ArtifactChunkArgs {
    pub sha256: Sha256Digest,
    pub index: u32,
}

/// Why a chunk was not served.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum ArtifactChunkError {
    /// Only members, proposers and the custody canister may read artifacts under review.
    NotAllowed { caller: Principal },
    /// No complete artifact has this digest.
    NotFound,
    /// The artifact has `chunks` chunks.
    NoSuchChunk { chunks: u32 },
}

/// A chunk of an artifact's bytes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ArtifactChunk {
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// One file inside an artifact.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct FileEntry {
    pub path: String,
    pub size_bytes: u64,
    pub sha256: Sha256Digest,
    pub executable: bool,
}
