//! Carrying out what was adopted: step by step, in messages of its own, each of which may be repeated.
//!
//! Every step records what it is about to do before it calls custody, and sets the time of its next attempt before it
//! waits, so that neither a lost answer nor a failing callback ends a proposal's way.

mod amendment;
mod canister;
#[cfg(test)]
mod control_tests;
mod credential;
mod declaration;
mod group;
mod guard;
mod release;
mod settings;
#[cfg(test)]
mod tests;
mod unfreeze;
mod upgrade;
mod watch;

use std::cell::RefCell;
use std::collections::BTreeMap;

use candid::Principal;
use release_types::{
    PromotionDelayProposal, ProposalAction, ProposalId, ProposalStatus,
    proposal::{ExecuteError, RegistryProposal},
};

use crate::{
    artifacts, freeze, lifecycle,
    proposal::submission,
    runtime::{CustodyError, Runtime},
    schedule::{self, Task},
    state::{Event, Proposal, audit::process_event, read_state},
    vote,
};
use guard::ExecutionGuard;

const FIRST_PAUSE_NS: u64 = 2_000_000_000;
const LONGEST_PAUSE_NS: u64 = 60_000_000_000;
/// Longest pause while custody itself looks rarely.
const LONGEST_REST_NS: u64 = 7 * 3_600 * 1_000_000_000;
/// How long after custody looked it is asked what it saw.
const AFTER_LOOK_NS: u64 = 5_000_000_000;
const MAX_REASON_BYTES: usize = 1_000;

thread_local! {
    /// Attempts since a proposal last made progress, for the pause before the next.
    static ATTEMPTS: RefCell<BTreeMap<ProposalId, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// How a step ended.
enum Step {
    /// Something changed: look again soon.
    Progress,
    /// Nothing changed: look again later.
    Waiting,
    /// Nothing changed, and nothing will before custody looks at this time.
    Resting {
        until_ns: u64,
    },
    Done,
    Failed(String),
}

impl Step {
    /// How a step ends whose call brought no answer: refused for good, or to be tried again until the proposal's time
    /// is over.
    fn of_error(error: CustodyError, is_expired: bool) -> Self {
        match error {
            CustodyError::Refused { reason } => Self::Failed(format!("custody refused: {reason}")),
            CustodyError::Unavailable { reason } if is_expired => {
                Self::Failed(format!("custody did not answer within a day of the decision: {reason}"))
            }
            CustodyError::Unavailable { .. } => Self::Waiting,
        }
    }
}

/// Runs a task whose timer fired.
pub async fn run<R: Runtime>(runtime: &R, task: Task) {
    if !schedule::take(runtime, task) {
        return;
    }
    match task {
        Task::CloseVoting(id) => {
            vote::decide_if_certain(runtime, id);
            if let Some(deadline_ns) = open_until(id) {
                schedule::set(runtime, task, deadline_ns);
            }
        }
        Task::Advance(id) => advance(runtime, id).await,
        Task::Freeze(scope) => freeze::carry_out(runtime, scope).await,
        Task::CollectArtifacts => artifacts::collect(runtime),
        Task::Sweep => lifecycle::arm(runtime),
    }
}

/// Carries out an adopted proposal now, or looks how far it is. Ends the vote first if its deadline has passed. Safe
/// to repeat.
///
/// # Errors
/// If the caller may not ask for it, or the proposal was not adopted.
pub async fn execute<R: Runtime>(
    runtime: &R,
    caller: Principal,
    id: ProposalId,
) -> Result<ProposalStatus, ExecuteError> {
    read_state(|state| match state.proposal(id) {
        _ if !state.is_participant(&caller) => Err(ExecuteError::NotAllowed { caller }),
        None => Err(ExecuteError::NoSuchProposal),
        Some(_) => Ok(()),
    })?;
    vote::decide_if_certain(runtime, id);
    advance(runtime, id).await;
    match status(id) {
        status @ (ProposalStatus::Open
        | ProposalStatus::Rejected
        | ProposalStatus::Withdrawn
        | ProposalStatus::Vetoed { .. }
        | ProposalStatus::Expired) => Err(ExecuteError::NotApproved { status }),
        ProposalStatus::Approved if !is_due(runtime, id) => {
            Err(ExecuteError::NotDue { executable_at_ns: executable_at_ns(&expect_proposal(id)) })
        }
        status => Ok(status),
    }
}

/// Takes the next step of an adopted proposal, unless that is being done already.
async fn advance<R: Runtime>(runtime: &R, id: ProposalId) {
    if vote::expire_if_overdue(runtime, id) || !is_due(runtime, id) {
        return;
    }
    // Before anything can fail: whatever happens below, there is a next attempt.
    let attempts = ATTEMPTS.with_borrow_mut(|attempts| {
        let count = attempts.entry(id).or_default();
        *count = count.saturating_add(1);
        *count
    });
    set_next_attempt(runtime, id, attempts);
    let Some(_guard) = ExecutionGuard::acquire(id) else { return };
    match step(runtime, id).await {
        Step::Waiting => {}
        Step::Resting { until_ns } => rest(runtime, id, until_ns),
        Step::Progress => {
            ATTEMPTS.with_borrow_mut(|attempts| attempts.remove(&id));
            set_next_attempt(runtime, id, 1);
        }
        Step::Done => end(runtime, id, Event::ProposalExecuted { proposal: id }),
        Step::Failed(reason) => {
            let reason = reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].to_owned();
            end(runtime, id, Event::ProposalFailed { proposal: id, reason });
        }
    }
}

async fn step<R: Runtime>(runtime: &R, id: ProposalId) -> Step {
    let proposal = expect_proposal(id);
    let submission = submission(&proposal);
    if proposal.status == ProposalStatus::Approved {
        process_event(runtime, Event::ExecutionStarted { proposal: id });
    }
    match submission.action {
        ProposalAction::Registry(RegistryProposal { id: registry_id, registry }) => {
            let established = Event::RegistryEstablished { proposal: id, id: registry_id, registry };
            process_event(runtime, established);
            Step::Done
        }
        ProposalAction::Credential(change) => credential::step(runtime, id, &proposal, change).await,
        ProposalAction::Amendment(amendment) => amendment::step(runtime, id, &proposal, amendment).await,
        ProposalAction::PromotionDelay(PromotionDelayProposal { registry, delay_ns }) => {
            process_event(runtime, Event::PromotionDelaySet { proposal: id, registry, delay_ns });
            Step::Done
        }
        ProposalAction::Declaration(declaration) => declaration::step(runtime, &proposal, declaration).await,
        ProposalAction::Release(_) => release::step(runtime, id, &proposal).await,
        ProposalAction::Unfreeze(unfreeze) => unfreeze::step(runtime, id, &proposal, unfreeze).await,
        ProposalAction::Watch(watch) => watch::step(runtime, &proposal, watch).await,
        ProposalAction::Settings(settings) => settings::step(runtime, &proposal, settings).await,
        ProposalAction::Upgrade(upgrade) => upgrade::step(runtime, id, &proposal, upgrade).await,
        ProposalAction::CanisterSettings(change) => {
            canister::change_settings(runtime, &proposal, change).await
        }
        ProposalAction::TopUp(top_up) => canister::top_up(runtime, id, &proposal, top_up).await,
        ProposalAction::CancelRecovery(cancel) => canister::cancel_recovery(runtime, &proposal, cancel).await,
        ProposalAction::Motion => Step::Done,
        ProposalAction::Members { changes } => group::change_members(runtime, changes),
        ProposalAction::Policies(policies) => group::change_policies(runtime, policies),
    }
}

fn end<R: Runtime>(runtime: &R, id: ProposalId, event: Event) {
    process_event(runtime, event);
    schedule::cancel(Task::Advance(id));
    ATTEMPTS.with_borrow_mut(|attempts| attempts.remove(&id));
    artifacts::schedule_collection(runtime);
}

fn set_next_attempt<R: Runtime>(runtime: &R, id: ProposalId, attempts: u32) {
    let doublings = attempts.saturating_sub(1).min(10);
    let pause_ns = (FIRST_PAUSE_NS << doublings).min(LONGEST_PAUSE_NS);
    schedule::set(runtime, Task::Advance(id), runtime.time_ns().saturating_add(pause_ns));
}

/// Puts the next attempt off until custody has looked, if that is later than it is set for.
fn rest<R: Runtime>(runtime: &R, id: ProposalId, until_ns: u64) {
    let latest_ns = runtime.time_ns().saturating_add(LONGEST_REST_NS);
    let due_ns = until_ns.saturating_add(AFTER_LOOK_NS).min(latest_ns);
    if schedule::due_at_ns(Task::Advance(id)).is_none_or(|set_ns| set_ns < due_ns) {
        schedule::set(runtime, Task::Advance(id), due_ns);
    }
}

fn is_due<R: Runtime>(runtime: &R, id: ProposalId) -> bool {
    read_state(|state| {
        state.proposal(id).is_some_and(|proposal| match proposal.status {
            ProposalStatus::Approved => runtime.time_ns() >= executable_at_ns(proposal),
            ProposalStatus::Executing => true,
            _ => false,
        })
    })
}

fn open_until(id: ProposalId) -> Option<u64> {
    read_state(|state| {
        let proposal = state.proposal(id).filter(|proposal| proposal.status == ProposalStatus::Open)?;
        Some(proposal.deadline_ns)
    })
}

fn expect_proposal(id: ProposalId) -> Proposal {
    read_state(|state| state.proposal(id).cloned()).unwrap_or_else(|| panic!("BUG: proposal {id} vanished"))
}

fn executable_at_ns(proposal: &Proposal) -> u64 {
    proposal.executable_at_ns.unwrap_or_else(|| panic!("BUG: a proposal is executed that was not adopted"))
}

fn decided_at_ns(proposal: &Proposal) -> u64 {
    proposal.decided_at_ns.unwrap_or_else(|| panic!("BUG: a proposal is executed that was not decided"))
}

fn status(id: ProposalId) -> ProposalStatus {
    expect_proposal(id).status
}
