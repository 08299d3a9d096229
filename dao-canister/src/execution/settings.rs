//! Adjusting custody as the group decided.

use release_types::Settings;

use crate::{
    execution::{Step, release::is_expired},
    lifecycle,
    runtime::Runtime,
    state::Proposal,
};

pub async fn step<R: Runtime>(runtime: &R, proposal: &Proposal, settings: Settings) -> Step {
    let changed = match lifecycle::custody(runtime) {
        Some(custody) => runtime.change_settings(custody, settings).await,
        None => Err(lifecycle::no_custody()),
    };
    match changed {
        Ok(in_place) if in_place == settings => Step::Done,
        Ok(_) => Step::Failed("custody put other settings in place".into()),
        Err(error) => Step::of_error(error, is_expired(runtime, proposal)),
    }
}
