//! What people are told to do about an order that ended or waits for them.

use registry_protocols::verdict::Refusal;

use crate::state::event::{BlockedReason, RefusedReason};

impl BlockedReason {
    /// What people can do about it.
    pub fn advice(self) -> String {
        let text = match self {
            Self::SaidNo { refusal } => {
                return format!(
                    "one node says that the registry refused it, and nothing is shown so far; a single sending counts as \
                     refused after a day; {}",
                    by_registry(refusal)
                );
            }
            Self::NotConfirmed => {
                "the registry shows the voted digest, but neither its signature nor its second view could be read: look \
                 for them at the registry; once it is declared, propose the same bytes again to have them verified"
            }
            Self::NeverAppeared => {
                "the registry accepted it but never showed it: look for it at the registry, it may be held for review"
            }
            Self::OutcomeUnknown => {
                "it is not known whether it was published and the registry does not show it: look for it at the registry"
            }
            Self::FileNotServed => {
                "the registry shows the approved digest but did not serve the file: try to download it and ask the registry"
            }
            Self::OtherBytesServed => {
                "the registry shows the approved digest and served OTHER bytes under it, not always the same: download the \
                 file and compare; if it is no page of excuses, freeze, revoke the token at the registry and ask it"
            }
            Self::OtherBytesStaged => {
                "the registry served OTHER bytes than approved for the stage, not always the same: do not approve it; \
                 download and compare it, and reject it if it is no page of excuses that you get"
            }
            Self::NotApproved => {
                "it is staged and nobody approved it: approve it, or reject it, declare that, and propose the release again"
            }
            Self::StageGone => {
                "the stage is gone and the registry does not show the version: if somebody rejected it or it expired, \
                 declare that and propose the release again; if it was approved, the registry may show it yet"
            }
            Self::NotReadable => {
                "the registry could not be read, so it is not known whether it was published: look for it there; if it \
                 shows nothing without a token, seal a read-only one (mode read) and name it in the proposal"
            }
            Self::StageNotReadable => {
                "it is staged, but the registry does not serve its bytes, or not in ranges as their size asks for: compare \
                 them by hand, declare this release, then propose it as verify-only"
            }
        };
        text.to_owned()
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
            Self::PackumentTooLarge => {
                "the package's document does not fit one HTTPS outcall of 2,000,000 bytes: use the npm client".into()
            }
            Self::PackumentWithoutRevision => {
                "the registry shows no revision of the package's document, so writing it back could undo another's change: use the npm client"
                    .into()
            }
            Self::NotReadable => {
                "the registry shows nothing without a token: seal a read-only one (mode read) and name it in the proposal, or register a read URL that needs none"
                    .into()
            }
            Self::ProjectClosed => {
                "the project takes no files: see its status at the index, where an owner can unarchive it and the \
                 index's support lift a quarantine; then propose the release again"
                    .into()
            }
            Self::ReleaseClosed => {
                "the release is older than 14 days and takes no further files: release a new version with all its \
                 files at once"
                    .into()
            }
            Self::NotDecryptable => "the sealed token did not open: seal the token anew".into(),
            Self::TooManyDerivations => {
                "it could not be sent although keys were derived several times: see custody's log, then propose again"
                    .into()
            }
            Self::NotPublished => {
                "nobody published it in time: propose it again when it is about to be published".into()
            }
            Self::NotStaged => {
                "nobody staged it in time: propose it again when it is about to be staged".into()
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
