//! Sending an artifact in chunks. Resumable: what has arrived is not sent again.

use release_types::{
    ArtifactRef, CHUNK_BYTES, Sha256Digest,
    artifact::{BeginUploadArgs, UploadChunkArgs, UploadError, UploadStatus},
};

use super::dao::Dao;
use crate::failure::{Failure, Outcome};

/// Part of an artifact to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChunk {
    pub index: u32,
    /// The bytes it covers.
    pub range: std::ops::Range<usize>,
}

/// What of `size_bytes` is to be sent, given the indices that the canister misses. Indices beyond the end are left
/// out: a canister that names one is wrong, and there is nothing to send for it.
pub fn plan(size_bytes: usize, missing: &[u32]) -> Vec<PlannedChunk> {
    let chunk_bytes = CHUNK_BYTES as usize;
    let range = |index: u32| {
        let start = (index as usize).checked_mul(chunk_bytes).filter(|start| *start < size_bytes)?;
        Some(PlannedChunk { index, range: start..size_bytes.min(start + chunk_bytes) })
    };
    missing.iter().copied().filter_map(range).collect()
}

/// Uploads `bytes` and returns the reference for a proposal. `sent` is told the size of every part that is there:
/// first what had arrived before, then each chunk.
///
/// # Errors
/// When the canister refuses the artifact or the network does not answer; calling again resumes.
pub async fn upload(
    dao: &Dao<'_>,
    filename: &str,
    bytes: &[u8],
    mut sent: impl FnMut(u64),
) -> Outcome<ArtifactRef> {
    let sha256 = Sha256Digest::of(bytes);
    let size_bytes = bytes.len() as u64;
    let begun = dao.begin_upload(BeginUploadArgs { sha256, size_bytes }).await?;
    let mut status = begun.map_err(|error| refusal(filename, error))?;
    let chunks = plan(bytes.len(), &status.missing_chunks);
    let remaining: usize = chunks.iter().map(|chunk| chunk.range.len()).sum();
    sent((bytes.len() - remaining) as u64);
    for chunk in chunks {
        let part = bytes[chunk.range].to_vec();
        let length = part.len() as u64;
        let args = UploadChunkArgs { sha256, index: chunk.index, bytes: part };
        status = dao.upload_chunk(args).await?.map_err(|error| refusal(filename, error))?;
        sent(length);
    }
    complete(filename, &status)?;
    Ok(ArtifactRef { filename: filename.to_string(), sha256, size_bytes })
}

fn complete(filename: &str, status: &UploadStatus) -> Outcome<()> {
    if status.missing_chunks.is_empty() {
        return Ok(());
    }
    Err(Failure::network(format!("{filename}: {} chunks are still missing", status.missing_chunks.len()))
        .hint("run the command again; it sends only what is missing"))
}

fn refusal(filename: &str, error: UploadError) -> Failure {
    let (what, hint) = match error {
        UploadError::NotAllowed { caller } => (
            format!("{caller} may not upload"),
            "only members and proposers may; choose another identity with --identity".to_string(),
        ),
        UploadError::TooLarge { size_bytes, limit_bytes } => (
            format!("{size_bytes} bytes are too large; the limit is {limit_bytes} bytes"),
            "make the artifact smaller, e.g. leave out tests and source maps".to_string(),
        ),
        UploadError::QuotaExceeded { used_bytes, quota_bytes, frees_at_ns } => (
            format!("{used_bytes} of {quota_bytes} bytes for uploads without a proposal are used"),
            format!("propose or wait; space is freed at {}", super::moment(frees_at_ns)),
        ),
        UploadError::NotBegun => (
            "the upload was collected before it was complete".to_string(),
            "run the command again".to_string(),
        ),
        UploadError::SizeDiffers { announced_bytes } => (
            format!("the same digest was announced with {announced_bytes} bytes"),
            "this cannot happen with an unchanged file; check the disk and try again".to_string(),
        ),
        UploadError::WrongChunk { index, expected_bytes, received_bytes } => (
            format!("chunk {index} must have {expected_bytes} bytes and had {received_bytes}"),
            "use the version of countersign that the canister was built with".to_string(),
        ),
        UploadError::DigestDiffers { received } => (
            format!("what arrived hashes to {received}"),
            "the file changed while it was sent; run the command again".to_string(),
        ),
        UploadError::Empty => ("the file is empty".to_string(), "build the artifact again".to_string()),
    };
    Failure::refused(format!("{filename}: {what}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = CHUNK_BYTES as usize;

    fn ranges(size: usize, missing: &[u32]) -> Vec<std::ops::Range<usize>> {
        plan(size, missing).into_iter().map(|chunk| chunk.range).collect()
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "one range is what is expected")]
    fn should_cover_every_byte_once_when_all_chunks_are_missing() {
        assert_eq!(ranges(1, &[0]), [0..1]);
        assert_eq!(ranges(CHUNK, &[0]), [0..CHUNK]);
        assert_eq!(ranges(CHUNK + 1, &[0, 1]), [0..CHUNK, CHUNK..CHUNK + 1]);
        assert_eq!(ranges(2 * CHUNK, &[0, 1]), [0..CHUNK, CHUNK..2 * CHUNK]);
    }

    #[test]
    fn should_send_only_what_is_missing_when_resuming() {
        assert_eq!(ranges(3 * CHUNK + 5, &[1, 3]), [CHUNK..2 * CHUNK, 3 * CHUNK..3 * CHUNK + 5]);
        assert_eq!(plan(3 * CHUNK, &[]), []);
    }

    #[test]
    fn should_not_read_past_the_end_when_a_canister_names_a_chunk_that_does_not_exist() {
        assert_eq!(plan(CHUNK, &[1, u32::MAX]), []);
    }

    #[test]
    fn should_name_the_limit_when_an_artifact_is_too_large() {
        let failure = refusal("a.tgz", UploadError::TooLarge { size_bytes: 10, limit_bytes: 9 });
        assert!(failure.message.contains("a.tgz") && failure.message.contains("limit is 9"), "{failure}");
    }
}
