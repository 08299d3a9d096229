//! The DAO canister's interface, typed.

use candid::Principal;
use ic_agent::Agent;
use release_types::{
    CredentialId, Member, Policy, ProposalId, ProposalStatus, ProposalView, Sha256Digest,
    artifact::{
        ArtifactChunk, ArtifactChunkArgs, ArtifactChunkError, BeginUploadArgs, UploadChunkArgs, UploadError,
        UploadStatus,
    },
    credential::DepositCredentialArgs,
    dao::{DaoInfo, DepositError, RegistryView},
    freeze::{FreezeArgs, FreezeDemand, FreezeError},
    member::{ChangeKeysArgs, KeyError, SuspendKeyArgs, Suspension},
    proposal::{
        ArtifactReview, ExecuteError, ListProposalsArgs, ProposalPage, SubmitProposalArgs,
        SubmitProposalError, WithdrawError,
    },
    voting::{Ballot, VetoArgs, VetoError, VoteArgs, VoteError},
};

use super::call::{query, update};
use crate::failure::Outcome;

/// A DAO canister, and whom to speak to it as.
#[derive(Clone, Copy, Debug)]
pub struct Dao<'a> {
    pub agent: &'a Agent,
    pub id: Principal,
}

impl Dao<'_> {
    pub async fn info(&self) -> Outcome<DaoInfo> {
        let (info,) = query(self.agent, self.id, "dao_info", ()).await?;
        Ok(info)
    }

    pub async fn registries(&self) -> Outcome<Vec<RegistryView>> {
        let (registries,) = query(self.agent, self.id, "list_registries", ()).await?;
        Ok(registries)
    }

    pub async fn proposals(&self, args: ListProposalsArgs) -> Outcome<ProposalPage> {
        let (page,) = query(self.agent, self.id, "list_proposals", (args,)).await?;
        Ok(page)
    }

    pub async fn proposal(&self, id: ProposalId) -> Outcome<Option<ProposalView>> {
        let (view,) = query(self.agent, self.id, "get_proposal", (id,)).await?;
        Ok(view)
    }

    /// The ballots cast; none for a proposal that does not exist.
    pub async fn ballots(&self, id: ProposalId) -> Outcome<Vec<Ballot>> {
        let (ballots,): (Option<_>,) = query(self.agent, self.id, "get_ballots", (id,)).await?;
        Ok(ballots.unwrap_or_default())
    }

    /// What the canister read from the bytes of each artifact of a release; nothing for other proposals.
    pub async fn reviews(&self, id: ProposalId) -> Outcome<Vec<ArtifactReview>> {
        let (reviews,): (Option<_>,) = query(self.agent, self.id, "get_review", (id,)).await?;
        Ok(reviews.unwrap_or_default())
    }

    pub async fn begin_upload(&self, args: BeginUploadArgs) -> Outcome<Result<UploadStatus, UploadError>> {
        let (answer,) = update(self.agent, self.id, "begin_upload", (args,)).await?;
        Ok(answer)
    }

    pub async fn upload_chunk(&self, args: UploadChunkArgs) -> Outcome<Result<UploadStatus, UploadError>> {
        let (answer,) = update(self.agent, self.id, "upload_chunk", (args,)).await?;
        Ok(answer)
    }

    pub async fn artifact_chunk(
        &self,
        sha256: Sha256Digest,
        index: u32,
    ) -> Outcome<Result<ArtifactChunk, ArtifactChunkError>> {
        let args = ArtifactChunkArgs { sha256, index };
        let (answer,) = query(self.agent, self.id, "artifact_chunk", (args,)).await?;
        Ok(answer)
    }

    pub async fn submit(&self, args: SubmitProposalArgs) -> Outcome<Result<ProposalId, SubmitProposalError>> {
        let (answer,) = update(self.agent, self.id, "submit_proposal", (args,)).await?;
        Ok(answer)
    }

    pub async fn vote(&self, args: VoteArgs) -> Outcome<Result<ProposalStatus, VoteError>> {
        let (answer,) = update(self.agent, self.id, "vote", (args,)).await?;
        Ok(answer)
    }

    /// Stops a proposal, as its guardian.
    pub async fn veto(&self, args: VetoArgs) -> Outcome<Result<(), VetoError>> {
        let (answer,) = update(self.agent, self.id, "veto", (args,)).await?;
        Ok(answer)
    }

    /// Changes keys of one's own.
    pub async fn change_keys(&self, args: ChangeKeysArgs) -> Outcome<Result<Member, KeyError>> {
        let (answer,) = update(self.agent, self.id, "change_keys", (args,)).await?;
        Ok(answer)
    }

    /// Demands to suspend another member's key.
    pub async fn suspend_key(&self, args: SuspendKeyArgs) -> Outcome<Result<Suspension, KeyError>> {
        let (answer,) = update(self.agent, self.id, "suspend_key", (args,)).await?;
        Ok(answer)
    }

    /// The rule that decides a proposal; none once it is over.
    pub async fn rule(&self, id: ProposalId) -> Outcome<Option<Policy>> {
        let (rule,) = query(self.agent, self.id, "get_rule", (id,)).await?;
        Ok(rule)
    }

    pub async fn withdraw(&self, id: ProposalId) -> Outcome<Result<(), WithdrawError>> {
        let (answer,) = update(self.agent, self.id, "withdraw", (id,)).await?;
        Ok(answer)
    }

    pub async fn execute(&self, id: ProposalId) -> Outcome<Result<ProposalStatus, ExecuteError>> {
        let (answer,) = update(self.agent, self.id, "execute", (id,)).await?;
        Ok(answer)
    }

    /// Freezes custody, on this member's word.
    pub async fn freeze(&self, args: FreezeArgs) -> Outcome<Result<FreezeDemand, FreezeError>> {
        let (answer,) = update(self.agent, self.id, "freeze", (args,)).await?;
        Ok(answer)
    }

    /// Members' demands to freeze that are in force.
    pub async fn freeze_demands(&self) -> Outcome<Vec<FreezeDemand>> {
        let (demands,) = query(self.agent, self.id, "freeze_demands", ()).await?;
        Ok(demands)
    }

    pub async fn deposit(&self, args: DepositCredentialArgs) -> Outcome<Result<CredentialId, DepositError>> {
        let (answer,) = update(self.agent, self.id, "deposit_credential", (args,)).await?;
        Ok(answer)
    }
}
