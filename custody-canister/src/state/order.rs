//! An order's part of the state: how far each of its artifacts has come. The order itself is kept beside it.

use registry_protocols::verdict::Refusal;
use release_types::{
    CredentialId, MetObstacle, OrderId, OrderStatus, PublicationState, PublishingMode, Sha256Digest, Wait,
    Waiting, order::ArtifactStatus,
};
use serde::Serialize;

use crate::state::event::{BlockedReason, RefusedReason, RegistryDigests, UnknownCause};

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
    pub(super) stage: Stage,
    /// When the stage last changed.
    pub(super) changed_at_ns: u64,
    /// When it was last handed to the network.
    pub(super) sent_at_ns: Option<u64>,
    /// How often a key was derived for it.
    pub(super) derivations: u8,
    /// How often it was handed to the network.
    pub(super) sends: u8,
}

/// How far an artifact has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Stage {
    Prepared,
    Sent,
    Accepted,
    Pending,
    Unknown { cause: UnknownCause },
    Verified,
    Mismatch { shown: String },
    Blocked { reason: BlockedReason },
    Declared { published: bool, reason: String },
    Refused { reason: RefusedReason },
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

    /// What the registry will name it by; known once the bytes were fetched.
    pub fn digests(&self) -> Option<&RegistryDigests> {
        self.digests.as_ref()
    }

    pub fn stage(&self) -> &Stage {
        &self.stage
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

    /// What it waits for if nothing stands in the way.
    fn waiting(&self) -> Waiting {
        match self.stage {
            Stage::Sent => Waiting::Answer,
            Stage::Accepted | Stage::Pending => Waiting::Appearance,
            Stage::Unknown { cause: UnknownCause::AskedToWait { retry_after_s } } => {
                let wait_ns = retry_after_s.saturating_mul(1_000_000_000);
                Waiting::Until { at_ns: self.changed_at_ns.saturating_add(wait_ns) }
            }
            Stage::Unknown { cause: UnknownCause::SaidNo { .. } } => Waiting::Confirmation,
            Stage::Unknown { .. } => Waiting::Outcome,
            Stage::Blocked { .. } => Waiting::People,
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
            state: self.stage.view(),
            changed_at_ns: self.changed_at_ns,
        }
    }
}

impl Stage {
    /// Whether nothing more happens to it.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Verified | Self::Mismatch { .. } | Self::Declared { .. } | Self::Refused { .. } => true,
            Self::Prepared
            | Self::Sent
            | Self::Accepted
            | Self::Pending
            | Self::Unknown { .. }
            | Self::Blocked { .. } => false,
        }
    }

    fn view(&self) -> PublicationState {
        match self {
            Self::Prepared => PublicationState::Prepared,
            Self::Sent => PublicationState::Sent,
            Self::Accepted => PublicationState::Accepted,
            Self::Pending => PublicationState::Pending,
            Self::Unknown { .. } => PublicationState::Unknown,
            Self::Verified => PublicationState::Verified,
            Self::Mismatch { shown } => PublicationState::Mismatch { shown: shown.clone() },
            Self::Blocked { reason } => PublicationState::Blocked { reason: reason.advice().to_owned() },
            Self::Declared { published, reason } => {
                PublicationState::Declared { published: *published, reason: reason.clone() }
            }
            Self::Refused { reason } => PublicationState::Refused { reason: reason.advice() },
        }
    }
}

impl BlockedReason {
    /// What people can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NeverAppeared => {
                "the registry accepted it but never showed it: look for it at the registry, it may be held for review"
            }
            Self::OutcomeUnknown => {
                "it is not known whether it was published and the registry does not show it: look for it at the registry"
            }
        }
    }
}

impl RefusedReason {
    /// What people can do about it.
    pub fn advice(self) -> String {
        match self {
            Self::ByRegistry(refusal) => by_registry(refusal),
            Self::Expired => "the order's time was over before it was sent: propose the release again".into(),
            Self::CredentialNotUsable => {
                "the credential was revoked or ran out: activate another and propose the release again".into()
            }
            Self::SourceDiffers => {
                "the artifact's source no longer serves the approved bytes: upload and propose them again".into()
            }
            Self::NotPublishable => {
                "the approved metadata do not make a valid request: correct the package and propose it again".into()
            }
            Self::TooLarge => {
                "with its metadata it does not fit one HTTPS outcall of 2,000,000 bytes: publish a smaller artifact"
                    .into()
            }
            Self::NotReadable => {
                "the registry's read URL cannot be read without credentials: register one that can".into()
            }
            Self::NotDecryptable => "the sealed token did not open: seal the token anew".into(),
            Self::TooManyDerivations => {
                "it could not be sent although keys were derived several times: see custody's log, then propose again"
                    .into()
            }
            Self::EarlierArtifactFailed => {
                "an earlier artifact of this release failed, so this one was not sent: release a new version".into()
            }
        }
    }
}

fn by_registry(refusal: Refusal) -> String {
    format!("{}: {}", refusal.code(), refusal.advice())
}
