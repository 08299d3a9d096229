//! Ordering an adopted release from custody, and following the order to its end.

use release_types::{OrderStatus, ProposalId, PublicationState};

use crate::{
    execution::{Step, decided_at_ns, executable_at_ns},
    lifecycle,
    proposal::{ApprovedRelease, HANDOVER_NS, ValidRelease, order_id},
    runtime::Runtime,
    state::{Event, Proposal, audit::process_event, read_state},
    voting::{Adoption, Voting},
};

pub async fn step<R: Runtime>(runtime: &R, id: ProposalId, proposal: &Proposal) -> Step {
    let is_expired = is_expired(runtime, proposal);
    let Some(custody) = lifecycle::custody(runtime) else {
        return if is_expired {
            Step::Failed("no custody canister is configured".into())
        } else {
            Step::Waiting
        };
    };
    let known = read_state(|state| state.live_proposal(id).and_then(|live| live.order.clone()));
    // Past its time an order is not sent any more; but one whose answer was lost may be under way.
    if known.is_none() && !is_expired {
        let (decided_at_ns, due_at_ns) = (decided_at_ns(proposal), executable_at_ns(proposal));
        let order = approved(id, proposal).into_order(runtime.canister_self(), id, decided_at_ns, due_at_ns);
        return match runtime.publish(custody, order).await {
            Ok(status) => record(runtime, id, known.as_ref(), status),
            Err(error) => Step::of_error(error, false),
        };
    }
    match runtime.order_status(custody, order_id(id)).await {
        Ok(Some(status)) => record(runtime, id, known.as_ref(), status),
        Ok(None) if known.is_some() => Step::Failed("custody does not know the order any more".into()),
        Ok(None) => Step::Failed("custody took no order within a day of the decision".into()),
        Err(error) => Step::of_error(error, false),
    }
}

/// Whether custody may not begin any more what was decided.
pub fn is_expired<R: Runtime>(runtime: &R, proposal: &Proposal) -> bool {
    runtime.time_ns() >= executable_at_ns(proposal).saturating_add(HANDOVER_NS)
}

/// The tally's approval, counted once more.
pub fn adoption(id: ProposalId, proposal: &Proposal) -> Adoption {
    let policy = read_state(|state| state.expect_live(id).rule.clone());
    let voting = Voting::at(decided_at_ns(proposal), proposal.deadline_ns);
    Adoption::of(&policy, &proposal.count, voting)
        .unwrap_or_else(|| panic!("BUG: a proposal is executed that the tally did not adopt"))
}

fn approved(id: ProposalId, proposal: &Proposal) -> ApprovedRelease {
    ValidRelease::recall(id, proposal)
        .unwrap_or_else(|| panic!("BUG: a release is executed that is none, or whose document is missing"))
        .approve(adoption(id, proposal))
}

fn record<R: Runtime>(runtime: &R, id: ProposalId, known: Option<&OrderStatus>, status: OrderStatus) -> Step {
    if status.id != order_id(id) {
        return Step::Failed(format!("custody answered about another order, {}", status.id));
    }
    let next_look_at_ns = status.next_look_at_ns();
    let status = status.without_next_look();
    let changed = known != Some(&status);
    if changed {
        process_event(runtime, Event::OrderReported { proposal: id, status: status.clone() });
    }
    if status.is_verified() {
        return Step::Done;
    }
    if status.is_final() {
        return Step::Failed(unverified(&status));
    }
    match next_look_at_ns {
        _ if changed => Step::Progress,
        Some(until_ns) => Step::Resting { until_ns },
        None => Step::Waiting,
    }
}

/// What became of the artifacts that were not published as voted.
fn unverified(status: &OrderStatus) -> String {
    let artifacts = status.artifacts.iter().filter_map(|artifact| {
        let what = match &artifact.state {
            PublicationState::Mismatch { shown } => format!("the registry shows other bytes: {shown}"),
            PublicationState::Declared { published: true, reason } => {
                format!("declared published, not proven: {reason}")
            }
            PublicationState::Declared { published: false, reason } => {
                format!("declared not published: {reason}")
            }
            PublicationState::Refused { reason } => format!("nothing was published: {reason}"),
            _ => return None,
        };
        Some(format!("{}: {what}", artifact.filename))
    });
    artifacts.collect::<Vec<_>>().join("; ")
}
