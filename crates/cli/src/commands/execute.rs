//! `execute`: carry out an approved proposal now, instead of waiting for the canister's timer. Safe to repeat.

use clap::Args as ClapArgs;
use release_types::{ProposalId, proposal::ExecuteError};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{moment, proposal},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: ProposalId,
}

pub async fn run(context: &Context, Args { id }: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let status = session.dao().execute(id).await?.map_err(|error| match error {
        ExecuteError::NotAllowed { caller } => {
            Failure::refused(format!("{caller} may not ask for execution"))
                .hint("only members and proposers may; choose another identity with --identity")
        }
        ExecuteError::NoSuchProposal => proposal::no_such_proposal(id),
        ExecuteError::NotDue { executable_at_ns } => Failure::refused(format!(
            "proposal {id} waits out its timelock until {}",
            moment(executable_at_ns)
        ))
        .hint("it is carried out then by itself; its guardians and its proposer can still stop it"),
        ExecuteError::NotApproved { status } => Failure::refused(format!(
            "proposal {id} is not approved: {}",
            super::plain(&describe::status(&status))
        ))
        .hint(proposal::next_step(id, &status)),
    })?;
    context.output.result(
        json!({ "proposal": id, "status": status }),
        format!("proposal {id}: {}\n{}", describe::status(&status), proposal::next_step(id, &status)),
    );
    Ok(Exit::Done)
}
