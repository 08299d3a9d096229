//! Watching packages: what the registry lists, compared from look to look with what was there and what was approved.
//!
//! Only packages that the authority named cause outcalls, and no more of them than [`MAX_WATCHES`].

mod comparison;
mod listing;
pub mod look;

use std::time::Duration;

use candid::Principal;
use registry_protocols::endpoint::RegistryEndpoints;
use release_types::{
    CredentialId, CredentialMode, Defect, PackageKey, Registry,
    watch::{BaselineView, FindingView, ListedEntry, WatchArgs, WatchView},
};

use crate::{
    authorization::admit_change,
    funds, outcall,
    refusal::Refusal,
    runtime::Runtime,
    state::{
        Event, process_event, read_state,
        watch::{Watch, WatchFact},
    },
    storage,
    tasks::{self, Task},
};

pub use listing::ListingQuestion;

/// Most packages watched at a time.
pub const MAX_WATCHES: usize = 50;
/// How many entries of a baseline are shown.
const SAMPLE: usize = 10;
const DAY_S: u64 = 86_400;

/// Watches a package from now on. If it is watched already, what the registry shows next is the new baseline, and what
/// was found before is settled.
///
/// # Errors
/// A caller other than the authority, arguments with defects, or too many watches.
pub fn watch<R: Runtime>(runtime: &R, caller: Principal, args: WatchArgs) -> Result<WatchView, Refusal> {
    admit_change(caller)?;
    check(runtime, &args)?;
    let WatchArgs { registry, package, interval_s, read_credential } = args;
    let package = PackageKey { ecosystem: registry.ecosystem, endpoint: registry.upload_url, package };
    storage::drop_watch(&package);
    let began = WatchFact::Began {
        package: package.clone(),
        read_url: registry.read_url,
        interval_s,
        read_credential,
        direct_publishing_ends_at_ns: registry.direct_publishing_ends_at_ns,
    };
    process_event(runtime, Event::Watch(began));
    tasks::schedule(runtime, Task::Look(package.clone()), Duration::ZERO);
    Ok(view(runtime, &package).unwrap_or_else(|| panic!("BUG: the watch of {package} vanished")))
}

/// Checks a wish to watch without watching.
///
/// # Errors
/// Arguments with defects, or too many watches.
pub fn check<R: Runtime>(runtime: &R, args: &WatchArgs) -> Result<(), Refusal> {
    let WatchArgs { registry, package, interval_s, read_credential } = args;
    let mut defects = RegistryEndpoints::check(registry).err().unwrap_or_default();
    defects.extend(listing::name_defect(registry.ecosystem, package));
    defects.extend(WatchArgs::interval_defect("interval_s", *interval_s, read_credential.is_some()));
    if let Some(id) = read_credential
        && !usable_for_reading(id, registry, package, runtime.time_ns())
    {
        defects.push(Defect::new(
            "read_credential",
            id.to_string(),
            "an active one of mode read for this package at this registry's read URL",
            "Deposit and activate it first.",
        ));
    }
    let own = PackageKey {
        ecosystem: registry.ecosystem,
        endpoint: registry.upload_url.clone(),
        package: package.clone(),
    };
    let others = read_state(|state| state.watches().iter().filter(|(key, _)| **key != own).count());
    if others >= MAX_WATCHES {
        defects.push(Defect::new(
            "watches",
            format!("{others} packages"),
            format!("at most {MAX_WATCHES}"),
            "Stop watching one that needs it less.",
        ));
    }
    Refusal::unless_empty(defects)
}

/// Whether this credential may be used to look at a package now.
fn usable_for_reading(id: &CredentialId, registry: &Registry, package: &str, now_ns: u64) -> bool {
    read_state(|state| {
        state.credential(id).is_some_and(|credential| {
            credential.is_active()
                && credential.policy().covers(CredentialMode::Read, registry, package, now_ns)
        })
    })
}

/// Stops watching a package, and answers with what is still watched. Stopping what is not watched changes nothing.
///
/// # Errors
/// A caller other than the authority.
pub fn unwatch<R: Runtime>(
    runtime: &R,
    caller: Principal,
    package: PackageKey,
) -> Result<Vec<PackageKey>, Refusal> {
    admit_change(caller)?;
    if read_state(|state| state.watches().get(&package).is_some()) {
        storage::drop_watch(&package);
        process_event(runtime, Event::Watch(WatchFact::Ended { package }));
    }
    Ok(read_state(|state| state.watches().iter().map(|(key, _)| key.clone()).collect()))
}

/// Every watch.
pub fn views<R: Runtime>(runtime: &R) -> Vec<WatchView> {
    let packages = read_state(|state| state.watches().iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
    packages.iter().filter_map(|package| view(runtime, package)).collect()
}

/// What watching costs within a day at most, in cycles.
pub fn most_cycles_per_day<R: Runtime>(runtime: &R, package: &PackageKey, watch: &Watch) -> u128 {
    let Some(inquiry) = listing::inquiry(runtime, package, watch, listing::first_kind(package.ecosystem))
    else {
        return 0;
    };
    let key = if watch.read_credential.is_some() { funds::derivation_cycles(runtime) } else { 0 };
    let outcall = outcall::open_outcall(runtime.canister_self(), inquiry);
    runtime
        .outcall_cost_cycles(&outcall)
        .saturating_add(key)
        .saturating_mul(u128::from(DAY_S.div_ceil(watch.interval_s)))
}

fn view<R: Runtime>(runtime: &R, package: &PackageKey) -> Option<WatchView> {
    let watch = read_state(|state| state.watches().get(package).cloned())?;
    let look = storage::look(package);
    let most_cycles_per_day = most_cycles_per_day(runtime, package, &watch);
    let baseline = watch.baseline.map(|baseline| {
        let listing = storage::listing(package).unwrap_or_default();
        let sample = listing.entries.into_iter().rev().take(SAMPLE);
        BaselineView {
            kind: baseline.kind,
            entries: baseline.entries,
            sha256: baseline.sha256,
            taken_at_ns: baseline.taken_at_ns,
            sample: sample.map(|(name, digest)| ListedEntry { name, digest: digest.to_string() }).collect(),
        }
    });
    let findings = watch.findings.into_iter().map(|(name, finding)| FindingView {
        kind: finding.kind,
        name,
        found_at_ns: finding.found_at_ns,
    });
    Some(WatchView {
        package: package.clone(),
        read_url: watch.read_url,
        interval_s: watch.interval_s,
        read_credential: watch.read_credential,
        begun_at_ns: watch.begun_at_ns,
        baseline,
        findings: findings.collect(),
        looked_at_ns: look.map(|look| look.at_ns),
        answered_at_ns: look.and_then(|look| look.answered_at_ns),
        failed_looks: look.map_or(0, |look| look.failures),
        most_cycles_per_day,
    })
}
