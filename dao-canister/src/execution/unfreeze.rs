//! Lifting a freeze that the group voted away.

use release_types::{ProposalId, freeze::UnfreezeProposal};

use crate::{
    execution::{Step, release::is_expired},
    lifecycle,
    runtime::Runtime,
    state::{Event, FreezeFact, Proposal, audit::process_event, read_state},
};

/// A demand that custody has not confirmed stays: it is younger than the freeze that was voted on.
pub async fn step<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    proposal: &Proposal,
    unfreeze: UnfreezeProposal,
) -> Step {
    let is_expired = is_expired(runtime, proposal);
    let scope = unfreeze.scope;
    let lifted = match lifecycle::custody(runtime) {
        Some(custody) => runtime.unfreeze(custody, scope).await,
        None => Err(lifecycle::no_custody()),
    };
    if let Err(error) = lifted {
        return Step::of_error(error, is_expired);
    }
    let was_confirmed =
        read_state(|state| state.freezes().get(scope).is_some_and(|demand| demand.confirmed_at_ns.is_some()));
    if was_confirmed {
        process_event(runtime, Event::Freeze(FreezeFact::Lifted { proposal: id, scope }));
    }
    Step::Done
}
