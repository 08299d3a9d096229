//! What the canister does on its own, in messages of their own, started by timers.
//!
//! Tasks find in the state what is to be done, so each may run at any moment and any number of times. Each has at most
//! one live timer. Timers do not survive an upgrade; [`arm`] sets them anew.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use crate::{recovery, runtime::Runtime, state::read_state, upgrade};

/// One piece of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Take the next step of the upgrade under way.
    Drive,
    /// Look for recoveries that are due and for work that lost its timer.
    Sweep,
}

/// How often lost work is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

thread_local! {
    static DUE_AT_NS: RefCell<BTreeMap<Task, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs a task after a delay, unless it is to run earlier anyway.
pub fn schedule<R: Runtime>(runtime: &R, task: Task, delay: Duration) {
    let now_ns = runtime.time_ns();
    let due_ns = now_ns.saturating_add(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
    let runs_anyway = DUE_AT_NS.with_borrow_mut(|table| {
        // An entry of the past belongs to a timer that was lost.
        let runs_anyway = table.get(&task).is_some_and(|&at| now_ns < at && at <= due_ns);
        if !runs_anyway {
            table.insert(task, due_ns);
        }
        runs_anyway
    });
    if !runs_anyway {
        runtime.set_timer(delay, task);
    }
}

/// Starts whatever lost its timer: after installation, after an upgrade and from time to time.
pub fn arm<R: Runtime>(runtime: &R) {
    recovery::carry_out_due(runtime);
    let is_driven =
        DUE_AT_NS.with_borrow(|table| table.get(&Task::Drive).is_some_and(|&at| runtime.time_ns() <= at));
    if read_state(|state| state.running().is_some()) && !is_driven {
        schedule(runtime, Task::Drive, Duration::ZERO);
    }
    schedule(runtime, Task::Sweep, SWEEP_INTERVAL);
}

/// Runs the task of a timer that went off.
pub async fn run<R: Runtime>(runtime: R, task: Task) {
    let now_ns = runtime.time_ns();
    let is_due = DUE_AT_NS.with_borrow_mut(|table| {
        let is_due = table.get(&task).is_some_and(|&at| at <= now_ns);
        if is_due {
            table.remove(&task);
        }
        is_due
    });
    if !is_due {
        return;
    }
    match task {
        Task::Drive => upgrade::drive(&runtime).await,
        Task::Sweep => arm(&runtime),
    }
}

/// Forgets every timer, as an upgrade does.
#[cfg(test)]
pub fn forget_timers() {
    DUE_AT_NS.with_borrow_mut(BTreeMap::clear);
}
