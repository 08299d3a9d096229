//! The holder canister's endpoints: each resolves the caller, calls the library and answers.

use audit_log::icrc3::{
    self, ArchiveInfo, DataCertificate, GetArchivesArgs, GetBlocksArgs, GetBlocksResult, SupportedBlockType,
};
use holder_canister::{
    ceremonies, enrolment, evaluating, governing, lifecycle, opening, queries, state::Event, storage,
};
use ic_cdk::{api::msg_caller, init, inspect_message, post_upgrade, query, update};
use key_holders::interface::{
    EvaluateArgs, HeldKeyView, HolderError, HolderInit, HolderPolicy, HolderView, KeyName, ReceiveShareArgs,
    StepArgs,
};
use serde_bytes::ByteBuf;
use wiping::ZeroizingAllocator;

#[global_allocator]
static ALLOCATOR: ZeroizingAllocator = ZeroizingAllocator;

#[init]
fn init(args: HolderInit) {
    if let Err(defects) = lifecycle::install(args) {
        let defects: Vec<_> = defects.iter().map(ToString::to_string).collect();
        ic_cdk::trap(format!("the arguments have {} defects: {}", defects.len(), defects.join(" | ")));
    }
}

#[post_upgrade]
fn post_upgrade() {
    lifecycle::resume();
}

/// Spares strangers the trouble; every method checks again.
#[inspect_message]
fn inspect_message() {
    if governing::is_known(&msg_caller()) {
        ic_cdk::api::accept_message();
    }
}

#[update]
async fn open() -> Result<u64, HolderError> {
    opening::open(msg_caller()).await
}

#[update]
fn begin_key(key: KeyName) -> Result<ByteBuf, HolderError> {
    enrolment::begin_key(msg_caller(), &key)
}

#[update]
async fn pin_peers(key: KeyName) -> Result<(), HolderError> {
    enrolment::pin_peers(msg_caller(), &key).await
}

#[update]
async fn take_step(args: StepArgs) -> Result<ByteBuf, HolderError> {
    ceremonies::take_step(msg_caller(), &args).await
}

#[update]
fn receive_share(args: ReceiveShareArgs) -> Result<(), HolderError> {
    ceremonies::receive_share(msg_caller(), &args)
}

#[update]
fn evaluate(args: EvaluateArgs) -> Result<Vec<ByteBuf>, HolderError> {
    evaluating::evaluate(msg_caller(), &args)
}

#[update]
fn change_policy(policy: HolderPolicy) -> Result<(), HolderError> {
    governing::change_policy(msg_caller(), policy)
}

#[update]
fn freeze() -> Result<(), HolderError> {
    governing::freeze(msg_caller())
}

#[update]
fn unfreeze() -> Result<(), HolderError> {
    governing::unfreeze(msg_caller())
}

#[query]
fn holder_info() -> HolderView {
    queries::holder_info()
}

#[query]
fn held_key(key: KeyName) -> Option<HeldKeyView> {
    queries::held_key(&key)
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
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/holder.did");
        service_equal(CandidSource::Text(&exported), CandidSource::File(written.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\nthe code exports:\n{exported}"));
    }
}
