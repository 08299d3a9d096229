//! Asking a registry for everything that it lists of a package.

use registry_protocols::{
    endpoint::EndpointUrl,
    http::HttpAnswer,
    listing::{ListingReading, MAX_LISTING_BYTES},
    npm, pypi,
    reading::NotAReading,
};
use release_types::{Defect, Ecosystem, PackageKey, watch::ListingKind};
use serde::{Deserialize, Serialize};

use crate::{outcall::Inquiry, runtime::Runtime, state::watch::Watch, storage};

/// Room for the Candid envelope of a reduced list.
const ENVELOPE_BYTES: u64 = 2_048;
/// Room for what a package gains over its baseline: some thousand versions.
const GROWTH_BYTES: u64 = 100_000;

/// What is listed. Also the context of the transform that reduces the nodes' answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingQuestion {
    kind: ListingKind,
    package: String,
}

impl ListingQuestion {
    /// Reduces an answer to bytes on which all nodes can agree.
    pub fn reduce(&self, answer: &HttpAnswer) -> Vec<u8> {
        match self.kind {
            ListingKind::Versions => npm::read_versions(answer, &self.package),
            ListingKind::TaggedVersions => npm::read_tagged_versions(answer),
            ListingKind::Files => pypi::read_files(answer, &self.package),
        }
        .reduced()
    }
}

/// What to ask for first; npm's list of versions may prove too long.
pub fn first_kind(ecosystem: Ecosystem) -> ListingKind {
    match ecosystem {
        Ecosystem::Npm => ListingKind::Versions,
        Ecosystem::Pypi => ListingKind::Files,
    }
}

/// What asks every node for the list; none if the package's name cannot stand in a URL.
pub fn inquiry<R: Runtime>(
    runtime: &R,
    package: &PackageKey,
    watch: &Watch,
    kind: ListingKind,
) -> Option<Inquiry> {
    let read = EndpointUrl::check("read_url", &watch.read_url).ok()?;
    let (name, nonce) = (package.package.as_str(), runtime.time_ns());
    let request = match kind {
        ListingKind::Versions => npm::versions_request(&read, name, nonce).ok()?,
        ListingKind::TaggedVersions => npm::tags_request(&read, name, nonce).ok()?,
        ListingKind::Files => pypi::project_request(&read, name).ok()?,
    };
    let question = ListingQuestion { kind, package: package.package.clone() };
    Some(Inquiry::of_listing(request, question, reduced_bytes(package)))
}

/// How large the reduced list may be: as the baseline with room to grow; anything while there is none, or after a look
/// that failed, because it may have outgrown that.
fn reduced_bytes(package: &PackageKey) -> u64 {
    let most = MAX_LISTING_BYTES as u64 + ENVELOPE_BYTES;
    let failed = storage::look(package).is_none_or(|look| look.failures > 0);
    match storage::listing_bytes(package) {
        Some(bytes) if !failed => (bytes + GROWTH_BYTES).min(most),
        _ => most,
    }
}

/// Reads what [`ListingQuestion::reduce`] wrote.
pub fn parse(reduced: &[u8]) -> Result<ListingReading, NotAReading> {
    ListingReading::parse_reduced_within(reduced, MAX_LISTING_BYTES)
}

/// What is wrong with a package's name.
pub fn name_defect(ecosystem: Ecosystem, package: &str) -> Option<Defect> {
    let (is_name, allowed) = match ecosystem {
        Ecosystem::Npm => (npm::escaped_name(package).is_ok(), "the full npm name"),
        Ecosystem::Pypi => (
            pypi::normalized_project(package).is_ok_and(|name| name == package),
            "the project's name in normalised form",
        ),
    };
    let found = || package.escape_default().take(60).collect::<String>();
    (!is_name).then(|| Defect::new("package", found(), allowed, "Give the name as the registry has it."))
}
