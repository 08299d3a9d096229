//! `unfreeze`: put the lifting of a freeze to the vote.

use clap::Args as ClapArgs;
use release_types::{
    CredentialId, FreezeScope, ProposalAction, freeze::UnfreezeProposal, proposal::SubmitProposalArgs,
};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Outcome},
    operations::proposal,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Lift the freeze of this credential [default: the freeze of everything]
    #[arg(long, value_name = "CREDENTIAL", value_parser = super::credential_id)]
    credential: Option<CredentialId>,
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters: what happened, and why it is safe now
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let scope = args.credential.map_or(FreezeScope::Everything, FreezeScope::Credential);
    let what = describe::freeze::scope(&scope);
    if !session.custody().freezes().await?.iter().any(|freeze| freeze.scope == scope) {
        context.output.note(format!("custody says that no freeze of {what} is in force"));
    }
    let title = args.title.unwrap_or_else(|| format!("Lift the freeze of {what}"));
    let action = ProposalAction::Unfreeze(UnfreezeProposal { scope });
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let proposal = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": proposal, "scope": scope }),
        format!("proposal {proposal}; members vote with `countersign vote {proposal} yes`"),
    );
    Ok(Exit::Done)
}
