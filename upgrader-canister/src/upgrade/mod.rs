//! Carrying out the upgrade under way: one step in one message, each written down before it is taken.
//!
//! Every step may be taken again, so it does not matter between which two messages this canister is itself upgraded, or
//! a message fails.

mod path;

use std::{cell::Cell, time::Duration};

use release_types::control::{Controlled, EndUpgradeArgs, UpgradeEnd, UpgradeStep};

use crate::{
    recovery,
    runtime::{CallError, Runtime},
    state::{Ended, Event, Running, process_event, read_state},
    tasks::{self, Task},
};

use path::Next;
pub use path::{HEALTH_LIMIT, PREPARATION_LIMIT, STOP_LIMIT};

/// Pause before a step is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

thread_local! {
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Held while a step is under way; given back when dropped, also when the step's callback traps.
struct Guard;

impl Guard {
    fn acquire() -> Option<Self> {
        (!IS_BUSY.replace(true)).then_some(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        IS_BUSY.set(false);
    }
}

/// Takes the next step of the upgrade under way, unless that is being done already.
pub async fn drive<R: Runtime>(runtime: &R) {
    let Some(_guard) = Guard::acquire() else { return };
    let Some(running) = read_state(|state| state.running().cloned()) else { return };
    let attempt = take_step(runtime, &running).await;
    // As it is now: the step may have learned something.
    let Some(running) = read_state(|state| state.running().cloned()) else { return };
    let spent = Duration::from_nanos(runtime.time_ns().saturating_sub(running.since_ns));
    match path::after(&running, attempt, spent) {
        Next::Step { step, failure } => {
            process_event(runtime, Event::BeganStep { step, failure });
            tasks::schedule(runtime, Task::Drive, Duration::ZERO);
        }
        Next::Again => tasks::schedule(runtime, Task::Drive, RETRY_DELAY),
        Next::End => {
            process_event(runtime, Event::EndedUpgrade { ended: Ended { failure: running.failure } });
            recovery::carry_out_due(runtime);
        }
    }
}

async fn take_step<R: Runtime>(runtime: &R, running: &Running) -> Result<(), CallError> {
    let target = read_state(|state| state.canister(running.order.target));
    match running.step {
        UpgradeStep::Prepare => prepare(runtime, running).await,
        UpgradeStep::Stop => runtime.stop(target).await,
        UpgradeStep::TakeSnapshot => {
            let snapshot = runtime.take_snapshot(target).await?.into();
            process_event(runtime, Event::TookSnapshot { snapshot });
            Ok(())
        }
        UpgradeStep::Install => runtime.install(target, running.order.clone()).await,
        UpgradeStep::Start | UpgradeStep::StartAgain => runtime.start(target).await,
        UpgradeStep::CheckHealth => check_health(runtime, running).await,
        UpgradeStep::Resume if running.is_custody_suspended => {
            tell(runtime, running, UpgradeEnd::Stays).await
        }
        UpgradeStep::Resume => Ok(()),
        UpgradeStep::StopAgain => {
            if running.lost_tip.is_none()
                && let Ok(Some(tip)) = runtime.log_tip(target).await
            {
                process_event(runtime, Event::SawLostTip { tip });
            }
            runtime.stop(target).await
        }
        UpgradeStep::LoadSnapshot => {
            let snapshot = running.snapshot.clone();
            let snapshot = snapshot.unwrap_or_else(|| panic!("BUG: code was installed without a snapshot"));
            runtime.load_snapshot(target, snapshot.into_vec()).await
        }
        UpgradeStep::TellTakenBack => {
            tell(runtime, running, UpgradeEnd::TakenBack { lost: running.lost_tip.clone() }).await
        }
        UpgradeStep::ClearUp => {
            runtime.delete_snapshots(target).await?;
            let chunks = read_state(|state| state.chunks().len() as u64);
            if chunks > 0 {
                process_event(runtime, Event::ClearedChunks { chunks });
            }
            runtime.clear_chunks().await
        }
    }
}

async fn prepare<R: Runtime>(runtime: &R, running: &Running) -> Result<(), CallError> {
    let id = &running.order.id;
    let target = read_state(|state| state.canister(running.order.target));
    if running.order.target == Controlled::Custody && !running.is_custody_suspended {
        runtime.begin_upgrade(target, id.clone()).await?;
        process_event(runtime, Event::SuspendedCustody { upgrade: id.to_string() });
    }
    if let Some(tip) = runtime.log_tip(target).await? {
        process_event(runtime, Event::SawTip { tip });
    }
    Ok(())
}

/// The new code must run, answer, and have the whole log that the former code left.
async fn check_health<R: Runtime>(runtime: &R, running: &Running) -> Result<(), CallError> {
    let target = read_state(|state| state.canister(running.order.target));
    if runtime.module_hash(target).await? != Some(running.order.module.sha256) {
        return Err(CallError::Rejected);
    }
    let found = runtime.log_tip(target).await?.ok_or(CallError::Rejected)?;
    let has_whole_log = running.tip.as_ref().is_none_or(|left| {
        found.index > left.index || (found.index == left.index && found.hash == left.hash)
    });
    if has_whole_log { Ok(()) } else { Err(CallError::Rejected) }
}

/// Tells the target how its upgrade ended: custody waits for that, and both must know that they were taken back.
async fn tell<R: Runtime>(runtime: &R, running: &Running, end: UpgradeEnd) -> Result<(), CallError> {
    let target = read_state(|state| state.canister(running.order.target));
    runtime.end_upgrade(target, EndUpgradeArgs { upgrade: running.order.id.clone(), end }).await
}
