//! Proposals to adjust the group's canisters, to pass cycles on to them, and to end a recovery.

use release_types::{
    Defect,
    control::{CancelRecoveryProposal, CanisterSettingsProposal, GroupCanister, TopUpProposal},
};

use super::upgrade::no_upgrader;

/// Most cycles in one proposal: 1,000 T.
const MAX_TOP_UP_CYCLES: u64 = 1_000_000_000_000_000;
/// Fewest that are worth a vote: 1 G.
const MIN_TOP_UP_CYCLES: u64 = 1_000_000_000;

pub fn validate_settings(proposal: &CanisterSettingsProposal, has_upgrader: bool) -> Result<(), Vec<Defect>> {
    none_of(no_upgrader(has_upgrader).into_iter().chain(proposal.settings.defects()))
}

pub fn validate_top_up(proposal: &TopUpProposal, has_upgrader: bool) -> Result<(), Vec<Defect>> {
    let TopUpProposal { canister, amount_cycles } = proposal;
    let mut defects = Vec::new();
    if *canister == GroupCanister::Dao {
        let hint = "The DAO cannot top itself up; deposit cycles to it from outside.";
        defects.push(Defect::new("canister", canister.to_string(), "custody or the upgrader", hint));
    }
    if *canister == GroupCanister::Upgrader {
        defects.extend(no_upgrader(has_upgrader));
    }
    if !(MIN_TOP_UP_CYCLES..=MAX_TOP_UP_CYCLES).contains(amount_cycles) {
        let allowed = format!("{MIN_TOP_UP_CYCLES} to {MAX_TOP_UP_CYCLES}");
        let hint = "Propose another amount.";
        defects.push(Defect::new("amount_cycles", amount_cycles.to_string(), allowed, hint));
    }
    none_of(defects)
}

pub fn validate_cancellation(_: &CancelRecoveryProposal, has_upgrader: bool) -> Result<(), Vec<Defect>> {
    none_of(no_upgrader(has_upgrader))
}

fn none_of(defects: impl IntoIterator<Item = Defect>) -> Result<(), Vec<Defect>> {
    let defects: Vec<_> = defects.into_iter().collect();
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}
