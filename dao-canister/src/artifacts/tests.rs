use release_types::{ProposalAction, ProposalStatus};

use super::*;
use crate::test_fixtures::{
    DAY_NS, TestRuntime, assert_log_tells_all, custody, installed, member, npm_release, packages::noise,
    proposer, ready, refused, status, stranger, submit, upgrade,
};

const CHUNK: usize = CHUNK_BYTES as usize;

fn begin(runtime: &TestRuntime, caller: Principal, bytes: &[u8]) -> Result<UploadStatus, UploadError> {
    let args = BeginUploadArgs { sha256: Sha256Digest::of(bytes), size_bytes: bytes.len() as u64 };
    begin_upload(runtime, caller, args)
}

fn send(
    runtime: &TestRuntime,
    caller: Principal,
    bytes: &[u8],
    index: usize,
) -> Result<UploadStatus, UploadError> {
    let chunk = bytes.chunks(CHUNK).nth(index).expect("has this chunk").to_vec();
    let args = UploadChunkArgs { sha256: Sha256Digest::of(bytes), index: index as u32, bytes: chunk };
    upload_chunk(runtime, caller, args)
}

fn fetch(caller: Principal, bytes: &[u8], runtime: &TestRuntime) -> Result<Vec<u8>, ArtifactChunkError> {
    let sha256 = Sha256Digest::of(bytes);
    let chunks = bytes.len().div_ceil(CHUNK) as u32;
    let mut all = Vec::new();
    for index in 0..chunks {
        all.extend(artifact_chunk(runtime, caller, ArtifactChunkArgs { sha256, index })?.bytes);
    }
    Ok(all)
}

#[test]
fn should_take_chunks_in_any_order_and_again_after_an_upgrade() {
    let runtime = installed();
    let bytes = noise(2 * CHUNK + 5);
    assert_eq!(begin(&runtime, proposer(), &bytes).expect("begins").missing_chunks, [0, 1, 2]);
    assert_eq!(send(&runtime, proposer(), &bytes, 2).expect("takes").missing_chunks, [0, 1]);
    upgrade(&runtime);
    assert_eq!(send(&runtime, proposer(), &bytes, 2).expect("takes").missing_chunks, [0, 1]);
    assert_eq!(begin(&runtime, proposer(), &bytes).expect("resumes").missing_chunks, [0, 1]);
    send(&runtime, proposer(), &bytes, 0).expect("takes");
    assert!(matches!(fetch(member(1), &bytes, &runtime), Err(ArtifactChunkError::NotFound)));
    assert!(send(&runtime, proposer(), &bytes, 1).expect("completes").missing_chunks.is_empty());
    assert_eq!(fetch(member(1), &bytes, &runtime).expect("serves"), bytes);
    assert!(send(&runtime, proposer(), &bytes, 1).expect("changes nothing").missing_chunks.is_empty());
    assert_log_tells_all(&runtime);
}

#[test]
fn should_serve_bytes_to_the_group_and_custody_only() {
    let runtime = installed();
    let bytes = noise(10);
    begin(&runtime, member(1), &bytes).expect("begins");
    send(&runtime, member(1), &bytes, 0).expect("completes");
    for reader in [member(2), proposer(), custody()] {
        assert_eq!(fetch(reader, &bytes, &runtime).expect("serves"), bytes);
    }
    for reader in [stranger(), Principal::anonymous()] {
        assert!(matches!(fetch(reader, &bytes, &runtime), Err(ArtifactChunkError::NotAllowed { .. })));
        assert_eq!(upload_status(reader, Sha256Digest::of(&bytes)), None);
    }
    let args = ArtifactChunkArgs { sha256: Sha256Digest::of(&bytes), index: 1 };
    assert_eq!(
        artifact_chunk(&runtime, member(1), args).expect_err("one chunk only"),
        ArtifactChunkError::NoSuchChunk { chunks: 1 }
    );
}

#[test]
fn should_refuse_uploads_of_strangers_and_of_custody() {
    let runtime = installed();
    for caller in [stranger(), custody(), Principal::anonymous()] {
        let error = refused(|| begin(&runtime, caller, &noise(10)));
        assert_eq!(error, UploadError::NotAllowed { caller });
        let error = refused(|| send(&runtime, caller, &noise(10), 0));
        assert_eq!(error, UploadError::NotAllowed { caller });
    }
}

#[test]
fn should_refuse_what_can_never_be_published() {
    let runtime = installed();
    assert_eq!(refused(|| begin(&runtime, member(1), &[])), UploadError::Empty);
    let sha256 = Sha256Digest::of(b"large");
    let args = BeginUploadArgs { sha256, size_bytes: MAX_ARTIFACT_BYTES + 1 };
    let error = refused(|| begin_upload(&runtime, member(1), args));
    assert_eq!(error, UploadError::TooLarge { size_bytes: 33_554_433, limit_bytes: 33_554_432 });
    let args = BeginUploadArgs { sha256, size_bytes: MAX_ARTIFACT_BYTES };
    assert_eq!(begin_upload(&runtime, member(1), args).expect("fits").missing_chunks.len(), 32);
}

#[test]
fn should_refuse_chunks_that_do_not_belong() {
    let runtime = installed();
    let bytes = noise(CHUNK + 5);
    assert_eq!(refused(|| send(&runtime, member(1), &bytes, 0)), UploadError::NotBegun);
    begin(&runtime, member(1), &bytes).expect("begins");
    assert_eq!(refused(|| send(&runtime, member(2), &bytes, 0)), UploadError::NotBegun);
    for (index, length, expected_bytes) in
        [(0, CHUNK - 1, CHUNK_BYTES), (1, 6, 5), (2, 5, 0), (u32::MAX, 0, 0)]
    {
        let args = UploadChunkArgs { sha256: Sha256Digest::of(&bytes), index, bytes: vec![0; length] };
        let error = refused(|| upload_chunk(&runtime, member(1), args));
        let received_bytes = length as u64;
        assert_eq!(error, UploadError::WrongChunk { index, expected_bytes, received_bytes });
    }
}

#[test]
fn should_drop_bytes_with_another_digest_and_take_the_right_ones_afterwards() {
    let runtime = installed();
    let bytes = noise(CHUNK + 5);
    begin(&runtime, member(1), &bytes).expect("begins");
    send(&runtime, member(1), &bytes, 0).expect("takes");
    let mut wrong = bytes.clone();
    wrong[CHUNK] ^= 1;
    let args = UploadChunkArgs { sha256: Sha256Digest::of(&bytes), index: 1, bytes: wrong[CHUNK..].to_vec() };
    let error = refused(|| upload_chunk(&runtime, member(1), args));
    assert_eq!(error, UploadError::DigestDiffers { received: Sha256Digest::of(&wrong) });
    assert_eq!(storage::read_chunks(|chunks| chunks.used_bytes()), 0);
    send(&runtime, member(1), &bytes, 0).expect("takes");
    send(&runtime, member(1), &bytes, 1).expect("completes");
    assert_eq!(fetch(member(1), &bytes, &runtime).expect("serves"), bytes);
}

#[test]
fn should_not_let_one_uploader_disturb_another() {
    let runtime = installed();
    let bytes = noise(100);
    let squat = BeginUploadArgs { sha256: Sha256Digest::of(&bytes), size_bytes: 7 };
    begin_upload(&runtime, proposer(), squat).expect("begins");
    let error = refused(|| begin(&runtime, proposer(), &bytes));
    assert_eq!(error, UploadError::SizeDiffers { announced_bytes: 7 });
    begin(&runtime, member(1), &bytes).expect("begins all the same");
    send(&runtime, member(1), &bytes, 0).expect("completes");
    assert_eq!(fetch(member(2), &bytes, &runtime).expect("serves"), bytes);
    runtime.advance(DAY_NS);
    assert_eq!(storage::read_chunks(|chunks| chunks.used_bytes()), 0);
    assert_log_tells_all(&runtime);
}

#[test]
fn should_hold_each_uploader_to_the_quota() {
    let runtime = installed();
    let announce = |uploader, name: &str, size_bytes| {
        begin_upload(
            &runtime,
            uploader,
            BeginUploadArgs { sha256: Sha256Digest::of(name.as_bytes()), size_bytes },
        )
    };
    for name in ["a", "b", "c", "d"] {
        announce(member(1), name, MAX_ARTIFACT_BYTES).expect("within the quota");
    }
    let error = refused(|| announce(member(1), "e", 1));
    let frees_at_ns = runtime.time_ns() + DAY_NS;
    let full = UploadError::QuotaExceeded { used_bytes: QUOTA_BYTES, quota_bytes: QUOTA_BYTES, frees_at_ns };
    assert_eq!(error, full);
    announce(member(2), "e", 1).expect("another's quota");
    runtime.advance(DAY_NS);
    announce(member(1), "e", 1).expect("the quota is free again");
    for number in 0..QUOTA_ARTIFACTS - 1 {
        announce(member(1), &format!("small {number}"), 1).expect("within the number");
    }
    assert!(matches!(refused(|| announce(member(1), "one more", 1)), UploadError::QuotaExceeded { .. }));
}

#[test]
fn should_collect_after_a_day_what_nobody_proposed() {
    let runtime = installed();
    let (complete, incomplete) = (noise(100), noise(2 * CHUNK));
    begin(&runtime, member(1), &incomplete).expect("begins");
    send(&runtime, member(1), &incomplete, 0).expect("takes");
    runtime.advance(DAY_NS / 2);
    begin(&runtime, member(1), &complete).expect("begins");
    send(&runtime, member(1), &complete, 0).expect("completes");
    runtime.advance(DAY_NS / 2 - 1);
    assert!(upload_status(member(1), Sha256Digest::of(&incomplete)).is_some());
    runtime.advance(1);
    assert_eq!(upload_status(member(1), Sha256Digest::of(&incomplete)), None);
    assert!(upload_status(member(1), Sha256Digest::of(&complete)).is_some());
    upgrade(&runtime);
    runtime.advance(DAY_NS / 2);
    assert_eq!(upload_status(member(1), Sha256Digest::of(&complete)), None);
    assert_eq!(storage::read_chunks(|chunks| chunks.used_bytes()), 0);
    assert_log_tells_all(&runtime);
}

#[test]
fn should_keep_what_a_live_proposal_names_and_collect_it_a_day_after() {
    let runtime = ready();
    let release = npm_release(&runtime, "1.0.0");
    let sha256 = release.artifacts[0].sha256;
    let id = submit(&runtime, ProposalAction::Release(release));
    assert_eq!(read_state(|state| state.artifacts().usage(&member(1))).bytes, 0);
    // Long after its upload, while the proposal's own timer has not fired.
    runtime.skip(2 * DAY_NS);
    collect(&runtime);
    assert_eq!(upload_status(member(1), sha256).expect("is kept").expires_at_ns, u64::MAX);
    // Nobody voted: it ends when its timer fires at last.
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Rejected);
    runtime.advance(DAY_NS - 1);
    assert!(upload_status(member(1), sha256).is_some());
    runtime.advance(1);
    assert_eq!(upload_status(member(1), sha256), None);
    assert_eq!(storage::read_chunks(|chunks| chunks.used_bytes()), 0);
    assert_log_tells_all(&runtime);
}
