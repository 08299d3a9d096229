//! Proposals to change who belongs to the group.

use release_types::{Defect, MemberChange, member::MAX_MEMBER_CHANGES};

use crate::state::State;

/// Checked when it is submitted, and once more when it is carried out: another change may have come first.
pub fn validate(state: &State, changes: &[MemberChange]) -> Result<(), Vec<Defect>> {
    if !(1..=MAX_MEMBER_CHANGES).contains(&changes.len()) {
        let allowed = format!("1 to {MAX_MEMBER_CHANGES}");
        let found = changes.len().to_string();
        return Err(vec![Defect::new("changes", found, allowed, "Adjust the list.")]);
    }
    state.membership().changed(changes, state.policies()).map(|_| ())
}
