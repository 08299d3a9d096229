//! The group's settings, and the limit of releases that they set.

use candid::Principal;
use release_types::{PackageKey, Settings};

use crate::{
    authorization::admit_change,
    refusal::Refusal,
    runtime::Runtime,
    state::{Event, process_event, read_state},
};

const DAY_NS: u64 = 24 * 3_600 * 1_000_000_000;

/// Puts settings in place of the present ones. The same again changes nothing.
///
/// # Errors
/// A caller other than the authority, or settings out of bounds.
pub fn change<R: Runtime>(runtime: &R, caller: Principal, settings: Settings) -> Result<Settings, Refusal> {
    admit_change(caller)?;
    check(&settings)?;
    if read_state(|state| state.settings()) != settings {
        process_event(runtime, Event::ChangedSettings { settings });
    }
    Ok(settings)
}

/// Checks settings without putting them in place.
///
/// # Errors
/// If they are out of bounds.
pub fn check(settings: &Settings) -> Result<(), Refusal> {
    Refusal::unless_empty(settings.defects())
}

/// The settings in place.
pub fn present() -> Settings {
    read_state(|state| state.settings())
}

/// Puts an order off while as many were taken for its package within a day as are allowed.
pub fn check_pace<R: Runtime>(runtime: &R, package: &PackageKey) -> Result<(), Refusal> {
    let day_ago_ns = runtime.time_ns().saturating_sub(DAY_NS);
    let (limit, accepted) = read_state(|state| {
        let recent = state.orders_of(package).map(|order| order.accepted_at_ns());
        let accepted: Vec<_> = recent.take_while(|at_ns| *at_ns > day_ago_ns).collect();
        (state.settings().releases_per_package_and_day, accepted)
    });
    // Newest first: the one that has to be a day old before the next fits.
    let Some(blocking_ns) = accepted.get((limit as usize).saturating_sub(1)) else { return Ok(()) };
    Err(Refusal::busy(
        "releases_per_package_and_day",
        format!("{} orders for {} within a day", accepted.len(), package.package.escape_default()),
        format!("{limit}"),
        format!(
            "Send the order again from {} on (nanoseconds since 1970).",
            blocking_ns.saturating_add(DAY_NS)
        ),
    ))
}
