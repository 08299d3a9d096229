//! At most one step of a proposal at a time.

use std::{cell::RefCell, collections::BTreeSet};

use release_types::ProposalId;

thread_local! {
    static BUSY: RefCell<BTreeSet<ProposalId>> = const { RefCell::new(BTreeSet::new()) };
}

/// Held while a step is under way; given back when dropped, also when the step's callback traps.
#[must_use]
pub struct ExecutionGuard(ProposalId);

impl ExecutionGuard {
    /// The guard, unless a step of this proposal is under way.
    pub fn acquire(id: ProposalId) -> Option<Self> {
        // Made only when it is held: dropping one gives it back.
        BUSY.with_borrow_mut(|busy| busy.insert(id)).then(|| Self(id))
    }
}

impl Drop for ExecutionGuard {
    fn drop(&mut self) {
        BUSY.with_borrow_mut(|busy| busy.remove(&self.0));
    }
}
