//! Having new code put into one of the group's canisters, and following that to its end.
//!
//! The upgrader does it for the DAO itself and for custody. The upgrader's own code is replaced from here, since this
//! canister controls it.

use candid::Principal;
use release_types::{
    ProposalId, Sha256Digest,
    control::{Controlled, ModuleRef, UpgradeId, UpgradeOrder, UpgradeProposal, UpgradeState, UpgradeStatus},
};

use crate::{
    artifacts,
    execution::{
        Step,
        release::{adoption, is_expired},
    },
    lifecycle,
    runtime::{CustodyError, Module, Runtime},
    state::{Artifact, Proposal, read_state},
};

pub async fn step<R: Runtime>(
    runtime: &R,
    id: ProposalId,
    proposal: &Proposal,
    upgrade: UpgradeProposal,
) -> Step {
    let Some(upgrader) = lifecycle::upgrader(runtime) else {
        return Step::Failed("no upgrader is configured".into());
    };
    match upgrade.canister.controlled() {
        Some(target) => through_upgrader(runtime, upgrader, id, proposal, target, upgrade).await,
        None => of_upgrader(runtime, upgrader, id, proposal, upgrade).await,
    }
}

/// The name of a proposal's upgrade.
pub fn upgrade_id(id: ProposalId) -> UpgradeId {
    UpgradeId(format!("proposal-{id}"))
}

async fn through_upgrader<R: Runtime>(
    runtime: &R,
    upgrader: Principal,
    id: ProposalId,
    proposal: &Proposal,
    target: Controlled,
    upgrade: UpgradeProposal,
) -> Step {
    let is_expired = is_expired(runtime, proposal);
    // First, because this may be the new code already.
    match runtime.upgrade_status(upgrader, upgrade_id(id)).await {
        Ok(Some(status)) => return judge(&status),
        Ok(None) => {}
        Err(error) => return of_error(error, is_expired),
    }
    adoption(id, proposal);
    let chunks = artifacts::chunks(&expect_stored(&upgrade));
    let mut digests = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        match runtime.store_module_chunk(upgrader, chunk).await {
            Ok(digest) => digests.push(digest),
            Err(error) => return of_error(error, is_expired),
        }
    }
    let order = UpgradeOrder {
        id: upgrade_id(id),
        target,
        module: ModuleRef { sha256: upgrade.module_sha256, chunks: digests },
        arg_sha256: Sha256Digest::of(&upgrade.arg),
        arg: upgrade.arg,
    };
    match runtime.order_upgrade(upgrader, order).await {
        Ok(status) => judge(&status),
        Err(error) => of_error(error, is_expired),
    }
}

fn judge(status: &UpgradeStatus) -> Step {
    match status.state {
        UpgradeState::Running { .. } => Step::Waiting,
        UpgradeState::Done => Step::Done,
        UpgradeState::Failed { failure } => Step::Failed(failure.to_string()),
    }
}

async fn of_upgrader<R: Runtime>(
    runtime: &R,
    upgrader: Principal,
    id: ProposalId,
    proposal: &Proposal,
    upgrade: UpgradeProposal,
) -> Step {
    adoption(id, proposal);
    let module = Module {
        chunks: artifacts::chunks(&expect_stored(&upgrade)),
        sha256: upgrade.module_sha256,
        arg: upgrade.arg.into_vec(),
    };
    match runtime.upgrade_upgrader(upgrader, module).await {
        Ok(()) => Step::Done,
        Err(error) => of_error(error, is_expired(runtime, proposal)),
    }
}

/// How a step ends whose call of the upgrader or of the network brought no answer.
pub fn of_error(error: CustodyError, is_expired: bool) -> Step {
    match error {
        CustodyError::Refused { reason } => Step::Failed(format!("it was refused: {reason}")),
        CustodyError::Unavailable { reason } if is_expired => {
            Step::Failed(format!("nothing came of it within a day of the decision: {reason}"))
        }
        CustodyError::Unavailable { .. } => Step::Waiting,
    }
}

fn expect_stored(upgrade: &UpgradeProposal) -> Artifact {
    read_state(|state| state.artifacts().stored(&upgrade.module_sha256).cloned())
        .unwrap_or_else(|| panic!("BUG: the module of a live proposal was dropped"))
}
