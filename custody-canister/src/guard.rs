//! Keeps a task from running twice at a time, and takes it up again if it ends in a trap.
//!
//! After a trap the system rolls the message back and runs its cleanup, in which the suspended future is dropped:
//! the guard then frees the task and schedules it anew. What the task finds in the state tells it where it stopped.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use crate::{
    runtime::Runtime,
    tasks::{self, Task},
};

/// Pause before a task that was lost in a trap runs again.
const RECOVERY_DELAY: Duration = Duration::from_secs(5);

thread_local! {
    static RUNNING: RefCell<BTreeSet<Task>> = const { RefCell::new(BTreeSet::new()) };
}

/// A task under way.
pub struct Guard<R: Runtime> {
    runtime: R,
    task: Task,
    finished: bool,
}

impl<R: Runtime> Guard<R> {
    /// None if the task is under way already.
    pub fn acquire(runtime: &R, task: Task) -> Option<Self> {
        let is_first = RUNNING.with_borrow_mut(|running| running.insert(task.clone()));
        is_first.then(|| Self { runtime: runtime.clone(), task, finished: false })
    }

    /// Ends the task, to run again after a delay if there is one.
    pub fn finish(mut self, again_after: Option<Duration>) {
        self.finished = true;
        if let Some(delay) = again_after {
            tasks::schedule(&self.runtime, self.task.clone(), delay);
        }
    }
}

impl<R: Runtime> Drop for Guard<R> {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| running.remove(&self.task));
        if !self.finished {
            tasks::schedule(&self.runtime, self.task.clone(), RECOVERY_DELAY);
        }
    }
}

/// How many orders are being driven.
pub fn driven_orders() -> usize {
    RUNNING.with_borrow(|running| running.iter().filter(|task| matches!(task, Task::DriveOrder(_))).count())
}
