//! Adjusting the two canisters as the DAO decided: a closed list, of which nothing gives anybody power over them.

use candid::Principal;
use release_types::{Refusal, control::ChangeCanisterSettingsArgs};

use crate::{
    authorization::require_dao,
    runtime::Runtime,
    state::{Event, process_event, read_state},
};

/// Adjusts a canister. Safe to repeat.
///
/// # Errors
/// A caller other than the DAO, settings out of bounds, or a refusal of the network.
pub async fn change<R: Runtime>(
    runtime: &R,
    caller: Principal,
    change: ChangeCanisterSettingsArgs,
) -> Result<(), Refusal> {
    require_dao(caller)?;
    Refusal::unless_empty(change.settings.defects())?;
    let canister = read_state(|state| state.canister(change.target));
    let settings = change.settings.clone();
    process_event(runtime, Event::ChangedSettings { change });
    runtime.change_settings(canister, settings).await.map_err(|_| {
        let hint = "Send it again, or top the canister up: a longer freezing threshold needs more cycles.";
        Refusal::busy("settings", "a refusal by the network", "settings that it takes", hint)
    })
}
