//! What is to be done later, and when. Each task has at most one pending time; setting another replaces it.
//!
//! Whoever runs a task sets its next time before the first await. A trap before that undoes it, and the timer is gone
//! all the same; the sweep finds such tasks from the state and takes them up again.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use release_types::{FreezeScope, ProposalId};

use crate::runtime::Runtime;

/// Something to do later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Decide a proposal at its deadline.
    CloseVoting(ProposalId),
    /// Take the next step of an adopted proposal.
    Advance(ProposalId),
    /// Ask custody to freeze what a member demanded.
    Freeze(FreezeScope),
    /// Drop artifacts whose time is over.
    CollectArtifacts,
    /// Take up again whatever lost its timer.
    Sweep,
}

thread_local! {
    static DUE: RefCell<BTreeMap<Task, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs the task at `due_ns`, and at no time that was set before.
pub fn set<R: Runtime>(runtime: &R, task: Task, due_ns: u64) {
    DUE.with_borrow_mut(|due| due.insert(task, due_ns));
    let delay = Duration::from_nanos(due_ns.saturating_sub(runtime.time_ns()));
    runtime.set_timer(delay, task);
}

/// Runs the task at `due_ns`, unless it will run at a time that was set before. A time of the past belongs to a timer
/// that was lost.
pub fn set_if_lost<R: Runtime>(runtime: &R, task: Task, due_ns: u64) {
    if due_at_ns(task).is_none_or(|known_ns| known_ns < runtime.time_ns()) {
        set(runtime, task, due_ns);
    }
}

/// Runs the task no more.
pub fn cancel(task: Task) {
    DUE.with_borrow_mut(|due| due.remove(&task));
}

/// Whether a task whose timer fired is to run now. Timers of replaced times fire in vain.
pub fn take<R: Runtime>(runtime: &R, task: Task) -> bool {
    DUE.with_borrow_mut(|due| {
        let is_due = due.get(&task).is_some_and(|due_ns| *due_ns <= runtime.time_ns());
        if is_due {
            due.remove(&task);
        }
        is_due
    })
}

/// When a task is due, if it is.
pub fn due_at_ns(task: Task) -> Option<u64> {
    DUE.with_borrow(|due| due.get(&task).copied())
}

/// Forgets everything: after an upgrade no timer is left that was set before.
pub fn forget() {
    DUE.take();
}
