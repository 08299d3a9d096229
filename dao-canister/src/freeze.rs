//! Freezing custody on the word of any one member, at once; only a vote lifts it.
//!
//! The demand is recorded before custody is called, and custody is asked until it confirms.

use candid::Principal;
use release_types::{
    Defect, FreezeArgs, FreezeScope,
    freeze::{FreezeDemand, FreezeError, MAX_FREEZE_REASON_BYTES},
};

use crate::{
    lifecycle,
    proposal::text,
    runtime::{CustodyError, Runtime},
    schedule::{self, Task},
    state::{Event, FreezeDemands, FreezeFact, audit::process_event, read_state},
};

/// Demands of one member within a day.
pub const MAX_DEMANDS_A_DAY: u32 = 10;
/// Pause before custody is asked again.
const RETRY_PAUSE_NS: u64 = 15_000_000_000;

/// Records a member's demand and asks custody to freeze. What is demanded already is left as it is.
///
/// # Errors
/// If the caller is no member, demanded too much within a day, or names an unknown credential or no reason.
pub async fn demand<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: FreezeArgs,
) -> Result<FreezeDemand, FreezeError> {
    if !read_state(|state| state.is_member(&caller)) {
        return Err(FreezeError::NotAllowed { caller });
    }
    let FreezeArgs { scope, reason } = args;
    if let Some(known) = in_force(scope) {
        return Ok(known);
    }
    let mut defects = scope_defects(scope);
    defects.extend(text::length("reason", &reason, 1, MAX_FREEZE_REASON_BYTES));
    if !defects.is_empty() {
        return Err(FreezeError::Invalid { defects });
    }
    check_pace(&caller, runtime.time_ns())?;
    process_event(runtime, Event::Freeze(FreezeFact::Demanded { member: caller, scope, reason }));
    let demanded = expect(scope);
    carry_out(runtime, scope).await;
    Ok(in_force(scope).unwrap_or(demanded))
}

/// Asks custody to freeze what was demanded and is not confirmed, and sees to it that it is asked again.
pub async fn carry_out<R: Runtime>(runtime: &R, scope: FreezeScope) {
    let Some(FreezeDemand { reason, confirmed_at_ns: None, .. }) = in_force(scope) else { return };
    schedule::set(runtime, Task::Freeze(scope), runtime.time_ns().saturating_add(RETRY_PAUSE_NS));
    let Some(custody) = lifecycle::custody(runtime) else { return };
    let fact = match runtime.freeze(custody, FreezeArgs { scope, reason }).await {
        Ok(_) => FreezeFact::Confirmed { scope },
        Err(CustodyError::Refused { reason }) => FreezeFact::Declined { scope, reason },
        Err(CustodyError::Unavailable { .. }) => return,
    };
    // Another message may have been quicker.
    let is_open = in_force(scope).is_some_and(|demand| demand.confirmed_at_ns.is_none());
    if is_open {
        process_event(runtime, Event::Freeze(fact));
    }
}

/// The demands in force.
pub fn demands() -> Vec<FreezeDemand> {
    read_state(|state| state.freezes().iter().cloned().collect())
}

/// The defect of a scope that does not exist.
pub fn scope_defects(scope: FreezeScope) -> Vec<Defect> {
    match scope {
        FreezeScope::Credential(id) if read_state(|state| state.credential(&id).is_none()) => {
            let allowed = "everything, or a credential that was deposited through this canister";
            vec![Defect::new(
                "scope",
                id.to_string(),
                allowed,
                "Check the id; everything can always be frozen.",
            )]
        }
        _ => Vec::new(),
    }
}

fn check_pace(member: &Principal, now_ns: u64) -> Result<(), FreezeError> {
    let recent = read_state(|state| state.freezes().recent(member, now_ns));
    match recent.len().checked_sub(MAX_DEMANDS_A_DAY as usize) {
        None => Ok(()),
        Some(too_many) => Err(FreezeError::TooOften {
            demands: u32::try_from(recent.len()).unwrap_or(u32::MAX),
            limit: MAX_DEMANDS_A_DAY,
            frees_at_ns: FreezeDemands::frees_at_ns(recent[too_many]),
        }),
    }
}

fn in_force(scope: FreezeScope) -> Option<FreezeDemand> {
    read_state(|state| state.freezes().get(scope).cloned())
}

fn expect(scope: FreezeScope) -> FreezeDemand {
    in_force(scope).unwrap_or_else(|| panic!("BUG: a demand vanished"))
}

#[cfg(test)]
mod tests;
