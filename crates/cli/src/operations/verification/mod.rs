//! What `verify` is asked about: files, releases to be fetched by the user's own clients, and lockfiles.

pub mod client;
pub mod governed;
pub mod npm_lockfile;
pub mod release_name;
pub mod requirements;
pub mod subject;

use release_types::Sha256Digest;
use serde::Serialize;

pub use release_name::ReleaseName;
pub use subject::Subject;

/// A digest by which bytes are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileDigest {
    Sha256(Sha256Digest),
    /// In lower-case hexadecimal, as receipts of npm releases have it.
    Sha512(String),
}

impl std::fmt::Display for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sha256(digest) => write!(f, "sha256 {digest}"),
            Self::Sha512(digest) => write!(f, "sha512 {digest}"),
        }
    }
}

/// What a receipt has to say to be an approval: these bytes and, where the user named a release, as that release.
/// Approved bytes that are served as another version are a downgrade, not an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub digest: FileDigest,
    pub release: Option<ReleaseName>,
}

impl Claim {
    /// That these bytes were approved, under whatever name.
    pub fn of_bytes(digest: Sha256Digest) -> Self {
        Self { digest: FileDigest::Sha256(digest), release: None }
    }
}

/// A release that a lockfile pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub release: ReleaseName,
    /// The installer takes whichever file has one of these, so all of them have to be approved.
    pub digests: Vec<FileDigest>,
}
