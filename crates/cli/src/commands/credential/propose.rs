//! `credential propose`: put a credential to the vote.

use clap::Args as ClapArgs;
use release_types::{
    CredentialId, ProposalAction,
    proposal::{CredentialChange, CredentialProposal, SubmitProposalArgs},
};
use serde_json::json;

use crate::{
    commands::credential_id,
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::proposal,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "CREDENTIAL", value_parser = credential_id)]
    id: CredentialId,
    /// Never use it again, instead of putting it into use
    #[arg(long)]
    revoke: bool,
    /// Find out whether the token still works, instead of putting it into use
    #[arg(long, conflicts_with = "revoke")]
    probe: bool,
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let credential = args.id;
    let found = session.custody().credential(credential).await?;
    let policy = found
        .ok_or_else(|| {
            Failure::refused(format!("custody has no credential {credential}"))
                .hint("seal a token first with `countersign credential seal`")
        })?
        .policy;
    let (change, verb) = match (args.revoke, args.probe) {
        (true, _) => (CredentialChange::Revoke, "Revoke"),
        (false, true) => (CredentialChange::Probe, "Probe"),
        (false, false) => (CredentialChange::Activate, "Activate"),
    };
    let packages = policy.packages.join(", ");
    let title = args.title.unwrap_or_else(|| format!("{verb} the {} token for {packages}", policy.ecosystem));
    let action = ProposalAction::Credential(CredentialProposal { credential, change });
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let proposal = proposal::submit(&session.dao(), submitted).await?;
    if args.revoke {
        context.output.note("revoke the token at the registry as well: only that makes it worthless");
    }
    context.output.result(
        json!({ "proposal": proposal, "credential": credential }),
        format!("proposal {proposal}; members vote with `countersign vote {proposal} yes`"),
    );
    Ok(Exit::Done)
}
