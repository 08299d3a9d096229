//! Proposals to lift a freeze.

use release_types::{Defect, freeze::UnfreezeProposal};

use crate::freeze::scope_defects;

pub fn validate(proposal: &UnfreezeProposal) -> Result<(), Vec<Defect>> {
    let defects = scope_defects(proposal.scope);
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}
