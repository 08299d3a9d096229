//! `log`: read a canister's log, proven: every block follows the one before it, and the network certifies the last.

use std::fmt::Write as _;

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Outcome},
    operations::{
        audit::{self, Times},
        moment,
    },
    output::{FAINT, GOOD, HEADING, printable, styled},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Whose log
    #[arg(long, value_enum, default_value = "dao")]
    canister: Which,
    /// Print only the last ones; all are checked
    #[arg(long, value_name = "NUMBER")]
    last: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Dao,
    Custody,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let canister = match args.canister {
        Which::Dao => session.deployment.dao,
        Which::Custody => session.deployment.custody,
    };
    let progress = context.output.waiting("reading the log");
    let log = audit::fetch(&session.agent, canister, |_| ()).await?;
    drop(progress);
    let skipped = args.last.map_or(0, |last| log.blocks.len().saturating_sub(last));
    let lines =
        |times| log.blocks[skipped..].iter().map(move |(index, block)| audit::line(*index, block, times));
    let mut text = String::new();
    for line in lines(Times::InWords) {
        let operation = styled(HEADING, printable(&line.operation));
        let _ = write!(text, "{:>5}  {}  {operation}", line.index, styled(FAINT, moment(line.at_ns)));
        for (name, value) in &line.facts {
            let _ = write!(text, "  {}={}", printable(name), printable(value));
        }
        text.push('\n');
    }
    let tip = hex::encode(log.tip.hash);
    let _ = writeln!(
        text,
        "{} {} blocks follow each other, and the network certifies the last: {tip}",
        styled(GOOD, "proven:"),
        log.blocks.len()
    );
    let blocks: Vec<_> = lines(Times::Nanoseconds)
        .map(|line| {
            let facts: serde_json::Map<_, _> =
                line.facts.into_iter().map(|(name, value)| (name, json!(value))).collect();
            json!({ "index": line.index, "at_ns": line.at_ns, "operation": line.operation, "facts": facts })
        })
        .collect();
    let value = json!({
        "canister": canister,
        "length": log.blocks.len(),
        "tip_hash": tip,
        "proven": true,
        "blocks": blocks,
    });
    context.output.result(value, text);
    Ok(Exit::Done)
}
