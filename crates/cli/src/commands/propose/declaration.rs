//! `propose declaration`: put to the vote what became of an artifact that never appeared.

use clap::Args as ClapArgs;
use release_types::{
    DeclarationProposal, ProposalAction, ProposalId, PublicationState, proposal::SubmitProposalArgs,
};
use serde_json::json;

use crate::{
    commands::proposal_id,
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::proposal,
    output::printable,
};

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("outcome").required(true))]
pub struct Args {
    /// The release that waits
    #[arg(value_name = "PROPOSAL", value_parser = proposal_id)]
    release: ProposalId,
    /// The artifact that is blocked [default: the only one]
    #[arg(long, value_name = "FILENAME")]
    file: Option<String>,
    /// It was published
    #[arg(long, group = "outcome")]
    published: bool,
    /// It was not published
    #[arg(long, group = "outcome")]
    not_published: bool,
    /// How the group knows
    #[arg(long)]
    reason: String,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let filename = match args.file {
        Some(filename) => filename,
        None => blocked_artifact(proposal::find(&session.dao(), args.release).await?)?,
    };
    let published = args.published;
    let verb = if published { "was" } else { "was not" };
    let title = format!("Declare that {filename} {verb} published");
    let declaration = DeclarationProposal { release: args.release, filename, published, reason: args.reason };
    let action = ProposalAction::Declaration(declaration.clone());
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let id = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": id, "declaration": declaration }),
        format!("proposal {id}; members vote with `countersign vote {id} yes`"),
    );
    Ok(Exit::Done)
}

fn blocked_artifact(view: release_types::ProposalView) -> Outcome<String> {
    let blocked: Vec<_> = view
        .order
        .iter()
        .flat_map(|order| &order.artifacts)
        .filter(|artifact| matches!(artifact.state, PublicationState::Blocked { .. }))
        .map(|artifact| artifact.filename.clone())
        .collect();
    match blocked.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::refused(format!("nothing of proposal {} is blocked", view.id))
            .hint(format!("everything else ends by itself; see `countersign status {}`", view.id))),
        several => {
            let names: Vec<_> = several.iter().map(|name| printable(name)).collect();
            Err(Failure::usage(format!("several artifacts are blocked: {}", names.join(", ")))
                .hint("name one with --file"))
        }
    }
}
