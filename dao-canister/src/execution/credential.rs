//! Carrying out a change of a credential.

use release_types::{
    CredentialId, ProposalId,
    credential::{CredentialStatus, CredentialView},
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
    match ask(runtime, &change).await {
        Ok(view) => record(runtime, id, &change, &view, is_expired),
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

fn record<R: Runtime>(
    runtime: &R,
    id: ProposalId,
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
