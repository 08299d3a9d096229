//! Setting canisters up without signatures and without messages, for tests and for tools.

use candid::Principal;
use ic_management_canister_types::{CanisterInstallMode, CanisterSettings};

use super::Replica;
use crate::canister::Originator;
use crate::message::Reject;

impl Replica {
    /// Creates an empty canister with the configured initial balance.
    pub fn create_canister(&mut self, controllers: Vec<Principal>) -> Principal {
        let settings = CanisterSettings { controllers: Some(controllers), ..CanisterSettings::default() };
        self.create_with_settings(
            Originator::User(Principal::anonymous()),
            settings,
            self.initial_cycles,
            None,
        )
        .expect("default settings are valid and the id is fresh")
    }

    /// Installs code into an empty canister; `wasm` may be gzip-compressed. The caller seen by
    /// `canister_init` is the first controller.
    ///
    /// # Errors
    /// When the canister does not exist or is not empty, the module is invalid, or it traps.
    pub fn install(&mut self, canister: Principal, wasm: &[u8], arg: Vec<u8>) -> Result<(), Reject> {
        self.install_as_controller(canister, CanisterInstallMode::Install, wasm, arg)
    }

    /// Upgrades the canister's code, keeping stable memory.
    ///
    /// # Errors
    /// When the canister does not exist or is empty, the module is invalid, or it traps; the old
    /// code and state stay then.
    pub fn upgrade(&mut self, canister: Principal, wasm: &[u8], arg: Vec<u8>) -> Result<(), Reject> {
        self.install_as_controller(canister, CanisterInstallMode::Upgrade(None), wasm, arg)
    }

    fn install_as_controller(
        &mut self,
        canister: Principal,
        mode: CanisterInstallMode,
        wasm: &[u8],
        arg: Vec<u8>,
    ) -> Result<(), Reject> {
        let caller = self.controllers(canister).first().copied().unwrap_or(Principal::anonymous());
        self.refresh_clock();
        self.install_code(Originator::User(caller), canister, mode, wasm, arg)
    }
}
