//! Moving cycles.

use super::SystemApi;

impl SystemApi {
    /// What can be spent without falling below the freezing threshold.
    pub(in crate::execution) fn liquid_cycles(&self) -> u128 {
        self.effects.balance_cycles.saturating_sub(self.environment.freezing_limit_cycles)
    }

    /// Takes up to `max` of the attached cycles; returns how many.
    pub(in crate::execution) fn accept_cycles(&mut self, max: u128) -> u128 {
        let accepted = max.min(self.available_cycles());
        self.effects.accepted_cycles += accepted;
        self.effects.add_cycles(accepted);
        accepted
    }

    /// Burns up to `max` cycles; returns how many.
    pub(in crate::execution) fn burn_cycles(&mut self, max: u128) -> u128 {
        let burned = max.min(self.liquid_cycles());
        self.effects.balance_cycles -= burned;
        burned
    }
}
