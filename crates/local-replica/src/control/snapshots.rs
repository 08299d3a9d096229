//! Snapshots of the whole world, kept by name as long as the control interface runs.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use parking_lot::Mutex;
use serde::Serialize;

use super::Control;
use super::answer::Refusal;
use crate::WorldSnapshot;

/// Most snapshots that are kept: each holds all memories.
const MAX_SNAPSHOTS: usize = 20;

/// The snapshots by name.
pub(super) type Snapshots = Mutex<BTreeMap<String, WorldSnapshot>>;

/// One kept snapshot.
#[derive(Serialize)]
pub(super) struct Kept {
    name: String,
    /// SHA-256 in hex of the state in it.
    state_hash: String,
}

impl Kept {
    fn new(name: &str, snapshot: &WorldSnapshot) -> Self {
        Self { name: name.to_owned(), state_hash: snapshot.state_hash().to_string() }
    }
}

pub(super) async fn list(State(control): State<Control>) -> Json<Vec<Kept>> {
    let snapshots = control.snapshots.lock();
    Json(snapshots.iter().map(|(name, snapshot)| Kept::new(name, snapshot)).collect())
}

/// Takes a snapshot; one of the same name is replaced.
pub(super) async fn take(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> Result<Json<Kept>, Refusal> {
    let is_new = !control.snapshots.lock().contains_key(&name);
    if is_new && control.snapshots.lock().len() >= MAX_SNAPSHOTS {
        return Err(Refusal::Malformed(format!(
            "{MAX_SNAPSHOTS} snapshots are kept already; remove one with DELETE /snapshots/NAME"
        )));
    }
    let snapshot = control.driver.run(|replica| replica.take_snapshot()).await?;
    let kept = Kept::new(&name, &snapshot);
    control.snapshots.lock().insert(name, snapshot);
    Ok(Json(kept))
}

pub(super) async fn restore(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> Result<Json<Kept>, Refusal> {
    let snapshot = control.snapshots.lock().get(&name).cloned().ok_or_else(|| unknown(&name))?;
    let kept = Kept::new(&name, &snapshot);
    let restored = control.driver.run(move |replica| replica.restore(&snapshot)).await?;
    restored.map_err(|error| Refusal::Malformed(format!("snapshot '{name}': {error}")))?;
    Ok(Json(kept))
}

pub(super) async fn remove(State(control): State<Control>, Path(name): Path<String>) -> Result<(), Refusal> {
    control.snapshots.lock().remove(&name).map(drop).ok_or_else(|| unknown(&name))
}

fn unknown(name: &str) -> Refusal {
    Refusal::NotFound(format!("there is no snapshot '{name}'; GET /snapshots lists them"))
}
