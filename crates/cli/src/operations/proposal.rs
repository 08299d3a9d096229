//! Finding a proposal, waiting for it, and what a refusal to take one means.

use std::time::{Duration, Instant};

use release_types::{
    OrderId, ProposalId, ProposalStatus, ProposalView,
    proposal::{SubmitProposalArgs, SubmitProposalError},
};

use super::{custody::Custody, dao::Dao, moment};
use crate::failure::{Failure, FailureKind, Outcome};

const POLL: Duration = Duration::from_secs(1);

/// The proposal.
///
/// # Errors
/// When there is none with this number.
pub async fn find(dao: &Dao<'_>, id: ProposalId) -> Outcome<ProposalView> {
    dao.proposal(id).await?.ok_or_else(|| no_such_proposal(id))
}

/// The proposal, and how far custody itself says that its order has come; the DAO canister asks it only now and then.
///
/// # Errors
/// When there is none with this number.
pub async fn find_with_order(dao: &Dao<'_>, custody: &Custody<'_>, id: ProposalId) -> Outcome<ProposalView> {
    let mut view = find(dao, id).await?;
    if view.status == ProposalStatus::Executing
        && let Some(status) = custody.order_status(order_id(id)).await?
    {
        view.order = Some(status);
    } else if view.status == ProposalStatus::Executing
        && let Some(status) = custody.amendment_status(order_id(id)).await?
    {
        view.amendment = Some(status);
    }
    Ok(view)
}

/// What to say of a number that no proposal has.
pub fn no_such_proposal(id: ProposalId) -> Failure {
    Failure::refused(format!("there is no proposal {id}")).hint("`countersign list` shows all of them")
}

/// The id under which the DAO canister orders a release from custody.
pub fn order_id(id: ProposalId) -> OrderId {
    OrderId(format!("proposal-{id}"))
}

/// Whether nothing more will happen by itself.
pub fn is_over(status: &ProposalStatus) -> bool {
    match status {
        ProposalStatus::Open | ProposalStatus::Approved | ProposalStatus::Executing => false,
        ProposalStatus::Rejected
        | ProposalStatus::Withdrawn
        | ProposalStatus::Vetoed { .. }
        | ProposalStatus::Expired
        | ProposalStatus::Executed
        | ProposalStatus::Failed { .. } => true,
    }
}

/// What can be done about a proposal that stands so.
pub fn next_step(id: ProposalId, status: &ProposalStatus) -> String {
    if is_over(status) {
        format!("nothing more will happen to it; see how it ended with `countersign show {id}`")
    } else if *status == ProposalStatus::Open {
        format!("members vote with `countersign vote {id} yes`")
    } else {
        format!("follow it with `countersign status {id} --wait`")
    }
}

/// Polls until the proposal is over; `None` if it is not within `timeout`. `seen` is told each state. A network
/// that does not answer for a while is no reason to stop waiting.
///
/// # Errors
/// When the proposal does not exist or may not be read.
pub async fn wait_until_over(
    dao: &Dao<'_>,
    id: ProposalId,
    timeout: Duration,
    mut seen: impl FnMut(&ProposalView),
) -> Outcome<Option<ProposalView>> {
    let started = Instant::now();
    loop {
        match find(dao, id).await {
            Ok(view) => {
                seen(&view);
                if is_over(&view.status) {
                    return Ok(Some(view));
                }
            }
            Err(failure) if failure.kind == FailureKind::Network => {}
            Err(failure) => return Err(failure),
        }
        if started.elapsed() > timeout {
            return Ok(None);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Submits a proposal.
///
/// # Errors
/// When the canister does not take it; all defects are listed.
pub async fn submit(dao: &Dao<'_>, args: SubmitProposalArgs) -> Outcome<ProposalId> {
    dao.submit(args).await?.map_err(refusal)
}

/// Submits a proposal, or finds the live one of the same release by the same proposer, as when a CI job is run once
/// more. Says which: whether it was there already.
///
/// # Errors
/// When the canister does not take it; all defects are listed.
pub async fn submit_once(dao: &Dao<'_>, args: SubmitProposalArgs) -> Outcome<(ProposalId, bool)> {
    let action = args.action.clone();
    match dao.submit(args).await? {
        Ok(id) => Ok((id, false)),
        Err(SubmitProposalError::AlreadyProposed { proposal }) => {
            let live = find(dao, proposal).await?;
            let own = dao.agent.get_principal().is_ok_and(|caller| caller == live.proposer);
            if own && action == live.action {
                Ok((proposal, true))
            } else {
                Err(refusal(SubmitProposalError::AlreadyProposed { proposal }))
            }
        }
        Err(error) => Err(refusal(error)),
    }
}

fn refusal(error: SubmitProposalError) -> Failure {
    match error {
        SubmitProposalError::NotAllowed { caller } => Failure::refused(format!("{caller} may not propose"))
            .hint("only members and proposers may; choose another identity with --identity"),
        SubmitProposalError::Invalid { defects } => {
            Failure::refused("the canister refused the proposal; nothing of it is kept").with_defects(defects)
        }
        SubmitProposalError::AlreadyProposed { proposal } => {
            Failure::refused(format!("proposal {proposal} for the same is live"))
                .hint(format!("look at it with `countersign show {proposal}`; its proposer may withdraw it until it is carried out"))
        }
        SubmitProposalError::TooOften { submissions, limit, frees_at_ns } => {
            Failure::refused(format!("you submitted {submissions} proposals of late; {limit} are allowed"))
                .hint(format!("propose again from {} on", moment(frees_at_ns)))
        }
        SubmitProposalError::TooManyOpen { open, limit } => {
            Failure::refused(format!("you have {open} open proposals; {limit} are allowed"))
                .hint("withdraw one, or wait until one is decided")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_name_a_next_step_that_fits_where_the_proposal_stands() {
        let step = |status| next_step(ProposalId(7), &status);
        assert!(step(ProposalStatus::Open).contains("countersign vote 7"));
        assert!(step(ProposalStatus::Executing).contains("countersign status 7 --wait"));
        assert!(step(ProposalStatus::Executed).contains("countersign show 7"));
    }

    #[test]
    fn should_wait_for_everything_that_still_moves() {
        assert!(!is_over(&ProposalStatus::Open));
        assert!(!is_over(&ProposalStatus::Approved));
        assert!(!is_over(&ProposalStatus::Executing));
        assert!(is_over(&ProposalStatus::Executed));
        assert!(is_over(&ProposalStatus::Failed { reason: String::new() }));
    }
}
