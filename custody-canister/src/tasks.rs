//! What the canister does on its own, in messages of their own, started by timers.
//!
//! Each task has at most one live timer. The table of due times is not part of the state: timers do not survive an
//! upgrade, and [`arm`] finds from the state what is to be done.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use release_types::{CredentialId, OrderId, PackageKey};

use crate::{activation, amend, key_material, probe, publish, runtime::Runtime, state::read_state, watch};

/// One piece of background work. Safe to run at any moment and any number of times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Learn the sealing key and the receipt key.
    LearnKeys,
    /// Trial-decrypt a credential that is being activated.
    Activate(CredentialId),
    /// Take an order one step further.
    DriveOrder(OrderId),
    /// Ask whether a token still works.
    Probe(CredentialId),
    /// Look at a watched package.
    Look(PackageKey),
    /// Take an amendment one step further.
    DriveAmendment(OrderId),
    /// Take up again whatever lost its timer, for instance in a trap.
    Sweep,
}

/// How often lost work is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10 * 60);

thread_local! {
    static DUE_AT_NS: RefCell<BTreeMap<Task, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs a task after a delay, unless it is to run earlier anyway.
pub fn schedule<R: Runtime>(runtime: &R, task: Task, delay: Duration) {
    let now_ns = runtime.time_ns();
    let delay_ns = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
    let due_ns = now_ns.saturating_add(delay_ns);
    let runs_anyway = DUE_AT_NS.with_borrow_mut(|table| {
        // An entry of the past belongs to a timer that was lost.
        let runs_anyway = table.get(&task).is_some_and(|&at| now_ns < at && at <= due_ns);
        if !runs_anyway {
            table.insert(task.clone(), due_ns);
        }
        runs_anyway
    });
    if !runs_anyway {
        runtime.set_timer(delay, task);
    }
}

/// When a task runs next; none while it runs, or if it is not due at all.
pub fn due_at_ns(task: &Task) -> Option<u64> {
    DUE_AT_NS.with_borrow(|table| table.get(task).copied())
}

/// Starts whatever lost its timer: after installation, after an upgrade and from time to time.
pub fn arm<R: Runtime>(runtime: &R) {
    let due = read_state(|state| {
        let keys = (!state.knows_its_keys()).then_some(Task::LearnKeys);
        let activations = state.activating_credentials().map(Task::Activate);
        let probes = state.probed_credentials().map(Task::Probe);
        let orders = state.unfinished_orders().map(Task::DriveOrder);
        let amendments = state.unfinished_amendments().map(Task::DriveAmendment);
        keys.into_iter().chain(activations).chain(probes).chain(orders).chain(amendments).collect::<Vec<_>>()
    });
    let now_ns = runtime.time_ns();
    for task in due {
        // An entry of the future has a timer, perhaps a distant one.
        if due_at_ns(&task).is_none_or(|at_ns| at_ns < now_ns) {
            schedule(runtime, task, Duration::ZERO);
        }
    }
    let watched = read_state(|state| state.watches().iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
    for package in watched {
        if let Some(delay) = watch::look::due_in(runtime, &package) {
            schedule(runtime, Task::Look(package), delay);
        }
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
        Task::LearnKeys => key_material::learn(runtime).await,
        Task::Activate(credential) => activation::run(runtime, credential).await,
        Task::DriveAmendment(order) => amend::driver::drive(runtime, order).await,
        Task::DriveOrder(order) => publish::driver::drive(runtime, order).await,
        Task::Probe(credential) => probe::run(runtime, credential).await,
        Task::Look(package) => watch::look::run(runtime, package).await,
        Task::Sweep => arm(&runtime),
    }
}

/// Forgets every timer, as an upgrade does.
#[cfg(test)]
pub fn forget_timers() {
    DUE_AT_NS.with_borrow_mut(BTreeMap::clear);
}
