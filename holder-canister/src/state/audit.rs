//! The only way the state changes: a fact is applied, appended to the log, and the new tip certified.

use audit_log::{ConversionError, ReplayError, Value, fact_of_block};

use crate::{
    runtime,
    state::{Event, State, mutate_state},
    storage,
};

/// Applies a fact and records it.
pub fn process_event(event: &Event) {
    let now_ns = runtime::time_ns();
    mutate_state(|state| state.apply_state_transition(now_ns, event));
    let root = storage::write_log(|log| {
        log.append(now_ns, event.operation(), event);
        log.certified_root()
    });
    runtime::certify(root);
}

/// The state that the log amounts to.
///
/// # Errors
/// If a block is not a fact of this canister.
pub fn replay() -> Result<State, ReplayError> {
    storage::read_log(|log| fold(log.replay()))
}

/// The state that downloaded blocks amount to: for whoever checks a canister from outside. The blocks are the whole
/// log, whose chain the caller has verified.
///
/// # Errors
/// If a block is not a fact of this canister.
///
/// # Panics
/// If a fact cannot follow from those before it: no canister of this code wrote such a log.
pub fn replay_blocks(blocks: impl IntoIterator<Item = Value>) -> Result<State, ConversionError> {
    fold(blocks.into_iter().map(fact_of_block))
}

fn fold<E>(facts: impl Iterator<Item = Result<(u64, Event), E>>) -> Result<State, E> {
    let mut state = State::default();
    for fact in facts {
        let (time_ns, event) = fact?;
        state.apply_state_transition(time_ns, &event);
    }
    Ok(state)
}
