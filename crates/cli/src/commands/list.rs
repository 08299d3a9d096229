//! `list`: proposals, newest first.

use std::fmt::Write as _;

use clap::Args as ClapArgs;
use release_types::{ProposalId, proposal::ListProposalsArgs};
use serde_json::json;

use super::describe;
use crate::{
    context::Context,
    failure::{Exit, Outcome},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// How many, at most 100
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Only those older than this one
    #[arg(long, value_name = "PROPOSAL", value_parser = super::proposal_id)]
    before: Option<ProposalId>,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let asked = ListProposalsArgs { before: args.before, limit: Some(args.limit) };
    let page = session.dao().proposals(asked).await?;
    let mut text = String::new();
    for view in &page.proposals {
        let _ = writeln!(
            text,
            "{:>4}  {}\n      {}; {}",
            view.id.0,
            describe::action(&view.action),
            describe::status(&view.status),
            describe::tally(&view.tally)
        );
    }
    match page.proposals.last() {
        None => text.push_str("no proposals\n"),
        Some(last) if last.id.0 > 1 => {
            let _ = writeln!(text, "{} in all; older ones with --before {}", page.total, last.id);
        }
        Some(_) => {}
    }
    context.output.result(json!({ "proposals": page.proposals, "total": page.total }), text);
    Ok(Exit::Done)
}
