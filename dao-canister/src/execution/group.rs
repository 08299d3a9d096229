//! Putting other members or other rules in place, as the group decided.

use release_types::{Defect, MemberChange, Policies};

use crate::{
    execution::Step,
    proposal::{validate_members, validate_policies},
    runtime::Runtime,
    state::{Event, MemberFact, audit::process_event, read_state},
    vote,
};

/// All changes together, if they still fit what the group is now.
pub fn change_members<R: Runtime>(runtime: &R, changes: Vec<MemberChange>) -> Step {
    if let Err(defects) = read_state(|state| validate_members(state, &changes)) {
        return unfit(&defects);
    }
    process_event(runtime, Event::Member(MemberFact::Changed { changes }));
    vote::void_ballots_of_suspended(runtime);
    Step::Done
}

/// The rules, if none came between.
pub fn change_policies<R: Runtime>(runtime: &R, policies: Policies) -> Step {
    if let Err(defects) = read_state(|state| validate_policies(state, &policies)) {
        return unfit(&defects);
    }
    process_event(runtime, Event::PoliciesChanged { policies });
    Step::Done
}

fn unfit(defects: &[Defect]) -> Step {
    let defects: Vec<_> = defects.iter().map(ToString::to_string).collect();
    Step::Failed(format!("it no longer fits the group: {}", defects.join(" | ")))
}
