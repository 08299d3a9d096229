//! Fetching an artifact from the canister that keeps it, chunk by chunk, hashing on the way.

use blake2::{Blake2b, digest::consts::U32};
use registry_protocols::bytes::MAX_PIECE_BYTES;
use release_types::{
    CHUNK_BYTES, Ecosystem, Sha256Digest, artifact::ArtifactChunkArgs, order::OrderedArtifact,
};
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha256, Sha512};

use crate::{runtime::Runtime, state::event::RegistryDigests};

/// Why the bytes were not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The source did not answer; it may later.
    Unavailable,
    /// The source answered, but not with the ordered bytes.
    Differs,
}

/// What an artifact will be known by: the registry's own digests, and those of its chunks if it does not fit one answer.
pub type Digests = (RegistryDigests, Vec<Sha256Digest>);

/// Hashes an artifact in every way that is needed later, chunk by chunk.
struct Measure {
    ecosystem: Ecosystem,
    sha256: Sha256,
    sha512: Sha512,
    blake2b_256: Blake2b<U32>,
    chunks: Vec<Sha256Digest>,
    size_bytes: u64,
}

impl Measure {
    fn new(ecosystem: Ecosystem) -> Self {
        Self {
            ecosystem,
            sha256: Sha256::new(),
            sha512: Sha512::new(),
            blake2b_256: Blake2b::new(),
            chunks: Vec::new(),
            size_bytes: 0,
        }
    }

    fn add(&mut self, chunk: &[u8]) {
        self.sha256.update(chunk);
        match self.ecosystem {
            Ecosystem::Npm => self.sha512.update(chunk),
            Ecosystem::Pypi => self.blake2b_256.update(chunk),
        }
        self.chunks.push(Sha256Digest::of(chunk));
        self.size_bytes += chunk.len() as u64;
    }

    /// The digests, with the SHA-256 of the whole.
    fn finish(self) -> (Sha256Digest, Digests) {
        let digests = match self.ecosystem {
            Ecosystem::Npm => RegistryDigests::Npm { sha512: ByteBuf::from(self.sha512.finalize().to_vec()) },
            Ecosystem::Pypi => {
                RegistryDigests::Pypi { blake2b_256: ByteBuf::from(self.blake2b_256.finalize().to_vec()) }
            }
        };
        let chunks = if self.size_bytes > MAX_PIECE_BYTES { self.chunks } else { Vec::new() };
        (Sha256Digest(self.sha256.finalize().into()), (digests, chunks))
    }
}

/// The digests of bytes at hand.
pub fn digests(ecosystem: Ecosystem, bytes: &[u8]) -> Digests {
    let mut measure = Measure::new(ecosystem);
    bytes.chunks(CHUNK_BYTES as usize).for_each(|chunk| measure.add(chunk));
    measure.finish().1
}

/// The digests of an artifact that is never wholly in memory.
///
/// # Errors
/// If the source does not answer, or answers with other bytes than were ordered.
pub async fn measure<R: Runtime>(
    runtime: &R,
    ecosystem: Ecosystem,
    artifact: &OrderedArtifact,
) -> Result<Digests, SourceError> {
    let mut measure = Measure::new(ecosystem);
    for index in 0..chunk_count(artifact)? {
        measure.add(&chunk(runtime, artifact, index).await?);
    }
    let (sha256, digests) = measure.finish();
    if sha256 == artifact.sha256 { Ok(digests) } else { Err(SourceError::Differs) }
}

/// Fetches the artifact's bytes, which have the ordered size and digest.
///
/// # Errors
/// If the source does not answer, or answers with other bytes.
pub async fn fetch<R: Runtime>(runtime: &R, artifact: &OrderedArtifact) -> Result<Vec<u8>, SourceError> {
    let size = usize::try_from(artifact.size_bytes).map_err(|_| SourceError::Differs)?;
    let mut bytes = Vec::with_capacity(size);
    for index in 0..chunk_count(artifact)? {
        bytes.extend_from_slice(&chunk(runtime, artifact, index).await?);
    }
    if Sha256Digest::of(&bytes) != artifact.sha256 {
        return Err(SourceError::Differs);
    }
    Ok(bytes)
}

fn chunk_count(artifact: &OrderedArtifact) -> Result<u32, SourceError> {
    u32::try_from(artifact.size_bytes.div_ceil(CHUNK_BYTES)).map_err(|_| SourceError::Differs)
}

/// One chunk, of the length that it must have.
async fn chunk<R: Runtime>(
    runtime: &R,
    artifact: &OrderedArtifact,
    index: u32,
) -> Result<Vec<u8>, SourceError> {
    let args = ArtifactChunkArgs { sha256: artifact.sha256, index };
    let answer = runtime.artifact_chunk(artifact.source, args).await;
    let chunk = answer.map_err(|_| SourceError::Unavailable)?.ok_or(SourceError::Differs)?;
    let expected = (artifact.size_bytes - u64::from(index) * CHUNK_BYTES).min(CHUNK_BYTES);
    if chunk.bytes.len() as u64 == expected { Ok(chunk.bytes) } else { Err(SourceError::Differs) }
}
