//! `vote`: say yes, no or abstain.

use clap::{Args as ClapArgs, ValueEnum};
use release_types::{Choice, ProposalId, ProposalStatus, voting::VoteError};
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
    choice: Ballot,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ballot {
    Yes,
    No,
    Abstain,
}

impl From<Ballot> for Choice {
    fn from(ballot: Ballot) -> Self {
        match ballot {
            Ballot::Yes => Self::Yes,
            Ballot::No => Self::No,
            Ballot::Abstain => Self::Abstain,
        }
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let choice = Choice::from(args.choice);
    let status = session.dao().vote(args.id, choice).await?.map_err(|error| refusal(args.id, error))?;
    let mut text = format!("voted {choice:?} on proposal {}: {}", args.id, describe::status(&status));
    if status == ProposalStatus::Approved {
        text.push_str(&format!("\nfollow it with `countersign status {} --wait`", args.id));
    }
    context.output.result(json!({ "proposal": args.id, "choice": choice, "status": status }), text);
    Ok(Exit::Done)
}

fn refusal(id: ProposalId, error: VoteError) -> Failure {
    match error {
        VoteError::NotAllowed { caller } => {
            Failure::refused(format!("{caller} is not in the electorate of proposal {id}"))
                .hint("only who was a member when it was submitted may vote; check --identity")
        }
        VoteError::NoSuchProposal => proposal::no_such_proposal(id),
        VoteError::NotOpen => Failure::refused(format!("voting on proposal {id} is over"))
            .hint(format!("see how it ended with `countersign show {id}`")),
        VoteError::AlreadyVoted { choice } => {
            Failure::refused(format!("you voted {choice:?} on proposal {id} already; a ballot stands"))
        }
    }
}
