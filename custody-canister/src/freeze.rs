//! Freezing and its end. While a credential is frozen no key is derived for it; what was sent is still read back.

use candid::Principal;
use release_types::freeze::{FreezeArgs, FreezeReason, FreezeScope, FreezeView, MAX_FREEZE_REASON_BYTES};

use crate::{
    authorization::{admit_change, require_authority},
    control,
    refusal::Refusal,
    runtime::Runtime,
    state::{Event, freeze::FreezeFact, process_event, read_state},
};

/// Freezes at once, on the authority's word, and answers with everything that is frozen then.
///
/// # Errors
/// A caller other than the authority, a credential that is not in custody, or a reason too short or too long.
pub fn freeze<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: FreezeArgs,
) -> Result<Vec<FreezeView>, Refusal> {
    require_authority(caller)?;
    check_freeze(&args)?;
    impose(runtime, args.scope, FreezeReason::Demanded { reason: args.reason });
    Ok(in_force())
}

/// Checks a demand to freeze without freezing.
///
/// # Errors
/// As those of [`freeze`], the caller not counted.
pub fn check_freeze(args: &FreezeArgs) -> Result<(), Refusal> {
    check_unfreeze(args.scope)?;
    let length = args.reason.len();
    if !(1..=MAX_FREEZE_REASON_BYTES).contains(&length) {
        return Err(Refusal::of(
            "reason",
            format!("{length} bytes"),
            format!("1 to {MAX_FREEZE_REASON_BYTES} bytes"),
            "Say in a sentence or two why.",
        ));
    }
    Ok(())
}

/// Lifts a freeze, and answers with everything that is still frozen. Lifting what is not frozen changes nothing.
///
/// # Errors
/// A caller other than the authority, a credential that is not in custody, or everything too soon after custody was
/// taken back.
pub fn unfreeze<R: Runtime>(
    runtime: &R,
    caller: Principal,
    scope: FreezeScope,
) -> Result<Vec<FreezeView>, Refusal> {
    admit_change(caller)?;
    check_unfreeze(scope)?;
    if scope == FreezeScope::Everything {
        control::check_may_unfreeze(runtime)?;
    }
    if read_state(|state| state.freezes().contains(scope)) {
        process_event(runtime, Event::Freeze(FreezeFact::Lifted { scope }));
    }
    Ok(in_force())
}

/// Freezes, unless that is frozen already.
pub fn impose<R: Runtime>(runtime: &R, scope: FreezeScope, reason: FreezeReason) {
    if !read_state(|state| state.freezes().contains(scope)) {
        process_event(runtime, Event::Freeze(FreezeFact::Froze { scope, reason }));
    }
}

/// Everything that is frozen.
pub fn in_force() -> Vec<FreezeView> {
    read_state(|state| state.freezes().views())
}

/// Checks a wish to lift a freeze without lifting it.
///
/// # Errors
/// A credential that is not in custody.
pub fn check_unfreeze(scope: FreezeScope) -> Result<(), Refusal> {
    match scope {
        FreezeScope::Credential(id) if read_state(|state| state.credential(&id).is_none()) => Err(
            Refusal::of("scope", id.to_string(), "everything, or a credential in custody", "Check the id."),
        ),
        _ => Ok(()),
    }
}
