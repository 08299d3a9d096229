//! What is known of uploaded artifacts; their bytes are in stable memory.

use std::collections::BTreeMap;

use candid::Principal;
use release_types::Sha256Digest;
use serde::Serialize;

use crate::{state::event::UploadKey, storage::StoredAs};

/// Incomplete uploads and artifacts that no live proposal names are dropped after this time: a day.
pub const RETENTION_NS: u64 = 24 * 3_600 * 1_000_000_000;

/// An announced artifact whose bytes are arriving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upload {
    pub stored_as: StoredAs,
    pub size_bytes: u64,
    pub begun_at_ns: u64,
}

impl Upload {
    pub fn expires_at_ns(&self) -> u64 {
        self.begun_at_ns.saturating_add(RETENTION_NS)
    }
}

/// A complete artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    pub stored_as: StoredAs,
    pub size_bytes: u64,
    pub uploader: Principal,
    /// How many live proposals name it.
    pub named_by: u32,
    /// When it was stored, or when the last live proposal that named it ended.
    pub released_at_ns: u64,
}

impl Artifact {
    /// When it is dropped; never while a live proposal names it.
    pub fn expires_at_ns(&self) -> u64 {
        if self.named_by > 0 { u64::MAX } else { self.released_at_ns.saturating_add(RETENTION_NS) }
    }
}

/// All artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Artifacts {
    uploads: BTreeMap<UploadKey, Upload>,
    stored: BTreeMap<Sha256Digest, Artifact>,
    next: u64,
}

impl Artifacts {
    /// The number for the bytes of the next upload.
    pub fn next_stored_as(&self) -> StoredAs {
        StoredAs(self.next)
    }

    pub fn upload(&self, key: &UploadKey) -> Option<&Upload> {
        self.uploads.get(key)
    }

    pub fn stored(&self, sha256: &Sha256Digest) -> Option<&Artifact> {
        self.stored.get(sha256)
    }

    /// What of an uploader's bytes no live proposal names.
    pub fn usage(&self, uploader: &Principal) -> Usage {
        let uploads = self
            .uploads
            .iter()
            .filter(|(key, _)| key.uploader == *uploader)
            .map(|(_, upload)| (upload.size_bytes, upload.expires_at_ns()));
        let stored = self
            .stored
            .values()
            .filter(|artifact| artifact.uploader == *uploader && artifact.named_by == 0)
            .map(|artifact| (artifact.size_bytes, artifact.expires_at_ns()));
        uploads.chain(stored).fold(Usage::default(), |usage, (size_bytes, expires_at_ns)| Usage {
            bytes: usage.bytes.saturating_add(size_bytes),
            artifacts: usage.artifacts + 1,
            frees_at_ns: usage.frees_at_ns.min(expires_at_ns),
        })
    }

    /// Uploads and artifacts whose time is over.
    pub fn expired(&self, now_ns: u64) -> (Vec<UploadKey>, Vec<Sha256Digest>) {
        let uploads = self.uploads.iter().filter(|(_, upload)| upload.expires_at_ns() <= now_ns);
        let stored = self.stored.iter().filter(|(_, artifact)| artifact.expires_at_ns() <= now_ns);
        (uploads.map(|(key, _)| key.clone()).collect(), stored.map(|(sha256, _)| *sha256).collect())
    }

    /// When the next upload or artifact expires.
    pub fn next_expiry_ns(&self) -> Option<u64> {
        let uploads = self.uploads.values().map(Upload::expires_at_ns);
        let stored = self.stored.values().map(Artifact::expires_at_ns);
        uploads.chain(stored).min().filter(|expiry| *expiry != u64::MAX)
    }

    pub(super) fn begin(&mut self, key: UploadKey, upload: Upload) {
        assert_eq!(upload.stored_as, self.next_stored_as(), "BUG: an upload's number is used twice");
        self.next += 1;
        let replaced = self.uploads.insert(key, upload);
        assert!(replaced.is_none(), "BUG: an upload was begun twice");
    }

    pub(super) fn store(&mut self, key: &UploadKey, stored_at_ns: u64) {
        let upload = self.uploads.remove(key).unwrap_or_else(|| panic!("BUG: an unknown upload completed"));
        let artifact = Artifact {
            stored_as: upload.stored_as,
            size_bytes: upload.size_bytes,
            uploader: key.uploader,
            named_by: 0,
            released_at_ns: stored_at_ns,
        };
        let replaced = self.stored.insert(key.sha256, artifact);
        assert!(replaced.is_none(), "BUG: an artifact was stored twice");
    }

    pub(super) fn drop_upload(&mut self, key: &UploadKey) {
        assert!(self.uploads.remove(key).is_some(), "BUG: an unknown upload was dropped");
    }

    pub(super) fn drop_stored(&mut self, sha256: &Sha256Digest) {
        let dropped = self.stored.remove(sha256);
        assert!(
            dropped.is_some_and(|artifact| artifact.named_by == 0),
            "BUG: an artifact was dropped that is unknown or named by a live proposal"
        );
    }

    pub(super) fn name(&mut self, sha256: &Sha256Digest) {
        self.expect_stored(sha256).named_by += 1;
    }

    pub(super) fn release(&mut self, sha256: &Sha256Digest, released_at_ns: u64) {
        let artifact = self.expect_stored(sha256);
        assert!(artifact.named_by > 0, "BUG: an artifact was released more often than named");
        artifact.named_by -= 1;
        artifact.released_at_ns = released_at_ns;
    }

    fn expect_stored(&mut self, sha256: &Sha256Digest) -> &mut Artifact {
        self.stored.get_mut(sha256).unwrap_or_else(|| panic!("BUG: artifact {sha256} is not stored"))
    }
}

/// Bytes of one uploader that no live proposal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub bytes: u64,
    pub artifacts: u32,
    /// When the first of them expires.
    pub frees_at_ns: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { bytes: 0, artifacts: 0, frees_at_ns: u64::MAX }
    }
}
