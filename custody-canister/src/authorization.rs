//! Who may give orders: one principal, the authority. Everybody else may read.

use candid::Principal;

use crate::{control, refusal::Refusal, state::read_state};

/// Whether `caller` is the authority. Never true of the anonymous principal.
pub fn is_authority(caller: Principal) -> bool {
    caller != Principal::anonymous() && read_state(|state| state.authority() == caller)
}

/// Refuses whoever would make this canister pay for an answer that changes nothing: in replicated execution, everyone
/// but the authority. Queries from outside cost nothing.
pub fn require_authority_or_query(caller: Principal, is_replicated: bool) -> Result<(), Refusal> {
    if is_replicated { require_authority(caller) } else { Ok(()) }
}

/// Refuses everyone but the authority, and puts the authority off while an upgrade is under way. Only a freeze is taken
/// even then.
pub fn admit_change(caller: Principal) -> Result<(), Refusal> {
    require_authority(caller)?;
    control::check_not_suspended()
}

/// Refuses everyone but the authority.
pub fn require_authority(caller: Principal) -> Result<(), Refusal> {
    if is_authority(caller) {
        return Ok(());
    }
    let authority = read_state(|state| state.authority());
    Err(Refusal::of(
        "caller",
        caller.to_text(),
        format!("the authority alone, {authority}"),
        "Propose it there and have it voted.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{State, replace_state};

    #[test]
    fn should_answer_strangers_only_where_it_costs_nothing() {
        let (authority, stranger) = (Principal::from_slice(&[1, 1]), Principal::from_slice(&[2, 1]));
        replace_state(State::new(authority, "test_key_1".into()));
        require_authority_or_query(stranger, false).expect("a query");
        require_authority_or_query(authority, true).expect("the authority");
        for caller in [stranger, Principal::anonymous()] {
            let refusal = require_authority_or_query(caller, true).expect_err("refuses").to_string();
            assert!(refusal.starts_with("REFUSED: caller: "), "{refusal}");
        }
    }
}
