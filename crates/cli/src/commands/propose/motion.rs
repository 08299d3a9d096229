//! `propose motion`: put the group's word on the record.

use clap::Args as ClapArgs;
use release_types::{ProposalAction, proposal::SubmitProposalArgs};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
    operations::proposal,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What voters read first
    title: String,
    /// What is moved, in full
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let submitted =
        SubmitProposalArgs { title: args.title, summary: args.summary, action: ProposalAction::Motion };
    let id = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": id }),
        format!("proposal {id}; members vote with `countersign vote {id} yes`"),
    );
    Ok(Exit::Done)
}
