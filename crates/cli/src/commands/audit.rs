//! `audit`: download a canister's log, prove it, replay it with this program's code, and compare with its state.

use std::{fmt::Write as _, fs::File, io::Write as _, path::PathBuf};

use audit_log::Value;
use candid::Principal;
use clap::{Args as ClapArgs, ValueEnum};
use serde_bytes::ByteBuf;
use serde_json::json;

use crate::{
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{
        audit::{self, ProvenLog, Times},
        call::query,
        replay::{self, Replayed},
    },
    output::{GOOD, WARNING, styled},
};

const AFTER_HELP: &str = "\
Exit codes: 0 the canister's state is what its log adds up to; 1 it is not, or the log is not whole; 2 it cannot be \
told, because the log grew all the time; 3 no answer from the network.";

/// How often the log is downloaded anew because it grew meanwhile.
const ATTEMPTS: u32 = 5;
/// What is on a log where it forks: the canister was taken back from an upgrade.
const FORK: &str = "1countersign.taken_back";

#[derive(Debug, ClapArgs)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    canister: Which,
    /// Write the log as JSON lines, a block each, with its hash
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Dao,
    Custody,
    Upgrader,
}

impl Which {
    fn replayed(self) -> Replayed {
        match self {
            Self::Dao => Replayed::Dao,
            Self::Custody => Replayed::Custody,
            Self::Upgrader => Replayed::Upgrader,
        }
    }

    fn id(self, session: &Session) -> Outcome<Principal> {
        match self {
            Self::Dao => Ok(session.deployment.dao),
            Self::Custody => Ok(session.deployment.custody),
            Self::Upgrader => session.upgrader().map(|upgrader| upgrader.id),
        }
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let canister = args.canister.id(&session)?;
    for _ in 0..ATTEMPTS {
        let log = download(context, &session, canister).await?;
        let reported = state_digest(&session, canister).await?;
        let progress = context.output.waiting("replaying the log");
        let blocks = log.blocks.iter().map(|(_, block)| block.clone()).collect();
        let replayed = replay::state_digest(args.canister.replayed(), blocks)?;
        drop(progress);
        if reported == replayed {
            if let Some(path) = &args.export {
                export(path, &log).map_err(|error| Failure::file("write the log", path, error))?;
            }
            context.output.result(value(canister, &log, &replayed), text(&log, &replayed));
            return Ok(Exit::Done);
        }
        if !has_grown(&session, canister, &log).await? {
            return Err(Failure::refused(format!(
                "{canister} says that its state is {}; its log adds up to {}",
                hex::encode(reported),
                hex::encode(replayed)
            ))
            .hint("the node that answered, or the canister, does not follow its log; ask again, then raise the alarm"));
        }
    }
    Err(Failure::usage("the log grew each time while it was read").hint("try again in a quieter moment"))
}

async fn download(context: &Context, session: &Session, canister: Principal) -> Outcome<ProvenLog> {
    let mut progress = context.output.waiting("reading the log");
    let mut count = 0;
    audit::fetch(&session.agent, canister, |blocks| {
        count += blocks;
        progress.say(&format!("reading the log: {count} blocks"));
    })
    .await
}

async fn state_digest(session: &Session, canister: Principal) -> Outcome<[u8; 32]> {
    let (digest,): (ByteBuf,) = query(&session.agent, canister, "state_digest", ()).await?;
    let length = digest.len();
    digest.into_vec().try_into().map_err(|_| {
        Failure::refused(format!("{canister} reported a state digest of {length} bytes; it has 32"))
    })
}

/// Whether there are blocks that were not read.
async fn has_grown(session: &Session, canister: Principal, log: &ProvenLog) -> Outcome<bool> {
    let again = audit::fetch(&session.agent, canister, |_| ()).await?;
    Ok(again.tip.index > log.tip.index)
}

fn forks(log: &ProvenLog) -> usize {
    let is_fork = |block: &Value| block.get("btype") == Some(&Value::Text(FORK.into()));
    log.blocks.iter().filter(|(_, block)| is_fork(block)).count()
}

fn value(canister: Principal, log: &ProvenLog, digest: &[u8; 32]) -> serde_json::Value {
    json!({
        "canister": canister,
        "blocks": log.blocks.len(),
        "tip_hash": hex::encode(log.tip.hash),
        "state_digest": hex::encode(digest),
        "forks": forks(log),
        "proven": true,
    })
}

fn text(log: &ProvenLog, digest: &[u8; 32]) -> String {
    let mut text = format!(
        "{} {} blocks follow each other, and the network certifies the last: {}\n{} they add up to the state that \
         the canister reports: {}\n",
        styled(GOOD, "proven:"),
        log.blocks.len(),
        hex::encode(log.tip.hash),
        styled(GOOD, "replayed:"),
        hex::encode(digest)
    );
    let forks = forks(log);
    if forks > 0 {
        let _ = writeln!(
            text,
            "{} it was taken back from an upgrade {forks} times; what other code did then is not on the log",
            styled(WARNING, "forked:")
        );
    }
    text
}

fn export(path: &PathBuf, log: &ProvenLog) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    for (index, block) in &log.blocks {
        let line = audit::line(*index, block, Times::Nanoseconds);
        let facts: serde_json::Map<_, _> =
            line.facts.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let value = json!({
            "index": line.index,
            "hash": hex::encode(block.hash()),
            "at_ns": line.at_ns,
            "operation": line.operation,
            "facts": facts,
        });
        writeln!(file, "{value}")?;
    }
    file.flush()
}
