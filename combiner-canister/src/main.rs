//! The combiner canister's endpoints: each resolves the caller, calls the library and answers.

use audit_log::icrc3::{
    self, ArchiveInfo, DataCertificate, GetArchivesArgs, GetBlocksArgs, GetBlocksResult, SupportedBlockType,
};
use combiner_canister::{
    ceremonies, lifecycle, opening, queries,
    state::{Event, read_state},
    storage,
};
use ic_cdk::{api::msg_caller, init, inspect_message, post_upgrade, query, update};
use key_holders::service::{
    BeginCeremonyArgs, CombinerInit, KeyView, OpenEnvelopeArgs, RecipientKeyArgs, ServiceError,
};
use serde_bytes::ByteBuf;
use wiping::ZeroizingAllocator;

#[global_allocator]
static ALLOCATOR: ZeroizingAllocator = ZeroizingAllocator;

#[init]
fn init(args: CombinerInit) {
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
    let caller = msg_caller();
    let lists = |init: &CombinerInit| init.administrators.contains(&caller) || init.owners.contains(&caller);
    if read_state(|state| lists(state.init())) {
        ic_cdk::api::accept_message();
    }
}

#[update]
fn begin_ceremony(args: BeginCeremonyArgs) -> Result<(), ServiceError> {
    ceremonies::begin(msg_caller(), args)
}

#[update]
async fn open_envelope(args: OpenEnvelopeArgs) -> Result<String, ServiceError> {
    opening::open_envelope(msg_caller(), args).await
}

#[query]
fn keys() -> Vec<KeyView> {
    queries::keys()
}

#[query]
fn recipient_key(args: RecipientKeyArgs) -> Result<String, ServiceError> {
    queries::recipient_key(&args)
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
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/combiner.did");
        service_equal(CandidSource::Text(&exported), CandidSource::File(written.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\nthe code exports:\n{exported}"));
    }
}
