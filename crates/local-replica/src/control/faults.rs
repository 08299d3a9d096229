//! Faults of HTTPS outcalls and of messages, and where outcalls go. `docs/faults.md` says what each fault does.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::Control;
use super::answer::Refusal;
use crate::outcalls::{FaultPlan, PlannedFaults, Target};
use crate::scheduler::MessageFault;

/// A fault to come.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    target: Target,
    plan: FaultPlan,
    times: Times,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Times {
    Once,
    UntilCleared,
}

pub(super) async fn planned(State(control): State<Control>) -> Result<Json<PlannedFaults>, Refusal> {
    Ok(Json(control.driver.run(|replica| replica.faults().planned()).await?))
}

pub(super) async fn add(
    State(control): State<Control>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<PlannedFaults>, Refusal> {
    let Wanted { target, plan, times } = wanted;
    let planned = control.driver.run(move |replica| {
        match times {
            Times::Once => replica.faults().next(target, plan),
            Times::UntilCleared => replica.faults().until_cleared(target, plan),
        }
        replica.faults().planned()
    });
    Ok(Json(planned.await?))
}

pub(super) async fn clear(State(control): State<Control>) -> Result<(), Refusal> {
    Ok(control.driver.run(|replica| replica.faults().clear()).await?)
}

/// Lets nodes report the answers that they hold back.
pub(super) async fn release(State(control): State<Control>) -> Result<(), Refusal> {
    Ok(control.driver.run(|replica| replica.faults().release()).await?)
}

pub(super) async fn planned_messages(
    State(control): State<Control>,
) -> Result<Json<Vec<MessageFault>>, Refusal> {
    let planned = control.driver.run(|replica| replica.message_faults().planned().cloned().collect());
    Ok(Json(planned.await?))
}

pub(super) async fn add_message(
    State(control): State<Control>,
    Json(fault): Json<MessageFault>,
) -> Result<Json<Vec<MessageFault>>, Refusal> {
    control.driver.run(move |replica| replica.message_faults().next(fault)).await?;
    planned_messages(State(control)).await
}

pub(super) async fn clear_messages(State(control): State<Control>) -> Result<(), Refusal> {
    Ok(control.driver.run(|replica| replica.message_faults().clear()).await?)
}

pub(super) async fn routes(
    State(control): State<Control>,
) -> Result<Json<BTreeMap<String, String>>, Refusal> {
    Ok(Json(control.driver.run(|replica| replica.routes().list()).await?))
}

/// Where a host's requests go.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    url: String,
}

pub(super) async fn set_route(
    State(control): State<Control>,
    Path(host): Path<String>,
    Json(route): Json<Route>,
) -> Result<Json<Route>, Refusal> {
    let url = route.url.clone();
    let set = control.driver.run(move |replica| replica.routes().insert(&host, &url)).await?;
    set.map_err(|error| Refusal::Malformed(error.to_string()))?;
    Ok(Json(route))
}

pub(super) async fn remove_route(
    State(control): State<Control>,
    Path(host): Path<String>,
) -> Result<(), Refusal> {
    let name = host.clone();
    if control.driver.run(move |replica| replica.routes().remove(&host)).await? {
        Ok(())
    } else {
        Err(Refusal::NotFound(format!("there is no route for '{name}'; GET /routes lists them")))
    }
}
