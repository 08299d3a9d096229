//! Uploading and reading the bytes under review.

#[cfg(test)]
mod tests;

use candid::Principal;
use release_types::{
    CHUNK_BYTES, Sha256Digest,
    artifact::{
        ArtifactChunk, ArtifactChunkArgs, ArtifactChunkError, BeginUploadArgs, UploadChunkArgs, UploadError,
        UploadStatus,
    },
};
use sha2::{Digest as _, Sha256};

use crate::{
    lifecycle,
    runtime::Runtime,
    schedule::{self, Task},
    state::{Artifact, Event, State, Upload, UploadKey, audit::process_event, read_state},
    storage::{self, StoredAs},
};

/// Largest artifact taken, for the modes in which other people send it. Those in which custody does take less: how much
/// depends on the package's metadata, and a proposal is refused with the exact limit.
pub const MAX_ARTIFACT_BYTES: u64 = package_formats::limits::MAX_ARTIFACT_BYTES;
/// Bytes of one uploader that no live proposal names.
pub const QUOTA_BYTES: u64 = 4 * MAX_ARTIFACT_BYTES;
/// Artifacts of one uploader that no live proposal names: each costs a place in the state, however small.
const QUOTA_ARTIFACTS: u32 = 100;

/// Announces an artifact. Announcing it again tells what is missing.
///
/// # Errors
/// If the caller may not upload, or the artifact is not acceptable; nothing is kept then.
pub fn begin_upload<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: BeginUploadArgs,
) -> Result<UploadStatus, UploadError> {
    let BeginUploadArgs { sha256, size_bytes } = args;
    let key = UploadKey { uploader: caller, sha256 };
    let known = read_state(|state| {
        if !state.is_participant(&caller) {
            return Err(UploadError::NotAllowed { caller });
        }
        if size_bytes == 0 {
            return Err(UploadError::Empty);
        }
        if size_bytes > MAX_ARTIFACT_BYTES {
            return Err(UploadError::TooLarge { size_bytes, limit_bytes: MAX_ARTIFACT_BYTES });
        }
        let known = known(state, &key);
        match known {
            Some(status) if status.size_bytes != size_bytes => {
                Err(UploadError::SizeDiffers { announced_bytes: status.size_bytes })
            }
            Some(status) => Ok(Some(status)),
            None => check_quota(state, &caller, size_bytes).map(|()| None),
        }
    })?;
    if let Some(status) = known {
        return Ok(status);
    }
    let upload = read_state(|state| state.artifacts().next_stored_as());
    process_event(runtime, Event::UploadBegun { upload, uploader: caller, sha256, size_bytes });
    schedule_collection(runtime);
    Ok(expect_known(&key))
}

/// Takes one chunk of an announced artifact, in any order, any number of times. The last one completes it: the
/// digest is checked then.
///
/// # Errors
/// If the chunk does not belong to an upload of the caller. If all bytes are there and have another digest, they are
/// dropped, and may be sent again.
pub fn upload_chunk<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: UploadChunkArgs,
) -> Result<UploadStatus, UploadError> {
    let UploadChunkArgs { sha256, index, bytes } = args;
    let key = UploadKey { uploader: caller, sha256 };
    let upload = read_state(|state| {
        if !state.is_participant(&caller) {
            return Err(UploadError::NotAllowed { caller });
        }
        if state.artifacts().stored(&sha256).is_some() {
            return Ok(None);
        }
        state.artifacts().upload(&key).cloned().map(Some).ok_or(UploadError::NotBegun)
    })?;
    let Some(upload) = upload else { return Ok(expect_known(&key)) };
    let expected_bytes = chunk_length(upload.size_bytes, index);
    let received_bytes = bytes.len() as u64;
    if expected_bytes == 0 || received_bytes != expected_bytes {
        return Err(UploadError::WrongChunk { index, expected_bytes, received_bytes });
    }
    storage::write_chunks(|chunks| chunks.write(upload.stored_as, index, &bytes));
    if missing_chunks(&upload).is_empty() {
        complete(runtime, &key, &upload)?;
    }
    Ok(expect_known(&key))
}

fn complete<R: Runtime>(runtime: &R, key: &UploadKey, upload: &Upload) -> Result<(), UploadError> {
    let received = digest(upload);
    if received != key.sha256 {
        storage::write_chunks(|chunks| chunks.remove(upload.stored_as));
        return Err(UploadError::DigestDiffers { received });
    }
    let event =
        Event::ArtifactStored { upload: upload.stored_as, uploader: key.uploader, sha256: key.sha256 };
    process_event(runtime, event);
    Ok(())
}

/// What of the caller's upload has arrived, or that the artifact is complete, whoever sent it.
pub fn upload_status(caller: Principal, sha256: Sha256Digest) -> Option<UploadStatus> {
    read_state(|state| {
        state.is_participant(&caller).then(|| known(state, &UploadKey { uploader: caller, sha256 })).flatten()
    })
}

/// One chunk of a complete artifact.
///
/// # Errors
/// If the caller is neither a member, a proposer nor custody, or there is no such chunk.
pub fn artifact_chunk<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: ArtifactChunkArgs,
) -> Result<ArtifactChunk, ArtifactChunkError> {
    let is_custody = lifecycle::custody(runtime) == Some(caller);
    let artifact = read_state(|state| {
        if !is_custody && !state.is_participant(&caller) {
            return Err(ArtifactChunkError::NotAllowed { caller });
        }
        state.artifacts().stored(&args.sha256).cloned().ok_or(ArtifactChunkError::NotFound)
    })?;
    let length = chunk_length(artifact.size_bytes, args.index);
    if length == 0 {
        return Err(ArtifactChunkError::NoSuchChunk { chunks: chunk_count(artifact.size_bytes) });
    }
    Ok(ArtifactChunk { bytes: read_chunk(artifact.stored_as, args.index, length) })
}

/// All bytes of a complete artifact.
pub fn read(artifact: &Artifact) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(artifact.size_bytes as usize);
    for index in 0..chunk_count(artifact.size_bytes) {
        bytes.extend(read_chunk(artifact.stored_as, index, chunk_length(artifact.size_bytes, index)));
    }
    bytes
}

/// The chunks of a complete artifact, in order.
pub fn chunks(artifact: &Artifact) -> Vec<Vec<u8>> {
    let chunk = |index| read_chunk(artifact.stored_as, index, chunk_length(artifact.size_bytes, index));
    (0..chunk_count(artifact.size_bytes)).map(chunk).collect()
}

/// The first chunk of a complete artifact.
pub fn read_first_chunk(artifact: &Artifact) -> Vec<u8> {
    read_chunk(artifact.stored_as, 0, chunk_length(artifact.size_bytes, 0))
}

/// Drops what nobody proposed in time, and sets the time of the next collection.
pub fn collect<R: Runtime>(runtime: &R) {
    let now_ns = runtime.time_ns();
    let (uploads, artifacts, places) = read_state(|state| {
        let (uploads, artifacts) = state.artifacts().expired(now_ns);
        let begun = uploads.iter().filter_map(|key| Some(state.artifacts().upload(key)?.stored_as));
        let stored = artifacts.iter().filter_map(|sha256| Some(state.artifacts().stored(sha256)?.stored_as));
        let places: Vec<StoredAs> = begun.chain(stored).collect();
        (uploads, artifacts, places)
    });
    storage::write_chunks(|chunks| places.into_iter().for_each(|place| chunks.remove(place)));
    if !uploads.is_empty() {
        process_event(runtime, Event::UploadsDropped { uploads });
    }
    if !artifacts.is_empty() {
        process_event(runtime, Event::ArtifactsDropped { artifacts });
    }
    schedule_collection(runtime);
}

/// Sets the time of the next collection, if anything can expire.
pub fn schedule_collection<R: Runtime>(runtime: &R) {
    if let Some(expiry_ns) = read_state(|state| state.artifacts().next_expiry_ns())
        && schedule::due_at_ns(Task::CollectArtifacts)
            .is_none_or(|due_ns| expiry_ns < due_ns || due_ns < runtime.time_ns())
    {
        schedule::set(runtime, Task::CollectArtifacts, expiry_ns);
    }
}

fn check_quota(state: &State, uploader: &Principal, size_bytes: u64) -> Result<(), UploadError> {
    let usage = state.artifacts().usage(uploader);
    let fits = usage.bytes.saturating_add(size_bytes) <= QUOTA_BYTES && usage.artifacts < QUOTA_ARTIFACTS;
    fits.then_some(()).ok_or(UploadError::QuotaExceeded {
        used_bytes: usage.bytes,
        quota_bytes: QUOTA_BYTES,
        frees_at_ns: usage.frees_at_ns,
    })
}

fn known(state: &State, key: &UploadKey) -> Option<UploadStatus> {
    let sha256 = key.sha256;
    if let Some(artifact) = state.artifacts().stored(&sha256) {
        let (size_bytes, expires_at_ns) = (artifact.size_bytes, artifact.expires_at_ns());
        return Some(UploadStatus { sha256, size_bytes, missing_chunks: Vec::new(), expires_at_ns });
    }
    let upload = state.artifacts().upload(key)?;
    Some(UploadStatus {
        sha256,
        size_bytes: upload.size_bytes,
        missing_chunks: missing_chunks(upload),
        expires_at_ns: upload.expires_at_ns(),
    })
}

fn expect_known(key: &UploadKey) -> UploadStatus {
    read_state(|state| known(state, key))
        .unwrap_or_else(|| panic!("BUG: an upload is unknown after it was begun"))
}

fn missing_chunks(upload: &Upload) -> Vec<u32> {
    let all = 0..chunk_count(upload.size_bytes);
    storage::read_chunks(|chunks| all.filter(|index| !chunks.contains(upload.stored_as, *index)).collect())
}

fn digest(upload: &Upload) -> Sha256Digest {
    let mut hash = Sha256::new();
    for index in 0..chunk_count(upload.size_bytes) {
        hash.update(read_chunk(upload.stored_as, index, chunk_length(upload.size_bytes, index)));
    }
    Sha256Digest(hash.finalize().into())
}

fn read_chunk(place: StoredAs, index: u32, length: u64) -> Vec<u8> {
    storage::read_chunks(|chunks| chunks.read(place, index, length as usize))
        .unwrap_or_else(|| panic!("BUG: chunk {index} of a complete artifact is missing"))
}

fn chunk_count(size_bytes: u64) -> u32 {
    u32::try_from(size_bytes.div_ceil(CHUNK_BYTES)).expect("artifacts are far below 2^32 chunks")
}

/// Length of a chunk; 0 if there is none of this index.
fn chunk_length(size_bytes: u64, index: u32) -> u64 {
    size_bytes.saturating_sub(u64::from(index) * CHUNK_BYTES).min(CHUNK_BYTES)
}
