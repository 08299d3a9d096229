//! An order's part of the state: how far each of its artifacts has come. The order itself is kept beside it.

use registry_protocols::{bytes::ByteRange, npm::stage::StageId, receipt::Confirmation};
use release_types::{
    CHUNK_BYTES, CredentialId, MetObstacle, OrderId, OrderStatus, PublicationState, PublishingMode,
    Sha256Digest, Wait, Waiting, order::ArtifactStatus,
};
use serde::Serialize;

use crate::state::{
    event::{BlockedReason, RefusedReason, RegistryDigests, UnknownCause},
    proof::{ReadBytes, SeenForeign},
    staging::{Judgement, Staging},
};

/// An accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    pub(super) content: Sha256Digest,
    pub(super) mode: PublishingMode,
    pub(super) credential: Option<CredentialId>,
    pub(super) read_credential: Option<CredentialId>,
    pub(super) version: String,
    pub(super) accepted_at_ns: u64,
    pub(super) expires_at_ns: u64,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) has_receipt: bool,
    pub(super) obstacle: Option<MetObstacle>,
}

/// One artifact of an accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    pub(super) filename: String,
    pub(super) sha256: Sha256Digest,
    pub(super) size_bytes: u64,
    pub(super) digests: Option<RegistryDigests>,
    /// Digests of its chunks, where it does not fit one answer.
    pub(super) chunks: Vec<Sha256Digest>,
    pub(super) stage: Stage,
    /// When the stage last changed.
    pub(super) changed_at_ns: u64,
    /// When it was last handed to the network.
    pub(super) sent_at_ns: Option<u64>,
    /// How often a key was derived for it.
    pub(super) derivations: u8,
    /// How often a key was derived to read it back with.
    pub(super) read_derivations: u8,
    /// How often it was handed to the network.
    pub(super) sends: u8,
    /// npm: what is known of its entries in the staging area.
    pub(super) staging: Staging,
    /// Foreign bytes that were served last in the place of the published ones.
    pub(super) foreign: Option<SeenForeign>,
    /// What confirmed the shown digest; known before its bytes are read.
    pub(super) confirmation: Option<Confirmation>,
    /// How its bytes were read; known once it is verified.
    pub(super) read_bytes: Option<ReadBytes>,
}

/// What is read of an artifact in one answer: all of it, or one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub range: Option<ByteRange>,
    pub sha256: Sha256Digest,
}

/// How far an artifact has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Stage {
    Prepared,
    /// Waits for people to publish.
    AwaitingRelease,
    /// Waits for somebody to stage.
    AwaitingStage,
    Sent,
    Accepted,
    Pending,
    Unknown {
        cause: UnknownCause,
    },
    /// Staged and proven equal; waits for a person to approve.
    Staged {
        stage: StageId,
    },
    /// The voted digest is shown; the bytes are being compared.
    Shown {
        equal_pieces: u32,
    },
    Verified,
    Mismatch {
        shown: String,
    },
    Blocked {
        reason: BlockedReason,
    },
    Declared {
        published: bool,
        reason: String,
    },
    Refused {
        reason: RefusedReason,
    },
}

impl Order {
    /// The version that it releases.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Digest of the order's document, as it was encoded when it was accepted.
    pub fn content(&self) -> Sha256Digest {
        self.content
    }

    pub fn mode(&self) -> PublishingMode {
        self.mode
    }

    pub fn credential(&self) -> Option<CredentialId> {
        self.credential
    }

    pub fn read_credential(&self) -> Option<CredentialId> {
        self.read_credential
    }

    /// When custody took the order.
    pub fn accepted_at_ns(&self) -> u64 {
        self.accepted_at_ns
    }

    pub fn expires_at_ns(&self) -> u64 {
        self.expires_at_ns
    }

    pub fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }

    /// Whether every artifact is verified and only the receipt is missing.
    pub fn awaits_receipt(&self) -> bool {
        !self.has_receipt && self.artifacts.iter().all(|artifact| artifact.stage == Stage::Verified)
    }

    /// Whether an artifact ended otherwise than verified.
    pub fn has_failed(&self) -> bool {
        self.artifacts.iter().any(|artifact| artifact.stage.is_final() && artifact.stage != Stage::Verified)
    }

    /// The first artifact that is not at its end, with its position.
    pub fn next_artifact(&self) -> Option<(u32, &Artifact)> {
        (0..).zip(&self.artifacts).find(|(_, artifact)| !artifact.stage.is_final())
    }

    /// Lets whatever custody might still send count as sent, with an outcome that only the registry knows.
    pub(super) fn take_back(&mut self, time_ns: u64) {
        if !self.mode.sends_bytes() {
            return;
        }
        for artifact in self.artifacts.iter_mut().filter(|artifact| artifact.stage.may_be_sent()) {
            artifact.stage = Stage::Unknown { cause: UnknownCause::TakenBack };
            artifact.changed_at_ns = time_ns;
            artifact.sent_at_ns = Some(time_ns);
            artifact.sends = artifact.sends.saturating_add(1);
        }
        self.obstacle = None;
    }

    /// What stands in the way of its next step, and since when.
    pub fn obstacle(&self) -> Option<MetObstacle> {
        self.obstacle
    }

    /// Whether an artifact did not appear in time, so that custody looks for it rarely.
    pub fn is_blocked(&self) -> bool {
        self.next_artifact().is_some_and(|(_, artifact)| matches!(artifact.stage, Stage::Blocked { .. }))
    }

    /// Whether nothing more is to be done.
    pub fn is_finished(&self) -> bool {
        self.next_artifact().is_none() && !self.awaits_receipt()
    }

    /// What anyone may know of it. `next_look_at_ns` is when its next step is due, if one is.
    pub fn status(&self, id: &OrderId, next_look_at_ns: Option<u64>) -> OrderStatus {
        OrderStatus {
            id: id.clone(),
            accepted_at_ns: self.accepted_at_ns,
            artifacts: self.artifacts.iter().map(Artifact::status).collect(),
            receipt: self.has_receipt,
            waiting: self.waiting(next_look_at_ns),
        }
    }

    fn waiting(&self, next_look_at_ns: Option<u64>) -> Option<Wait> {
        let (artifact, reason, since_ns) = match self.next_artifact() {
            Some((index, artifact)) => (Some(index), artifact.waiting(), artifact.changed_at_ns),
            None if self.awaits_receipt() => {
                let verified_at_ns =
                    self.artifacts.iter().map(Artifact::changed_at_ns).max().unwrap_or_default();
                (None, Waiting::Signature, verified_at_ns)
            }
            None => return None,
        };
        Some(Wait { reason, artifact, since_ns, obstacle: self.obstacle, next_look_at_ns })
    }
}

impl Artifact {
    pub fn filename(&self) -> &str {
        &self.filename
    }

    pub fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What the registry will name it by; known once the bytes were fetched.
    pub fn digests(&self) -> Option<&RegistryDigests> {
        self.digests.as_ref()
    }

    /// In how many pieces its bytes are read.
    pub fn piece_count(&self) -> u32 {
        u32::try_from(self.chunks.len().max(1)).unwrap_or(u32::MAX)
    }

    /// A piece of its bytes; none after the last.
    pub fn piece(&self, index: u32) -> Option<Piece> {
        if self.chunks.is_empty() {
            return (index == 0).then_some(Piece { range: None, sha256: self.sha256 });
        }
        let sha256 = *self.chunks.get(index as usize)?;
        let start = u64::from(index) * CHUNK_BYTES;
        let len = CHUNK_BYTES.min(self.size_bytes.saturating_sub(start));
        Some(Piece { range: Some(ByteRange { start, len, total: self.size_bytes }), sha256 })
    }

    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Foreign bytes that the registry served last under the voted digest.
    pub fn foreign(&self) -> Option<SeenForeign> {
        self.foreign
    }

    /// What confirmed the shown digest.
    pub fn confirmation(&self) -> Option<Confirmation> {
        self.confirmation
    }

    pub fn changed_at_ns(&self) -> u64 {
        self.changed_at_ns
    }

    /// When it was last handed to the network.
    pub fn sent_at_ns(&self) -> Option<u64> {
        self.sent_at_ns
    }

    pub fn derivations(&self) -> u8 {
        self.derivations
    }

    pub fn sends(&self) -> u8 {
        self.sends
    }

    /// How often a key was derived to read it back with.
    pub fn read_derivations(&self) -> u8 {
        self.read_derivations
    }

    pub fn staging(&self) -> &Staging {
        &self.staging
    }

    /// How its bytes were read; none before it is verified.
    pub fn read_bytes(&self) -> Option<ReadBytes> {
        self.read_bytes
    }

    /// What it waits for if nothing stands in the way.
    fn waiting(&self) -> Waiting {
        match self.stage {
            Stage::Sent => Waiting::Answer,
            Stage::Accepted | Stage::Pending => Waiting::Appearance,
            Stage::Unknown { cause } => cause.waiting(self.changed_at_ns),
            Stage::Blocked { .. } => Waiting::People,
            Stage::AwaitingRelease => Waiting::Release,
            Stage::AwaitingStage => Waiting::Stage,
            Stage::Staged { .. } => Waiting::Approval,
            Stage::Shown { .. } => Waiting::Bytes,
            Stage::Prepared
            | Stage::Verified
            | Stage::Mismatch { .. }
            | Stage::Declared { .. }
            | Stage::Refused { .. } => Waiting::Turn,
        }
    }

    fn status(&self) -> ArtifactStatus {
        ArtifactStatus {
            filename: self.filename.clone(),
            sha256: self.sha256,
            state: self.state(),
            changed_at_ns: self.changed_at_ns,
        }
    }
}

impl Artifact {
    fn state(&self) -> PublicationState {
        match &self.stage {
            Stage::Prepared => PublicationState::Prepared,
            Stage::AwaitingRelease => PublicationState::AwaitingRelease,
            Stage::AwaitingStage => {
                PublicationState::AwaitingStage { readings_left: self.staging.readings_left() }
            }
            Stage::Sent => PublicationState::Sent,
            Stage::Accepted => PublicationState::Accepted,
            Stage::Pending => PublicationState::Pending,
            Stage::Unknown { .. } => PublicationState::Unknown,
            Stage::Staged { stage } => PublicationState::Staged {
                stage: stage.to_string(),
                sha512: self.digests.as_ref().and_then(RegistryDigests::sha512_hex).unwrap_or_default(),
                do_not_approve: {
                    let doubted = self.staging.doubted().map(|id| (id, Judgement::OtherBytes));
                    let foreign = self.staging.foreign().chain(doubted);
                    foreign.map(|(id, why)| format!("{id}: {}", why.text())).collect()
                },
                readings_left: self.staging.readings_left(),
            },
            Stage::Shown { .. } => PublicationState::Shown,
            Stage::Verified => PublicationState::Verified,
            Stage::Mismatch { shown } => PublicationState::Mismatch { shown: shown.clone() },
            Stage::Blocked { reason } => PublicationState::Blocked { reason: reason.advice() },
            Stage::Declared { published, reason } => {
                PublicationState::Declared { published: *published, reason: reason.clone() }
            }
            Stage::Refused { reason } => PublicationState::Refused { reason: reason.advice() },
        }
    }
}

impl RegistryDigests {
    fn sha512_hex(&self) -> Option<String> {
        match self {
            Self::Npm { sha512 } => Some(hex::encode(sha512)),
            Self::Pypi { .. } => None,
        }
    }
}

impl Stage {
    /// Whether it is to be sent yet, or may be sent again.
    fn may_be_sent(&self) -> bool {
        match self {
            Self::Prepared | Self::Sent => true,
            Self::Unknown { cause } => cause.allows_resending(),
            _ => false,
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Verified | Self::Mismatch { .. } | Self::Declared { .. } | Self::Refused { .. } => true,
            Self::Prepared
            | Self::AwaitingRelease
            | Self::AwaitingStage
            | Self::Sent
            | Self::Accepted
            | Self::Pending
            | Self::Unknown { .. }
            | Self::Staged { .. }
            | Self::Shown { .. }
            | Self::Blocked { .. } => false,
        }
    }
}
