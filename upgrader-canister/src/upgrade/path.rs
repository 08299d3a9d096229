//! The way of an upgrade: which step follows from which, and when one is given up. Pure.

use std::time::Duration;

use release_types::control::{
    Controlled,
    UpgradeFailure::{self, NoSnapshot, NotInstalled, NotStopped, Unhealthy, UnhealthyAndStopped},
    UpgradeStep::{
        self, CheckHealth, ClearUp, Install, LoadSnapshot, Prepare, Resume, Start, StartAgain, Stop,
        StopAgain, TakeSnapshot, TellTakenBack,
    },
};

use crate::{runtime::CallError, state::Running};

/// How long new code may take until it reports healthy.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long a canister that may be broken is asked to prepare.
pub const PREPARATION_LIMIT: Duration = Duration::from_secs(60);
/// How long a canister's open calls are waited for.
pub const STOP_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long anything else is tried that is not needed to keep a canister running.
const TRIAL_LIMIT: Duration = Duration::from_secs(5 * 60);

/// What follows from an attempt at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Step {
        step: UpgradeStep,
        failure: Option<UpgradeFailure>,
    },
    /// The same step, after a pause.
    Again,
    End,
}

/// What follows from an attempt, in a step that began `spent` ago.
pub fn after(running: &Running, attempt: Result<(), CallError>, spent: Duration) -> Next {
    match attempt {
        Ok(()) => after_success(running),
        Err(error) => after_failure(running, error, spent),
    }
}

fn after_success(running: &Running) -> Next {
    let is_suspended = running.is_custody_suspended;
    let failure = running.failure;
    let step = match running.step {
        Prepare => Stop,
        Stop => TakeSnapshot,
        TakeSnapshot => Install,
        Install => Start,
        Start if failure.is_some() => Resume,
        Start => CheckHealth,
        CheckHealth => Resume,
        Resume => ClearUp,
        StopAgain => LoadSnapshot,
        // Its former code knows nothing of what happened, and would send again what may have been sent.
        LoadSnapshot if running.order.target == Controlled::Custody && !is_suspended => {
            return Next::Step { step: ClearUp, failure: Some(UnhealthyAndStopped) };
        }
        LoadSnapshot => StartAgain,
        StartAgain => TellTakenBack,
        TellTakenBack => ClearUp,
        ClearUp => return Next::End,
    };
    Next::Step { step, failure }
}

fn after_failure(running: &Running, error: CallError, spent: Duration) -> Next {
    let turn = |step, failure| Next::Step { step, failure: Some(failure) };
    let is_over = |limit: Duration| spent >= limit;
    match running.step {
        Prepare if is_over(PREPARATION_LIMIT) => Next::Step { step: Stop, failure: None },
        Stop if is_over(STOP_LIMIT) => turn(Start, NotStopped),
        TakeSnapshot if is_over(TRIAL_LIMIT) => turn(Start, NoSnapshot),
        Install if error != CallError::Transient || is_over(TRIAL_LIMIT) => turn(Start, NotInstalled),
        CheckHealth if is_over(HEALTH_LIMIT) => turn(StopAgain, Unhealthy),
        Resume if running.failure.is_none() && is_over(HEALTH_LIMIT) => turn(StopAgain, Unhealthy),
        Resume | TellTakenBack if is_over(STOP_LIMIT) => {
            Next::Step { step: ClearUp, failure: running.failure }
        }
        ClearUp if is_over(TRIAL_LIMIT) => Next::End,
        _ => Next::Again,
    }
}
