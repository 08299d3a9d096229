//! Publishing: an order is accepted here, checked in [`validation`], and taken step by step by [`driver`].
//!
//! Every step begins from what the log says and ends in an event, so that it does not matter between which two
//! messages the canister is upgraded or a message fails.

pub mod answers;
pub mod asking;
mod confirming;
pub mod declaring;
pub mod driver;
mod elsewhere;
mod proving;
pub mod reading;
pub mod sending;
mod source;
mod staging;
pub mod validation;

use std::time::Duration;

use candid::Principal;
use release_types::{OrderId, OrderStatus, PackageKey, PublishOrder, Sha256Digest};

use crate::{
    authorization::admit_change,
    control,
    refusal::{Novelty, Refusal},
    runtime::Runtime,
    settings,
    state::{Event, event::AcceptedArtifact, process_event, read_state},
    storage,
    tasks::{self, Task},
};

/// Checks an order without accepting it.
///
/// # Errors
/// Another order under a used id, or an order with defects, all of them named.
pub fn check<R: Runtime>(runtime: &R, order: &PublishOrder) -> Result<Novelty, Refusal> {
    if read_state(|state| state.amendment(&order.id).is_some()) {
        return Err(used_id(&order.id));
    }
    if read_state(|state| state.order(&order.id).is_none()) {
        return validation::check(runtime, order).map(|()| Novelty::New);
    }
    // Values are compared, not encodings: those may differ from one version of this program to the next.
    if storage::order(&order.id).as_ref() == Some(order) {
        return Ok(Novelty::Known);
    }
    Err(used_id(&order.id))
}

/// Accepts an order and answers with its state at once. The same order again changes nothing and answers with its
/// present state.
///
/// # Errors
/// A caller other than the authority, another order under a used id, or an order with defects, all of them named.
pub fn accept<R: Runtime>(
    runtime: &R,
    caller: Principal,
    order: PublishOrder,
) -> Result<OrderStatus, Refusal> {
    admit_change(caller)?;
    let id = order.id.clone();
    match check(runtime, &order)? {
        Novelty::Known => return Ok(status(&id)),
        Novelty::New => {
            control::check_decision(&order.decision)?;
            validation::check_room()?;
        }
    }
    let package = PackageKey {
        ecosystem: order.registry.ecosystem,
        endpoint: order.registry.upload_url.clone(),
        package: order.package.clone(),
    };
    settings::check_pace(runtime, &package)?;
    let document = candid::encode_one(&order).expect("these types always encode");
    let content = Sha256Digest::of(&document);
    storage::keep_order(&id, document);
    let accepted = order.artifacts.into_iter().map(|artifact| AcceptedArtifact {
        filename: artifact.filename,
        sha256: artifact.sha256,
        size_bytes: artifact.size_bytes,
    });
    let event = Event::AcceptedOrder {
        order: id.clone(),
        content,
        mode: order.mode,
        credential: order.credential,
        read_credential: order.read_credential,
        package,
        version: order.version,
        expires_at_ns: order.expires_at_ns,
        direct_publishing_ends_at_ns: order.registry.direct_publishing_ends_at_ns,
        artifacts: accepted.collect(),
    };
    process_event(runtime, event);
    tasks::schedule(runtime, Task::DriveOrder(id.clone()), Duration::ZERO);
    Ok(status(&id))
}

/// The refusal of an order whose id another order has.
pub fn used_id(id: &OrderId) -> Refusal {
    Refusal::of(
        "id",
        format!("another order under {}", id.0.escape_default()),
        "an id that was never used",
        "Give the order an id of its own.",
    )
}

fn status(id: &OrderId) -> OrderStatus {
    crate::queries::order_status(id).unwrap_or_else(|| panic!("BUG: order {id} vanished"))
}
