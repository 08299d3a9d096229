//! Taking the DAO's orders to upgrade.

use std::time::Duration;

use candid::Principal;
use release_types::{
    Defect, Refusal,
    control::{UpgradeId, UpgradeOrder, UpgradeStatus},
};

use crate::{
    authorization::require_dao,
    modules,
    recovery::RECOVERY_PREFIX,
    runtime::Runtime,
    state::{Event, OrderedBy, audit, process_event, read_state},
    tasks::{self, Task},
};

/// Takes an order and answers at once; the upgrade follows in the background. The same order again changes nothing and
/// answers with its present state.
///
/// # Errors
/// A caller other than the DAO, another order under a used id, an order with defects, all of them named, or an upgrade
/// under way.
pub fn upgrade<R: Runtime>(
    runtime: &R,
    caller: Principal,
    order: UpgradeOrder,
) -> Result<UpgradeStatus, Refusal> {
    require_dao(caller)?;
    let id = order.id.clone();
    match read_state(|state| state.order_digest(&id)) {
        Some(known) if known == audit::digest(&order) => return Ok(expect_status(&id)),
        Some(_) => {
            let hint = "Give the order an id of its own.";
            let found = format!("another order under {id}");
            return Err(Refusal::of("id", found, "an id that was never used", hint));
        }
        None => {}
    }
    let mut defects = order.defects();
    if id.0.starts_with(RECOVERY_PREFIX) {
        let hint = "These ids are the recoveries'.";
        defects.push(Defect::new("id", id.to_string(), "another beginning", hint));
    }
    Refusal::unless_empty(defects)?;
    if let Some(running) = read_state(|state| state.running().map(|running| running.order.id.clone())) {
        let hint = "Send the order again when that is over.";
        return Err(Refusal::busy("upgrade", format!("{running} under way"), "one at a time", hint));
    }
    modules::check_stored(&order.module)?;
    begin(runtime, order, OrderedBy::Dao);
    Ok(expect_status(&id))
}

/// Lets an upgrade begin. No other may be under way.
pub fn begin<R: Runtime>(runtime: &R, order: UpgradeOrder, by: OrderedBy) {
    process_event(runtime, Event::OrderedUpgrade { order, by });
    tasks::schedule(runtime, Task::Drive, Duration::ZERO);
}

fn expect_status(id: &UpgradeId) -> UpgradeStatus {
    read_state(|state| state.upgrade_status(id)).unwrap_or_else(|| panic!("BUG: upgrade {id} vanished"))
}
