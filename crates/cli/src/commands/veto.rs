//! `veto`: stop a proposal before it is carried out, as one of the guardians that its rule names.

use clap::Args as ClapArgs;
use release_types::{
    ProposalId,
    voting::{VetoArgs, VetoError},
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::proposal,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: ProposalId,
    /// Why, for the public log
    #[arg(long)]
    reason: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let id = args.id;
    let vetoed = session.dao().veto(VetoArgs { proposal: id, reason: args.reason }).await?;
    vetoed.map_err(|error| match error {
        VetoError::NotAllowed { caller } => {
            Failure::refused(format!("{caller} is no guardian of proposal {id}"))
                .hint(format!("`countersign show {id}` names them"))
        }
        VetoError::NoSuchProposal => proposal::no_such_proposal(id),
        VetoError::NotStoppable => {
            Failure::refused(format!("proposal {id} is over, or its execution has begun"))
                .hint("any member may still freeze custody: `countersign freeze`")
        }
        VetoError::Invalid { defects } => Failure::refused("nothing was stopped").with_defects(defects),
    })?;
    context.output.result(json!({ "proposal": id, "vetoed": true }), format!("stopped proposal {id}"));
    Ok(Exit::Done)
}
