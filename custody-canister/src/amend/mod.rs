//! Amending: changes of what a registry says about versions that it has. Accepted here, checked in [`validation`], taken
//! step by step by [`driver`].
//!
//! The same discipline as publishing: intent, act, outcome, and only what the nodes agree on is true. An amendment has the
//! same effect however often it is sent; it is sent again all the same only after reading back.

mod asking;
mod changing;
pub mod driver;
pub mod effect;
mod validation;

use std::time::Duration;

use candid::Principal;
use release_types::{AmendOrder, AmendmentStatus, OrderId};

use crate::{
    authorization::admit_change,
    control,
    publish::used_id,
    refusal::{Novelty, Refusal},
    runtime::Runtime,
    state::{Event, amendment::AmendmentFact, process_event, read_state},
    tasks::{self, Task},
};

/// Accepts an amendment and answers with its state at once. The same again changes nothing and answers with its present
/// state.
///
/// # Errors
/// A caller other than the authority, another order under a used id, or an order with defects, all of them named.
pub fn accept<R: Runtime>(
    runtime: &R,
    caller: Principal,
    order: AmendOrder,
) -> Result<AmendmentStatus, Refusal> {
    admit_change(caller)?;
    let id = order.id.clone();
    match check(runtime, &order)? {
        Novelty::Known => return Ok(expect_status(&id)),
        Novelty::New => {
            control::check_decision(&order.decision)?;
            validation::check_room()?;
        }
    }
    process_event(runtime, Event::Amendment { order: id.clone(), fact: AmendmentFact::Accepted { order } });
    tasks::schedule(runtime, Task::DriveAmendment(id.clone()), Duration::ZERO);
    Ok(expect_status(&id))
}

/// Checks an amendment without accepting it.
///
/// # Errors
/// As those of [`accept`], the caller and what passes by itself not counted.
pub fn check<R: Runtime>(runtime: &R, order: &AmendOrder) -> Result<Novelty, Refusal> {
    let id = &order.id;
    match read_state(|state| state.amendment(id).map(|amendment| amendment.order() == order)) {
        Some(true) => Ok(Novelty::Known),
        Some(false) => Err(used_id(id)),
        None if read_state(|state| state.order(id).is_some()) => Err(used_id(id)),
        None => validation::check(runtime, order).map(|()| Novelty::New),
    }
}

/// How far an amendment has come.
pub fn status(id: &OrderId) -> Option<AmendmentStatus> {
    let next_look_at_ns = tasks::due_at_ns(&Task::DriveAmendment(id.clone()));
    read_state(|state| state.amendment(id).map(|amendment| amendment.status(id, next_look_at_ns)))
}

fn expect_status(id: &OrderId) -> AmendmentStatus {
    status(id).unwrap_or_else(|| panic!("BUG: amendment {id} vanished"))
}
