//! The content canister's endpoints: each resolves the caller, calls the library and answers.

use audit_log::icrc3::{
    ArchiveInfo, DataCertificate, GetArchivesArgs, GetBlocksArgs, GetBlocksResult, SupportedBlockType,
};
use content_canister::{
    authorization::{self, require_owner},
    content::{catalogue, retrieval, sharing, upload},
    http::{self, Request, Response},
    lifecycle, owners, queries,
    runtime::ic::IcRuntime,
    state::Event,
};
use content_types::{
    BeginUploadArgs, ContentError, ContentInfo, ContentInit, Grant, ItemId, ItemView, OwnerName, OwnerView,
    RecipientKeyView, RegisterOwnerArgs, Retrieval, Retrieved,
};
use ic_cdk::{
    api::{canister_self, data_certificate, in_replicated_execution, msg_caller},
    init, inspect_message, post_upgrade, query, update,
};
use serde_bytes::ByteBuf;
use wiping::ZeroizingAllocator;

#[global_allocator]
static ALLOCATOR: ZeroizingAllocator = ZeroizingAllocator;

#[init]
fn init(args: ContentInit) {
    lifecycle::init(&IcRuntime, args);
}

#[post_upgrade]
fn post_upgrade() {
    lifecycle::post_upgrade(&IcRuntime);
}

/// Spares strangers the trouble; every method checks again. A signed request is anonymous to the network, so it is let
/// in by its signature.
#[inspect_message]
fn inspect_message() {
    let is_let_in = if ic_cdk::api::msg_method_name() == "http_request_update" {
        candid::decode_one::<Request>(&ic_cdk::api::msg_arg_data())
            .is_ok_and(|request| http::may_execute(canister_self(), ic_cdk::api::time(), &request))
    } else {
        authorization::is_known(msg_caller())
    };
    if is_let_in {
        ic_cdk::api::accept_message();
    }
}

#[update]
async fn register_owner(args: RegisterOwnerArgs) -> Result<OwnerView, ContentError> {
    owners::register(&IcRuntime, msg_caller(), args).await
}

#[query]
fn owners() -> Result<Vec<OwnerView>, ContentError> {
    owners::views(msg_caller())
}

/// The owner that the caller speaks for; called as an update, the answer is certified.
#[query]
fn whoami() -> Result<OwnerView, ContentError> {
    owners::own_view(msg_caller())
}

#[query]
fn recipient_keys(owner: OwnerName) -> Option<Vec<RecipientKeyView>> {
    queries::recipient_keys(&owner)
}

#[update]
fn begin_upload(args: BeginUploadArgs) -> Result<ItemView, ContentError> {
    upload::begin(&IcRuntime, &require_owner(msg_caller())?, args)
}

#[update]
fn put_chunk(item: ItemId, index: u32, bytes: ByteBuf) -> Result<ItemView, ContentError> {
    upload::put_chunk(&IcRuntime, &require_owner(msg_caller())?, item, index, &bytes)
}

#[query]
fn list_content(after: ItemId) -> Result<Vec<ItemView>, ContentError> {
    Ok(catalogue::list(&IcRuntime, &require_owner(msg_caller())?, after))
}

#[update]
async fn retrieve(item: ItemId, args: Retrieval) -> Result<Retrieved, ContentError> {
    let reader = require_owner(msg_caller())?;
    let answer = retrieval::retrieve(&IcRuntime, &reader, item, &args).await?;
    Ok(Retrieved { answer: ByteBuf::from(answer) })
}

#[update]
fn share_content(item: ItemId, grant: Grant) -> Result<ItemView, ContentError> {
    sharing::share(&IcRuntime, &require_owner(msg_caller())?, item, grant)
}

#[update]
fn unshare_content(item: ItemId, reader: OwnerName) -> Result<ItemView, ContentError> {
    sharing::unshare(&IcRuntime, &require_owner(msg_caller())?, item, reader)
}

#[update]
fn delete_content(item: ItemId) -> Result<(), ContentError> {
    catalogue::delete(&IcRuntime, &require_owner(msg_caller())?, item)
}

#[query]
fn http_request(request: Request) -> Response {
    http::query(canister_self(), ic_cdk::api::time(), data_certificate(), &request)
}

#[update]
async fn http_request_update(request: Request) -> Response {
    http::update(&IcRuntime, &request).await
}

#[query]
fn content_info() -> ContentInfo {
    queries::content_info()
}

/// For people only: another canister's call would be replicated, and this canister would pay for its many
/// instructions.
#[query]
fn state_digest() -> Result<ByteBuf, ContentError> {
    authorization::require_query(msg_caller(), in_replicated_execution())?;
    Ok(ByteBuf::from(queries::state_digest()))
}

#[query]
fn icrc3_get_blocks(ranges: Vec<GetBlocksArgs>) -> GetBlocksResult {
    queries::blocks(&ranges)
}

#[query]
fn icrc3_get_archives(_args: GetArchivesArgs) -> Vec<ArchiveInfo> {
    Vec::new()
}

#[query]
fn icrc3_get_tip_certificate() -> Option<DataCertificate> {
    queries::tip_certificate(data_certificate())
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
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/content.did");
        service_equal(CandidSource::Text(&exported), CandidSource::File(written.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\nthe code exports:\n{exported}"));
    }
}
