//! What a group may adjust of its custody canister, by vote.

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::Defect;

/// Most releases of one package within a day that a group may allow.
pub const MOST_RELEASES_PER_DAY: u32 = 1_000;

/// Custody's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Settings {
    /// How many orders for one package custody takes within 24 hours: 1 to 1,000.
    pub releases_per_package_and_day: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { releases_per_package_and_day: 10 }
    }
}

impl Settings {
    /// Everything that is out of bounds.
    pub fn defects(&self) -> Vec<Defect> {
        let found = self.releases_per_package_and_day;
        if (1..=MOST_RELEASES_PER_DAY).contains(&found) {
            return Vec::new();
        }
        vec![Defect::new(
            "releases_per_package_and_day",
            found.to_string(),
            format!("1 to {MOST_RELEASES_PER_DAY}"),
            "To stop releases altogether, freeze.",
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_refuse_a_limit_when_it_allows_nothing_or_has_no_effect() {
        let is_refused =
            |releases_per_package_and_day| !Settings { releases_per_package_and_day }.defects().is_empty();
        assert_eq!([0, 1, 10, 1_000, 1_001].map(is_refused), [true, false, false, false, true]);
    }
}
