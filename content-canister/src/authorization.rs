//! Who may call: administrators register owners, owners keep and retrieve content. Never the anonymous principal.

use candid::Principal;
use content_types::{ContentError, OwnerName};

use crate::state::read_state;

/// Whether `caller` is an administrator or speaks for an owner.
pub fn is_known(caller: Principal) -> bool {
    read_state(|state| state.administrators().contains(&caller) || state.owner_of(&caller).is_some())
}

/// Refuses everyone but administrators.
///
/// # Errors
/// [`ContentError::NotAllowed`].
pub fn require_administrator(caller: Principal) -> Result<(), ContentError> {
    if read_state(|state| state.administrators().contains(&caller)) {
        return Ok(());
    }
    Err(not_allowed(caller, "the administrators of this canister"))
}

/// The owner that `caller` speaks for.
///
/// # Errors
/// [`ContentError::NotAllowed`] for everybody else.
pub fn require_owner(caller: Principal) -> Result<OwnerName, ContentError> {
    read_state(|state| state.owner_of(&caller).cloned())
        .ok_or_else(|| not_allowed(caller, "owners, by the key that they were registered with"))
}

/// Refuses whoever would make this canister pay for an answer that changes nothing: in replicated execution, everyone.
///
/// # Errors
/// [`ContentError::NotAllowed`].
pub fn require_query(caller: Principal, is_replicated: bool) -> Result<(), ContentError> {
    if is_replicated {
        return Err(not_allowed(caller, "anyone from outside, by a query"));
    }
    Ok(())
}

fn not_allowed(caller: Principal, allowed: &str) -> ContentError {
    ContentError::NotAllowed { caller: caller.to_text(), allowed: allowed.to_owned() }
}
