//! Package registries. Endpoints are data that a vote puts in place; none is written in code.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

/// The protocol family a registry speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum Ecosystem {
    /// The npm registry protocol.
    Npm,
    /// The Python index: legacy upload API and the JSON simple API (PEP 691).
    Pypi,
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npm => "npm",
            Self::Pypi => "PyPI",
        })
    }
}

/// The name a group gives a registry: 1 to 40 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct RegistryId(pub String);

impl fmt::Display for RegistryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a registry takes uploads and where it is read back. Every URL is https.
#[derive(Clone, Debug, PartialEq, Eq, Hash, CandidType, Serialize, Deserialize)]
pub struct Registry {
    pub ecosystem: Ecosystem,
    /// npm: the registry's base URL. PyPI: the upload URL, with its trailing slash.
    pub upload_url: String,
    /// npm: the base URL of version documents (usually the upload URL). PyPI: the base of the simple API.
    pub read_url: String,
    /// PyPI only: base of the version documents `{base}/{project}/{version}/json`, a second view of the same files.
    /// Where it is given, a file counts as verified only when both views show the voted digest.
    pub version_url: Option<String>,
    /// PyPI only: base under which a file lies by its BLAKE2b-256 digest, `{base}/{2 hex}/{2 hex}/{60 hex}/{filename}`.
    pub files_url: Option<String>,
    /// When the registry has announced to end direct publishing by token, in nanoseconds since 1970.
    pub direct_publishing_ends_at_ns: Option<u64>,
}

/// Where a registry stands with direct publishing by token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectPublishing {
    /// No end was announced, or it is far away.
    Open,
    /// It ends within [`END_WARNING_NS`].
    EndsSoon { at_ns: u64 },
    /// The announced end has come.
    Ended { at_ns: u64 },
}

/// How long before its announced end direct publishing is warned of: 90 days.
pub const END_WARNING_NS: u64 = 90 * 24 * 3_600 * 1_000_000_000;

impl DirectPublishing {
    /// Where a registry with this announced end stands at this moment.
    pub fn at(ends_at_ns: Option<u64>, now_ns: u64) -> Self {
        match ends_at_ns {
            Some(at_ns) if now_ns >= at_ns => Self::Ended { at_ns },
            Some(at_ns) if at_ns - now_ns <= END_WARNING_NS => Self::EndsSoon { at_ns },
            _ => Self::Open,
        }
    }
}

impl Registry {
    /// Where it stands with direct publishing by token at this moment.
    pub fn direct_publishing(&self, now_ns: u64) -> DirectPublishing {
        DirectPublishing::at(self.direct_publishing_ends_at_ns, now_ns)
    }

    /// A registry known by its two necessary URLs.
    pub fn new(ecosystem: Ecosystem, upload_url: impl Into<String>, read_url: impl Into<String>) -> Self {
        Self {
            ecosystem,
            upload_url: upload_url.into(),
            read_url: read_url.into(),
            version_url: None,
            files_url: None,
            direct_publishing_ends_at_ns: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_warn_from_ninety_days_before_the_announced_end() {
        let at_ns = 2 * END_WARNING_NS;
        let url = "https://npm.registry.example/";
        let open = Registry::new(Ecosystem::Npm, url, url);
        let ending = Registry { direct_publishing_ends_at_ns: Some(at_ns), ..open.clone() };
        assert_eq!(open.direct_publishing(u64::MAX), DirectPublishing::Open);
        assert_eq!(ending.direct_publishing(END_WARNING_NS - 1), DirectPublishing::Open);
        assert_eq!(ending.direct_publishing(END_WARNING_NS), DirectPublishing::EndsSoon { at_ns });
        assert_eq!(ending.direct_publishing(at_ns - 1), DirectPublishing::EndsSoon { at_ns });
        assert_eq!(ending.direct_publishing(at_ns), DirectPublishing::Ended { at_ns });
    }
}
