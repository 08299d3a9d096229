//! `vote`: say yes, no or abstain.

use std::{fs, path::PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use release_types::{
    Choice, ProposalAction, ProposalId, ProposalStatus, Sha256Digest,
    voting::{VoteArgs, VoteError},
};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{dao::Dao, download::download, proposal},
    output::{BAD, styled},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: ProposalId,
    choice: Ballot,
    /// For a release: compute the digests from these files, one for each artifact, for instance built from the source
    /// [default: from the bytes that the canister serves]
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Vote without computing the digests of what would be released
    #[arg(long, conflicts_with = "files")]
    unchecked: bool,
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
    let computed =
        if args.unchecked { Computed::default() } else { compute(context, &session.dao(), &args).await? };
    let cast = VoteArgs { proposal: args.id, choice, digests: computed.digests.clone() };
    let status = session.dao().vote(cast).await?.map_err(|error| refusal(args.id, error))?;
    let mut text = if computed.differ {
        let digests: Vec<_> = computed.digests.iter().map(ToString::to_string).collect();
        format!(
            "{} proposal {}: you computed {}, which is not what is proposed. It cannot be adopted while that stands; \
             tell the others, and look with `countersign show {}`",
            styled(BAD, "stopped"),
            args.id,
            digests.join(", "),
            args.id
        )
    } else {
        let checked = if computed.digests.is_empty() { "" } else { ", with the digests computed here" };
        format!("voted {choice:?} on proposal {}{checked}: {}", args.id, describe::status(&status))
    };
    if status == ProposalStatus::Approved {
        text.push_str(&format!("\nfollow it with `countersign status {} --wait`", args.id));
    }
    let value = json!({
        "proposal": args.id,
        "choice": choice,
        "digests": computed.digests,
        "disputed": computed.differ,
        "status": status,
    });
    context.output.result(value, text);
    Ok(if computed.differ { Exit::No } else { Exit::Done })
}

/// What this machine computed of the artifacts.
#[derive(Default)]
struct Computed {
    digests: Vec<Sha256Digest>,
    /// Whether they are others than those proposed.
    differ: bool,
}

/// The digests of a release's artifacts, from files or from the bytes that the canister serves; nothing for other
/// proposals.
async fn compute(context: &Context, dao: &Dao<'_>, args: &Args) -> Outcome<Computed> {
    let view = proposal::find(dao, args.id).await?;
    let ProposalAction::Release(release) = view.action else {
        return match args.files.as_slice() {
            [] => Ok(Computed::default()),
            _ => Err(Failure::usage(format!("proposal {} is no release: it has no files", args.id))),
        };
    };
    if view.status != ProposalStatus::Open {
        // The canister says so; its bytes may be gone.
        return Ok(Computed::default());
    }
    let mut digests = Vec::new();
    for path in &args.files {
        let bytes = fs::read(path).map_err(|error| Failure::file("read", path, error))?;
        digests.push(Sha256Digest::of(&bytes));
    }
    if args.files.is_empty() {
        let size = release.artifacts.iter().map(|artifact| artifact.size_bytes).sum();
        let progress = context.output.bytes("reading the artifacts", size);
        for artifact in &release.artifacts {
            let bytes = download(dao, artifact, |part| progress.advance(part)).await??;
            digests.push(Sha256Digest::of(&bytes));
        }
    }
    let differ = release.artifacts.iter().any(|artifact| !digests.contains(&artifact.sha256));
    Ok(Computed { digests, differ })
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
        VoteError::OwnProposal => {
            Failure::refused(format!("proposal {id} is yours: its rule counts no ballot of yours"))
                .hint("the others decide")
        }
        VoteError::NoAbstention => {
            Failure::refused(format!("the rule of proposal {id} knows yes and no only")).hint("say yes or no")
        }
        VoteError::WrongDigestCount { found, expected } => {
            Failure::refused(format!("{found} digests were given; proposal {id} needs {expected}"))
                .hint("vote without --unchecked, or give --file once for each artifact")
        }
    }
}
