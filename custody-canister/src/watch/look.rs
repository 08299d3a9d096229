//! One look at a watched package, by all nodes, and what follows from it.
//!
//! A look that fails never freezes anything: it says nothing about the package.

use std::time::Duration;

use registry_protocols::{
    listing::Listing,
    reading::{Reading, Unreadable},
};
use release_types::{
    CredentialId, CredentialMode, FreezeScope, Obstacle, PackageKey, Registry, Sha256Digest,
    freeze::FreezeReason, watch::ListingKind,
};

use crate::{
    asking::{self, NotAsked, TokenUse},
    freeze, funds, guard,
    outcall::{EncodedOutcall, Inquiry},
    runtime::{CallError, Runtime},
    state::{
        Event,
        event::{DerivationPurpose, RefusedReason},
        process_event, read_state,
        watch::{Watch, WatchFact},
    },
    storage::{self, Look},
    tasks::Task,
    watch::{comparison, listing, usable_for_reading},
};

/// Pause before the next try while there is no baseline, at most.
const BASELINE_PAUSE: Duration = Duration::from_secs(5 * 60);

/// What one look brought.
enum Answer {
    Listed(ListingKind, Listing),
    Nothing,
    /// The registry asked not to be read for so long.
    ComeBackLater(Duration),
}

/// When the next look is due, from now; none if the package is not watched.
pub fn due_in<R: Runtime>(runtime: &R, package: &PackageKey) -> Option<Duration> {
    let watch = read_state(|state| state.watches().get(package).cloned())?;
    let (last_ns, not_before_ns) =
        storage::look(package).map_or((0, 0), |look| (look.at_ns, look.not_before_ns));
    let pause_ns = u64::try_from(pause(&watch).as_nanos()).unwrap_or(u64::MAX);
    let due_ns = last_ns.saturating_add(pause_ns).max(not_before_ns);
    Some(Duration::from_nanos(due_ns.saturating_sub(runtime.time_ns())))
}

/// Looks at a package, unless that is being done already.
pub async fn run<R: Runtime>(runtime: R, package: PackageKey) {
    guard::run_alone(&runtime, Task::Look(package.clone()), step(&runtime, &package)).await;
}

async fn step<R: Runtime>(runtime: &R, package: &PackageKey) -> Option<Duration> {
    let watch = read_state(|state| state.watches().get(package).cloned())?;
    let answer = ask(runtime, package, &watch).await;
    // The watch may have been ended or begun anew meanwhile.
    let present = read_state(|state| state.watches().get(package).cloned())?;
    if present.begun_at_ns != watch.begun_at_ns {
        return Some(Duration::ZERO);
    }
    note(runtime, package, &answer, &present);
    match (answer, &present.baseline) {
        (Answer::Listed(kind, shown), None) => take_baseline(runtime, package, kind, &shown),
        (Answer::Listed(kind, shown), Some(_)) => compare(runtime, package, &present, kind, &shown),
        (Answer::Nothing | Answer::ComeBackLater(_), _) => {
            runtime.log("a look at a watched package brought nothing");
        }
    }
    due_in(runtime, package)
}

async fn ask<R: Runtime>(runtime: &R, package: &PackageKey, watch: &Watch) -> Answer {
    let first = watch.baseline.as_ref().map_or(listing::first_kind(package.ecosystem), |known| known.kind);
    match ask_for(runtime, package, watch, first).await {
        // The tags name what people install by default. A thief must not get out of sight by making the list too long.
        Err(TooLong) if first == ListingKind::Versions => {
            ask_for(runtime, package, watch, ListingKind::TaggedVersions).await.unwrap_or(Answer::Nothing)
        }
        Err(TooLong) => Answer::Nothing,
        Ok(answer) => answer,
    }
}

/// The list exceeds what an outcall can bring.
struct TooLong;

async fn ask_for<R: Runtime>(
    runtime: &R,
    package: &PackageKey,
    watch: &Watch,
    kind: ListingKind,
) -> Result<Answer, TooLong> {
    let Some(inquiry) = listing::inquiry(runtime, package, watch, kind) else { return Ok(Answer::Nothing) };
    let outcall = match outcall(runtime, package, watch, inquiry).await {
        Ok(outcall) => outcall,
        Err(not_asked) => {
            runtime.log(match not_asked {
                NotAsked::Waits(Obstacle::TooFewCycles) => "watching waits for cycles",
                NotAsked::Waits(_) => "watching waits for a key",
                NotAsked::Never(_) => "the token may not be used to watch any more",
            });
            return Ok(Answer::Nothing);
        }
    };
    let answer = match runtime.send(outcall).await {
        Ok(answer) => answer,
        Err(CallError::AnswerTooLarge) => return Err(TooLong),
        Err(_) => return Ok(Answer::Nothing),
    };
    match listing::parse(&answer.body) {
        Ok(Reading::Present(shown)) => Ok(Answer::Listed(kind, shown)),
        // A package that was never published, or is gone, lists nothing.
        Ok(Reading::Absent) => Ok(Answer::Listed(kind, Listing::default())),
        Ok(Reading::Unreadable { why: Unreadable::TooMany }) => Err(TooLong),
        Ok(Reading::Unreadable { why: Unreadable::ComeBackLater { after_s } }) => {
            Ok(Answer::ComeBackLater(Duration::from_secs(after_s.into())))
        }
        Ok(Reading::Unreadable { .. }) | Err(_) => Ok(Answer::Nothing),
    }
}

/// The outcall of a look, with the watch's token where it takes one.
async fn outcall<R: Runtime>(
    runtime: &R,
    package: &PackageKey,
    watch: &Watch,
    inquiry: Inquiry,
) -> Result<EncodedOutcall, NotAsked> {
    let outcalls = match watch.read_credential {
        None => asking::open(runtime, vec![inquiry])?,
        Some(credential) => {
            let token = TokenUse {
                purpose: DerivationPurpose::Look { credential, package: package.clone() },
                package: &package.package,
                reserve_cycles: funds::read_cycles(runtime),
            };
            let admitted = || admitted(runtime, package, watch, &credential);
            asking::authorize(runtime, token, vec![inquiry], admitted).await?
        }
    };
    outcalls.into_iter().next().ok_or(NotAsked::Never(RefusedReason::NotPublishable))
}

/// Whether the watch still stands as it did, and its token may be used for it.
fn admitted<R: Runtime>(
    runtime: &R,
    package: &PackageKey,
    watch: &Watch,
    credential: &CredentialId,
) -> Result<(), NotAsked> {
    let registry = Registry::new(package.ecosystem, &package.endpoint, &watch.read_url);
    let stands = read_state(|state| {
        state.watches().get(package).is_some_and(|present| present.begun_at_ns == watch.begun_at_ns)
    });
    if stands && usable_for_reading(credential, &registry, &package.package, runtime.time_ns()) {
        return Ok(());
    }
    Err(NotAsked::Never(RefusedReason::CredentialNotUsable))
}

/// Whether a look brought all that the watch compares; a list of tags in the place of all versions is not that.
fn is_whole(answer: &Answer, watch: &Watch) -> bool {
    let Answer::Listed(shown, _) = answer else { return false };
    watch.baseline.as_ref().is_none_or(|baseline| baseline.kind == *shown)
}

fn note<R: Runtime>(runtime: &R, package: &PackageKey, answer: &Answer, watch: &Watch) {
    let at_ns = runtime.time_ns();
    let last = storage::look(package);
    let asked_wait = match answer {
        Answer::ComeBackLater(wait) => *wait,
        Answer::Listed(..) | Answer::Nothing => Duration::ZERO,
    };
    let not_before_ns = at_ns.saturating_add(asked_wait.as_nanos() as u64);
    let look = if is_whole(answer, watch) {
        Look { at_ns, answered_at_ns: Some(at_ns), failures: 0, not_before_ns }
    } else {
        Look {
            at_ns,
            answered_at_ns: last.and_then(|look| look.answered_at_ns),
            failures: last.map_or(0, |look| look.failures).saturating_add(1),
            not_before_ns,
        }
    };
    storage::keep_look(package, look);
}

fn take_baseline<R: Runtime>(runtime: &R, package: &PackageKey, kind: ListingKind, shown: &Listing) {
    let sha256 = Sha256Digest::of(&storage::keep_listing(package, shown));
    let entries = u32::try_from(shown.entries.len()).unwrap_or(u32::MAX);
    let took = WatchFact::TookBaseline { package: package.clone(), kind, sha256, entries };
    process_event(runtime, Event::Watch(took));
}

fn compare<R: Runtime>(runtime: &R, package: &PackageKey, watch: &Watch, kind: ListingKind, shown: &Listing) {
    let Some(baseline) = storage::listing(package) else {
        panic!("BUG: the baseline of {package} is missing")
    };
    let found = read_state(|state| comparison::findings(state, package, watch, kind, &baseline, shown));
    for fact in found {
        let reason = freeze_reason(&fact);
        process_event(runtime, Event::Watch(fact));
        let Some(reason) = reason else { continue };
        for credential in covering(package) {
            freeze::impose(runtime, FreezeScope::Credential(credential), reason.clone());
        }
    }
}

/// Why a finding freezes, if it does.
fn freeze_reason(fact: &WatchFact) -> Option<FreezeReason> {
    match fact {
        WatchFact::FoundUnapproved { package, name, .. } => {
            Some(FreezeReason::UnapprovedVersion { package: package.package.clone(), name: name.clone() })
        }
        WatchFact::FoundChange { package, name, .. } => {
            Some(FreezeReason::DigestChanged { package: package.package.clone(), name: name.clone() })
        }
        _ => None,
    }
}

/// The credentials that could publish the package, or could once they are activated. One that only reads cannot, and is
/// what custody sees with.
fn covering(package: &PackageKey) -> Vec<CredentialId> {
    read_state(|state| {
        let covers = state.credentials().filter(|(_, credential)| {
            let policy = credential.policy();
            !credential.is_revoked()
                && policy.mode != CredentialMode::Read
                && policy.ecosystem == package.ecosystem
                && policy.endpoint == package.endpoint
                && policy.packages.contains(&package.package)
        });
        covers.map(|(id, _)| *id).collect()
    })
}

fn pause(watch: &Watch) -> Duration {
    let interval = Duration::from_secs(watch.interval_s);
    // A look that derives a key is not hurried.
    let is_hurried = watch.baseline.is_none() && watch.read_credential.is_none();
    if is_hurried { interval.min(BASELINE_PAUSE) } else { interval }
}
