//! The ways to change something at a registry that the campaign goes through.

use e2e_tests::world::{NPM_TOKEN, PYPI_TOKEN};
use ic_management_canister_types::HttpMethod;
use release_types::{Ecosystem, PublishingMode};
use serde::{Deserialize, Serialize};

/// A way to publish or to amend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// What happens in it, for the reader of the table.
    pub fn description(self) -> &'static str {
        match self {
            Self::NpmDirect => {
                "Custody looks that the version is not there, derives the key, puts the package with the token that it \
                 opens, reads the version document back, checks the registry's signature and the tarball, and signs the \
                 receipt."
            }
            Self::Pypi => {
                "Each of two files is uploaded with a token narrowed to this project and a few minutes, and read back, \
                 confirmed by the index's second view and proven by its bytes, one after the other; one receipt names \
                 both."
            }
            Self::NpmStaged => {
                "Custody uploads to the staging area, reads the staged bytes back with the token, and tells what to \
                 approve. A person approves at the registry; then custody verifies the published version."
            }
            Self::NpmStagedElsewhere => {
                "As before, but somebody else has staged, a CI for instance, and custody finds the stage."
            }
            Self::NpmVerifyOnly => {
                "Custody holds no token and sends nothing: it waits for the version that others publish, and compares."
            }
            Self::NpmPrivate => {
                "As in the first, and each look needs a second token, for reading, and a key derived for it."
            }
            Self::NpmDistTag => "Custody reads which version the tag names, changes it, and reads it back.",
            Self::NpmDeprecation => {
                "Custody reads the package's whole document, puts it back with the message added, and reads it back."
            }
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
