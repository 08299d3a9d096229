//! Installation and upgrade.

use candid::Principal;
use release_types::{Defect, ProposalStatus, dao::DaoInit, member::group_defects};

use crate::{
    runtime::{CustodyError, Runtime},
    schedule::{self, Task},
    state::{
        self, Event,
        audit::{process_event, replay},
        read_state,
    },
    storage,
};

const MINUTE_NS: u64 = 60 * 1_000_000_000;
/// How often lost work is looked for.
const SWEEP_INTERVAL_NS: u64 = 10 * MINUTE_NS;

/// Installs the group.
///
/// # Errors
/// Every defect of the arguments; nothing is kept then.
pub fn install<R: Runtime>(runtime: &R, init: DaoInit) -> Result<(), Vec<Defect>> {
    let defects = defects(&init);
    if !defects.is_empty() {
        return Err(defects);
    }
    let DaoInit { members, proposers, policies, custody, upgrader } = init;
    process_event(runtime, Event::Installed { members, proposers, policies, custody, upgrader });
    arm(runtime);
    Ok(())
}

/// Restores the state from the log after an upgrade, and everything that does not survive one: timers and certified
/// data.
///
/// # Panics
/// If the log does not replay: the upgrade is undone then.
pub fn resume<R: Runtime>(runtime: &R) {
    schedule::forget();
    match replay() {
        Ok(state) => state::restore(state),
        Err(error) => panic!("BUG: the log does not replay: {error}"),
    }
    runtime.certify(storage::read_log(|log| log.certified_root()));
    arm(runtime);
}

/// Sets the time of everything that is to be done and has none: after installation, after an upgrade and from time to
/// time.
pub fn arm<R: Runtime>(runtime: &R) {
    let now_ns = runtime.time_ns();
    for (task, due_ns) in pending_tasks(now_ns) {
        schedule::set_if_lost(runtime, task, due_ns);
    }
    schedule::set(runtime, Task::Sweep, now_ns.saturating_add(SWEEP_INTERVAL_NS));
}

fn pending_tasks(now_ns: u64) -> Vec<(Task, u64)> {
    read_state(|state| {
        let proposals = state.live().filter_map(|id| {
            let proposal = state.proposal(id)?;
            Some(match proposal.status {
                ProposalStatus::Open => (Task::CloseVoting(id), proposal.deadline_ns),
                ProposalStatus::Approved => {
                    (Task::Advance(id), proposal.executable_at_ns.unwrap_or(now_ns).max(now_ns))
                }
                _ => (Task::Advance(id), now_ns),
            })
        });
        let collection =
            state.artifacts().next_expiry_ns().map(|expiry_ns| (Task::CollectArtifacts, expiry_ns));
        let freezes = state.freezes().unconfirmed().map(|scope| (Task::Freeze(scope), now_ns));
        proposals.chain(collection).chain(freezes).collect()
    })
}

/// The custody canister: as given at installation, else as the environment names it.
pub fn custody<R: Runtime>(runtime: &R) -> Option<Principal> {
    read_state(|state| state.custody()).or_else(|| runtime.custody_of_environment())
}

/// The upgrader: as given at installation, else as the environment names it. A group need not have one.
pub fn upgrader<R: Runtime>(runtime: &R) -> Option<Principal> {
    read_state(|state| state.upgrader()).or_else(|| runtime.upgrader_of_environment())
}

/// What a step that needs custody meets where none is configured.
pub fn no_custody() -> CustodyError {
    CustodyError::Unavailable { reason: "no custody canister is configured".into() }
}

fn defects(init: &DaoInit) -> Vec<Defect> {
    let mut defects = group_defects(&init.members, &init.proposers);
    defects.extend(init.policies.defects(&init.members));
    if init.policies.version != 1 {
        let hint = "Each later change counts one on.";
        defects.push(Defect::new("policies.version", init.policies.version.to_string(), "1", hint));
    }
    for (field, canister) in [("custody", init.custody), ("upgrader", init.upgrader)] {
        if canister == Some(Principal::anonymous()) {
            let hint = "Leave it out to take it from the environment.";
            defects.push(Defect::new(field, "the anonymous principal", "a canister", hint));
        }
    }
    defects
}
