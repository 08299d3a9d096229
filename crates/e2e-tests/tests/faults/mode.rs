//! The ways to change something at a registry that the campaign goes through.

use e2e_tests::world::{NPM_TOKEN, PYPI_TOKEN};
use ic_management_canister_types::HttpMethod;
use release_types::{Ecosystem, PublishingMode};

/// A way to publish or to amend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    NpmDirect,
    /// Two files, a wheel and a source distribution.
    Pypi,
    /// Custody stages, a person approves what custody has proven.
    NpmStaged,
    /// Somebody else stages, a person approves what custody has proven.
    NpmStagedElsewhere,
    /// Somebody else publishes.
    NpmVerifyOnly,
    /// Directly, to a registry that shows nothing without a token.
    NpmPrivate,
    /// A dist-tag is moved to another version.
    NpmDistTag,
    /// A version is deprecated.
    NpmDeprecation,
}

impl Mode {
    pub const ALL: [Self; 8] = [
        Self::NpmDirect,
        Self::Pypi,
        Self::NpmStaged,
        Self::NpmStagedElsewhere,
        Self::NpmVerifyOnly,
        Self::NpmPrivate,
        Self::NpmDistTag,
        Self::NpmDeprecation,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::NpmDirect => "npm, direct",
            Self::Pypi => "Python index, a release of two files",
            Self::NpmStaged => "npm, staged",
            Self::NpmStagedElsewhere => "npm, staged elsewhere",
            Self::NpmVerifyOnly => "npm, verify only",
            Self::NpmPrivate => "npm, direct, a registry that shows nothing without a token",
            Self::NpmDistTag => "npm, a dist-tag is moved",
            Self::NpmDeprecation => "npm, a version is deprecated",
        }
    }

    pub fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Pypi => Ecosystem::Pypi,
            _ => Ecosystem::Npm,
        }
    }

    /// How the bytes reach the registry; an amendment sends none, by the token for direct publishing.
    pub fn publishing(self) -> PublishingMode {
        match self {
            Self::NpmStaged => PublishingMode::Staged,
            Self::NpmStagedElsewhere => PublishingMode::StagedElsewhere,
            Self::NpmVerifyOnly => PublishingMode::VerifyOnly,
            Self::NpmDirect | Self::Pypi | Self::NpmPrivate | Self::NpmDistTag | Self::NpmDeprecation => {
                PublishingMode::Direct
            }
        }
    }

    pub fn is_amendment(self) -> bool {
        matches!(self, Self::NpmDistTag | Self::NpmDeprecation)
    }

    /// The HTTP method by which custody sends.
    pub fn sends_by(self) -> HttpMethod {
        match self {
            Self::NpmStaged | Self::Pypi => HttpMethod::POST,
            _ => HttpMethod::PUT,
        }
    }

    pub fn package(self) -> &'static str {
        match self.ecosystem() {
            Ecosystem::Npm => "@dao/demo",
            Ecosystem::Pypi => "dao-demo",
        }
    }

    /// The token that custody sends with.
    pub fn token(self) -> &'static str {
        match self.ecosystem() {
            Ecosystem::Npm => NPM_TOKEN,
            Ecosystem::Pypi => PYPI_TOKEN,
        }
    }
}
