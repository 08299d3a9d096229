//! Everything the canister cannot compute by itself: clock, timers, certification and calls, behind one trait.

mod ic;
mod management;

use std::{future::Future, time::Duration};

use candid::Principal;
use release_types::{
    AmendOrder, AmendmentStatus, CredentialId, DeclareOutcomeArgs, OrderId, OrderStatus, PackageKey,
    PublishOrder, Settings, Sha256Digest,
    control::{
        CanisterSettings, ChangeCanisterSettingsArgs, RecoveryId, UpgradeId, UpgradeOrder, UpgradeStatus,
    },
    credential::{CredentialView, DepositCredentialArgs},
    custody::ChangeCredentialArgs,
    freeze::{FreezeArgs, FreezeScope, FreezeView},
    watch::{WatchArgs, WatchView},
};

use crate::schedule::Task;

pub use ic::IcRuntime;

/// Why custody did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustodyError {
    /// It refused, and asking again will not help.
    Refused { reason: String },
    /// It is busy, could not be reached, or the answer is unknown. The same request may be sent again.
    Unavailable { reason: String },
}

/// A module to be installed, in chunks of at most 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    pub chunks: Vec<Vec<u8>>,
    pub sha256: Sha256Digest,
    /// For its `post_upgrade`, in Candid.
    pub arg: Vec<u8>,
}

/// The canister's surroundings.
pub trait Runtime: Clone + 'static {
    /// Nanoseconds since the Unix epoch; constant within a message.
    fn time_ns(&self) -> u64;
    fn canister_self(&self) -> Principal;
    /// Cycles that may be spent without freezing the canister.
    fn liquid_cycles(&self) -> u128;
    /// The custody canister that the environment names, if it does.
    fn custody_of_environment(&self) -> Option<Principal>;
    /// Runs a task in a message of its own. Timers do not survive upgrades.
    fn set_timer(&self, delay: Duration, task: Task);
    /// Has the system look for due timers at once, whatever it had noted.
    fn wake_timers(&self);
    /// Has the subnet certify this root.
    fn certify(&self, root: [u8; 32]);

    fn publish(
        &self,
        custody: Principal,
        order: PublishOrder,
    ) -> impl Future<Output = Result<OrderStatus, CustodyError>>;
    fn order_status(
        &self,
        custody: Principal,
        order: OrderId,
    ) -> impl Future<Output = Result<Option<OrderStatus>, CustodyError>>;
    fn amend(
        &self,
        custody: Principal,
        order: AmendOrder,
    ) -> impl Future<Output = Result<AmendmentStatus, CustodyError>>;
    /// How far an amendment has come; none if custody has no order of this id.
    fn amendment_status(
        &self,
        custody: Principal,
        order: OrderId,
    ) -> impl Future<Output = Result<Option<AmendmentStatus>, CustodyError>>;
    /// Says what became of an artifact that never appeared.
    fn declare_outcome(
        &self,
        custody: Principal,
        args: DeclareOutcomeArgs,
    ) -> impl Future<Output = Result<OrderStatus, CustodyError>>;
    fn change_credential(
        &self,
        custody: Principal,
        args: ChangeCredentialArgs,
    ) -> impl Future<Output = Result<CredentialView, CustodyError>>;
    /// A credential as custody shows it now; none if it has none of this id.
    fn credential(
        &self,
        custody: Principal,
        id: CredentialId,
    ) -> impl Future<Output = Result<Option<CredentialView>, CustodyError>>;
    fn deposit_credential(
        &self,
        custody: Principal,
        args: DepositCredentialArgs,
    ) -> impl Future<Output = Result<CredentialView, CustodyError>>;
    /// Freezes, and answers with everything that is frozen then.
    fn freeze(
        &self,
        custody: Principal,
        args: FreezeArgs,
    ) -> impl Future<Output = Result<Vec<FreezeView>, CustodyError>>;
    fn unfreeze(
        &self,
        custody: Principal,
        scope: FreezeScope,
    ) -> impl Future<Output = Result<Vec<FreezeView>, CustodyError>>;
    fn watch_package(
        &self,
        custody: Principal,
        args: WatchArgs,
    ) -> impl Future<Output = Result<WatchView, CustodyError>>;
    /// Stops watching, and answers with what is still watched.
    fn unwatch_package(
        &self,
        custody: Principal,
        package: PackageKey,
    ) -> impl Future<Output = Result<Vec<PackageKey>, CustodyError>>;
    /// The upgrader that the environment names, if it does.
    fn upgrader_of_environment(&self) -> Option<Principal>;
    /// Puts a chunk into the upgrader's store, and returns its digest.
    fn store_module_chunk(
        &self,
        upgrader: Principal,
        chunk: Vec<u8>,
    ) -> impl Future<Output = Result<Sha256Digest, CustodyError>>;
    fn order_upgrade(
        &self,
        upgrader: Principal,
        order: UpgradeOrder,
    ) -> impl Future<Output = Result<UpgradeStatus, CustodyError>>;
    /// An upgrade; none if the upgrader was never ordered one of this id.
    fn upgrade_status(
        &self,
        upgrader: Principal,
        id: UpgradeId,
    ) -> impl Future<Output = Result<Option<UpgradeStatus>, CustodyError>>;
    /// Stops the upgrader, replaces its code and starts it, whether that worked or not. Safe to repeat.
    fn upgrade_upgrader(
        &self,
        upgrader: Principal,
        module: Module,
    ) -> impl Future<Output = Result<(), CustodyError>>;
    /// Has the upgrader adjust one of the canisters that it controls.
    fn change_canister_settings(
        &self,
        upgrader: Principal,
        args: ChangeCanisterSettingsArgs,
    ) -> impl Future<Output = Result<(), CustodyError>>;
    /// Adjusts the upgrader itself.
    fn change_upgrader_settings(
        &self,
        upgrader: Principal,
        settings: CanisterSettings,
    ) -> impl Future<Output = Result<(), CustodyError>>;
    fn cancel_recovery(
        &self,
        upgrader: Principal,
        recovery: RecoveryId,
    ) -> impl Future<Output = Result<(), CustodyError>>;
    /// Passes cycles on. They come back if that fails.
    fn deposit_cycles(
        &self,
        canister: Principal,
        amount_cycles: u128,
    ) -> impl Future<Output = Result<(), CustodyError>>;
    /// Answers with the settings in place.
    fn change_settings(
        &self,
        custody: Principal,
        settings: Settings,
    ) -> impl Future<Output = Result<Settings, CustodyError>>;
}
