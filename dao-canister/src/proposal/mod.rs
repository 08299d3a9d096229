//! Proposals: what may be submitted, one file for each kind, and what a past one said.

mod amendment;
mod canister;
mod credential;
mod declaration;
mod members;
mod pace;
mod policies;
mod record;
mod registry;
mod release;
#[cfg(test)]
mod tests;
pub mod text;
mod unfreeze;
mod upgrade;
mod watch;

use candid::Principal;
use release_types::{
    Defect, ProposalAction, ProposalId, ProposalKind, RegistryId,
    proposal::{SubmitProposalArgs, SubmitProposalError},
};
use serde::{Deserialize, Serialize};

use crate::{
    lifecycle,
    runtime::Runtime,
    schedule::{self, Task},
    state::{Event, State, audit::process_event, read_state},
    storage,
};

pub use amendment::order as amendment_order;
pub use declaration::position as artifact_position;
pub use members::validate as validate_members;
pub use policies::validate as validate_policies;
pub use record::{Submission, ballots, last_reports, submission};
pub use release::{ApprovedRelease, HANDOVER_NS, ReleaseDocument, ValidRelease, order_id};

/// What at most one live proposal may publish: one version of one package at one registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReleaseKey {
    pub registry: RegistryId,
    /// Full npm name, or PyPI name in normalised form.
    pub package: String,
    /// In the ecosystem's normal form.
    pub version: String,
}

/// A proposal in which nothing was found wrong.
enum ValidProposal {
    Release(Box<ValidRelease>),
    /// Of a kind that says everything in its action.
    Plain,
}

/// Opens a vote.
///
/// # Errors
/// If the caller may not propose, or everything that is wrong with the proposal; nothing is kept then.
pub fn submit<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: SubmitProposalArgs,
) -> Result<ProposalId, SubmitProposalError> {
    let now_ns = runtime.time_ns();
    let has_upgrader = lifecycle::upgrader(runtime).is_some();
    let valid = read_state(|state| {
        if !may_propose(state, &caller, &args.action) {
            return Err(SubmitProposalError::NotAllowed { caller });
        }
        let (open, limit) = (state.open_proposals(state.author(&caller)), state.policies().most_open);
        if open >= limit {
            return Err(SubmitProposalError::TooManyOpen { open, limit });
        }
        pace::check(state, &caller, now_ns)?;
        let valid = validate(state, &args, now_ns, has_upgrader).map_err(|defects| {
            pace::count_refusal(caller, now_ns);
            SubmitProposalError::Invalid { defects }
        })?;
        match &valid {
            ValidProposal::Release(release) => match state.live_release(release.key()) {
                Some(proposal) => Err(SubmitProposalError::AlreadyProposed { proposal }),
                None => Ok(valid),
            },
            ValidProposal::Plain => Ok(valid),
        }
    })?;
    let (proposal, electorate, voting_period_ns, proposing_member) = read_state(|state| {
        let (id, _) = state.electorate().unwrap_or_else(|| panic!("BUG: nobody was installed"));
        let voting_period_ns = state.policies().rule(&args.action).voting_period_ns;
        (state.next_proposal(), id, voting_period_ns, state.membership().acting(&caller))
    });
    let release = match valid {
        ValidProposal::Release(release) => {
            let (facts, document) = release.facts();
            storage::keep_document(proposal, &document);
            Some(facts)
        }
        ValidProposal::Plain => None,
    };
    let SubmitProposalArgs { title, summary, action } = args;
    let deadline_ns = now_ns.saturating_add(voting_period_ns);
    let submitted = Event::ProposalSubmitted {
        proposal,
        proposer: caller,
        proposing_member,
        title,
        summary,
        action,
        electorate,
        deadline_ns,
        release,
    };
    process_event(runtime, submitted);
    schedule::set(runtime, Task::CloseVoting(proposal), deadline_ns);
    Ok(proposal)
}

/// Whether the rule of its kind lets this caller propose it.
fn may_propose(state: &State, caller: &Principal, action: &ProposalAction) -> bool {
    let rule = state.policies().of_kind(ProposalKind::of(action));
    match state.membership().acting(caller) {
        Some(member) => rule.proposers.is_empty() || rule.proposers.contains(&member),
        None => rule.outsiders_propose && state.membership().is_proposer(caller),
    }
}

fn validate(
    state: &State,
    args: &SubmitProposalArgs,
    now_ns: u64,
    has_upgrader: bool,
) -> Result<ValidProposal, Vec<Defect>> {
    let mut defects = text::defects(args);
    let plain = |()| ValidProposal::Plain;
    let valid = match &args.action {
        ProposalAction::Release(release) => {
            release::validate(state, release, now_ns).map(|valid| ValidProposal::Release(Box::new(valid)))
        }
        ProposalAction::Registry(registry) => registry::validate(state, registry).map(plain),
        ProposalAction::Credential(credential) => credential::validate(state, credential).map(plain),
        ProposalAction::Unfreeze(unfreeze) => unfreeze::validate(unfreeze).map(plain),
        ProposalAction::Declaration(declaration) => declaration::validate(state, declaration).map(plain),
        ProposalAction::Watch(watch) => watch::validate(state, watch, now_ns).map(plain),
        ProposalAction::Settings(settings) => match settings.defects() {
            defects if defects.is_empty() => Ok(ValidProposal::Plain),
            defects => Err(defects),
        },
        ProposalAction::Amendment(amendment) => amendment::validate(state, amendment, now_ns).map(plain),
        ProposalAction::PromotionDelay(delay) => amendment::validate_delay(state, delay).map(plain),
        ProposalAction::Upgrade(upgrade) => upgrade::validate(state, upgrade, has_upgrader).map(plain),
        ProposalAction::CanisterSettings(settings) => {
            canister::validate_settings(settings, has_upgrader).map(plain)
        }
        ProposalAction::TopUp(top_up) => canister::validate_top_up(top_up, has_upgrader).map(plain),
        ProposalAction::CancelRecovery(cancel) => {
            canister::validate_cancellation(cancel, has_upgrader).map(plain)
        }
        ProposalAction::Motion => Ok(ValidProposal::Plain),
        ProposalAction::Members { changes } => members::validate(state, changes).map(plain),
        ProposalAction::Policies(policies) => policies::validate(state, policies).map(plain),
    };
    match valid {
        Ok(valid) if defects.is_empty() => Ok(valid),
        Ok(_) => Err(defects),
        Err(more) => {
            defects.extend(more);
            Err(defects)
        }
    }
}
