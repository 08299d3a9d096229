//! Ordering an adopted amendment from custody, and following it to its end.

#[cfg(test)]
mod tests;

use release_types::{
    AmendmentProposal, AmendmentState, AmendmentStatus, ProposalId,
    order::{Decision, VoteRecord},
};

use crate::{
    execution::{
        Step, decided_at_ns, executable_at_ns,
        release::{adoption, is_expired},
    },
    lifecycle,
    proposal::{HANDOVER_NS, amendment_order, order_id},
    runtime::{CustodyError, Runtime},
    state::{Event, Proposal, audit::process_event, read_state},
};

pub async fn step<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    proposal: &Proposal,
    amendment: AmendmentProposal,
) -> Step {
    let is_expired = is_expired(runtime, proposal);
    let Some(custody) = lifecycle::custody(runtime) else {
        let reason = "no custody canister is configured".into();
        return Step::of_error(CustodyError::Unavailable { reason }, is_expired);
    };
    let known = read_state(|state| state.live_proposal(id).and_then(|live| live.amendment.clone()));
    if known.is_none() && !is_expired {
        let Some(registry) = read_state(|state| state.registry(&amendment.registry).cloned()) else {
            panic!("BUG: an amendment for a registry that is not in place was taken")
        };
        let vote = VoteRecord {
            proposal: id,
            decided_at_ns: decided_at_ns(proposal),
            tally: adoption(id, proposal).tally(),
        };
        let expires_at_ns = executable_at_ns(proposal).saturating_add(HANDOVER_NS);
        let decision = Decision { authority: runtime.canister_self(), vote: Some(vote), source: None };
        let order = amendment_order(amendment, registry, id, decision, expires_at_ns);
        return match runtime.amend(custody, order).await {
            Ok(status) => record(runtime, id, None, status),
            Err(error) => Step::of_error(error, false),
        };
    }
    match runtime.amendment_status(custody, order_id(id)).await {
        Ok(Some(status)) => record(runtime, id, known.as_ref(), status),
        Ok(None) => Step::Failed("custody took no order within a day of the decision".into()),
        Err(error) => Step::of_error(error, false),
    }
}

fn record<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    known: Option<&AmendmentStatus>,
    status: AmendmentStatus,
) -> Step {
    if status.id != order_id(id) {
        return Step::Failed(format!("custody answered about another order, {}", status.id));
    }
    let next_look_at_ns = status.next_look_at_ns();
    let status = status.without_next_look();
    let changed = known != Some(&status);
    if changed {
        process_event(runtime, Event::AmendmentReported { proposal: id, status: status.clone() });
    }
    match status.state {
        AmendmentState::Verified => Step::Done,
        AmendmentState::Refused { reason } => Step::Failed(format!("nothing was changed: {reason}")),
        AmendmentState::Unconfirmed => Step::Failed(
            "sent, but the registry did not show it; propose it again: custody looks first".into(),
        ),
        AmendmentState::Conflict { shown } => {
            let shown = shown.unwrap_or_else(|| "no such tag or version".into());
            Step::Failed(format!(
                "nothing was changed: the registry shows {shown}, not what the proposal names; look and decide anew"
            ))
        }
        AmendmentState::Prepared
        | AmendmentState::Sent
        | AmendmentState::Accepted
        | AmendmentState::Unknown => match next_look_at_ns {
            _ if changed => Step::Progress,
            Some(until_ns) => Step::Resting { until_ns },
            None => Step::Waiting,
        },
    }
}
