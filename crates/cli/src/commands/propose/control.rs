//! `propose upgrade`, `canister-settings`, `top-up` and `cancel-recovery`: what concerns the canisters themselves.

use std::path::PathBuf;

use candid::Principal;
use clap::{Args as ClapArgs, ValueEnum};
use release_types::{
    ProposalAction, Sha256Digest,
    control::{
        CancelRecoveryProposal, CanisterSettings, CanisterSettingsProposal, GroupCanister, RecoveryId,
        TopUpProposal, UpgradeProposal,
    },
    proposal::SubmitProposalArgs,
};
use serde_json::json;

use crate::{
    commands::describe,
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{proposal, upload::upload},
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Canister {
    Dao,
    Custody,
    Upgrader,
}

impl From<Canister> for GroupCanister {
    fn from(canister: Canister) -> Self {
        match canister {
            Canister::Dao => Self::Dao,
            Canister::Custody => Self::Custody,
            Canister::Upgrader => Self::Upgrader,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct UpgradeArgs {
    canister: Canister,
    /// The module, as scripts/build makes it; voters compare its SHA-256 with their own build
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
    /// What the new code is given, in Candid, as hexadecimal digits (`didc encode` prints them) [default: nothing]
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    arg: Option<Bytes>,
    #[command(flatten)]
    words: Words,
}

#[derive(Debug, ClapArgs)]
pub struct SettingsArgs {
    canister: Canister,
    /// How long its cycles must last before it stops working, such as 90d
    #[arg(long, value_name = "DURATION")]
    freezing_threshold: Option<humantime::Duration>,
    /// Most heap memory of its code, in MiB
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u64>,
    /// Who may read its debug log; repeat for each
    #[arg(long = "log-viewer", value_name = "PRINCIPAL", conflicts_with = "no_log_viewers")]
    log_viewers: Vec<Principal>,
    /// Nobody may read its debug log
    #[arg(long)]
    no_log_viewers: bool,
    #[command(flatten)]
    words: Words,
}

#[derive(Debug, ClapArgs)]
pub struct TopUpArgs {
    canister: Canister,
    /// How many, from the DAO's balance
    #[arg(long)]
    cycles: u64,
    #[command(flatten)]
    words: Words,
}

#[derive(Debug, ClapArgs)]
pub struct CancelRecoveryArgs {
    /// `countersign status` shows recoveries under way
    recovery: u64,
    #[command(flatten)]
    words: Words,
}

#[derive(Debug, ClapArgs)]
struct Words {
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

/// An argument's bytes, for clap.
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

fn parse_hex(text: &str) -> Result<Bytes, hex::FromHexError> {
    hex::decode(text).map(Bytes)
}

fn no_arguments() -> Vec<u8> {
    candid::encode_args(()).expect("nothing encodes")
}

pub async fn upgrade(context: &Context, args: UpgradeArgs) -> Outcome<Exit> {
    let module =
        std::fs::read(&args.wasm).map_err(|error| Failure::file("read the module", &args.wasm, error))?;
    let session = context.session().await?;
    let progress = context.output.bytes("uploading the module", module.len() as u64);
    let sent = |part| progress.advance(part);
    let reference = upload(&session.dao(), "module.wasm", &module, sent).await?;
    drop(progress);
    let proposal = UpgradeProposal {
        canister: args.canister.into(),
        module_sha256: Sha256Digest::of(&module),
        size_bytes: reference.size_bytes,
        arg: args.arg.map_or_else(no_arguments, |bytes| bytes.0).into(),
    };
    let title = format!("Upgrade {}", proposal.canister);
    submit(context, &session, ProposalAction::Upgrade(proposal), title, args.words).await
}

pub async fn settings(context: &Context, args: SettingsArgs) -> Outcome<Exit> {
    let settings = CanisterSettings {
        freezing_threshold_s: args.freezing_threshold.map(|threshold| threshold.as_secs()),
        wasm_memory_limit_bytes: args.memory_limit.map(|mib| mib.saturating_mul(1_048_576)),
        log_viewers: (args.no_log_viewers || !args.log_viewers.is_empty()).then_some(args.log_viewers),
    };
    let proposal = CanisterSettingsProposal { canister: args.canister.into(), settings };
    let session = context.session().await?;
    let title = format!("Adjust {}", proposal.canister);
    submit(context, &session, ProposalAction::CanisterSettings(proposal), title, args.words).await
}

pub async fn top_up(context: &Context, args: TopUpArgs) -> Outcome<Exit> {
    let proposal = TopUpProposal { canister: args.canister.into(), amount_cycles: args.cycles };
    let session = context.session().await?;
    let title = format!("Top up {}", proposal.canister);
    submit(context, &session, ProposalAction::TopUp(proposal), title, args.words).await
}

pub async fn cancel_recovery(context: &Context, args: CancelRecoveryArgs) -> Outcome<Exit> {
    let recovery = RecoveryId(args.recovery);
    let session = context.session().await?;
    let action = ProposalAction::CancelRecovery(CancelRecoveryProposal { recovery });
    submit(context, &session, action, format!("Cancel recovery {recovery}"), args.words).await
}

async fn submit(
    context: &Context,
    session: &Session,
    action: ProposalAction,
    title: String,
    words: Words,
) -> Outcome<Exit> {
    let title = words.title.unwrap_or(title);
    let submitted = SubmitProposalArgs { title, summary: words.summary, action: action.clone() };
    let id = proposal::submit(&session.dao(), submitted).await?;
    let text = format!(
        "proposal {id}: {}\nmembers look with `countersign show {id}` and vote with `countersign vote {id} yes`\n",
        describe::action(&action)
    );
    context.output.result(json!({ "proposal": id, "action": action }), text);
    Ok(Exit::Done)
}
