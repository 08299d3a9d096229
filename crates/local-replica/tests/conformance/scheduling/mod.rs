//! Messages: queues, deadlines, stopping, system tasks, composite queries, limits and cycles.

mod bounded_wait;
mod callback_prepayment;
mod charges;
mod composite;
mod conservation;
mod costs;
mod failing_callbacks;
mod frozen;
mod growth;
mod heartbeat;
mod limits;
mod low_memory;
mod performance;
mod queues;
mod stopping;
mod uninstalling;

use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, CanisterSettings, UpdateSettingsArgs};
use local_replica::canister::Status;
use local_replica::{MessageReport, Step};

use crate::canisters::Subnet;

impl Subnet {
    fn configure(&mut self, canister_id: Principal, settings: CanisterSettings) {
        let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
        self.manage("update_settings", args).expect("the settings are valid");
    }

    /// Raises the freezing threshold so that nothing can be spent.
    fn freeze(&mut self, id: Principal) {
        let threshold = Some(10_000_000_000_000_000_u64.into());
        self.configure(id, CanisterSettings { freezing_threshold: threshold, ..CanisterSettings::default() });
    }

    fn unfreeze(&mut self, id: Principal) {
        let threshold = Some(0_u64.into());
        self.configure(id, CanisterSettings { freezing_threshold: threshold, ..CanisterSettings::default() });
    }

    fn status(&self, id: Principal) -> Status {
        self.replica.view().canister(id).expect("the canister exists").status.clone()
    }

    fn submit_stop(&mut self, canister_id: Principal) -> local_replica::RequestId {
        let arg = candid::encode_one(CanisterIdRecord { canister_id }).expect("encodes");
        self.submit(Principal::management_canister(), "stop_canister", &arg)
    }

    /// Executes what waits and returns what it did.
    fn reports(&mut self) -> Vec<MessageReport> {
        let mut reports = Vec::new();
        while let Step::Executed(report) = self.replica.step() {
            reports.push(report);
        }
        reports
    }
}
