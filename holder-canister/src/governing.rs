//! What controllers decide, and who may stop everything.

use candid::Principal;
use key_holders::interface::{HolderError, HolderPolicy};

use crate::{
    lifecycle, runtime,
    state::{Event, audit::process_event, read_state},
    vault,
};

/// Replaces the policy. Shares that are open are wiped: the new epoch length holds for the next opening.
///
/// # Errors
/// [`HolderError`]: not a controller, a bad policy.
pub fn change_policy(caller: Principal, policy: HolderPolicy) -> Result<(), HolderError> {
    require_controller(&caller)?;
    if let Some(defect) = lifecycle::policy_defects(&policy).into_iter().next() {
        return Err(defect);
    }
    vault::wipe();
    process_event(&Event::PolicyChanged { by: caller, policy });
    Ok(())
}

/// Stops everything at once, and wipes the shares from memory. Repeating it changes nothing.
///
/// # Errors
/// [`HolderError::NotAllowed`].
pub fn freeze(caller: Principal) -> Result<(), HolderError> {
    if !read_state(|state| state.init().policy.freezers.contains(&caller)) {
        require_controller(&caller)?;
    }
    vault::wipe();
    if !read_state(|state| state.is_frozen()) {
        process_event(&Event::Frozen { by: caller });
    }
    Ok(())
}

/// Lifts the freeze. The shares stay sealed until somebody has them opened.
///
/// # Errors
/// [`HolderError::NotAllowed`].
pub fn unfreeze(caller: Principal) -> Result<(), HolderError> {
    require_controller(&caller)?;
    if read_state(|state| state.is_frozen()) {
        process_event(&Event::Unfrozen { by: caller });
    }
    Ok(())
}

/// Whether any method may do anything for this caller.
pub fn is_known(caller: &Principal) -> bool {
    let is_named = read_state(|state| {
        let init = state.init();
        let policy = &init.policy;
        init.coordinator == *caller
            || [&policy.combiners, &policy.freezers, &init.holders].iter().any(|list| list.contains(caller))
    });
    is_named || runtime::is_controller(caller)
}

fn require_controller(caller: &Principal) -> Result<(), HolderError> {
    if runtime::is_controller(caller) { Ok(()) } else { Err(HolderError::NotAllowed) }
}
