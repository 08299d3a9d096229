//! Upgrades of this canister, as its controller announces them.
//!
//! Whoever controls the canister can put any code into it, so announcing is no power. It is what keeps an order from
//! being carried out twice when new code has to be taken back: the announcement is on the log before the snapshot is
//! taken, so the code that the snapshot brings back derives nothing before it learns what happened.

use std::time::Duration;

use candid::Principal;
use release_types::{
    control::{EndUpgradeArgs, LogTip, MAX_UPGRADE_ID_BYTES, UpgradeEnd, UpgradeId},
    order::Decision,
};

use crate::{
    publish::reading::VISIBILITY_LIMIT,
    refusal::Refusal,
    runtime::Runtime,
    state::{Event, control::ControlFact, process_event, read_state},
    storage,
};

/// Stops deriving until the upgrade ends. The same announcement again changes nothing; another one takes its place, as
/// its upgrade is over then.
///
/// # Errors
/// A caller that does not control this canister, or an id too short or too long.
pub fn begin_upgrade<R: Runtime>(
    runtime: &R,
    caller: Principal,
    is_controller: bool,
    upgrade: UpgradeId,
) -> Result<(), Refusal> {
    require_controller(caller, is_controller)?;
    let length = upgrade.0.len();
    if !(1..=MAX_UPGRADE_ID_BYTES).contains(&length) {
        let allowed = format!("1 to {MAX_UPGRADE_ID_BYTES} bytes");
        return Err(Refusal::of("upgrade", format!("{length} bytes"), allowed, "Choose another id."));
    }
    if read_state(|state| state.control().suspended_by() != Some(&upgrade)) {
        process_event(runtime, Event::Control(ControlFact::Began { upgrade }));
    }
    Ok(())
}

/// Ends an upgrade: this code stays, or was taken back. The same again changes nothing.
///
/// # Errors
/// A caller that does not control this canister, or an upgrade that is not under way.
pub fn end_upgrade<R: Runtime>(
    runtime: &R,
    caller: Principal,
    is_controller: bool,
    args: EndUpgradeArgs,
) -> Result<(), Refusal> {
    require_controller(caller, is_controller)?;
    let EndUpgradeArgs { upgrade, end } = args;
    let (under_way, was_taken_back) = read_state(|state| {
        let control = state.control();
        (control.suspended_by().cloned(), control.taken_back_from() == Some(&upgrade))
    });
    match (under_way, end) {
        (Some(current), end) if current == upgrade => {
            let fact = match end {
                UpgradeEnd::Stays => ControlFact::Stayed { upgrade },
                UpgradeEnd::TakenBack { lost } => ControlFact::TakenBack { upgrade, lost },
            };
            process_event(runtime, Event::Control(fact));
            // A snapshot brings back heap and stable memory, but not the system's timer.
            runtime.wake_timers();
            Ok(())
        }
        (None, UpgradeEnd::Stays) if !was_taken_back => Ok(()),
        (None, UpgradeEnd::TakenBack { .. }) if was_taken_back => Ok(()),
        (current, _) => Err(Refusal::of(
            "upgrade",
            upgrade.to_string(),
            current.map_or_else(|| "none: no upgrade is under way".into(), |current| current.to_string()),
            "Announce an upgrade before it begins.",
        )),
    }
}

/// The log's last block: whoever takes this canister back can see from where.
pub fn log_tip() -> Option<LogTip> {
    let tip = storage::read_log(|log| log.tip())?;
    Some(LogTip { index: tip.index, hash: release_types::Sha256Digest(tip.hash) })
}

/// Puts changes off while an upgrade is under way: whatever happens meanwhile may have to be taken back.
///
/// # Errors
/// If one is.
pub fn check_not_suspended() -> Result<(), Refusal> {
    match read_state(|state| state.control().suspended_by().cloned()) {
        None => Ok(()),
        Some(upgrade) => Err(Refusal::busy(
            "upgrade",
            format!("{upgrade} under way"),
            "no upgrade under way",
            "Send it again when the upgrade is over.",
        )),
    }
}

/// Refuses what was decided before this canister was taken back: the code that ran meanwhile may have carried it out,
/// and this log does not say.
///
/// # Errors
/// If it was.
pub fn check_decision(decision: &Decision) -> Result<(), Refusal> {
    let taken_back_at_ns = read_state(|state| state.control().taken_back_at_ns());
    let decided_at_ns = decision.vote.as_ref().map(|vote| vote.decided_at_ns);
    match (decided_at_ns, taken_back_at_ns) {
        (Some(decided_at_ns), Some(taken_back_at_ns)) if decided_at_ns <= taken_back_at_ns => {
            Err(Refusal::of(
                "decision.vote.decided_at_ns",
                decided_at_ns.to_string(),
                format!("a moment after {taken_back_at_ns}, when custody was taken back"),
                "It may have been carried out before that. Look at the registry, then propose it anew.",
            ))
        }
        _ => Ok(()),
    }
}

/// Keeps everything frozen until whatever was sent by code that was taken back shows at the registries.
///
/// # Errors
/// If it is too early.
pub fn check_may_unfreeze<R: Runtime>(runtime: &R) -> Result<(), Refusal> {
    let Some(taken_back_at_ns) = read_state(|state| state.control().taken_back_at_ns()) else {
        return Ok(());
    };
    let until_ns = taken_back_at_ns.saturating_add(nanoseconds(VISIBILITY_LIMIT));
    if runtime.time_ns() >= until_ns {
        return Ok(());
    }
    Err(Refusal::busy(
        "scope",
        "everything, right after custody was taken back",
        format!("everything from {until_ns} on (nanoseconds since 1970)"),
        "What was sent before may show late at the registries; send it again then.",
    ))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn require_controller(caller: Principal, is_controller: bool) -> Result<(), Refusal> {
    if is_controller {
        return Ok(());
    }
    let hint = "Only what controls a canister can upgrade it.";
    Err(Refusal::of("caller", caller.to_text(), "a controller of this canister", hint))
}
