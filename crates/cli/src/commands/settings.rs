//! `settings`: what the group may adjust of custody.

use clap::{Args as ClapArgs, Subcommand};
use release_types::{ProposalAction, Settings, proposal::SubmitProposalArgs};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
    operations::proposal,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the settings in place
    Show,
    /// Propose other settings
    Propose(Args),
}

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Orders for one package that custody takes within 24 hours
    #[arg(long, value_name = "COUNT")]
    releases_per_day: u32,
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Show => show(context).await,
        Command::Propose(args) => propose(context, args).await,
    }
}

async fn show(context: &Context) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let settings = session.custody().settings().await?;
    let text = format!("at most {} releases of one package a day", settings.releases_per_package_and_day);
    context.output.result(json!(settings), text);
    Ok(Exit::Done)
}

async fn propose(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let settings = Settings { releases_per_package_and_day: args.releases_per_day };
    let title =
        args.title.unwrap_or_else(|| format!("Allow {} releases of a package a day", args.releases_per_day));
    let action = ProposalAction::Settings(settings);
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let proposal = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": proposal, "settings": settings }),
        format!("proposal {proposal}; members vote with `countersign vote {proposal} yes`"),
    );
    Ok(Exit::Done)
}
