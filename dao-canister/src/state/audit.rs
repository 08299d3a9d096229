//! The only way the state changes: a fact is applied, appended to the log, and the new tip certified.

use audit_log::{BlockIndex, ReplayError};

use crate::{
    runtime::Runtime,
    state::{Event, State, mutate_state},
    storage,
};

/// When and where a fact is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub block: BlockIndex,
    pub time_ns: u64,
}

/// Applies a fact and records it.
pub fn process_event<R: Runtime>(runtime: &R, event: Event) {
    let recorded = Recorded { block: storage::read_log(|log| log.len()), time_ns: runtime.time_ns() };
    mutate_state(|state| state.apply(recorded, &event));
    let root = storage::write_log(|log| {
        log.append(recorded.time_ns, event.operation(), &event);
        log.certified_root()
    });
    runtime.certify(root);
}

/// The state that the log amounts to.
///
/// # Errors
/// If a block is not a fact of this canister.
pub fn replay() -> Result<State, ReplayError> {
    let mut state = State::default();
    storage::read_log(|log| {
        for (entry, block) in log.replay::<Event>().zip(0..) {
            let (time_ns, event) = entry?;
            state.apply(Recorded { block, time_ns }, &event);
        }
        Ok(state)
    })
}
