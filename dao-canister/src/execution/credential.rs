//! Carrying out a change of a credential.

use release_types::{
    CredentialId, ProposalId,
    credential::{CredentialStatus, CredentialView, ProbeOutcome, ProbeView},
    custody::ChangeCredentialArgs,
    proposal::{CredentialChange, CredentialProposal},
};

use crate::{
    execution::{Step, release::is_expired},
    lifecycle,
    runtime::{CustodyError, Runtime},
    state::{Event, Proposal, audit::process_event, read_state},
};

pub async fn step<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    proposal: &Proposal,
    change: CredentialProposal,
) -> Step {
    let is_expired = is_expired(runtime, proposal);
    let asked = match change.change {
        CredentialChange::Probe => probe(runtime, proposal, &change).await,
        CredentialChange::Activate | CredentialChange::Revoke => ask(runtime, &change).await,
    };
    match asked {
        Ok(view) => record(runtime, id, proposal, &change, &view, is_expired),
        Err(error) => Step::of_error(error, is_expired),
    }
}

/// Asks for the change, or, once an activation is under way, how far it is: asking for it again would begin it anew
/// if it had failed.
async fn ask<R: Runtime>(runtime: &R, change: &CredentialProposal) -> Result<CredentialView, CustodyError> {
    let Some(custody) = lifecycle::custody(runtime) else {
        return Err(lifecycle::no_custody());
    };
    let CredentialProposal { credential, change } = *change;
    if change == CredentialChange::Activate && status(&credential) == Some(CredentialStatus::Activating) {
        let view = runtime.credential(custody, credential).await?;
        return view.ok_or(CustodyError::Refused { reason: format!("it has no credential {credential}") });
    }
    runtime.change_credential(custody, ChangeCredentialArgs { credential, change }).await
}

/// Asks for a probe once: only if custody began none since the group decided.
async fn probe<R: Runtime>(
    runtime: &R,
    proposal: &Proposal,
    change: &CredentialProposal,
) -> Result<CredentialView, CustodyError> {
    let custody = lifecycle::custody(runtime).ok_or_else(lifecycle::no_custody)?;
    let CredentialProposal { credential, change } = *change;
    match runtime.credential(custody, credential).await? {
        Some(view) if probe_of(proposal, &view).is_some() => Ok(view),
        _ => runtime.change_credential(custody, ChangeCredentialArgs { credential, change }).await,
    }
}

/// The probe that custody began since the group decided.
fn probe_of(proposal: &Proposal, view: &CredentialView) -> Option<ProbeView> {
    view.probe.filter(|probe| Some(probe.asked_at_ns) >= proposal.decided_at_ns)
}

fn record<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    proposal: &Proposal,
    change: &CredentialProposal,
    view: &CredentialView,
    is_expired: bool,
) -> Step {
    if view.id != change.credential {
        return Step::Failed(format!("custody answered about another credential, {}", view.id));
    }
    let changed = status(&view.id).as_ref() != Some(&view.status);
    if changed {
        let (credential, status) = (view.id, view.status.clone());
        process_event(runtime, Event::CredentialChanged { proposal: id, credential, status });
    }
    if change.change == CredentialChange::Probe
        && let Some(outcome) = probe_of(proposal, view).and_then(|probe| probe.outcome)
    {
        return match outcome {
            ProbeOutcome::Alive => Step::Done,
            _ => Step::Failed(outcome.advice().into()),
        };
    }
    match (change.change, &view.status) {
        (CredentialChange::Activate, CredentialStatus::Active)
        | (CredentialChange::Revoke, CredentialStatus::Revoked) => Step::Done,
        (CredentialChange::Activate, CredentialStatus::Unusable { reason }) => Step::Failed(reason.clone()),
        (CredentialChange::Activate, CredentialStatus::Revoked) => Step::Failed("it was revoked".into()),
        _ if is_expired => Step::Failed("custody did not finish within a day of the decision".into()),
        _ if changed => Step::Progress,
        _ => Step::Waiting,
    }
}

fn status(id: &CredentialId) -> Option<CredentialStatus> {
    read_state(|state| state.credential(id).map(|credential| credential.status.clone()))
}
