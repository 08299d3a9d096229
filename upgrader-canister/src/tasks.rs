//! What the canister does on its own, in messages of their own, started by timers.
//!
//! Tasks find in the state what is to be done, so each may run at any moment and any number of times. Timers do not
//! survive an upgrade; [`arm`] sets them anew.

use std::time::Duration;

use crate::{recovery, runtime::Runtime, state::read_state, upgrade};

/// One piece of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Take the next step of the upgrade under way.
    Drive,
    /// Look for recoveries that are due and for work that lost its timer.
    Sweep,
}

/// How often lost work is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Starts whatever lost its timer: after installation, after an upgrade and from time to time.
pub fn arm<R: Runtime>(runtime: &R) {
    recovery::carry_out_due(runtime);
    if read_state(|state| state.running().is_some()) {
        runtime.set_timer(Duration::ZERO, Task::Drive);
    }
    runtime.set_timer(SWEEP_INTERVAL, Task::Sweep);
}

/// Runs the task of a timer that went off.
pub async fn run<R: Runtime>(runtime: R, task: Task) {
    match task {
        Task::Drive => upgrade::drive(&runtime).await,
        Task::Sweep => arm(&runtime),
    }
}
