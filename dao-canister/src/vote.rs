//! Casting a ballot, stopping a proposal, and ending the vote.

use candid::Principal;
use release_types::{
    Choice, MemberId, ProposalId, ProposalStatus, Sha256Digest,
    member::MAX_REASON_BYTES,
    proposal::WithdrawError,
    voting::{VetoArgs, VetoError, VoteArgs, VoteError},
};

use crate::{
    artifacts,
    proposal::text,
    runtime::Runtime,
    schedule::{self, Task},
    state::{Cast, Event, LiveProposal, Proposal, State, audit::process_event, read_state},
    storage,
    voting::{Outcome, Voting, outcome},
};

/// What a member says of the digests.
enum Seen {
    Nothing,
    AsProposed,
    Others,
}

/// Counts a member's ballot, and decides if nothing can change the outcome any more. Returns where the proposal
/// stands then. A member who computed other digests than those proposed casts no ballot but stops the proposal, until
/// they vote again with those proposed.
///
/// # Errors
/// If the caller may not vote on it, or not any more, or not like this.
pub fn vote<R: Runtime>(runtime: &R, caller: Principal, args: VoteArgs) -> Result<ProposalStatus, VoteError> {
    let VoteArgs { proposal: id, choice, digests } = args;
    let now_ns = runtime.time_ns();
    let event = read_state(|state| -> Result<Event, VoteError> {
        let acting = state.membership().acting(&caller);
        // Strangers learn nothing about proposals from this method.
        let member = acting.ok_or(VoteError::NotAllowed { caller })?;
        let proposal = state.proposal(id).ok_or(VoteError::NoSuchProposal)?;
        let power = state.electorate_of(proposal).voting_power(member);
        let voting_power = power.ok_or(VoteError::NotAllowed { caller })?;
        let live = state.live_proposal(id).filter(|_| is_votable(proposal, now_ns));
        let live = live.ok_or(VoteError::NotOpen)?;
        let checked = match permitted(proposal, live, member, choice, &digests)? {
            Seen::Others => {
                return Ok(Event::DigestsDisputed { proposal: id, member, key: caller, digests });
            }
            Seen::AsProposed => true,
            Seen::Nothing => false,
        };
        let previous = proposal.last_ballot;
        Ok(Event::BallotCast { proposal: id, member, key: caller, choice, voting_power, checked, previous })
    })?;
    let before = closed_outcome(id);
    process_event(runtime, event);
    if closed_outcome(id) != before {
        extend(runtime, id);
    }
    decide_if_certain(runtime, id);
    Ok(expect_status(id))
}

/// Whether the proposal's rule lets this member cast this ballot now.
fn permitted(
    proposal: &Proposal,
    live: &LiveProposal,
    member: MemberId,
    choice: Choice,
    digests: &[Sha256Digest],
) -> Result<Seen, VoteError> {
    if live.left_out(proposal) == Some(member) {
        return Err(VoteError::OwnProposal);
    }
    if choice == Choice::Abstain && !live.rule.abstention {
        return Err(VoteError::NoAbstention);
    }
    let is_disputed = live.disputes.contains_key(&member);
    let proposed = live.release.as_ref().map(|release| &release.artifacts);
    let expected = proposed.map_or(0, |artifacts| artifacts.len());
    let must_check = expected > 0 && (is_disputed || (live.rule.checked_ballots && choice == Choice::Yes));
    if digests.len() != expected && (must_check || !digests.is_empty()) {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        return Err(VoteError::WrongDigestCount { found: count(digests.len()), expected: count(expected) });
    }
    let seen = match proposed {
        Some(proposed) if !digests.is_empty() => {
            if *proposed == digests.iter().copied().collect() {
                Seen::AsProposed
            } else {
                Seen::Others
            }
        }
        _ => Seen::Nothing,
    };
    match live.ballots.get(&member) {
        // A ballot that stops or lets go again is news, whatever was cast before.
        _ if is_disputed || matches!(seen, Seen::Others) => Ok(seen),
        Some(cast) if !live.rule.vote_change || cast.choice == choice => {
            Err(VoteError::AlreadyVoted { choice: cast.choice })
        }
        _ => Ok(seen),
    }
}

/// Takes a proposal back.
///
/// # Errors
/// If the caller is not its proposer, or it is too late.
pub fn withdraw<R: Runtime>(runtime: &R, caller: Principal, id: ProposalId) -> Result<(), WithdrawError> {
    read_state(|state| {
        let proposal = match state.proposal(id) {
            Some(proposal) if is_proposer(state, proposal, &caller) => proposal,
            None if state.is_participant(&caller) => return Err(WithdrawError::NoSuchProposal),
            _ => return Err(WithdrawError::NotAllowed { caller }),
        };
        match proposal.status {
            ProposalStatus::Open | ProposalStatus::Approved => Ok(()),
            _ => Err(WithdrawError::NotWithdrawable { status: proposal.status.clone() }),
        }
    })?;
    end_before_execution(runtime, id, Event::ProposalWithdrawn { proposal: id });
    Ok(())
}

/// The one who proposed it, by any key that is in use; an outsider only by the same.
fn is_proposer(state: &State, proposal: &Proposal, caller: &Principal) -> bool {
    match proposal.proposing_member {
        Some(member) => state.membership().acting(caller) == Some(member),
        None => proposal.proposer == *caller && state.is_participant(caller),
    }
}

/// Stops a proposal before it is carried out, on the word of one guardian that its rule names.
///
/// # Errors
/// If the caller is no guardian of it, it is too late, or no reason is given.
pub fn veto<R: Runtime>(runtime: &R, caller: Principal, args: VetoArgs) -> Result<(), VetoError> {
    let VetoArgs { proposal: id, reason } = args;
    let member = read_state(|state| {
        let member = state.membership().acting(&caller).ok_or(VetoError::NotAllowed { caller })?;
        let proposal = state.proposal(id).ok_or(VetoError::NoSuchProposal)?;
        let live = state.live_proposal(id).ok_or(VetoError::NotStoppable)?;
        if !live.rule.guardians.contains(&member) {
            return Err(VetoError::NotAllowed { caller });
        }
        match proposal.status {
            ProposalStatus::Open | ProposalStatus::Approved => Ok(member),
            _ => Err(VetoError::NotStoppable),
        }
    })?;
    let defects: Vec<_> = text::length("reason", &reason, 1, MAX_REASON_BYTES).into_iter().collect();
    if !defects.is_empty() {
        return Err(VetoError::Invalid { defects });
    }
    end_before_execution(runtime, id, Event::ProposalVetoed { proposal: id, member, reason });
    Ok(())
}

/// Ends the vote on an open proposal if its outcome is certain, which it always is from the deadline on.
pub fn decide_if_certain<R: Runtime>(runtime: &R, id: ProposalId) {
    let now_ns = runtime.time_ns();
    let outcome = read_state(|state| {
        let proposal = state.proposal(id).filter(|proposal| proposal.status == ProposalStatus::Open)?;
        decision(state.expect_live(id), proposal, Voting::at(now_ns, proposal.deadline_ns))
    });
    let Some(outcome) = outcome else { return };
    process_event(runtime, Event::ProposalDecided { proposal: id, outcome });
    schedule::cancel(Task::CloseVoting(id));
    match outcome {
        Outcome::Adopted => {
            let due_ns =
                read_state(|state| state.proposal(id).and_then(|proposal| proposal.executable_at_ns));
            schedule::set(runtime, Task::Advance(id), due_ns.unwrap_or(now_ns));
        }
        Outcome::Rejected => clear_away(runtime, id),
    }
}

/// Ends an approved proposal whose execution did not begin in time. True if it did not.
pub fn expire_if_overdue<R: Runtime>(runtime: &R, id: ProposalId) -> bool {
    let is_overdue = read_state(|state| {
        let proposal = state.proposal(id).filter(|proposal| proposal.status == ProposalStatus::Approved)?;
        let window_ns = state.expect_live(id).rule.execution_window_ns;
        Some(runtime.time_ns() >= proposal.executable_at_ns?.saturating_add(window_ns))
    });
    if is_overdue == Some(true) {
        end_before_execution(runtime, id, Event::ProposalExpired { proposal: id });
    }
    is_overdue == Some(true)
}

/// Voids what suspended keys and former members said for open proposals, where the rule of each wants that. Taking a
/// ballot back makes no outcome certain: whoever cast it counts among those who may still vote.
pub fn void_ballots_of_suspended<R: Runtime>(runtime: &R) {
    let now_ns = runtime.time_ns();
    let void: Vec<(ProposalId, MemberId)> = read_state(|state| {
        let is_open =
            |id: &ProposalId| state.proposal(*id).is_some_and(|proposal| is_votable(proposal, now_ns));
        let ids = state.live().filter(is_open);
        ids.flat_map(|id| void_ballots(state, id).into_iter().map(move |member| (id, member))).collect()
    });
    for (id, member) in void {
        let previous = read_state(|state| state.proposal(id).and_then(|proposal| proposal.last_ballot));
        process_event(runtime, Event::BallotVoided { proposal: id, member, previous });
    }
}

/// Whose ballots on a proposal are void: what says no stands.
fn void_ballots(state: &State, id: ProposalId) -> Vec<MemberId> {
    let live = state.expect_live(id);
    let group = state.membership();
    let is_void = |(member, cast): &(&MemberId, &Cast)| {
        cast.choice != Choice::No && (group.is_suspended(&cast.key) || group.member(**member).is_none())
    };
    let void = live.ballots.iter().filter(|_| live.rule.void_suspended).filter(is_void);
    void.map(|(member, _)| *member).collect()
}

/// How the vote would end if it ended now; a dispute keeps everything from being adopted.
fn decision(live: &LiveProposal, proposal: &Proposal, voting: Voting) -> Option<Outcome> {
    match outcome(&live.rule, &proposal.count, voting) {
        Some(Outcome::Adopted) if !live.disputes.is_empty() => match voting {
            Voting::Running => None,
            Voting::Closed => Some(Outcome::Rejected),
        },
        outcome => outcome,
    }
}

fn closed_outcome(id: ProposalId) -> Option<Outcome> {
    read_state(|state| decision(state.live_proposal(id)?, state.proposal(id)?, Voting::Closed))
}

/// Gives those who have not seen the turn of a late ballot time to answer it.
fn extend<R: Runtime>(runtime: &R, id: ProposalId) {
    let now_ns = runtime.time_ns();
    let deadline_ns = read_state(|state| {
        let proposal = state.proposal(id)?;
        let rule = &state.live_proposal(id)?.rule;
        let latest_ns = proposal.submitted_at_ns.saturating_add(rule.voting_period_ns.saturating_mul(2));
        let deadline_ns = now_ns.saturating_add(rule.late_swing_ns).min(latest_ns);
        (deadline_ns > proposal.deadline_ns).then_some(deadline_ns)
    });
    if let Some(deadline_ns) = deadline_ns {
        process_event(runtime, Event::DeadlineMoved { proposal: id, deadline_ns });
        schedule::set(runtime, Task::CloseVoting(id), deadline_ns);
    }
}

fn end_before_execution<R: Runtime>(runtime: &R, id: ProposalId, event: Event) {
    process_event(runtime, event);
    schedule::cancel(Task::CloseVoting(id));
    schedule::cancel(Task::Advance(id));
    clear_away(runtime, id);
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
