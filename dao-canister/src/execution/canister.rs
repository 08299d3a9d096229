//! Adjusting the group's canisters, passing cycles on to them, and ending a recovery.

use candid::Principal;
use release_types::{
    ProposalId,
    control::{
        CancelRecoveryProposal, CanisterSettingsProposal, ChangeCanisterSettingsArgs, GroupCanister,
        TopUpProposal,
    },
};

use crate::{
    execution::{Step, decided_at_ns, release::is_expired, upgrade::of_error},
    lifecycle,
    runtime::Runtime,
    state::{Event, Proposal, audit::process_event, read_state},
};

pub async fn change_settings<R: Runtime>(
    runtime: &R,
    proposal: &Proposal,
    change: CanisterSettingsProposal,
) -> Step {
    let Some(upgrader) = lifecycle::upgrader(runtime) else { return no_upgrader() };
    let CanisterSettingsProposal { canister, settings } = change;
    let changed = match canister.controlled() {
        Some(target) => {
            let args = ChangeCanisterSettingsArgs { target, settings };
            runtime.change_canister_settings(upgrader, args).await
        }
        None => runtime.change_upgrader_settings(upgrader, settings).await,
    };
    match changed {
        Ok(()) => Step::Done,
        Err(error) => of_error(error, is_expired(runtime, proposal)),
    }
}

/// Passes the cycles on, at most once: what became of them is never found out by doing it again.
pub async fn top_up<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    proposal: &Proposal,
    top_up: TopUpProposal,
) -> Step {
    let (was_sent, is_being_upgraded, taken_back_at_ns) = read_state(|state| {
        let was_sent = state.live_proposal(id).is_some_and(|live| live.is_topped_up);
        (was_sent, state.is_upgrading_itself(), state.taken_back_at_ns())
    });
    // Code that is about to be taken back must not spend what its successor would spend again.
    if is_being_upgraded {
        return Step::Waiting;
    }
    if was_sent || taken_back_at_ns.is_some_and(|at_ns| decided_at_ns(proposal) <= at_ns) {
        return Step::Failed(
            "the cycles may have been sent: compare the balances, then propose it again".into(),
        );
    }
    let canister = match top_up.canister {
        GroupCanister::Custody => lifecycle::custody(runtime),
        GroupCanister::Upgrader => lifecycle::upgrader(runtime),
        GroupCanister::Dao => None,
    };
    let Some(canister) = canister else { return Step::Failed("there is no such canister".into()) };
    send(runtime, id, canister, top_up.amount_cycles.into()).await
}

async fn send<R: Runtime>(runtime: &R, id: ProposalId, canister: Principal, amount_cycles: u128) -> Step {
    // As much again stays, so that no vote can starve the DAO.
    if runtime.liquid_cycles() < amount_cycles.saturating_mul(2) {
        return Step::Failed("the DAO would be left with fewer cycles than it passes on".into());
    }
    process_event(runtime, Event::SentCycles { proposal: id });
    match runtime.deposit_cycles(canister, amount_cycles).await {
        Ok(()) => Step::Done,
        Err(_) => Step::Failed("the network did not take the cycles; they came back".into()),
    }
}

pub async fn cancel_recovery<R: Runtime>(
    runtime: &R,
    proposal: &Proposal,
    cancel: CancelRecoveryProposal,
) -> Step {
    let Some(upgrader) = lifecycle::upgrader(runtime) else { return no_upgrader() };
    match runtime.cancel_recovery(upgrader, cancel.recovery).await {
        Ok(()) => Step::Done,
        Err(error) => of_error(error, is_expired(runtime, proposal)),
    }
}

fn no_upgrader() -> Step {
    Step::Failed("no upgrader is configured".into())
}
