//! Installation and upgrade.

use std::collections::BTreeSet;

use candid::Principal;
use content_keys::threshold::MAX_HOLDERS;
use key_holders::interface::{AdmittedOwners, HolderError, HolderInit, HolderPolicy};

use crate::{
    runtime,
    state::{self, Event, audit},
    storage,
};

const MAX_KEY_NAME_BYTES: usize = 100;
const MAX_COMBINERS: usize = 16;
const MAX_FREEZERS: usize = 16;
const MAX_OWNERS: usize = 1_000;
const MIN_EPOCH_S: u64 = 60;
const MAX_EPOCH_S: u64 = 30 * 24 * 3_600;

/// Installs the holder.
///
/// # Errors
/// Every defect of the arguments; nothing is kept then.
pub fn install(init: HolderInit) -> Result<(), Vec<HolderError>> {
    let defects = defects(&init, runtime::canister_self());
    if !defects.is_empty() {
        return Err(defects);
    }
    audit::process_event(&Event::Installed { init });
    Ok(())
}

/// Restores the state from the log after an upgrade. The shares are sealed then.
///
/// # Panics
/// If the log does not replay: the upgrade is undone then.
pub fn resume() {
    match audit::replay() {
        Ok(state) => state::restore(state),
        Err(error) => panic!("BUG: the log does not replay: {error}"),
    }
    runtime::certify(storage::read_log(|log| log.certified_root()));
}

fn defects(init: &HolderInit, own: Principal) -> Vec<HolderError> {
    let mut defects = policy_defects(&init.policy);
    let mut check = |field: &str, fits: bool, found: String, allowed: String| {
        if !fits {
            defects.push(HolderError::Malformed { field: field.to_owned(), found, allowed });
        }
    };
    let name = init.vetkd_key_name.len();
    let allowed = format!("1 to {MAX_KEY_NAME_BYTES} bytes");
    check("vetkd_key_name", (1..=MAX_KEY_NAME_BYTES).contains(&name), format!("{name} bytes"), allowed);
    let holders = init.holders.len();
    let allowed = format!("2 to {MAX_HOLDERS}");
    check("holders", (2..=MAX_HOLDERS).contains(&holders), holders.to_string(), allowed);
    let different: BTreeSet<_> = init.holders.iter().collect();
    let is_set = different.len() == holders;
    check("holders", is_set, "a holder twice".to_owned(), "each once".to_owned());
    let is_among = init.holders.contains(&own);
    check("holders", is_among, "not this canister".to_owned(), format!("{own} among them"));
    let threshold = init.threshold;
    let fits = threshold >= 2 && usize::from(threshold) <= holders;
    check("threshold", fits, threshold.to_string(), format!("2 to {holders}, the number of holders"));
    let is_known = init.coordinator != Principal::anonymous();
    let anonymous = "the anonymous principal".to_owned();
    check("coordinator", is_known, anonymous, "a principal of its own".to_owned());
    defects
}

/// What is wrong with a policy.
pub fn policy_defects(policy: &HolderPolicy) -> Vec<HolderError> {
    let mut defects = Vec::new();
    let mut check = |field: &str, fits: bool, found: String, allowed: String| {
        if !fits {
            defects.push(HolderError::Malformed { field: format!("policy.{field}"), found, allowed });
        }
    };
    let epoch_s = policy.epoch_s;
    let allowed = format!("{MIN_EPOCH_S} to {MAX_EPOCH_S}");
    check("epoch_s", (MIN_EPOCH_S..=MAX_EPOCH_S).contains(&epoch_s), epoch_s.to_string(), allowed);
    let owners = match &policy.owners {
        AdmittedOwners::Any => 0,
        AdmittedOwners::Listed(owners) => owners.len(),
    };
    for (field, found, most) in [
        ("combiners", policy.combiners.len(), MAX_COMBINERS),
        ("freezers", policy.freezers.len(), MAX_FREEZERS),
        ("owners", owners, MAX_OWNERS),
    ] {
        check(field, found <= most, found.to_string(), format!("at most {most}"));
    }
    for (field, principals) in [("combiners", &policy.combiners), ("freezers", &policy.freezers)] {
        let is_known = !principals.contains(&Principal::anonymous());
        check(field, is_known, "the anonymous principal".to_owned(), "principals of their own".to_owned());
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_name_every_defect_of_the_arguments() {
        let policy = HolderPolicy {
            combiners: vec![Principal::anonymous()],
            owners: AdmittedOwners::Any,
            quota: 1,
            epoch_s: 1,
            freezers: Vec::new(),
        };
        let twice = Principal::from_slice(&[1; 10]);
        let init = HolderInit {
            vetkd_key_name: String::new(),
            holders: vec![twice, twice],
            threshold: 3,
            coordinator: Principal::anonymous(),
            policy,
        };
        let defects = defects(&init, Principal::from_slice(&[2; 10]));
        let fields: Vec<_> = defects
            .iter()
            .map(|defect| match defect {
                HolderError::Malformed { field, .. } => field.as_str(),
                other => panic!("{other}"),
            })
            .collect();
        let expected = [
            "policy.epoch_s",
            "policy.combiners",
            "vetkd_key_name",
            "holders",
            "holders",
            "threshold",
            "coordinator",
        ];
        assert_eq!(fields, expected);
    }
}
