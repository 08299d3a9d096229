//! The facts that the state is made of. They go onto the log, which anyone may read: no secret, no ciphertext and
//! no text that a registry wrote is ever part of one.

use candid::Principal;
use registry_protocols::verdict::Refusal;
use release_types::{
    CredentialId, CredentialPolicy, Notice, Obstacle, OrderId, PackageKey, PublishingMode, Settings,
    Sha256Digest, Waiting,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::state::{
    amendment::AmendmentFact, control::ControlFact, freeze::FreezeFact, probe::ProbeFact, proof::ProofFact,
    registry_keys::RegistryKeysFact, staging::StagingFact, watch::WatchFact,
};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The canister was installed.
    Initialized { authority: Principal, key_name: String },
    /// The subnet reported the key that tokens are sealed to.
    LearnedSealingKey { key: ByteBuf },
    /// The subnet reported the key that receipts are signed with.
    LearnedReceiptKey { key: ByteBuf },

    /// A sealed token was taken into custody.
    DepositedCredential { policy: CredentialPolicy, sealed_token_sha256: Sha256Digest },
    /// The authority asked for its activation; a trial decryption follows.
    StartedActivation { credential: CredentialId },
    /// The trial decryption worked: approved orders may use it.
    ActivatedCredential { credential: CredentialId },
    /// The trial decryption failed.
    FailedActivation { credential: CredentialId, reason: UnusableReason },
    /// The authority withdrew it for good.
    RevokedCredential { credential: CredentialId },

    /// npm put another notice beside an answer to a request with this token.
    GotNotice { credential: CredentialId, notice: Notice },

    /// A decryption key is about to be derived. Written before every derivation, and nothing else derives.
    BoundDerivation { purpose: DerivationPurpose },

    /// The authority's order was found in order. The order itself is kept beside the log, under its digest.
    AcceptedOrder {
        order: OrderId,
        content: Sha256Digest,
        mode: PublishingMode,
        credential: Option<CredentialId>,
        read_credential: Option<CredentialId>,
        package: PackageKey,
        version: String,
        expires_at_ns: u64,
        /// When the registry ends direct publishing by token, if it announced that.
        direct_publishing_ends_at_ns: Option<u64>,
        artifacts: Vec<AcceptedArtifact>,
    },
    /// The bytes were fetched, have the voted digest and are not at the registry yet.
    PreparedArtifact {
        order: OrderId,
        artifact: u32,
        digests: RegistryDigests,
        /// Of each chunk, where it does not fit one answer.
        chunks: Vec<Sha256Digest>,
    },
    /// The request is handed to the network.
    SentArtifact { order: OrderId, artifact: u32 },
    /// The request provably never left this canister.
    KeptArtifact { order: OrderId, artifact: u32 },
    /// The registry answered yes.
    GotAcceptance { order: OrderId, artifact: u32 },
    /// The outcome is open; only reading back can tell.
    LostOutcome { order: OrderId, artifact: u32, cause: UnknownCause },
    /// Accepted, but a read-back did not show it yet.
    AwaitedVisibility { order: OrderId, artifact: u32 },
    /// Read-backs showed for long enough that nothing was published; it may be sent again.
    ConcludedAbsence { order: OrderId, artifact: u32 },
    /// Custody sends nothing for it; it waits for people to stage or to publish.
    AwaitedOthers { order: OrderId, artifact: u32 },
    /// What was learned of npm's staging area.
    Staging(StagingFact),
    /// What was learned of the bytes that a registry serves.
    Proof(ProofFact),
    /// What was learned of the keys that registries sign with.
    RegistryKeys(RegistryKeysFact),
    /// The nodes agree that the registry shows another digest.
    FoundMismatch { order: OrderId, artifact: u32, shown: String },
    /// It did not appear in time. It is still looked for, ever more rarely.
    BlockedArtifact { order: OrderId, artifact: u32, reason: BlockedReason },
    /// The authority said what became of an artifact that did not appear. Nobody proved it.
    DeclaredOutcome { order: OrderId, artifact: u32, published: bool, reason: String },
    /// Nothing was published, and nothing will be.
    RefusedArtifact { order: OrderId, artifact: u32, reason: RefusedReason },
    /// Something stands in the way of the order's next step.
    MetObstacle { order: OrderId, obstacle: Obstacle },
    /// It no longer does.
    PassedObstacle { order: OrderId },

    /// Something happened to an amendment.
    Amendment { order: OrderId, fact: AmendmentFact },

    /// The receipt was signed. The envelope is kept beside the log, under its digest.
    SignedReceipt { order: OrderId, envelope_sha256: Sha256Digest },

    /// Something was frozen, or a freeze was lifted.
    Freeze(FreezeFact),
    /// Something happened to the watch of a package.
    Watch(WatchFact),
    /// Something happened to the probe of a token.
    Probe(ProbeFact),
    /// Something happened to an upgrade of this canister.
    Control(ControlFact),
    /// The authority changed the settings.
    ChangedSettings { settings: Settings },
}

/// What a derivation is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DerivationPurpose {
    Activation {
        credential: CredentialId,
    },
    Publication {
        credential: CredentialId,
        order: OrderId,
        artifact: u32,
    },
    /// Reading the staging area: its list, or staged bytes.
    StageReading {
        credential: CredentialId,
        order: OrderId,
        artifact: u32,
    },
    /// Reading back from a registry that shows nothing without a token.
    ReadBack {
        credential: CredentialId,
        order: OrderId,
        artifact: u32,
    },
    Probe {
        credential: CredentialId,
    },
    Amendment {
        credential: CredentialId,
        order: OrderId,
    },
    /// Reading what is amended from a registry that shows nothing without a token.
    AmendmentReading {
        credential: CredentialId,
        order: OrderId,
    },
    /// Looking at a watched package at a registry that lists nothing without a token.
    Look {
        credential: CredentialId,
        package: PackageKey,
    },
}

impl DerivationPurpose {
    /// The credential that the key opens.
    pub fn credential(&self) -> CredentialId {
        match self {
            Self::Activation { credential }
            | Self::Publication { credential, .. }
            | Self::StageReading { credential, .. }
            | Self::ReadBack { credential, .. }
            | Self::Probe { credential }
            | Self::Amendment { credential, .. }
            | Self::AmendmentReading { credential, .. }
            | Self::Look { credential, .. } => *credential,
        }
    }
}

/// One artifact of an accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedArtifact {
    pub filename: String,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
}

/// The digests by which registries name an artifact, computed from its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryDigests {
    /// npm compares the SHA-512.
    Npm { sha512: ByteBuf },
    /// PyPI compares the SHA-256, which the order has, and keeps files under their BLAKE2b-256.
    Pypi { blake2b_256: ByteBuf },
}

/// Why a credential cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnusableReason {
    /// The key could not be derived, repeatedly.
    DerivationFailed,
    /// The subnet's answer was not a valid key.
    InvalidKey,
    /// The ciphertext was not made for this policy and this canister, or is damaged.
    NotDecryptable,
    /// What was sealed is no token of this ecosystem.
    NotAToken,
}

/// Why an outcome is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownCause {
    /// The outcall brought no answer. It may have reached the registry.
    NoAnswer,
    /// The answer does not tell whether it was published.
    AmbiguousAnswer,
    /// The registry says that this version is there already.
    AlreadyExists,
    /// The registry asks to come back later.
    AskedToWait { retry_after_s: u64 },
    /// The answer says no. One node's word: nothing is final before read-backs show for long that nothing is there.
    SaidNo { refusal: Refusal },
    /// The message that awaited the answer failed, or the canister was upgraded meanwhile.
    Interrupted,
    /// Custody was taken back to a snapshot. The code that ran in between may have sent it.
    TakenBack,
    /// It was absent for long, but may no longer be sent again. What was sent before may still appear.
    NotSentAgain { reason: RefusedReason },
}

impl UnknownCause {
    /// What is waited for after this happened at `since_ns`.
    pub fn waiting(self, since_ns: u64) -> Waiting {
        match self {
            Self::AskedToWait { retry_after_s } => {
                let wait_ns = retry_after_s.saturating_mul(1_000_000_000);
                Waiting::Until { at_ns: since_ns.saturating_add(wait_ns) }
            }
            Self::SaidNo { .. } => Waiting::Confirmation,
            Self::NoAnswer
            | Self::AmbiguousAnswer
            | Self::AlreadyExists
            | Self::Interrupted
            | Self::TakenBack
            | Self::NotSentAgain { .. } => Waiting::Outcome,
        }
    }

    /// Whether the same bytes may be sent again once they are known to be absent. Not after "already exists": then
    /// the version is taken, by us or by somebody else. Nor after a no: the answer would be the same. Nor when that was
    /// tried and something stood in the way for good, nor when the log does not say what was sent.
    pub fn allows_resending(self) -> bool {
        match self {
            Self::NoAnswer | Self::AmbiguousAnswer | Self::AskedToWait { .. } | Self::Interrupted => true,
            Self::AlreadyExists | Self::SaidNo { .. } | Self::TakenBack | Self::NotSentAgain { .. } => false,
        }
    }
}

/// Why an artifact waits for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockedReason {
    /// Accepted by the registry, and not shown in all the time that was given.
    NeverAppeared,
    /// Neither shown nor safe to send again.
    OutcomeUnknown,
    /// One node brought a no, and nothing has appeared so far, or the registry could not be read.
    SaidNo { refusal: Refusal },
    /// The version is shown with the voted digest, but its file could not be read in all the time that was given.
    FileNotServed,
    /// The version is shown with the voted digest, but the second source said nothing in all the time that was given.
    NotConfirmed,
    /// It is staged and proven, and nobody approved it in all the time that was given.
    NotApproved,
    /// The version is shown with the voted digest, but other bytes were served under it, not always the same.
    OtherBytesServed,
    /// It is staged, but other bytes were served for it, not always the same.
    OtherBytesStaged,
    /// It is staged, but its bytes cannot be read, so nothing can be proven.
    StageNotReadable,
    /// It was staged and proven, then the stage was gone, and the version was not shown in all the time that was given.
    StageGone,
    /// Other people were to publish, and the registry could not be read when the order's time was over.
    NotReadable,
}

/// Why nothing was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusedReason {
    /// The registry said no.
    ByRegistry(Refusal),
    /// The order's time was over before it could be sent.
    Expired,
    /// The credential was revoked or ran out in the meantime.
    CredentialNotUsable,
    /// The source served other bytes than the order names, or no longer has them.
    SourceDiffers,
    /// The request cannot be built from the order.
    NotPublishable,
    /// Too large for one outcall.
    TooLarge,
    /// The package's whole document does not fit one outcall.
    PackumentTooLarge,
    /// The registry shows no revision of the package's document, so a change could overwrite another's.
    PackumentWithoutRevision,
    /// The registry cannot be read back without credentials, so nothing could ever be verified.
    NotReadable,
    /// The project takes no files: it is archived, quarantined, or has a status that is not known.
    ProjectClosed,
    /// The release is older than an index lets files be added to.
    ReleaseClosed,
    /// The sealed token no longer opens.
    NotDecryptable,
    /// As many keys were derived for it as are allowed.
    TooManyDerivations,
    /// An earlier artifact of the same order failed; a partial release is not continued.
    EarlierArtifactFailed,
    /// Nobody published it in time.
    NotPublished,
    /// Nobody staged it in time.
    NotStaged,
}

impl Event {
    const OWN_OPERATIONS: [&'static str; 37] = [
        "1countersign.initialized",
        "1countersign.learned_sealing_key",
        "1countersign.learned_receipt_key",
        "1countersign.deposited_credential",
        "1countersign.started_activation",
        "1countersign.activated_credential",
        "1countersign.failed_activation",
        "1countersign.revoked_credential",
        "1countersign.got_notice",
        "1countersign.bound_derivation",
        "1countersign.accepted_order",
        "1countersign.prepared_artifact",
        "1countersign.sent_artifact",
        "1countersign.kept_artifact",
        "1countersign.got_acceptance",
        "1countersign.lost_outcome",
        "1countersign.awaited_visibility",
        "1countersign.concluded_absence",
        "1countersign.awaited_others",
        "1countersign.found_mismatch",
        "1countersign.blocked_artifact",
        "1countersign.declared_outcome",
        "1countersign.refused_artifact",
        "1countersign.met_obstacle",
        "1countersign.passed_obstacle",
        "1countersign.signed_receipt",
        "1countersign.froze",
        "1countersign.lifted_freeze",
        "1countersign.began_watch",
        "1countersign.took_baseline",
        "1countersign.found_unapproved",
        "1countersign.found_change",
        "1countersign.missed_version",
        "1countersign.ended_watch",
        "1countersign.asked_probe",
        "1countersign.concluded_probe",
        "1countersign.changed_settings",
    ];

    /// Every operation that may be on the log.
    pub fn operations() -> impl Iterator<Item = &'static str> {
        Self::OWN_OPERATIONS
            .into_iter()
            .chain(StagingFact::OPERATIONS)
            .chain(ProofFact::OPERATIONS)
            .chain(RegistryKeysFact::OPERATIONS)
            .chain(AmendmentFact::OPERATIONS)
            .chain(ControlFact::OPERATIONS)
    }

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Initialized { .. } => "1countersign.initialized",
            Self::LearnedSealingKey { .. } => "1countersign.learned_sealing_key",
            Self::LearnedReceiptKey { .. } => "1countersign.learned_receipt_key",
            Self::DepositedCredential { .. } => "1countersign.deposited_credential",
            Self::StartedActivation { .. } => "1countersign.started_activation",
            Self::ActivatedCredential { .. } => "1countersign.activated_credential",
            Self::FailedActivation { .. } => "1countersign.failed_activation",
            Self::RevokedCredential { .. } => "1countersign.revoked_credential",
            Self::GotNotice { .. } => "1countersign.got_notice",
            Self::BoundDerivation { .. } => "1countersign.bound_derivation",
            Self::AcceptedOrder { .. } => "1countersign.accepted_order",
            Self::PreparedArtifact { .. } => "1countersign.prepared_artifact",
            Self::SentArtifact { .. } => "1countersign.sent_artifact",
            Self::KeptArtifact { .. } => "1countersign.kept_artifact",
            Self::GotAcceptance { .. } => "1countersign.got_acceptance",
            Self::LostOutcome { .. } => "1countersign.lost_outcome",
            Self::AwaitedVisibility { .. } => "1countersign.awaited_visibility",
            Self::ConcludedAbsence { .. } => "1countersign.concluded_absence",
            Self::AwaitedOthers { .. } => "1countersign.awaited_others",
            Self::Staging(fact) => fact.operation(),
            Self::Proof(fact) => fact.operation(),
            Self::RegistryKeys(fact) => fact.operation(),
            Self::FoundMismatch { .. } => "1countersign.found_mismatch",
            Self::BlockedArtifact { .. } => "1countersign.blocked_artifact",
            Self::DeclaredOutcome { .. } => "1countersign.declared_outcome",
            Self::RefusedArtifact { .. } => "1countersign.refused_artifact",
            Self::MetObstacle { .. } => "1countersign.met_obstacle",
            Self::PassedObstacle { .. } => "1countersign.passed_obstacle",
            Self::Amendment { fact, .. } => fact.operation(),
            Self::SignedReceipt { .. } => "1countersign.signed_receipt",
            Self::Freeze(fact) => fact.operation(),
            Self::Watch(fact) => fact.operation(),
            Self::Probe(fact) => fact.operation(),
            Self::Control(fact) => fact.operation(),
            Self::ChangedSettings { .. } => "1countersign.changed_settings",
        }
    }
}
