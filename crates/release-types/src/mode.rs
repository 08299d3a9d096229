//! The ways in which an approved release reaches its registry, and the credential that each needs.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{CredentialMode, Defect, Ecosystem};

/// How the approved bytes come to be published. Whatever the way, custody signs a receipt only after reading the
/// registry back.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize,
)]
pub enum PublishingMode {
    /// Custody uploads the bytes itself.
    #[default]
    Direct,
    /// npm: custody stages the bytes and proves what was staged; a person then approves at the registry.
    Staged,
    /// npm: somebody else stages, usually a CI job by trusted publishing; custody proves what was staged and a person
    /// then approves at the registry.
    StagedElsewhere,
    /// The group publishes however it likes; custody compares what is live with what was voted.
    VerifyOnly,
}

impl PublishingMode {
    /// The kind of credential that an order of this mode names; none for [`Self::VerifyOnly`].
    pub fn credential_mode(self) -> Option<CredentialMode> {
        match self {
            Self::Direct => Some(CredentialMode::Direct),
            Self::Staged | Self::StagedElsewhere => Some(CredentialMode::Staged),
            Self::VerifyOnly => None,
        }
    }

    /// Whether custody itself sends the bytes, which must then fit one HTTPS outcall.
    pub fn sends_bytes(self) -> bool {
        matches!(self, Self::Direct | Self::Staged)
    }

    /// Whether the version waits in the registry's staging area for a person to approve it.
    pub fn uses_staging_area(self) -> bool {
        matches!(self, Self::Staged | Self::StagedElsewhere)
    }

    /// What is wrong with publishing to an ecosystem in this mode, with a credential or without one.
    pub fn defects(self, ecosystem: Ecosystem, names_credential: bool) -> Vec<Defect> {
        let mut defects = Vec::new();
        if ecosystem == Ecosystem::Pypi && self.uses_staging_area() {
            defects.push(Defect::new(
                "mode",
                self.to_string(),
                "direct or verify-only: a Python index has no staging area",
                "Choose one of these.",
            ));
        }
        match (self.credential_mode(), names_credential) {
            (Some(needed), false) => defects.push(Defect::new(
                "credential",
                "none",
                format!("a {needed} credential, which {self} releases need"),
                "Seal one of that kind, or choose verify-only, which needs none.",
            )),
            (None, true) => defects.push(Defect::new(
                "credential",
                "one",
                format!("none, because {self} releases send nothing"),
                "Leave it out, or choose another mode.",
            )),
            (Some(_), true) | (None, false) => {}
        }
        defects
    }
}

impl fmt::Display for PublishingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Staged => "staged",
            Self::StagedElsewhere => "staged-elsewhere",
            Self::VerifyOnly => "verify-only",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(mode: PublishingMode, ecosystem: Ecosystem, names_credential: bool) -> Vec<String> {
        mode.defects(ecosystem, names_credential).into_iter().map(|defect| defect.field).collect()
    }

    #[test]
    fn should_ask_for_a_credential_exactly_when_a_token_is_used() {
        for mode in [PublishingMode::Direct, PublishingMode::Staged, PublishingMode::StagedElsewhere] {
            assert!(fields(mode, Ecosystem::Npm, true).is_empty(), "{mode}");
            assert_eq!(fields(mode, Ecosystem::Npm, false), ["credential"], "{mode}");
        }
        assert!(fields(PublishingMode::VerifyOnly, Ecosystem::Pypi, false).is_empty());
        assert_eq!(fields(PublishingMode::VerifyOnly, Ecosystem::Npm, true), ["credential"]);
    }

    #[test]
    fn should_refuse_staging_when_the_registry_is_a_python_index() {
        assert_eq!(fields(PublishingMode::Staged, Ecosystem::Pypi, true), ["mode"]);
        assert_eq!(fields(PublishingMode::StagedElsewhere, Ecosystem::Pypi, true), ["mode"]);
        assert!(fields(PublishingMode::Direct, Ecosystem::Pypi, true).is_empty());
    }
}
