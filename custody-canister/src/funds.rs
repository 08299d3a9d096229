//! What custody has to pay, by the subnet's own prices: nothing is begun that could not be paid to its end.

use release_types::alarms::Funds;

use crate::{outcall, runtime::Runtime, state::read_state, watch};

/// Read-backs that one artifact is reckoned with: as many as custody makes within about ten minutes.
const READ_BACKS: u128 = 20;
/// Days of watching below which an alarm is raised.
pub const RUNWAY_ALARM_DAYS: u64 = 14;

/// One read by all nodes, at most.
pub fn read_cycles<R: Runtime>(runtime: &R) -> u128 {
    runtime.outcall_cost_cycles(&outcall::largest(true))
}

/// What a release still needs once a key was derived for it, at most: sending, reading back, signing.
pub fn after_derivation_cycles<R: Runtime>(runtime: &R) -> u128 {
    runtime.outcall_cost_cycles(&outcall::largest(false)).saturating_add(verification_cycles(runtime))
}

/// Everything that there is, and what it suffices for.
pub fn funds<R: Runtime>(runtime: &R) -> Funds {
    let liquid_cycles = runtime.liquid_cycles();
    let derivation = read_state(|state| runtime.derivation_cost_cycles(state.key_name())).unwrap_or_default();
    let direct_release_most_cycles =
        derivation.saturating_add(read_cycles(runtime)).saturating_add(after_derivation_cycles(runtime));
    let watch_most_cycles_per_day = read_state(|state| {
        let watches = state.watches().iter();
        watches.map(|(package, watch)| watch::most_cycles_per_day(runtime, package, watch)).sum::<u128>()
    });
    let whole = |cycles: u128| u64::try_from(cycles).unwrap_or(u64::MAX);
    Funds {
        liquid_cycles,
        watch_most_cycles_per_day,
        direct_release_most_cycles,
        verify_only_release_most_cycles: verification_cycles(runtime),
        direct_releases_affordable: whole(
            liquid_cycles.checked_div(direct_release_most_cycles).unwrap_or(u128::MAX),
        ),
        watch_days_left: liquid_cycles.checked_div(watch_most_cycles_per_day).map(whole),
    }
}

fn verification_cycles<R: Runtime>(runtime: &R) -> u128 {
    let signature = read_state(|state| runtime.signature_cost_cycles(state.key_name())).unwrap_or_default();
    read_cycles(runtime).saturating_mul(READ_BACKS).saturating_add(signature)
}
