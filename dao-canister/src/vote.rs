//! Casting a ballot, and ending the vote.

use candid::Principal;
use release_types::{
    ProposalId, ProposalStatus,
    proposal::WithdrawError,
    voting::{VoteArgs, VoteError},
};

use crate::{
    artifacts,
    runtime::Runtime,
    schedule::{self, Task},
    state::{Event, Proposal, audit::process_event, read_state},
    storage,
    voting::{Outcome, Voting, outcome},
};

/// Counts a member's ballot, and decides if nothing can change the outcome any more. Returns where the proposal
/// stands then.
///
/// # Errors
/// If the caller may not vote on it, or not any more.
pub fn vote<R: Runtime>(runtime: &R, caller: Principal, args: VoteArgs) -> Result<ProposalStatus, VoteError> {
    let VoteArgs { proposal: id, choice } = args;
    let now_ns = runtime.time_ns();
    let (voting_power, previous) = read_state(|state| {
        // Strangers learn nothing about proposals from this method.
        let proposal = match state.proposal(id) {
            Some(proposal) => proposal,
            None if state.is_member(&caller) => return Err(VoteError::NoSuchProposal),
            None => return Err(VoteError::NotAllowed { caller }),
        };
        let voting_power =
            state.electorate_of(proposal).voting_power(&caller).ok_or(VoteError::NotAllowed { caller })?;
        let live = state.live_proposal(id).filter(|_| is_votable(proposal, now_ns));
        let live = live.ok_or(VoteError::NotOpen)?;
        match live.ballots.get(&caller) {
            Some(choice) => Err(VoteError::AlreadyVoted { choice: *choice }),
            None => Ok((voting_power, proposal.last_ballot)),
        }
    })?;
    process_event(
        runtime,
        Event::BallotCast { proposal: id, member: caller, choice, voting_power, previous },
    );
    decide_if_certain(runtime, id);
    Ok(expect_status(id))
}

/// Takes a proposal back.
///
/// # Errors
/// If the caller is not its proposer, or it is too late.
pub fn withdraw<R: Runtime>(runtime: &R, caller: Principal, id: ProposalId) -> Result<(), WithdrawError> {
    read_state(|state| {
        let proposal = match state.proposal(id) {
            Some(proposal) if proposal.proposer == caller => proposal,
            None if state.is_participant(&caller) => return Err(WithdrawError::NoSuchProposal),
            _ => return Err(WithdrawError::NotAllowed { caller }),
        };
        match proposal.status {
            ProposalStatus::Open | ProposalStatus::Approved => Ok(()),
            _ => Err(WithdrawError::NotWithdrawable { status: proposal.status.clone() }),
        }
    })?;
    process_event(runtime, Event::ProposalWithdrawn { proposal: id });
    schedule::cancel(Task::CloseVoting(id));
    schedule::cancel(Task::Advance(id));
    clear_away(runtime, id);
    Ok(())
}

/// Ends the vote on an open proposal if its outcome is certain, which it always is from the deadline on.
pub fn decide_if_certain<R: Runtime>(runtime: &R, id: ProposalId) {
    let now_ns = runtime.time_ns();
    let outcome = read_state(|state| {
        let proposal = state.proposal(id).filter(|proposal| proposal.status == ProposalStatus::Open)?;
        let policy = state.electorate_of(proposal).policy();
        outcome(policy, &proposal.tally, Voting::at(now_ns, proposal.deadline_ns))
    });
    let Some(outcome) = outcome else { return };
    process_event(runtime, Event::ProposalDecided { proposal: id, outcome });
    schedule::cancel(Task::CloseVoting(id));
    match outcome {
        Outcome::Adopted => schedule::set(runtime, Task::Advance(id), now_ns),
        Outcome::Rejected => clear_away(runtime, id),
    }
}

/// After a proposal that nothing came of: nobody needs its document any more, and its artifacts may expire.
fn clear_away<R: Runtime>(runtime: &R, id: ProposalId) {
    storage::drop_document(id);
    artifacts::schedule_collection(runtime);
}

fn is_votable(proposal: &Proposal, now_ns: u64) -> bool {
    proposal.status == ProposalStatus::Open && Voting::at(now_ns, proposal.deadline_ns) == Voting::Running
}

fn expect_status(id: ProposalId) -> ProposalStatus {
    read_state(|state| state.proposal(id).map(|proposal| proposal.status.clone()))
        .unwrap_or_else(|| panic!("BUG: proposal {id} vanished"))
}
