//! Who may order what: the DAO, and for recoveries the committee. Everybody else may read.

use candid::Principal;
use release_types::Refusal;

use crate::state::read_state;

/// Refuses everyone but the DAO.
///
/// # Errors
/// If the caller is somebody else.
pub fn require_dao(caller: Principal) -> Result<(), Refusal> {
    let dao = read_state(|state| state.dao());
    if caller == dao && caller != Principal::anonymous() {
        return Ok(());
    }
    Err(Refusal::of("caller", caller.to_text(), format!("the DAO alone, {dao}"), "Have it voted there."))
}

/// Whether a message of this caller is let in from outside. Canisters are not asked.
pub fn is_committee_member(caller: Principal) -> bool {
    caller != Principal::anonymous() && read_state(|state| state.is_committee_member(&caller))
}

/// Refuses everyone but members of the recovery committee.
///
/// # Errors
/// If the caller is somebody else.
pub fn require_committee_member(caller: Principal) -> Result<(), Refusal> {
    if is_committee_member(caller) {
        return Ok(());
    }
    let hint = "The upgrader's information names them.";
    Err(Refusal::of("caller", caller.to_text(), "a member of the recovery committee", hint))
}
