//! Proposals to put other rules in place.

use release_types::{Defect, Member, Policies};

use crate::state::State;

/// Checked when it is submitted, and once more when it is carried out: another change may have come first.
pub fn validate(state: &State, policies: &Policies) -> Result<(), Vec<Defect>> {
    let members: Vec<Member> = state.membership().members().cloned().collect();
    let mut defects = policies.defects(&members);
    let next = state.policies().version.saturating_add(1);
    if policies.version != next {
        let hint = "Begin with the rules in place, so that nothing decided meanwhile is undone unseen.";
        let found = policies.version.to_string();
        defects.push(Defect::new("policies.version", found, next.to_string(), hint));
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}
