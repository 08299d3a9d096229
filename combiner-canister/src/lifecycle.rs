//! Installation and upgrade.

use std::{collections::BTreeSet, time::Duration};

use candid::Principal;
use content_keys::threshold::MAX_HOLDERS;
use key_holders::service::{CeremonyStatus, CombinerInit, ServiceError};

use crate::{
    runtime,
    state::{self, Event, audit, read_state},
    storage,
};

const MAX_PEOPLE: usize = 1_000;

/// Installs the combiner.
///
/// # Errors
/// Every defect of the arguments; nothing is kept then.
pub fn install(init: CombinerInit) -> Result<(), Vec<ServiceError>> {
    let defects = defects(&init);
    if !defects.is_empty() {
        return Err(defects);
    }
    audit::process_event(&Event::Installed { init });
    Ok(())
}

/// Restores the state from the log after an upgrade, and goes on with ceremonies.
///
/// # Panics
/// If the log does not replay: the upgrade is undone then.
pub fn resume() {
    match audit::replay() {
        Ok(state) => state::restore(state),
        Err(error) => panic!("BUG: the log does not replay: {error}"),
    }
    runtime::certify(storage::read_log(|log| log.certified_root()));
    let running: Vec<_> = read_state(|state| {
        let running = state.keys().filter(|(_, facts)| facts.status == CeremonyStatus::Running);
        running.map(|(key, _)| key.clone()).collect()
    });
    for key in running {
        runtime::drive_later(Duration::ZERO, key);
    }
}

fn defects(init: &CombinerInit) -> Vec<ServiceError> {
    let mut defects = Vec::new();
    let mut check = |field: &str, fits: bool, reason: String| {
        if !fits {
            defects.push(ServiceError::Malformed { field: field.to_owned(), reason });
        }
    };
    let holders = init.holders.len();
    let fits = (2..=MAX_HOLDERS).contains(&holders);
    check("holders", fits, format!("found {holders}; allowed: 2 to {MAX_HOLDERS}"));
    let different: BTreeSet<_> = init.holders.iter().collect();
    check("holders", different.len() == holders, "found one twice; allowed: each once".to_owned());
    let threshold = init.threshold;
    let fits = threshold >= 2 && usize::from(threshold) <= holders;
    check("threshold", fits, format!("found {threshold}; allowed: 2 to {holders}, the number of holders"));
    for (field, people) in [("administrators", &init.administrators), ("owners", &init.owners)] {
        let found = people.len();
        check(field, found <= MAX_PEOPLE, format!("found {found}; allowed: at most {MAX_PEOPLE}"));
        let is_known = !people.contains(&Principal::anonymous());
        check(field, is_known, "found the anonymous principal; allowed: principals of their own".to_owned());
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_name_every_defect_of_the_arguments() {
        let holder = Principal::from_slice(&[1; 10]);
        let init = CombinerInit {
            holders: vec![holder, holder],
            threshold: 1,
            administrators: vec![Principal::anonymous()],
            owners: Vec::new(),
        };
        let fields: Vec<_> = defects(&init)
            .into_iter()
            .map(|defect| match defect {
                ServiceError::Malformed { field, .. } => field,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(fields, ["holders", "threshold", "administrators"]);
    }
}
