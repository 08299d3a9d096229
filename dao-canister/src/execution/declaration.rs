//! Telling custody what the group says became of an artifact.

use release_types::{DeclarationProposal, DeclareOutcomeArgs};

use crate::{
    execution::{Step, release::is_expired},
    lifecycle,
    proposal::{artifact_position, order_id},
    runtime::{CustodyError, Runtime},
    schedule::{self, Task},
    state::{Proposal, read_state},
};

pub async fn step<R: Runtime>(runtime: &R, proposal: &Proposal, declaration: DeclarationProposal) -> Step {
    let DeclarationProposal { release, filename, published, reason } = declaration;
    let is_expired = is_expired(runtime, proposal);
    let Some(artifact) = read_state(|state| artifact_position(state, release, &filename)) else {
        panic!("BUG: a declaration about an artifact that proposal {release} does not have was taken")
    };
    let Some(custody) = lifecycle::custody(runtime) else {
        let reason = "no custody canister is configured".into();
        return Step::of_error(CustodyError::Unavailable { reason }, is_expired);
    };
    let args = DeclareOutcomeArgs { order: order_id(release), artifact, published, reason };
    match runtime.declare_outcome(custody, args).await {
        Ok(_) => {
            // The release may have an end now.
            if read_state(|state| state.live_proposal(release).is_some()) {
                schedule::set(runtime, Task::Advance(release), runtime.time_ns());
            }
            Step::Done
        }
        Err(error) => Step::of_error(error, is_expired),
    }
}
