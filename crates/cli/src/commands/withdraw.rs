//! `withdraw`: take back a proposal of yours.

use clap::Args as ClapArgs;
use release_types::{ProposalId, proposal::WithdrawError};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::proposal,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: ProposalId,
}

pub async fn run(context: &Context, Args { id }: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    session.dao().withdraw(id).await?.map_err(|error| match error {
        WithdrawError::NotAllowed { caller } => Failure::refused(format!(
            "{caller} did not submit proposal {id}; only its proposer may withdraw it"
        ))
        .hint("vote no instead"),
        WithdrawError::NoSuchProposal => proposal::no_such_proposal(id),
        WithdrawError::NotWithdrawable { status } => Failure::refused(format!(
            "proposal {id} is {}; it is too late",
            super::plain(&describe::status(&status))
        ))
        .hint(proposal::next_step(id, &status)),
    })?;
    context.output.result(
        json!({ "proposal": id, "status": "Withdrawn" }),
        format!("withdrew proposal {id}; nothing of it will be published"),
    );
    Ok(Exit::Done)
}
