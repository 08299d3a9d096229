//! Fetching the exact bytes under review. What does not hash to the digest that was voted on is never handed out.

use release_types::{ArtifactRef, CHUNK_BYTES, Sha256Digest, artifact::ArtifactChunkError};

use super::dao::Dao;
use crate::failure::{Failure, Outcome};

/// Why the canister serves no bytes of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    filename: String,
    reason: ArtifactChunkError,
}

/// Downloads an artifact and checks its digest. `received` is told the size of each part. The inner error says why
/// the canister serves none.
///
/// # Errors
/// When it is not what its digest says, or the canister does not answer.
pub async fn download(
    dao: &Dao<'_>,
    artifact: &ArtifactRef,
    mut received: impl FnMut(u64),
) -> Outcome<Result<Vec<u8>, Unavailable>> {
    let chunks = artifact.size_bytes.div_ceil(CHUNK_BYTES);
    let mut bytes = Vec::new();
    for index in 0..chunks {
        let index = u32::try_from(index).map_err(|_| too_large(artifact))?;
        let part = match dao.artifact_chunk(artifact.sha256, index).await? {
            Ok(chunk) => chunk.bytes,
            Err(reason) => return Ok(Err(Unavailable { filename: artifact.filename.clone(), reason })),
        };
        received(part.len() as u64);
        bytes.extend(part);
        if bytes.len() as u64 > artifact.size_bytes {
            return Err(too_large(artifact));
        }
    }
    check(artifact, &bytes)?;
    Ok(Ok(bytes))
}

/// Whether `bytes` are what the proposal names.
///
/// # Errors
/// When they hash to something else.
fn check(artifact: &ArtifactRef, bytes: &[u8]) -> Outcome<()> {
    let found = Sha256Digest::of(bytes);
    if found == artifact.sha256 {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "{}: the bytes served hash to {found}, the proposal names {}",
        artifact.filename, artifact.sha256
    ))
    .hint("vote no: the canister does not serve what is to be published"))
}

fn too_large(artifact: &ArtifactRef) -> Failure {
    Failure::refused(format!(
        "{}: more bytes are served than the {} that the proposal names",
        artifact.filename, artifact.size_bytes
    ))
}

impl From<Unavailable> for Failure {
    fn from(Unavailable { filename, reason }: Unavailable) -> Self {
        match reason {
            ArtifactChunkError::NotAllowed { caller } => {
                Self::refused(format!("{filename}: {caller} may not read artifacts under review"))
                    .hint("only members and proposers may; choose another identity with --identity")
            }
            ArtifactChunkError::NotFound => Self::refused(format!(
                "{filename}: its bytes are no longer kept"
            ))
            .hint("bytes are dropped when a proposal is over; fetch the published file from the registry"),
            ArtifactChunkError::NoSuchChunk { chunks } => {
                Self::refused(format!("{filename}: the canister keeps only {chunks} chunks of it"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_refuse_bytes_that_hash_to_something_else() {
        let artifact =
            ArtifactRef { filename: "a.tgz".into(), sha256: Sha256Digest::of(b"voted"), size_bytes: 5 };
        assert!(check(&artifact, b"voted").is_ok());
        assert!(check(&artifact, b"other").expect_err("differs").message.contains("hash to"));
    }
}
