//! Watched packages: the facts, and the part of the state that they make. What each baseline lists is kept beside the
//! log, under its digest.

use std::collections::BTreeMap;

use registry_protocols::listing::DigestPrefix;
use release_types::{
    CredentialId, PackageKey, Sha256Digest,
    watch::{FindingKind, ListingKind},
};
use serde::{Deserialize, Serialize};

/// Something that happened to the watch of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatchFact {
    /// The authority asked for it. What the next look finds is its baseline.
    Began {
        package: PackageKey,
        read_url: String,
        interval_s: u64,
        read_credential: Option<CredentialId>,
        /// When the registry ends direct publishing by token, if it announced that.
        direct_publishing_ends_at_ns: Option<u64>,
    },
    /// The nodes agreed on what the registry lists.
    TookBaseline { package: PackageKey, kind: ListingKind, sha256: Sha256Digest, entries: u32 },
    /// A version or file that nobody approved.
    FoundUnapproved { package: PackageKey, name: String, digest: DigestPrefix },
    /// A version or file with other bytes than before, or than were approved.
    FoundChange { package: PackageKey, name: String, digest: DigestPrefix },
    /// A version or file of the baseline that is no longer listed.
    Missed { package: PackageKey, name: String },
    /// The authority ended it.
    Ended { package: PackageKey },
}

impl WatchFact {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Began { .. } => "1countersign.began_watch",
            Self::TookBaseline { .. } => "1countersign.took_baseline",
            Self::FoundUnapproved { .. } => "1countersign.found_unapproved",
            Self::FoundChange { .. } => "1countersign.found_change",
            Self::Missed { .. } => "1countersign.missed_version",
            Self::Ended { .. } => "1countersign.ended_watch",
        }
    }
}

/// All watched packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Watches(BTreeMap<PackageKey, Watch>);

/// One watched package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watch {
    pub read_url: String,
    pub interval_s: u64,
    /// The token that it is read with, if the registry lists nothing without one.
    pub read_credential: Option<CredentialId>,
    pub begun_at_ns: u64,
    /// None until the first look succeeded.
    pub baseline: Option<Baseline>,
    /// What was not as expected, by version or file.
    pub findings: BTreeMap<String, Finding>,
}

/// What was there when the watch began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Baseline {
    pub kind: ListingKind,
    pub sha256: Sha256Digest,
    pub entries: u32,
    pub taken_at_ns: u64,
}

/// Something that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: FindingKind,
    /// The digest shown; none if the entry is gone.
    pub digest: Option<DigestPrefix>,
    pub found_at_ns: u64,
}

impl Watches {
    pub fn get(&self, package: &PackageKey) -> Option<&Watch> {
        self.0.get(package)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&PackageKey, &Watch)> {
        self.0.iter()
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &WatchFact) {
        match fact {
            WatchFact::Began { package, read_url, interval_s, read_credential, .. } => {
                let watch = Watch {
                    read_url: read_url.clone(),
                    interval_s: *interval_s,
                    read_credential: *read_credential,
                    begun_at_ns: time_ns,
                    baseline: None,
                    findings: BTreeMap::new(),
                };
                self.0.insert(package.clone(), watch);
            }
            WatchFact::TookBaseline { package, kind, sha256, entries } => {
                let baseline =
                    Baseline { kind: *kind, sha256: *sha256, entries: *entries, taken_at_ns: time_ns };
                let earlier = self.expect(package).baseline.replace(baseline);
                assert!(earlier.is_none(), "BUG: a watch has two baselines");
            }
            WatchFact::FoundUnapproved { package, name, digest } => {
                self.note(package, name, FindingKind::Unapproved, Some(*digest), time_ns);
            }
            WatchFact::FoundChange { package, name, digest } => {
                self.note(package, name, FindingKind::DigestChanged, Some(*digest), time_ns);
            }
            WatchFact::Missed { package, name } => {
                self.note(package, name, FindingKind::Vanished, None, time_ns);
            }
            WatchFact::Ended { package } => {
                self.expect(package);
                self.0.remove(package);
            }
        }
    }

    fn note(
        &mut self,
        package: &PackageKey,
        name: &str,
        kind: FindingKind,
        digest: Option<DigestPrefix>,
        found_at_ns: u64,
    ) {
        let finding = Finding { kind, digest, found_at_ns };
        self.expect(package).findings.insert(name.to_owned(), finding);
    }

    fn expect(&mut self, package: &PackageKey) -> &mut Watch {
        self.0.get_mut(package).unwrap_or_else(|| panic!("BUG: {package} is not watched"))
    }
}
