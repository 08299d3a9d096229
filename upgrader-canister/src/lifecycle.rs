//! Installation and upgrade.

use candid::Principal;
use release_types::{
    Defect,
    control::{UpgraderChange, UpgraderInit},
};

use crate::{
    runtime::Runtime,
    state::{Event, State, audit::replay_log, process_event, read_state, replace_state},
    storage, tasks,
};

/// Canisters that the environment names, for want of arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment {
    pub dao: Option<Principal>,
    pub custody: Option<Principal>,
}

/// Installs the canister.
///
/// # Errors
/// Every defect of the arguments; nothing is kept then.
pub fn install<R: Runtime>(
    runtime: &R,
    init: UpgraderInit,
    environment: Environment,
) -> Result<(), Vec<Defect>> {
    let mut defects = init.committee.as_ref().map(|committee| committee.defects()).unwrap_or_default();
    let dao = named("dao", init.dao.or(environment.dao), &mut defects);
    let custody = named("custody", init.custody.or(environment.custody), &mut defects);
    if dao.is_some() && dao == custody {
        let hint = "Name the DAO canister and the custody canister.";
        defects.push(Defect::new("custody", "the DAO a second time", "another canister", hint));
    }
    match (dao, custody) {
        (Some(dao), Some(custody)) if defects.is_empty() => {
            let committee = init.committee;
            replace_state(State::new(dao, custody, committee.clone()));
            process_event(runtime, Event::Installed { dao, custody, committee });
            tasks::arm(runtime);
            Ok(())
        }
        _ => Err(defects),
    }
}

/// Takes up after an upgrade: the state from the log, the certificate, the timers, and what the upgrade changes.
///
/// # Errors
/// Every defect of the arguments; the upgrade then fails and the former code stays.
///
/// # Panics
/// If the log does not replay; likewise.
pub fn resume<R: Runtime>(runtime: &R, change: Option<UpgraderChange>) -> Result<(), Vec<Defect>> {
    let state = replay_log().unwrap_or_else(|error| panic!("BUG: the log does not replay: {error}"));
    replace_state(state);
    runtime.certify(storage::read_log(|log| log.certified_root()));
    if let Some(UpgraderChange { committee }) = change {
        let defects = committee.as_ref().map(|committee| committee.defects()).unwrap_or_default();
        if !defects.is_empty() {
            return Err(defects);
        }
        if read_state(|state| state.committee() != committee.as_ref()) {
            process_event(runtime, Event::ChangedCommittee { committee });
        }
    }
    tasks::arm(runtime);
    Ok(())
}

fn named(field: &str, canister: Option<Principal>, defects: &mut Vec<Defect>) -> Option<Principal> {
    let is_canister =
        |id: &Principal| *id != Principal::anonymous() && *id != Principal::management_canister();
    let found = canister.filter(is_canister);
    if found.is_none() {
        let found = canister.map_or_else(|| "none".into(), |canister| canister.to_text());
        let hint = format!("Give one, or set PUBLIC_CANISTER_ID:{field}_canister.");
        defects.push(Defect::new(field, found, "a canister", hint));
    }
    found
}
