//! The DAO canister's endpoints: each resolves the caller, calls the library and answers.

use std::marker::PhantomData;

use audit_log::icrc3::{
    self, ArchiveInfo, DataCertificate, GetArchivesArgs, GetBlocksArgs, GetBlocksResult, SupportedBlockType,
};
use dao_canister::{
    artifacts, control, credentials, execution, freeze, lifecycle, members, proposal, queries,
    runtime::IcRuntime,
    state::{Event, read_state},
    storage, vote as ballots,
};
use ic_cdk::{api::msg_caller, init, inspect_message, post_upgrade, query, update};
use release_types::{
    CredentialId, Member, Policy, ProposalId, ProposalStatus, ProposalView, Sha256Digest,
    artifact::{
        ArtifactChunk, ArtifactChunkArgs, ArtifactChunkError, BeginUploadArgs, UploadChunkArgs, UploadError,
        UploadStatus,
    },
    control::{EndUpgradeArgs, LogTip},
    credential::DepositCredentialArgs,
    dao::{DaoInfo, DaoInit, DepositError, RegistryView},
    freeze::{FreezeArgs, FreezeDemand, FreezeError},
    member::{ChangeKeysArgs, KeyError, SuspendKeyArgs, Suspension},
    proposal::{
        ArtifactReview, ExecuteError, ListProposalsArgs, ProposalPage, SubmitProposalArgs,
        SubmitProposalError, WithdrawError,
    },
    voting::{Ballot, VetoArgs, VetoError, VoteArgs, VoteError},
};
use serde_bytes::ByteBuf;

#[init]
fn init(args: DaoInit) {
    if let Err(defects) = lifecycle::install(&IcRuntime, args) {
        let defects: Vec<_> = defects.iter().map(ToString::to_string).collect();
        ic_cdk::trap(format!("the arguments have {} defects: {}", defects.len(), defects.join(" | ")));
    }
}

#[post_upgrade]
fn post_upgrade() {
    lifecycle::resume(&IcRuntime);
}

/// Spares strangers the trouble; every method checks again.
#[inspect_message]
fn inspect_message() {
    if read_state(|state| state.is_participant(&msg_caller())) {
        ic_cdk::api::accept_message();
    }
}

#[update]
fn begin_upload(args: BeginUploadArgs) -> Result<UploadStatus, UploadError> {
    artifacts::begin_upload(&IcRuntime, msg_caller(), args)
}

#[update]
fn upload_chunk(args: UploadChunkArgs) -> Result<UploadStatus, UploadError> {
    artifacts::upload_chunk(&IcRuntime, msg_caller(), args)
}

#[query]
fn upload_status(sha256: Sha256Digest) -> Option<UploadStatus> {
    artifacts::upload_status(msg_caller(), sha256)
}

#[query]
fn artifact_chunk(args: ArtifactChunkArgs) -> Result<ArtifactChunk, ArtifactChunkError> {
    artifacts::artifact_chunk(&IcRuntime, msg_caller(), args)
}

#[update]
fn submit_proposal(args: SubmitProposalArgs) -> Result<ProposalId, SubmitProposalError> {
    proposal::submit(&IcRuntime, msg_caller(), args)
}

#[update]
fn vote(args: VoteArgs) -> Result<ProposalStatus, VoteError> {
    ballots::vote(&IcRuntime, msg_caller(), args)
}

#[update]
fn veto(args: VetoArgs) -> Result<(), VetoError> {
    ballots::veto(&IcRuntime, msg_caller(), args)
}

#[update]
fn change_keys(args: ChangeKeysArgs) -> Result<Member, KeyError> {
    members::change_keys(&IcRuntime, msg_caller(), args)
}

#[update]
fn suspend_key(args: SuspendKeyArgs) -> Result<Suspension, KeyError> {
    members::suspend_key(&IcRuntime, msg_caller(), args)
}

#[update]
fn withdraw(id: ProposalId) -> Result<(), WithdrawError> {
    ballots::withdraw(&IcRuntime, msg_caller(), id)
}

#[update]
async fn execute(id: ProposalId) -> Result<ProposalStatus, ExecuteError> {
    execution::execute(&IcRuntime, msg_caller(), id).await
}

#[update]
async fn deposit_credential(args: DepositCredentialArgs) -> Result<CredentialId, DepositError> {
    credentials::deposit(&IcRuntime, msg_caller(), args).await
}

#[update]
async fn freeze(args: FreezeArgs) -> Result<FreezeDemand, FreezeError> {
    freeze::demand(&IcRuntime, msg_caller(), args).await
}

#[query]
fn freeze_demands() -> Vec<FreezeDemand> {
    freeze::demands()
}

#[query]
fn dao_info() -> DaoInfo {
    queries::dao_info(&IcRuntime)
        .unwrap_or_else(|| ic_cdk::trap("no custody canister is configured: set its environment variable"))
}

#[query]
fn list_registries() -> Vec<RegistryView> {
    queries::list_registries()
}

#[query]
fn get_proposal(id: ProposalId) -> Option<ProposalView> {
    queries::get_proposal(id)
}

#[query]
fn list_proposals(args: ListProposalsArgs) -> ProposalPage {
    queries::list_proposals(&args)
}

#[query]
fn get_ballots(id: ProposalId) -> Option<Vec<Ballot>> {
    queries::get_ballots(id)
}

#[query]
fn get_rule(id: ProposalId) -> Option<Policy> {
    queries::get_rule(id)
}

#[query]
fn get_review(id: ProposalId) -> Option<Vec<ArtifactReview>> {
    queries::get_review(msg_caller(), id)
}

/// Hashing the whole state is a reader's business: executed by every node, it would cost this canister.
#[query]
fn state_digest() -> ByteBuf {
    if ic_cdk::api::in_replicated_execution() {
        ic_cdk::trap("state_digest answers queries only, not calls in replicated execution: query it");
    }
    ByteBuf::from(queries::state_digest())
}

/// For the canister that controls this one and has upgraded it.
#[update(manual_reply = true)]
fn end_upgrade(args: EndUpgradeArgs) -> PhantomData<()> {
    let caller = msg_caller();
    match control::end_upgrade(&IcRuntime, caller, ic_cdk::api::is_controller(&caller), args) {
        Ok(()) => ic_cdk::api::msg_reply(candid::encode_one(()).expect("nothing encodes")),
        Err(refusal) => ic_cdk::api::msg_reject(refusal.to_string()),
    }
    PhantomData
}

/// The log's last block: whoever upgrades this canister sees that it answers, and where its log ends.
#[query]
fn log_tip() -> Option<LogTip> {
    queries::log_tip()
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
        let written = concat!(env!("CARGO_MANIFEST_DIR"), "/dao.did");
        service_equal(CandidSource::Text(&exported), CandidSource::File(written.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\nthe code exports:\n{exported}"));
    }
}
