//! The upgrader canister's endpoints: each resolves the caller, calls the library and answers.

use std::marker::PhantomData;

use audit_log::icrc3::{
    self, ArchiveInfo, DataCertificate, GetArchivesArgs, GetBlocksArgs, GetBlocksResult, SupportedBlockType,
};
use candid::{CandidType, Principal};
use ic_cdk::{api::msg_caller, init, inspect_message, post_upgrade, query, update};
use release_types::{
    Defect, Refusal, Sha256Digest,
    control::{
        ChangeCanisterSettingsArgs, LogTip, ProposeRecoveryArgs, RecoveryId, RecoveryView, UpgradeId,
        UpgradeOrder, UpgradeStatus, UpgraderChange, UpgraderInfo, UpgraderInit,
    },
};
use serde_bytes::ByteBuf;
use upgrader_canister::{
    authorization,
    lifecycle::{self, Environment},
    modules, orders, queries, recovery,
    runtime::ic::IcRuntime,
    settings,
    state::Event,
    storage,
};

/// Answers with a reply, or with a reject that no caller could take for success.
fn answer<T: CandidType>(outcome: Result<T, Refusal>) -> PhantomData<T> {
    match outcome {
        Ok(value) => ic_cdk::api::msg_reply(candid::encode_one(value).expect("these types always encode")),
        Err(refusal) => ic_cdk::api::msg_reject(refusal.to_string()),
    }
    PhantomData
}

fn environment(canister: &str) -> Option<Principal> {
    let name = format!("PUBLIC_CANISTER_ID:{canister}");
    if !ic_cdk::api::env_var_name_exists(&name) {
        return None;
    }
    Principal::from_text(ic_cdk::api::env_var_value(&name)).ok()
}

fn accept_arguments(checked: Result<(), Vec<Defect>>) {
    if let Err(defects) = checked {
        let defects: Vec<_> = defects.iter().map(ToString::to_string).collect();
        ic_cdk::trap(format!("the arguments have {} defects: {}", defects.len(), defects.join(" | ")));
    }
}

#[init]
fn init(args: UpgraderInit) {
    let environment =
        Environment { dao: environment("dao_canister"), custody: environment("custody_canister") };
    accept_arguments(lifecycle::install(&IcRuntime, args, environment));
}

#[post_upgrade]
fn post_upgrade(change: Option<UpgraderChange>) {
    accept_arguments(lifecycle::resume(&IcRuntime, change));
}

/// Spares strangers the trouble; every method checks again.
#[inspect_message]
fn inspect_message() {
    if authorization::is_committee_member(msg_caller()) {
        ic_cdk::api::accept_message();
    }
}

#[update(manual_reply = true)]
async fn store_chunk(chunk: ByteBuf) -> PhantomData<Sha256Digest> {
    answer(modules::store_chunk(&IcRuntime, msg_caller(), chunk.into_vec()).await)
}

#[update(manual_reply = true)]
fn upgrade(order: UpgradeOrder) -> PhantomData<UpgradeStatus> {
    answer(orders::upgrade(&IcRuntime, msg_caller(), order))
}

#[update(manual_reply = true)]
async fn change_canister_settings(change: ChangeCanisterSettingsArgs) -> PhantomData<()> {
    answer(settings::change(&IcRuntime, msg_caller(), change).await)
}

#[update(manual_reply = true)]
fn propose_recovery(proposal: ProposeRecoveryArgs) -> PhantomData<RecoveryView> {
    answer(recovery::propose(&IcRuntime, msg_caller(), proposal))
}

#[update(manual_reply = true)]
fn support_recovery(id: RecoveryId) -> PhantomData<RecoveryView> {
    answer(recovery::support(&IcRuntime, msg_caller(), id))
}

#[update(manual_reply = true)]
fn cancel_recovery(id: RecoveryId) -> PhantomData<()> {
    answer(recovery::cancel(&IcRuntime, msg_caller(), id))
}

#[query]
fn upgrader_info() -> UpgraderInfo {
    queries::upgrader_info()
}

#[query]
fn upgrade_status(id: UpgradeId) -> Option<UpgradeStatus> {
    queries::upgrade_status(&id)
}

#[query]
fn log_tip() -> Option<LogTip> {
    queries::log_tip()
}

/// Hashing the whole state is a reader's business: executed by every node, it would cost this canister.
#[query]
fn state_digest() -> ByteBuf {
    if ic_cdk::api::in_replicated_execution() {
        ic_cdk::trap("state_digest answers queries only, not calls in replicated execution: query it");
    }
    ByteBuf::from(queries::state_digest())
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
    Event::OPERATIONS.into_iter().map(supported).collect()
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
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/upgrader.did");
        service_equal(CandidSource::Text(&exported), CandidSource::File(written.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\nthe code exports:\n{exported}"));
    }
}
