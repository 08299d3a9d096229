//! Having custody watch a package, or stop.

use release_types::{
    PackageKey,
    watch::{WatchArgs, WatchChange, WatchProposal},
};

use crate::{
    execution::{Step, release::is_expired},
    lifecycle,
    runtime::{CustodyError, Runtime},
    state::{Proposal, read_state},
};

pub async fn step<R: Runtime>(runtime: &R, proposal: &Proposal, watch: WatchProposal) -> Step {
    match carry_out(runtime, watch).await {
        Ok(()) => Step::Done,
        Err(error) => Step::of_error(error, is_expired(runtime, proposal)),
    }
}

async fn carry_out<R: Runtime>(runtime: &R, watch: WatchProposal) -> Result<(), CustodyError> {
    let WatchProposal { registry: id, package, change } = watch;
    let custody = lifecycle::custody(runtime).ok_or_else(lifecycle::no_custody)?;
    let registry = read_state(|state| state.registry(&id).cloned())
        .unwrap_or_else(|| panic!("BUG: registry {id} is not in place any more"));
    match change {
        WatchChange::Start { interval_s, read_credential } => {
            let args = WatchArgs { registry, package, interval_s, read_credential };
            runtime.watch_package(custody, args).await.map(drop)
        }
        WatchChange::Stop => {
            let endpoint = registry.upload_url;
            let package = PackageKey { ecosystem: registry.ecosystem, endpoint, package };
            runtime.unwatch_package(custody, package).await.map(drop)
        }
    }
}
