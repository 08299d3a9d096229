//! Keeps a task from running twice at a time, and takes it up again if it is lost.
//!
//! After a trap the system rolls the message back and runs its cleanup, in which the suspended future is dropped:
//! the guard then frees the task and schedules it anew. A task whose answer never reaches it, as after an upgrade without
//! a stop, holds no longer than its lease: the next sweep takes it up, and the former run never goes on. What the task
//! finds in the state tells it where it stopped.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::{
    runtime::Runtime,
    tasks::{self, Task},
};

/// Pause before a task that was lost in a trap runs again.
const RECOVERY_DELAY: Duration = Duration::from_secs(5);
/// How long a task may wait for an answer. Outcalls and chunks take two minutes at most; keys and signatures take longer
/// only while a subnet is out of order, and then asking once more does no harm.
const LEASE: Duration = Duration::from_secs(30 * 60);

thread_local! {
    static RUNNING: RefCell<Runs> = const { RefCell::new(Runs { last: 0, by_task: BTreeMap::new() }) };
}

/// The tasks under way.
struct Runs {
    /// Number of the latest run.
    last: u64,
    by_task: BTreeMap<Task, Run>,
}

/// One run of a task.
struct Run {
    number: u64,
    /// When it went on last.
    at_ns: u64,
}

impl Run {
    fn is_lost(&self, now_ns: u64) -> bool {
        Duration::from_nanos(now_ns.saturating_sub(self.at_ns)) >= LEASE
    }
}

/// A task under way.
struct Guard<R: Runtime> {
    runtime: R,
    task: Task,
    number: u64,
    finished: bool,
}

/// Runs a task unless it is under way already, and again after the pause that it ends with.
pub async fn run_alone<R: Runtime>(runtime: &R, task: Task, work: impl Future<Output = Option<Duration>>) {
    let Some(guard) = Guard::acquire(runtime, task) else { return };
    let mut work = pin!(work);
    // Each answer comes in here first, so a run that lost its lease does nothing more.
    let ended =
        poll_fn(
            |context| {
                if guard.renew() { work.as_mut().poll(context).map(Some) } else { Poll::Ready(None) }
            },
        );
    if let Some(again_after) = ended.await {
        guard.finish(again_after);
    }
}

impl<R: Runtime> Guard<R> {
    /// None if the task is under way already.
    fn acquire(runtime: &R, task: Task) -> Option<Self> {
        let now_ns = runtime.time_ns();
        RUNNING.with_borrow_mut(|runs| {
            if runs.by_task.get(&task).is_some_and(|run| !run.is_lost(now_ns)) {
                return None;
            }
            runs.last += 1;
            runs.by_task.insert(task.clone(), Run { number: runs.last, at_ns: now_ns });
            Some(Self { runtime: runtime.clone(), task, number: runs.last, finished: false })
        })
    }

    /// Begins the lease anew; false if the task was taken up by another run.
    fn renew(&self) -> bool {
        let now_ns = self.runtime.time_ns();
        RUNNING.with_borrow_mut(|runs| match runs.by_task.get_mut(&self.task) {
            Some(run) if run.number == self.number => {
                run.at_ns = now_ns;
                true
            }
            _ => false,
        })
    }

    /// Ends the task, to run again after a delay if there is one.
    fn finish(mut self, again_after: Option<Duration>) {
        self.finished = true;
        if let Some(delay) = again_after {
            tasks::schedule(&self.runtime, self.task.clone(), delay);
        }
    }
}

impl<R: Runtime> Drop for Guard<R> {
    fn drop(&mut self) {
        let is_current = RUNNING.with_borrow_mut(|runs| {
            let is_current = runs.by_task.get(&self.task).is_some_and(|run| run.number == self.number);
            if is_current {
                runs.by_task.remove(&self.task);
            }
            is_current
        });
        if is_current && !self.finished {
            tasks::schedule(&self.runtime, self.task.clone(), RECOVERY_DELAY);
        }
    }
}

/// How many orders are being driven.
pub fn driven_orders<R: Runtime>(runtime: &R) -> usize {
    let now_ns = runtime.time_ns();
    RUNNING.with_borrow(|runs| {
        let is_driven = |task: &Task, run: &Run| matches!(task, Task::DriveOrder(_)) && !run.is_lost(now_ns);
        runs.by_task.iter().filter(|(task, run)| is_driven(task, run)).count()
    })
}
