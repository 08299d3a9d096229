//! Watching packages: custody looks at what the registry lists, and freezes when something appears that nobody
//! approved.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{CredentialId, Defect, Ecosystem, Registry, RegistryId, Sha256Digest};

/// Shortest pause between two looks at a package, in seconds.
pub const SHORTEST_INTERVAL_S: u64 = 600;
/// Shortest pause between two looks that each derive a key, in seconds.
pub const SHORTEST_INTERVAL_WITH_TOKEN_S: u64 = 3_600;
/// Pause between two looks where nobody says otherwise, in seconds.
pub const DEFAULT_INTERVAL_S: u64 = 3_600;
/// Longest pause between two looks, in seconds.
pub const LONGEST_INTERVAL_S: u64 = 86_400;

/// One package at one registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct PackageKey {
    pub ecosystem: Ecosystem,
    /// The registry's upload URL, by which credentials are bound as well.
    pub endpoint: String,
    /// Full npm name, or PyPI name in normalised form.
    pub package: String,
}

impl fmt::Display for PackageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} {}", self.package, self.ecosystem, self.endpoint)
    }
}

/// Asks to watch a package. Watching it anew takes what the registry shows then as the new baseline.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct WatchArgs {
    pub registry: Registry,
    /// Full npm name, or PyPI name in normalised form.
    pub package: String,
    /// Pause between two looks: 600 to 86,400 seconds, with a read credential 3,600 at least.
    pub interval_s: u64,
    /// A read-only token, for a registry that lists nothing without one.
    pub read_credential: Option<CredentialId>,
}

impl WatchArgs {
    /// What is wrong with the pause between two looks.
    pub fn interval_defect(field: &str, interval_s: u64, with_token: bool) -> Option<Defect> {
        let shortest_s = if with_token { SHORTEST_INTERVAL_WITH_TOKEN_S } else { SHORTEST_INTERVAL_S };
        let allowed = || {
            let why = if with_token { ", because each look derives a key" } else { "" };
            format!("{shortest_s} to {LONGEST_INTERVAL_S} seconds{why}")
        };
        let is_allowed = (shortest_s..=LONGEST_INTERVAL_S).contains(&interval_s);
        (!is_allowed)
            .then(|| Defect::new(field, interval_s.to_string(), allowed(), "An hour suits most packages."))
    }
}

/// A vote to watch a package or to stop watching it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct WatchProposal {
    pub registry: RegistryId,
    /// Full npm name, or PyPI name in normalised form.
    pub package: String,
    pub change: WatchChange,
}

/// What is to become of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum WatchChange {
    /// Begin, with a new baseline. The pause between two looks is 600 to 86,400 seconds, with a read credential, which is
    /// for registries that list nothing without a token, 3,600 at least.
    Start {
        interval_s: u64,
        read_credential: Option<CredentialId>,
    },
    Stop,
}

/// What a watch compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum ListingKind {
    /// npm: every version with its digest.
    Versions,
    /// npm, where the list of versions exceeds an HTTPS outcall: the versions that dist-tags name, without digests.
    /// A version without a tag goes unnoticed.
    TaggedVersions,
    /// PyPI: every file with its digest.
    Files,
}

/// One version or file that a registry lists.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ListedEntry {
    pub name: String,
    /// The first 16 bytes of the digest that the registry shows, in hexadecimal.
    pub digest: String,
}

/// What was there when the watch began.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct BaselineView {
    pub kind: ListingKind,
    /// How many versions or files.
    pub entries: u32,
    /// Of the whole list, as it is kept; also on the log.
    pub sha256: Sha256Digest,
    pub taken_at_ns: u64,
    /// The last few by name.
    pub sample: Vec<ListedEntry>,
}

/// What a look found that was not as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum FindingKind {
    /// Nobody approved it. The credentials of the package were frozen.
    Unapproved,
    /// Its bytes are others than before, or than those approved. The credentials of the package were frozen.
    DigestChanged,
    /// It was there before and is not any more.
    Vanished,
}

/// Something unexpected, and when it was first seen.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct FindingView {
    pub kind: FindingKind,
    /// The version or file.
    pub name: String,
    pub found_at_ns: u64,
}

/// A watch, as anyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct WatchView {
    pub package: PackageKey,
    pub read_url: String,
    pub interval_s: u64,
    /// The token that it is read with, if it takes one.
    pub read_credential: Option<CredentialId>,
    pub begun_at_ns: u64,
    /// None until the first look succeeded.
    pub baseline: Option<BaselineView>,
    pub findings: Vec<FindingView>,
    /// The last look, whatever came of it.
    pub looked_at_ns: Option<u64>,
    /// The last look whose answer the nodes agreed on.
    pub answered_at_ns: Option<u64>,
    /// Looks since then that brought nothing.
    pub failed_looks: u32,
    /// What watching this package costs within a day at most, in cycles; up to twice that while its list exceeds an
    /// outcall, for then its tags are asked for as well.
    pub most_cycles_per_day: u128,
}
