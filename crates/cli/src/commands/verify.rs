//! `verify`: whether the group approved exactly these files. The trust anchor is the network and the custody canister
//! that the user pins; a receipt's own claims count for nothing.

use std::{fmt::Write as _, fs, path::PathBuf};

use clap::Args as ClapArgs;
use release_types::Sha256Digest;
use serde_json::json;

use crate::{
    context::{Context, TrustAnchor},
    failure::{Exit, Failure, FailureKind, Outcome},
    operations::{
        custody::Custody,
        receipt::{self, Verdict},
    },
    output::{BAD, GOOD, WARNING, printable, styled},
};

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Who knows only the custody canister verifies with: countersign verify --network main --custody ID FILE

Exit codes: 0 every file is approved, 1 one is not, 2 cannot tell.")]
pub struct Args {
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A receipt to judge by, without asking the network [default: all receipts that custody has]
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    #[command(flatten)]
    key: super::receipt::KeyName,
}

/// What to do when no receipt of custody names a file.
const UNDER_WAY: &str =
    "\nif its release is under way, wait for it with `countersign status N --wait`, then verify again";

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    judge(context, &args).await.map_err(cannot_tell)
}

/// Whatever keeps this command from an answer means that it cannot tell.
fn cannot_tell(failure: Failure) -> Failure {
    Failure { kind: FailureKind::Usage, message: format!("cannot tell: {}", failure.message), ..failure }
}

async fn judge(context: &Context, args: &Args) -> Outcome<Exit> {
    let network = context.network()?;
    let TrustAnchor { custody, key_name } = context.trust_anchor(&network, args.key.key_name.clone())?;
    let key = receipt::receipt_key(&network.receipt_master_key(&key_name)?, custody);
    let given = args.receipt.as_deref().map(receipt::read_file).transpose()?;
    let known = match given {
        Some(_) => Vec::new(),
        None => {
            let agent = context.reading_agent(&network).await?;
            receipt::all(&Custody { agent: &agent, id: custody }).await?
        }
    };
    let (mut exit, mut text, mut results) = (Exit::Done, String::new(), Vec::new());
    for path in &args.files {
        let bytes = fs::read(path).map_err(|error| Failure::file("read", path, error))?;
        let digest = Sha256Digest::of(&bytes);
        let verdict = match &given {
            Some(envelope) => receipt::judge(digest, envelope, &key, custody),
            None => receipt::judge_by_all(digest, &known, &key, custody),
        };
        let name = printable(&path.display().to_string());
        let _ = match &verdict {
            Verdict::Approved { statement } => {
                let details = super::receipt::describe(statement);
                writeln!(text, "{}: {name}\nsha256      {digest}\n{details}", styled(GOOD, "approved"))
            }
            Verdict::NotApproved { reason } => {
                let hint = if given.is_none() { UNDER_WAY } else { "" };
                writeln!(text, "{}: {name}\n{}{hint}", styled(BAD, "not approved"), printable(reason))
            }
            Verdict::CannotTell { reason } => {
                writeln!(text, "{}: {name}\n{}", styled(WARNING, "cannot tell"), printable(reason))
            }
        };
        exit = exit.max(verdict.exit());
        results.push(json!({ "file": path, "sha256": digest, "result": verdict }));
    }
    let verdict = match exit {
        Exit::Done => "approved",
        Exit::No => "not_approved",
        Exit::CannotTell => "cannot_tell",
    };
    context.output.result(json!({ "verdict": verdict, "custody": custody, "files": results }), text);
    Ok(exit)
}

impl Verdict {
    fn exit(&self) -> Exit {
        match self {
            Self::Approved { .. } => Exit::Done,
            Self::CannotTell { .. } => Exit::CannotTell,
            Self::NotApproved { .. } => Exit::No,
        }
    }
}
