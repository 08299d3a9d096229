//! Installation and upgrade.

use std::collections::BTreeSet;

use candid::Principal;
use release_types::{
    Defect, ProposalStatus, VotingPolicy,
    dao::{DaoInit, MAX_MEMBERS},
    voting::WHOLE_BP,
};

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

const MAX_PROPOSERS: usize = 100;
const MAX_NAME_BYTES: usize = 50;
const MINUTE_NS: u64 = 60 * 1_000_000_000;
/// How often lost work is looked for.
const SWEEP_INTERVAL_NS: u64 = 10 * MINUTE_NS;
const MAX_VOTING_PERIOD_NS: u64 = 30 * 24 * 60 * MINUTE_NS;

/// Installs the group.
///
/// # Errors
/// Every defect of the arguments; nothing is kept then.
pub fn install<R: Runtime>(runtime: &R, init: DaoInit) -> Result<(), Vec<Defect>> {
    let defects = defects(&init);
    if !defects.is_empty() {
        return Err(defects);
    }
    let DaoInit { members, proposers, policy, custody, upgrader } = init;
    process_event(runtime, Event::Installed { members, proposers, policy, custody, upgrader });
    arm(runtime);
    Ok(())
}

/// Restores the state from the log after an upgrade, and everything that does not survive one: timers and certified
/// data.
///
/// # Panics
/// If the log does not replay: the upgrade is undone then.
pub fn resume<R: Runtime>(runtime: &R) {
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
    let mut defects = policy_defects(&init.policy);
    let count = |field, found: usize, least: usize, most: usize| {
        let fits = (least..=most).contains(&found);
        (!fits)
            .then(|| Defect::new(field, found.to_string(), format!("{least} to {most}"), "Adjust the list."))
    };
    defects.extend(count("members", init.members.len(), 1, MAX_MEMBERS));
    defects.extend(count("proposers", init.proposers.len(), 0, MAX_PROPOSERS));
    let mut seen = BTreeSet::new();
    let members = init.members.iter().map(|member| ("members", member.principal, &member.name));
    let proposers = init.proposers.iter().map(|proposer| ("proposers", proposer.principal, &proposer.name));
    let mut previous = "";
    let mut index = 0;
    for (list, principal, name) in members.chain(proposers) {
        index = if list == previous { index + 1 } else { 0 };
        previous = list;
        let field = format!("{list}[{index}]");
        if principal == Principal::anonymous() || principal == Principal::management_canister() {
            let found = principal.to_string();
            defects.push(Defect::new(
                format!("{field}.principal"),
                found,
                "a principal with a key or canister of its own",
                "Everybody is the anonymous principal; name the one that is meant.",
            ));
        }
        if !seen.insert(principal) {
            defects.push(Defect::new(
                format!("{field}.principal"),
                format!("{principal} a second time"),
                "each principal once, as member or as proposer",
                "Members may propose; leave them out of the proposers.",
            ));
        }
        if !(1..=MAX_NAME_BYTES).contains(&name.len()) {
            let found = format!("{} bytes", name.len());
            defects.push(Defect::new(
                format!("{field}.name"),
                found,
                "1 to 50 bytes",
                "Give a name that people recognise.",
            ));
        }
    }
    defects.extend(power_defects(init));
    for (field, canister) in [("custody", init.custody), ("upgrader", init.upgrader)] {
        if canister == Some(Principal::anonymous()) {
            let hint = "Leave it out to take it from the environment.";
            defects.push(Defect::new(field, "the anonymous principal", "a canister", hint));
        }
    }
    defects
}

fn power_defects(init: &DaoInit) -> Vec<Defect> {
    let mut defects = Vec::new();
    for (index, member) in init.members.iter().enumerate() {
        if member.voting_power == 0 {
            defects.push(Defect::new(
                format!("members[{index}].voting_power"),
                "0",
                "at least 1",
                "Leave out who does not vote, or make them a proposer.",
            ));
        }
    }
    let total: u128 = init.members.iter().map(|member| u128::from(member.voting_power)).sum();
    if total > u128::from(u64::MAX) {
        let allowed = format!("at most {} in all", u64::MAX);
        defects.push(Defect::new("members", format!("a voting power of {total}"), allowed, "Scale it down."));
    }
    defects
}

fn policy_defects(policy: &VotingPolicy) -> Vec<Defect> {
    let mut defects = Vec::new();
    let mut check = |field: &str, found: u64, least: u64, most: u64, hint: &str| {
        if !(least..=most).contains(&found) {
            let allowed = format!("{least} to {most}");
            defects.push(Defect::new(format!("policy.{field}"), found.to_string(), allowed, hint));
        }
    };
    check(
        "voting_period_ns",
        policy.voting_period_ns,
        MINUTE_NS,
        MAX_VOTING_PERIOD_NS,
        "Vote for one minute to 30 days.",
    );
    let whole = u64::from(WHOLE_BP);
    check("quorum_bp", policy.quorum_bp.into(), 1, whole, "Give the quorum in hundredths of a percent.");
    check(
        "approval_bp",
        policy.approval_bp.into(),
        whole / 2,
        whole - 1,
        "Yes must be more than this share: at least half, and less than everything.",
    );
    defects
}
