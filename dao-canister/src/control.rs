//! What this canister is told by what controls it, once it was taken back from an upgrade.
//!
//! A snapshot brings back heap and stable memory, but not the system's timer: without a word from outside nothing would
//! ever be due again.

use candid::Principal;
use release_types::{
    Refusal,
    control::{EndUpgradeArgs, UpgradeEnd},
};

use crate::{
    runtime::Runtime,
    state::{Event, audit::process_event, read_state},
};

/// Notes that this canister was taken back, where its log forks, and goes on with what is due. The same again notes
/// nothing. That new code stays is nothing to be noted.
///
/// # Errors
/// A caller that does not control this canister. Whoever does could put any code into it, so this is no power.
pub fn end_upgrade<R: Runtime>(
    runtime: &R,
    caller: Principal,
    is_controller: bool,
    args: EndUpgradeArgs,
) -> Result<(), Refusal> {
    if !is_controller {
        let hint = "Only what controls a canister can upgrade it.";
        return Err(Refusal::of("caller", caller.to_text(), "a controller of this canister", hint));
    }
    let EndUpgradeArgs { upgrade, end } = args;
    let UpgradeEnd::TakenBack { lost } = end else { return Ok(()) };
    if read_state(|state| state.taken_back_from() != Some(&upgrade)) {
        process_event(runtime, Event::TakenBack { upgrade, lost });
    }
    runtime.wake_timers();
    Ok(())
}
