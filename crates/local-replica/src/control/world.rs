//! Changing the network from outside: time, execution, nodes, balances.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::Control;
use super::answer::Refusal;
use super::inspection::{canister_id, known};

/// Ten years: the clock cannot go back from where a slip of the finger moved it.
const MAX_ADVANCE_MILLISECONDS: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;

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
    if by.milliseconds > MAX_ADVANCE_MILLISECONDS {
        return Err(Refusal::Malformed(format!(
            "milliseconds is {}; allowed are at most {MAX_ADVANCE_MILLISECONDS}, ten years",
            by.milliseconds
        )));
    }
    let moved = control.driver.run_on_all(move |network| {
        network.advance_time(Duration::from_millis(by.milliseconds));
        Time { time_ns: network.subnet(0).time_ns() }
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

/// A node's state.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    #[serde(default)]
    down: bool,
    /// What it replies to every query, in hex, if it lies.
    query_lie: Option<String>,
}

pub(super) async fn nodes(State(control): State<Control>) -> Result<Json<Vec<Node>>, Refusal> {
    let nodes = control.driver.run(|replica| {
        let down = replica.faults().down();
        let state = |node| Node {
            down: down.contains(&node),
            query_lie: replica.faults().query_lie(node).map(hex::encode),
        };
        (0..replica.node_count()).map(state).collect()
    });
    Ok(Json(nodes.await?))
}

pub(super) async fn set_node(
    State(control): State<Control>,
    Path(node): Path<u32>,
    Json(wanted): Json<Node>,
) -> Result<Json<Node>, Refusal> {
    let down = wanted.down;
    let lie = wanted.query_lie.as_ref().map(hex::decode).transpose();
    let lie = lie.map_err(|error| Refusal::Malformed(format!("query_lie: {error}; write bytes in hex")))?;
    let set = control.driver.run(move |replica| {
        let nodes = replica.node_count();
        if node >= nodes {
            return Err(Refusal::NotFound(format!("there is no node {node}; there are 0 to {}", nodes - 1)));
        }
        replica.faults().set_down(node, down);
        replica.faults().set_query_lie(node, lie);
        Ok(())
    });
    set.await??;
    Ok(Json(wanted))
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
