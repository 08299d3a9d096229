//! The runtime of a canister on the Internet Computer.

use std::time::Duration;

use candid::{CandidType, Principal, utils::ArgumentEncoder};
use ic_cdk::call::{Call, Error, RejectCode};
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
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use crate::{
    execution,
    runtime::{CustodyError, Module, Runtime, management},
    schedule::Task,
};

const CUSTODY_VARIABLE: &str = "PUBLIC_CANISTER_ID:custody_canister";
const UPGRADER_VARIABLE: &str = "PUBLIC_CANISTER_ID:upgrader_canister";
/// How custody marks a rejection that is its decision for good. Every other one, its `BUSY: ` and accidents on the way,
/// passes by itself.
const REFUSAL_MARK: &str = "REFUSED: ";
/// Longest excerpt of a rejection that is kept, in bytes.
const MAX_REASON_BYTES: usize = 1_000;

/// Production.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcRuntime;

impl Runtime for IcRuntime {
    fn time_ns(&self) -> u64 {
        ic_cdk::api::time()
    }

    fn canister_self(&self) -> Principal {
        ic_cdk::api::canister_self()
    }

    fn liquid_cycles(&self) -> u128 {
        ic_cdk::api::canister_liquid_cycle_balance()
    }

    fn custody_of_environment(&self) -> Option<Principal> {
        canister_of_environment(CUSTODY_VARIABLE)
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        let runtime = *self;
        ic_cdk_timers::set_timer(delay, async move { execution::run(&runtime, task).await });
    }

    fn wake_timers(&self) {
        ic_cdk::api::global_timer_set(ic_cdk::api::time());
    }

    fn certify(&self, root: [u8; 32]) {
        ic_cdk::api::certified_data_set(root);
    }

    async fn publish(&self, custody: Principal, order: PublishOrder) -> Result<OrderStatus, CustodyError> {
        call(custody, "publish", (order,)).await
    }

    async fn order_status(
        &self,
        custody: Principal,
        order: OrderId,
    ) -> Result<Option<OrderStatus>, CustodyError> {
        call(custody, "order_status", (order,)).await
    }

    async fn amend(&self, custody: Principal, order: AmendOrder) -> Result<AmendmentStatus, CustodyError> {
        call(custody, "amend", (order,)).await
    }

    async fn amendment_status(
        &self,
        custody: Principal,
        order: OrderId,
    ) -> Result<Option<AmendmentStatus>, CustodyError> {
        call(custody, "amendment_status", (order,)).await
    }

    async fn declare_outcome(
        &self,
        custody: Principal,
        args: DeclareOutcomeArgs,
    ) -> Result<OrderStatus, CustodyError> {
        call(custody, "declare_outcome", (args,)).await
    }

    async fn change_credential(
        &self,
        custody: Principal,
        args: ChangeCredentialArgs,
    ) -> Result<CredentialView, CustodyError> {
        call(custody, "change_credential", (args,)).await
    }

    async fn credential(
        &self,
        custody: Principal,
        id: CredentialId,
    ) -> Result<Option<CredentialView>, CustodyError> {
        call(custody, "credential", (id,)).await
    }

    async fn deposit_credential(
        &self,
        custody: Principal,
        args: DepositCredentialArgs,
    ) -> Result<CredentialView, CustodyError> {
        call(custody, "deposit_credential", (args,)).await
    }

    async fn freeze(&self, custody: Principal, args: FreezeArgs) -> Result<Vec<FreezeView>, CustodyError> {
        call(custody, "freeze", (args,)).await
    }

    async fn unfreeze(
        &self,
        custody: Principal,
        scope: FreezeScope,
    ) -> Result<Vec<FreezeView>, CustodyError> {
        call(custody, "unfreeze", (scope,)).await
    }

    async fn watch_package(&self, custody: Principal, args: WatchArgs) -> Result<WatchView, CustodyError> {
        call(custody, "watch_package", (args,)).await
    }

    async fn unwatch_package(
        &self,
        custody: Principal,
        package: PackageKey,
    ) -> Result<Vec<PackageKey>, CustodyError> {
        call(custody, "unwatch_package", (package,)).await
    }

    fn upgrader_of_environment(&self) -> Option<Principal> {
        canister_of_environment(UPGRADER_VARIABLE)
    }

    async fn store_module_chunk(
        &self,
        upgrader: Principal,
        chunk: Vec<u8>,
    ) -> Result<Sha256Digest, CustodyError> {
        call(upgrader, "store_chunk", (ByteBuf::from(chunk),)).await
    }

    async fn order_upgrade(
        &self,
        upgrader: Principal,
        order: UpgradeOrder,
    ) -> Result<UpgradeStatus, CustodyError> {
        call(upgrader, "upgrade", (order,)).await
    }

    async fn upgrade_status(
        &self,
        upgrader: Principal,
        id: UpgradeId,
    ) -> Result<Option<UpgradeStatus>, CustodyError> {
        call(upgrader, "upgrade_status", (id,)).await
    }

    async fn upgrade_upgrader(&self, upgrader: Principal, module: Module) -> Result<(), CustodyError> {
        management::upgrade(upgrader, module).await.map_err(|error| network_error("upgrade", error))
    }

    async fn change_canister_settings(
        &self,
        upgrader: Principal,
        args: ChangeCanisterSettingsArgs,
    ) -> Result<(), CustodyError> {
        call(upgrader, "change_canister_settings", (args,)).await
    }

    async fn change_upgrader_settings(
        &self,
        upgrader: Principal,
        settings: CanisterSettings,
    ) -> Result<(), CustodyError> {
        let changed = management::change_settings(upgrader, settings).await;
        changed.map_err(|error| network_error("update_settings", error))
    }

    async fn cancel_recovery(&self, upgrader: Principal, recovery: RecoveryId) -> Result<(), CustodyError> {
        call(upgrader, "cancel_recovery", (recovery,)).await
    }

    async fn deposit_cycles(&self, canister: Principal, amount_cycles: u128) -> Result<(), CustodyError> {
        let deposited = management::deposit_cycles(canister, amount_cycles).await;
        deposited.map_err(|error| network_error("deposit_cycles", error))
    }

    async fn change_settings(
        &self,
        custody: Principal,
        settings: Settings,
    ) -> Result<Settings, CustodyError> {
        call(custody, "change_settings", (settings,)).await
    }
}

fn canister_of_environment(variable: &str) -> Option<Principal> {
    if !ic_cdk::api::env_var_name_exists(variable) {
        return None;
    }
    Principal::from_text(ic_cdk::api::env_var_value(variable)).ok()
}

/// The longest that the network waits for an answer.
const MAX_WAIT_SECONDS: u32 = 300;

/// Calls with a bounded wait: custody can never keep this canister from stopping, and every method called is safe to
/// repeat when the answer stays unknown.
async fn call<A: ArgumentEncoder, T: CandidType + DeserializeOwned>(
    custody: Principal,
    method: &str,
    args: A,
) -> Result<T, CustodyError> {
    let response = Call::bounded_wait(custody, method)
        .with_args(&args)
        .change_timeout(MAX_WAIT_SECONDS)
        .await
        .map_err(|error| custody_error(method, error.into()))?;
    response.candid().map_err(|error| custody_error(method, error.into()))
}

fn custody_error(method: &str, error: Error) -> CustodyError {
    if let Error::CallRejected(rejected) = &error {
        let refusal = rejected.reject_message().strip_prefix(REFUSAL_MARK);
        if let (Ok(RejectCode::CanisterReject), Some(reason)) = (rejected.reject_code(), refusal) {
            return CustodyError::Refused { reason: excerpt(reason) };
        }
    }
    CustodyError::Unavailable { reason: excerpt(&format!("{method}: {error}")) }
}

/// What the network's own no means. Its text may be that of a canister's code, so it is not kept.
fn network_error(method: &str, error: Error) -> CustodyError {
    match error {
        Error::CallRejected(rejected)
            if !matches!(rejected.reject_code(), Ok(RejectCode::SysTransient | RejectCode::SysUnknown)) =>
        {
            let code = rejected.raw_reject_code();
            CustodyError::Refused { reason: format!("{method}: the network rejected it with code {code}") }
        }
        _ => CustodyError::Unavailable { reason: format!("{method}: no answer") },
    }
}

fn excerpt(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_REASON_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use ic_cdk::call::CallRejected;

    use super::*;

    fn rejected(code: RejectCode, message: &str) -> CustodyError {
        custody_error(
            "publish",
            Error::CallRejected(CallRejected::with_rejection(code as u32, message.into())),
        )
    }

    #[test]
    fn should_take_only_a_marked_rejection_by_custody_itself_for_final() {
        let refused = rejected(RejectCode::CanisterReject, "REFUSED: order: unknown");
        assert_eq!(refused, CustodyError::Refused { reason: "order: unknown".into() });
        for (code, message) in [
            (RejectCode::CanisterReject, "BUSY: 20 orders are under way"),
            (RejectCode::CanisterReject, "order: REFUSED: unknown"),
            (RejectCode::CanisterError, "REFUSED: by a trap"),
            (RejectCode::SysTransient, "REFUSED: the queue is full"),
        ] {
            assert!(matches!(rejected(code, message), CustodyError::Unavailable { .. }), "{message}");
        }
    }
}
