//! Fetching an artifact from the canister that keeps it, chunk by chunk, hashing on the way.

use release_types::{CHUNK_BYTES, Sha256Digest, artifact::ArtifactChunkArgs, order::OrderedArtifact};
use sha2::{Digest as _, Sha256};

use crate::runtime::Runtime;

/// Why the bytes were not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The source did not answer; it may later.
    Unavailable,
    /// The source answered, but not with the ordered bytes.
    Differs,
}

/// Fetches the artifact's bytes, which have the ordered size and digest.
///
/// # Errors
/// If the source does not answer, or answers with other bytes.
pub async fn fetch<R: Runtime>(runtime: &R, artifact: &OrderedArtifact) -> Result<Vec<u8>, SourceError> {
    let size = usize::try_from(artifact.size_bytes).map_err(|_| SourceError::Differs)?;
    let mut bytes = Vec::with_capacity(size);
    let mut hash = Sha256::new();
    let chunks =
        u32::try_from(artifact.size_bytes.div_ceil(CHUNK_BYTES)).map_err(|_| SourceError::Differs)?;
    for index in 0..chunks {
        let args = ArtifactChunkArgs { sha256: artifact.sha256, index };
        let answer = runtime.artifact_chunk(artifact.source, args).await;
        let chunk = answer.map_err(|_| SourceError::Unavailable)?.ok_or(SourceError::Differs)?;
        let expected = (size - bytes.len()).min(CHUNK_BYTES as usize);
        if chunk.bytes.len() != expected {
            return Err(SourceError::Differs);
        }
        hash.update(&chunk.bytes);
        bytes.extend_from_slice(&chunk.bytes);
    }
    if Sha256Digest(hash.finalize().into()) != artifact.sha256 {
        return Err(SourceError::Differs);
    }
    Ok(bytes)
}
