//! How often one caller may submit: checking a proposal costs computation, and each one taken stays on the log.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
};

use candid::Principal;
use release_types::proposal::SubmitProposalError;

use crate::state::State;

const HOUR_NS: u64 = 3_600 * 1_000_000_000;
const DAY_NS: u64 = 24 * HOUR_NS;
/// Proposals of one caller refused within an hour: each may have had artifacts opened.
pub const MAX_REFUSED_AN_HOUR: u32 = 60;

thread_local! {
    /// When proposals of each caller were refused lately. Not part of the state: nothing of a refusal is kept for
    /// long, and an upgrade may forget it.
    static REFUSED: RefCell<BTreeMap<Principal, VecDeque<u64>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether a caller may submit now.
///
/// # Errors
/// When, if not now.
pub fn check(state: &State, caller: &Principal, now_ns: u64) -> Result<(), SubmitProposalError> {
    let taken = state.submissions_since(state.author(caller), now_ns.saturating_sub(DAY_NS));
    within(&taken, state.policies().most_per_day, DAY_NS)?;
    let refused = REFUSED.with_borrow_mut(|refused| {
        let times = refused.get_mut(caller)?;
        times.retain(|at_ns| at_ns.saturating_add(HOUR_NS) > now_ns);
        Some(times.iter().copied().collect::<Vec<_>>())
    });
    within(&refused.unwrap_or_default(), MAX_REFUSED_AN_HOUR, HOUR_NS)
}

/// Notes that a proposal was refused for its defects.
pub fn count_refusal(caller: Principal, now_ns: u64) {
    REFUSED.with_borrow_mut(|refused| refused.entry(caller).or_default().push_back(now_ns));
}

/// Whether fewer than `limit` of these times, oldest first, lie within the window.
fn within(times: &[u64], limit: u32, window_ns: u64) -> Result<(), SubmitProposalError> {
    match times.len().checked_sub(limit as usize) {
        None => Ok(()),
        Some(too_many) => Err(SubmitProposalError::TooOften {
            submissions: u32::try_from(times.len()).unwrap_or(u32::MAX),
            limit,
            frees_at_ns: times[too_many].saturating_add(window_ns),
        }),
    }
}
