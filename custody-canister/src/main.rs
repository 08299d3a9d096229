//! The custody canister's endpoints: each resolves the caller, calls the library and answers.

use std::marker::PhantomData;

use audit_log::icrc3::{
    self, ArchiveInfo, DataCertificate, GetArchivesArgs, GetBlocksArgs, GetBlocksResult, SupportedBlockType,
};
use candid::{CandidType, Principal};
use custody_canister::{
    Refusal, alarms, amend, authorization, control, credentials, freeze, funds, lifecycle, outcall, publish,
    queries,
    runtime::ic::IcRuntime,
    settings, storage,
    validators::{self, Validation},
    watch,
};
use ic_cdk::{init, inspect_message, post_upgrade, query, update};
use ic_management_canister_types::{HttpRequestResult, TransformArgs};
use release_types::{
    AmendOrder, AmendmentStatus, CredentialId, OrderId, OrderStatus, PackageKey, PublishOrder, Settings,
    alarms::{Alarm, Funds},
    control::{EndUpgradeArgs, LogTip, UpgradeId},
    credential::{CredentialView, DepositCredentialArgs, ListCredentialsArgs},
    custody::{ChangeCredentialArgs, CustodyInfo, CustodyInit, ListReceiptsArgs, ReceiptView},
    declaration::DeclareOutcomeArgs,
    freeze::{FreezeArgs, FreezeScope, FreezeView},
    watch::{WatchArgs, WatchView},
};
use serde_bytes::ByteBuf;
use wiping::ZeroizingAllocator;

#[global_allocator]
static ALLOCATOR: ZeroizingAllocator = ZeroizingAllocator;

/// The environment variable that names the authority when the installation does not.
const AUTHORITY_VARIABLE: &str = "PUBLIC_CANISTER_ID:dao_canister";

/// Answers with a reply, or with a reject that no caller could take for success.
fn answer<T: CandidType>(outcome: Result<T, Refusal>) -> PhantomData<T> {
    match outcome {
        Ok(value) => ic_cdk::api::msg_reply(candid::encode_one(value).expect("these types always encode")),
        Err(refusal) => ic_cdk::api::msg_reject(refusal.to_string()),
    }
    PhantomData
}

#[init]
fn init(args: CustodyInit) {
    let named_authority = ic_cdk::api::env_var_name_exists(AUTHORITY_VARIABLE)
        .then(|| ic_cdk::api::env_var_value(AUTHORITY_VARIABLE))
        .and_then(|text| Principal::from_text(text).ok());
    lifecycle::init(&IcRuntime, args, named_authority);
}

#[post_upgrade]
fn post_upgrade() {
    lifecycle::post_upgrade(&IcRuntime);
}

/// Spares strangers the trouble; every method checks again.
#[inspect_message]
fn inspect_message() {
    if authorization::is_authority(ic_cdk::api::msg_caller()) {
        ic_cdk::api::accept_message();
    }
}

#[update(manual_reply = true)]
fn deposit_credential(args: DepositCredentialArgs) -> PhantomData<CredentialView> {
    answer(credentials::deposit(&IcRuntime, ic_cdk::api::msg_caller(), args))
}

#[update(manual_reply = true)]
fn change_credential(args: ChangeCredentialArgs) -> PhantomData<CredentialView> {
    answer(credentials::change(&IcRuntime, ic_cdk::api::msg_caller(), args))
}

#[update(manual_reply = true)]
fn publish(order: PublishOrder) -> PhantomData<OrderStatus> {
    answer(publish::accept(&IcRuntime, ic_cdk::api::msg_caller(), order))
}

#[update(manual_reply = true)]
fn freeze(args: FreezeArgs) -> PhantomData<Vec<FreezeView>> {
    answer(freeze::freeze(&IcRuntime, ic_cdk::api::msg_caller(), args))
}

#[update(manual_reply = true)]
fn unfreeze(scope: FreezeScope) -> PhantomData<Vec<FreezeView>> {
    answer(freeze::unfreeze(&IcRuntime, ic_cdk::api::msg_caller(), scope))
}

#[update(manual_reply = true)]
fn watch_package(args: WatchArgs) -> PhantomData<WatchView> {
    answer(watch::watch(&IcRuntime, ic_cdk::api::msg_caller(), args))
}

#[update(manual_reply = true)]
fn unwatch_package(package: PackageKey) -> PhantomData<Vec<PackageKey>> {
    answer(watch::unwatch(&IcRuntime, ic_cdk::api::msg_caller(), package))
}

#[update(manual_reply = true)]
fn change_settings(settings: Settings) -> PhantomData<Settings> {
    answer(settings::change(&IcRuntime, ic_cdk::api::msg_caller(), settings))
}

/// For people, as [`state_digest`]: everything that custody ever did is looked at for it.
#[query(manual_reply = true)]
fn alarms() -> PhantomData<Vec<Alarm>> {
    answer(may_ask().map(|()| alarms::alarms(&IcRuntime)))
}

#[query]
fn funds() -> Funds {
    funds::funds(&IcRuntime)
}

#[query]
fn settings() -> Settings {
    settings::present()
}

/// For people, as [`state_digest`]: every baseline is read for it.
#[query(manual_reply = true)]
fn watched_packages() -> PhantomData<Vec<WatchView>> {
    answer(may_ask().map(|()| watch::views(&IcRuntime)))
}

#[query]
fn freezes() -> Vec<FreezeView> {
    freeze::in_force()
}

/// What a governor asks before it puts an order to the vote. People may ask too, by queries from outside.
#[query(manual_reply = true)]
fn validate_publish(order: PublishOrder) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::publish(&IcRuntime, &order)))
}

/// As [`validate_publish`], for a deposit.
#[query(manual_reply = true)]
fn validate_deposit_credential(args: DepositCredentialArgs) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::deposit_credential(&IcRuntime, &args)))
}

/// As [`validate_publish`], for a change.
#[query(manual_reply = true)]
fn validate_change_credential(args: ChangeCredentialArgs) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::change_credential(&IcRuntime, &args)))
}

/// As [`validate_publish`], for a freeze.
#[query(manual_reply = true)]
fn validate_freeze(args: FreezeArgs) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::freeze(&args)))
}

/// As [`validate_publish`], for lifting a freeze.
#[query(manual_reply = true)]
fn validate_unfreeze(scope: FreezeScope) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::unfreeze(scope)))
}

/// As [`validate_publish`], for a declaration.
#[query(manual_reply = true)]
fn validate_declare_outcome(args: DeclareOutcomeArgs) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::declare_outcome(&args)))
}

/// As [`validate_publish`], for a watch.
#[query(manual_reply = true)]
fn validate_watch_package(args: WatchArgs) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::watch_package(&IcRuntime, &args)))
}

/// As [`validate_publish`], for an amendment.
#[query(manual_reply = true)]
fn validate_amend(order: AmendOrder) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::amend(&IcRuntime, &order)))
}

/// As [`validate_publish`], for the end of a watch.
#[query(manual_reply = true)]
fn validate_unwatch_package(package: PackageKey) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::unwatch_package(&package)))
}

/// As [`validate_publish`], for settings.
#[query(manual_reply = true)]
fn validate_change_settings(settings: Settings) -> PhantomData<Validation> {
    answer(may_ask().map(|()| validators::change_settings(&settings)))
}

fn may_ask() -> Result<(), Refusal> {
    authorization::require_authority_or_query(
        ic_cdk::api::msg_caller(),
        ic_cdk::api::in_replicated_execution(),
    )
}

#[update(manual_reply = true)]
fn amend(order: AmendOrder) -> PhantomData<AmendmentStatus> {
    answer(amend::accept(&IcRuntime, ic_cdk::api::msg_caller(), order))
}

/// For the canister that controls this one and is about to upgrade it.
#[update(manual_reply = true)]
fn begin_upgrade(upgrade: UpgradeId) -> PhantomData<()> {
    let caller = ic_cdk::api::msg_caller();
    answer(control::begin_upgrade(&IcRuntime, caller, ic_cdk::api::is_controller(&caller), upgrade))
}

/// As [`begin_upgrade`], when it is over.
#[update(manual_reply = true)]
fn end_upgrade(args: EndUpgradeArgs) -> PhantomData<()> {
    let caller = ic_cdk::api::msg_caller();
    answer(control::end_upgrade(&IcRuntime, caller, ic_cdk::api::is_controller(&caller), args))
}

#[query]
fn log_tip() -> Option<LogTip> {
    control::log_tip()
}

#[update(manual_reply = true)]
fn declare_outcome(args: DeclareOutcomeArgs) -> PhantomData<OrderStatus> {
    answer(publish::declaring::declare(&IcRuntime, ic_cdk::api::msg_caller(), args))
}

#[query]
fn custody_info() -> CustodyInfo {
    queries::custody_info()
}

#[query]
fn credential(id: CredentialId) -> Option<CredentialView> {
    queries::credential(&id)
}

#[query]
fn list_credentials(args: ListCredentialsArgs) -> Vec<CredentialView> {
    queries::list_credentials(&args)
}

#[query]
fn order_status(id: OrderId) -> Option<OrderStatus> {
    queries::order_status(&id)
}

#[query]
fn amendment_status(id: OrderId) -> Option<AmendmentStatus> {
    amend::status(&id)
}

#[query]
fn receipt(id: OrderId) -> Option<ReceiptView> {
    queries::receipt(&id)
}

#[query]
fn list_receipts(args: ListReceiptsArgs) -> Vec<ReceiptView> {
    queries::list_receipts(&args)
}

/// For people only: another canister's call would be replicated, and this canister would pay for its many
/// instructions.
#[query(manual_reply = true)]
fn state_digest() -> PhantomData<ByteBuf> {
    if ic_cdk::api::in_replicated_execution() {
        return answer(Err(Refusal::of(
            "caller",
            ic_cdk::api::msg_caller().to_text(),
            "anyone from outside, and nobody in replicated execution",
            "Ask by a query.",
        )));
    }
    answer(Ok(ByteBuf::from(queries::state_digest())))
}

#[query]
fn transform_answer(args: TransformArgs) -> HttpRequestResult {
    outcall::transform_answer(args)
}

#[query]
fn icrc3_get_blocks(ranges: Vec<GetBlocksArgs>) -> GetBlocksResult {
    storage::read_log(|log| icrc3::get_blocks(log, &ranges))
}

#[query]
fn icrc3_get_archives(_args: GetArchivesArgs) -> Vec<ArchiveInfo> {
    Vec::new()
}

#[query]
fn icrc3_get_tip_certificate() -> Option<DataCertificate> {
    storage::read_log(|log| icrc3::tip_certificate(log, ic_cdk::api::data_certificate()))
}

#[query]
fn icrc3_supported_block_types() -> Vec<SupportedBlockType> {
    let supported =
        |block_type: &str| SupportedBlockType { block_type: block_type.to_owned(), url: String::new() };
    queries::block_types().into_iter().map(supported).collect()
}

fn main() {}

// The wasm carries its interface as metadata; exporting it from code as well would double it.
#[cfg(test)]
candid::export_service!();

#[cfg(test)]
mod tests {
    use candid_parser::utils::{CandidSource, service_equal};

    #[test]
    fn should_offer_exactly_the_interface_in_the_candid_file() {
        let exported = super::__export_service();
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/custody.did");
        service_equal(CandidSource::Text(&exported), CandidSource::File(written.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\nthe code exports:\n{exported}"));
    }
}
