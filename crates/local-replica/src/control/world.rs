//! Changing the network from outside: time, execution, balances.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::Control;
use super::answer::Refusal;
use super::inspection::{canister_id, known};

/// How far the clock is to be moved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    milliseconds: u64,
}

#[derive(Serialize)]
pub(super) struct Time {
    time_ns: u64,
}

pub(super) async fn advance_time(
    State(control): State<Control>,
    Json(by): Json<Advance>,
) -> Result<Json<Time>, Refusal> {
    let moved = control.driver.run(move |replica| {
        replica.advance_time(Duration::from_millis(by.milliseconds));
        Time { time_ns: replica.time_ns() }
    });
    Ok(Json(moved.await?))
}

/// Whether messages are executed; a subnet that stands still takes requests and answers none.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Execution {
    running: bool,
}

pub(super) async fn set_execution(
    State(control): State<Control>,
    Json(wanted): Json<Execution>,
) -> Json<Execution> {
    control.driver.execute_messages(wanted.running);
    Json(wanted)
}

/// A canister's balance.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cycles {
    balance_cycles: u128,
}

pub(super) async fn set_cycles(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(wanted): Json<Cycles>,
) -> Result<Json<Cycles>, Refusal> {
    let id = canister_id(&id)?;
    let balance_cycles = wanted.balance_cycles;
    let set = control
        .driver
        .run(move |replica| known(replica, id).map(|()| replica.set_cycles_balance(id, balance_cycles)));
    set.await??;
    Ok(Json(wanted))
}
