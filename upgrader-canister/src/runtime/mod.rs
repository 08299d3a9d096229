//! Everything a canister cannot compute by itself: clock, timers, certification, and calls of the management canister
//! and of the two canisters that it controls, behind one trait.
//!
//! No error carries a text, because a text could come from hostile code and end up in the log.

pub mod ic;

use std::{future::Future, time::Duration};

use candid::Principal;
use release_types::{
    Sha256Digest,
    control::{CanisterSettings, EndUpgradeArgs, LogTip, UpgradeId, UpgradeOrder},
};

use crate::tasks::Task;

/// Why a call did not bring what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It passes by itself: a full queue, too few cycles, a subnet that is out of order.
    Transient,
    /// The callee refused, does not exist, or trapped.
    Rejected,
    /// There was an answer of another form.
    Undecodable,
}

/// The canister's surroundings.
pub trait Runtime: Clone + 'static {
    /// Nanoseconds since the Unix epoch; constant within a message.
    fn time_ns(&self) -> u64;
    /// Runs a task in a message of its own. Timers do not survive upgrades.
    fn set_timer(&self, delay: Duration, task: Task);
    /// Has the subnet certify this root.
    fn certify(&self, root: [u8; 32]);

    /// Puts a chunk into this canister's own store, and returns its digest as the network computed it.
    fn store_chunk(&self, chunk: Vec<u8>) -> impl Future<Output = Result<Sha256Digest, CallError>>;
    /// Empties this canister's own chunk store.
    fn clear_chunks(&self) -> impl Future<Output = Result<(), CallError>>;
    /// Stops a canister: answers once no call of it is open.
    fn stop(&self, canister: Principal) -> impl Future<Output = Result<(), CallError>>;
    fn start(&self, canister: Principal) -> impl Future<Output = Result<(), CallError>>;
    /// Snapshots a stopped canister.
    fn take_snapshot(&self, canister: Principal) -> impl Future<Output = Result<Vec<u8>, CallError>>;
    fn load_snapshot(
        &self,
        canister: Principal,
        snapshot: Vec<u8>,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// Deletes every snapshot of a canister.
    fn delete_snapshots(&self, canister: Principal) -> impl Future<Output = Result<(), CallError>>;
    /// Upgrades a stopped canister to a module in this canister's chunk store.
    fn install(
        &self,
        canister: Principal,
        order: UpgradeOrder,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// Digest of the module that a canister runs; none if it has none.
    fn module_hash(
        &self,
        canister: Principal,
    ) -> impl Future<Output = Result<Option<Sha256Digest>, CallError>>;
    fn change_settings(
        &self,
        canister: Principal,
        settings: CanisterSettings,
    ) -> impl Future<Output = Result<(), CallError>>;

    /// Where a canister's log ends, as its code says.
    fn log_tip(&self, canister: Principal) -> impl Future<Output = Result<Option<LogTip>, CallError>>;
    /// Tells custody that an upgrade begins.
    fn begin_upgrade(
        &self,
        custody: Principal,
        upgrade: UpgradeId,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// Tells a canister that its upgrade is over.
    fn end_upgrade(
        &self,
        canister: Principal,
        args: EndUpgradeArgs,
    ) -> impl Future<Output = Result<(), CallError>>;
}
