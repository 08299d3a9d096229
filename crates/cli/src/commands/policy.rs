//! `policy`: the rules by which the group decides.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args as ClapArgs, Subcommand};
use release_types::{Policies, ProposalAction, proposal::SubmitProposalArgs};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::proposal,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the rules in place as JSON: to begin a change with
    Show,
    /// Say rules in sentences, and where they are weak
    Explain {
        /// Rules in a JSON file [default: those in place]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the rules recommended for a group of a size
    Defaults {
        /// How many members
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000))]
        members: u32,
    },
    /// Propose other rules: the file that `show` printed, changed
    Propose(Propose),
}

#[derive(Debug, ClapArgs)]
pub struct Propose {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What voters read first
    #[arg(long, default_value = "Change the rules")]
    title: String,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Show => {
            let policies = context.reading_session().await?.dao().info().await?.policies;
            context.output.result(json!(policies), format!("{:#}", json!(policies)));
            Ok(Exit::Done)
        }
        Command::Explain { file } => {
            let info = context.reading_session().await?.dao().info().await?;
            let policies = file.as_deref().map(read).transpose()?.unwrap_or(info.policies);
            let weak = describe::policy::weak_points(&policies, &info.members);
            let defects = policies.defects(&info.members);
            if !defects.is_empty() {
                return Err(Failure::refused("these rules cannot be put in place").with_defects(defects));
            }
            let text = describe::policy::explain(&policies, &info.members);
            context.output.result(json!({ "policies": policies, "weak_points": weak }), text);
            Ok(Exit::Done)
        }
        Command::Defaults { members } => {
            let policies = Policies::recommended(members);
            let text = format!("{:#}", json!(policies));
            context.output.result(json!(policies), text);
            Ok(Exit::Done)
        }
        Command::Propose(args) => propose(context, args).await,
    }
}

async fn propose(context: &Context, args: Propose) -> Outcome<Exit> {
    let session = context.session().await?;
    let begun_with = read(&args.file)?;
    let in_place = session.dao().info().await?.policies.version;
    if begun_with.version != in_place {
        return Err(Failure::refused(format!(
            "{} begins with version {}, and {in_place} is in place",
            args.file.display(),
            begun_with.version
        ))
        .hint("begin with what `countersign policy show` prints now"));
    }
    let policies = Policies { version: in_place + 1, ..begun_with };
    let action = ProposalAction::Policies(policies.clone());
    let submitted = SubmitProposalArgs { title: args.title, summary: args.summary, action };
    let id = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": id, "policies": policies }),
        format!("proposal {id}; members vote with `countersign vote {id} yes`"),
    );
    Ok(Exit::Done)
}

fn read(path: &Path) -> Outcome<Policies> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read the rules", path, error))?;
    serde_json::from_str(&text).map_err(|error| Failure::file("understand the rules", path, error))
}
