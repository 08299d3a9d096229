//! What the native stand-ins for system canisters may do to the replica.

use candid::Principal;
use ic_management_canister_types::CanisterSettings;

use super::Replica;
use crate::canister::Originator;
use crate::message::Reject;
use crate::scheduler::not_found;
use crate::stand_ins::{Ledgers, StandInOps};

impl StandInOps for Replica {
    fn subnet_id(&self) -> Principal {
        self.subnet.id
    }

    fn time_ns(&self) -> u64 {
        self.time_ns()
    }

    fn ledgers(&mut self) -> &mut Ledgers {
        &mut self.ledgers
    }

    fn create_canister(&mut self, settings: CanisterSettings, cycles: u128) -> Result<Principal, Reject> {
        self.create_with_settings(Originator::User(Principal::anonymous()), settings, cycles, None)
    }

    fn deposit_cycles(&mut self, canister: Principal, cycles: u128) -> Result<(), Reject> {
        let canister = self.canisters.get_mut(&canister).ok_or_else(|| not_found(canister))?;
        canister.add_cycles(cycles);
        Ok(())
    }
}
