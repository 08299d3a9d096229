//! The only place where the state changes: one event, one clock reading, one transition, one block of the log.

use audit_log::ReplayError;
use release_types::{
    Sha256Digest,
    control::{UpgradeOrder, UpgradeState, UpgradeStep},
};

use crate::{
    runtime::Runtime,
    state::{Event, OrderedBy, Recovery, Running, State, mutate_state},
    storage,
};

/// Lets something have happened: applies it to the state and writes it to the log, at one and the same time.
///
/// # Panics
/// If the event contradicts the state, which is a defect of this program.
pub fn process_event<R: Runtime>(runtime: &R, event: Event) {
    let time_ns = runtime.time_ns();
    mutate_state(|state| apply_state_transition(state, time_ns, &event));
    runtime.certify(storage::append(time_ns, &event));
}

/// Rebuilds the state from a log that begins with [`Event::Installed`].
///
/// # Panics
/// If the log begins with anything else or contradicts itself.
pub fn replay<E>(events: impl IntoIterator<Item = Result<(u64, Event), E>>) -> Result<State, E> {
    let mut state: Option<State> = None;
    for entry in events {
        let (time_ns, event) = entry?;
        match (&mut state, event) {
            (None, Event::Installed { dao, custody, committee }) => {
                state = Some(State::new(dao, custody, committee));
            }
            (Some(state), event) => apply_state_transition(state, time_ns, &event),
            (None, _) => panic!("BUG: the log does not begin with the installation"),
        }
    }
    Ok(state.unwrap_or_else(|| panic!("BUG: the log is empty")))
}

/// The state that the canister's own log adds up to.
///
/// # Errors
/// If a block is not a fact of this canister.
pub fn replay_log() -> Result<State, ReplayError> {
    replay(storage::events())
}

/// What each event does to the state, live and in replay.
pub fn apply_state_transition(state: &mut State, time_ns: u64, event: &Event) {
    match event {
        Event::Installed { dao, custody, committee } => {
            *state = State::new(*dao, *custody, committee.clone());
        }
        Event::ChangedCommittee { committee } => {
            state.committee.clone_from(committee);
            state.recoveries.clear();
        }
        Event::StoredChunk { sha256, .. } => {
            state.chunks.insert(*sha256);
        }
        Event::ClearedChunks { .. } => state.chunks.clear(),
        Event::OrderedUpgrade { order, by } => {
            assert!(state.running.is_none(), "BUG: two upgrades at a time");
            let replaced = state.orders.insert(order.id.clone(), digest(order));
            assert!(replaced.is_none(), "BUG: upgrade {} was ordered twice", order.id);
            state.running = Some(Running {
                order: order.clone(),
                ordered_at_ns: time_ns,
                step: UpgradeStep::Prepare,
                since_ns: time_ns,
                failure: None,
                is_custody_suspended: false,
                tip: None,
                lost_tip: None,
                snapshot: None,
            });
            if let OrderedBy::Recovery(recovery) = by {
                let removed = state.recoveries.remove(recovery);
                assert!(removed.is_some(), "BUG: there is no recovery {recovery}");
            }
        }
        Event::BeganStep { step, failure } => {
            let running = running_mut(state);
            running.step = *step;
            running.since_ns = time_ns;
            running.failure = *failure;
        }
        Event::SuspendedCustody { .. } => running_mut(state).is_custody_suspended = true,
        Event::SawTip { tip } => running_mut(state).tip = Some(tip.clone()),
        Event::SawLostTip { tip } => running_mut(state).lost_tip = Some(tip.clone()),
        Event::TookSnapshot { snapshot } => running_mut(state).snapshot = Some(snapshot.clone()),
        Event::EndedUpgrade { ended } => {
            let running = state.running.take().unwrap_or_else(|| panic!("BUG: no upgrade is under way"));
            let mut status = running.status();
            status.since_ns = time_ns;
            status.state =
                ended.failure.map_or(UpgradeState::Done, |failure| UpgradeState::Failed { failure });
            state.ended.insert(running.order.id, status);
        }
        Event::ProposedRecovery { recovery, by, proposal } => {
            assert_eq!(*recovery, state.next_recovery(), "BUG: recoveries are numbered out of order");
            state.last_recovery = recovery.0;
            state.proposed_at_ns.insert(*by, time_ns);
            state.recoveries.retain(|_, earlier| earlier.by != *by);
            let mut proposed =
                Recovery { by: *by, proposal: proposal.clone(), supporters: Vec::new(), due_at_ns: None };
            support(state, &mut proposed, *by, time_ns);
            state.recoveries.insert(*recovery, proposed);
        }
        Event::SupportedRecovery { recovery, by } => {
            let removed = state.recoveries.remove(recovery);
            let mut supported = removed.unwrap_or_else(|| panic!("BUG: there is no recovery {recovery}"));
            support(state, &mut supported, *by, time_ns);
            state.recoveries.insert(*recovery, supported);
        }
        Event::CancelledRecovery { recovery } => {
            let removed = state.recoveries.remove(recovery);
            assert!(removed.is_some(), "BUG: there is no recovery {recovery}");
        }
        Event::ChangedSettings { .. } => {}
    }
}

/// Identifies an order: the same content has the same digest.
pub fn digest(order: &UpgradeOrder) -> Sha256Digest {
    Sha256Digest(audit_log::digest_of_state(order))
}

fn support(state: &State, recovery: &mut Recovery, by: candid::Principal, time_ns: u64) {
    let Some(committee) = &state.committee else { panic!("BUG: a recovery without a committee") };
    assert!(!recovery.supporters.contains(&by), "BUG: {by} supports a recovery twice");
    recovery.supporters.push(by);
    if recovery.due_at_ns.is_none() && recovery.supporters.len() >= committee.threshold as usize {
        recovery.due_at_ns = Some(time_ns.saturating_add(committee.delay_ns));
    }
}

fn running_mut(state: &mut State) -> &mut Running {
    state.running.as_mut().unwrap_or_else(|| panic!("BUG: no upgrade is under way"))
}
