//! What a list shows that was neither there before nor approved.

use registry_protocols::listing::{DigestPrefix, Listing};
use release_types::{
    PackageKey,
    watch::{FindingKind, ListingKind},
};

use crate::state::{
    Artifact, Order, Stage, State,
    event::RegistryDigests,
    watch::{Watch, WatchFact},
};

/// Most findings that are kept of one watch, of what freezes and of what is gone each; whoever floods a package is
/// noticed by the first.
const MAX_FINDINGS: usize = 50;

/// What an order says of a version or file that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    /// These bytes were approved, and verified.
    Approved,
    /// An order for these bytes is under way, or nobody knows what became of it: reading back decides.
    Undecided,
    /// Others were approved.
    OtherBytes { by_open_order: bool },
}

/// Every new finding of a look.
pub fn findings(
    state: &State,
    package: &PackageKey,
    watch: &Watch,
    kind: ListingKind,
    baseline: &Listing,
    shown: &Listing,
) -> Vec<WatchFact> {
    // What is gone, or was found before, never crowds out what freezes.
    let gone = watch.findings.values().filter(|finding| finding.kind == FindingKind::Vanished).count();
    let room_for_gone = MAX_FINDINGS.saturating_sub(gone);
    let room = MAX_FINDINGS.saturating_sub(watch.findings.len() - gone).max(1);
    let by_name = kind == ListingKind::TaggedVersions;
    let appeared = shown.entries.iter().filter_map(|(name, digest)| {
        let is_known = |known: DigestPrefix| by_name || known == *digest;
        let told = watch.findings.get(name).and_then(|finding| finding.digest).is_some_and(is_known);
        if told || baseline.entries.get(name).copied().is_some_and(is_known) {
            return None;
        }
        let (package, name, digest) = (package.clone(), name.clone(), *digest);
        if baseline.entries.contains_key(&name) {
            return Some(WatchFact::FoundChange { package, name, digest });
        }
        match account(state, &package, kind, &name, digest) {
            Some(Account::Approved | Account::Undecided) => None,
            Some(Account::OtherBytes { .. }) => Some(WatchFact::FoundChange { package, name, digest }),
            None => Some(WatchFact::FoundUnapproved { package, name, digest }),
        }
    });
    let missed = missed(package, watch, kind, baseline, shown);
    appeared.take(room).chain(missed.into_iter().take(room_for_gone)).collect()
}

/// What is gone. A version that lost its tag is not; of a package that is gone as a whole, its name is told once.
fn missed(
    package: &PackageKey,
    watch: &Watch,
    kind: ListingKind,
    baseline: &Listing,
    shown: &Listing,
) -> Vec<WatchFact> {
    let is_told = |name: &String| watch.findings.contains_key(name);
    let fact = |name: &String| WatchFact::Missed { package: package.clone(), name: name.clone() };
    if kind == ListingKind::TaggedVersions || baseline.entries.is_empty() {
        return Vec::new();
    }
    if shown.entries.is_empty() {
        return if is_told(&package.package) { Vec::new() } else { vec![fact(&package.package)] };
    }
    let is_gone = |name: &&String| !shown.entries.contains_key(*name) && !is_told(name);
    baseline.entries.keys().filter(is_gone).map(fact).collect()
}

/// What the newest order for it says. One that is open and names other bytes counts only if no other says anything: an
/// approval that is not carried out takes none back that was.
fn account(
    state: &State,
    package: &PackageKey,
    kind: ListingKind,
    name: &str,
    digest: DigestPrefix,
) -> Option<Account> {
    let is_weak = |account: &Account| matches!(account, Account::OtherBytes { by_open_order: true });
    let (weak, strong): (Vec<_>, Vec<_>) =
        state.orders_of(package).filter_map(|order| account_of(order, kind, name, digest)).partition(is_weak);
    strong.into_iter().chain(weak).next()
}

fn account_of(order: &Order, kind: ListingKind, name: &str, digest: DigestPrefix) -> Option<Account> {
    let artifact = named(order, kind, name)?;
    let is_same = approved_digest(artifact, kind).is_none_or(|approved| approved == digest);
    match artifact.stage() {
        Stage::Verified | Stage::Declared { published: true, .. } if is_same => Some(Account::Approved),
        Stage::Verified | Stage::Declared { published: true, .. } => {
            Some(Account::OtherBytes { by_open_order: false })
        }
        stage if stage.is_final() => None,
        _ if is_same => Some(Account::Undecided),
        _ => Some(Account::OtherBytes { by_open_order: true }),
    }
}

/// The artifact of an order that is listed under this name.
fn named<'a>(order: &'a Order, kind: ListingKind, name: &str) -> Option<&'a Artifact> {
    match kind {
        ListingKind::Versions | ListingKind::TaggedVersions => {
            order.artifacts().first().filter(|_| order.version() == name)
        }
        ListingKind::Files => order.artifacts().iter().find(|artifact| artifact.filename() == name),
    }
}

/// The digest that was approved; none where the list shows none, or the bytes were never seen.
fn approved_digest(artifact: &Artifact, kind: ListingKind) -> Option<DigestPrefix> {
    match kind {
        ListingKind::TaggedVersions => None,
        ListingKind::Files => Some(DigestPrefix::of(&artifact.sha256().0)),
        ListingKind::Versions => match artifact.digests()? {
            RegistryDigests::Npm { sha512 } => Some(DigestPrefix::of(sha512)),
            RegistryDigests::Pypi { .. } => None,
        },
    }
}
