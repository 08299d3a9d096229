//! The commands: arguments and printing. One file for each.

mod audit;
mod content;
mod credential;
mod deploy;
mod execute;
mod fetch;
mod freeze;
mod handover;
mod identity;
mod key;
mod list;
mod log;
mod members;
mod network;
mod onboard;
mod policy;
mod propose;
mod receipt;
mod registry;
mod settings;
mod show;
mod status;
mod unfreeze;
mod verify;
mod veto;
mod vote;
mod watch;
mod withdraw;

mod describe;

use std::path::PathBuf;

use candid::Principal;
use clap::{Args, Parser, Subcommand};
use release_types::{CredentialId, Ecosystem, ProposalId};

use crate::{
    context::Context,
    failure::{Exit, Outcome},
    operations::{network::NetworkArgs, verification::ReleaseName},
    output::Output,
};

const AFTER_HELP: &str = "\
Exit codes: 0 done or approved, 1 refused or not approved, 2 wrong use or cannot tell, 3 no answer from the network.";

/// Nothing is published under the group's name unless the group approved exactly those bytes.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// The group's canisters, as `deploy` writes them
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERSIGN_DEPLOYMENT",
        default_value = ".countersign/deployment.json"
    )]
    deployment: PathBuf,
    /// `main`, a URL, or a network file [default: the running local network]
    #[arg(long, global = true, value_name = "main|URL|FILE", env = "COUNTERSIGN_NETWORK")]
    network: Option<String>,
    /// Who you are: a PEM file, as `icp` uses
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_IDENTITY")]
    identity: Option<PathBuf>,
    /// The DAO canister [default: the deployed one]
    #[arg(long, global = true, value_name = "ID", env = "COUNTERSIGN_DAO")]
    dao: Option<Principal>,
    /// The custody canister [default: the deployed one]
    #[arg(long, global = true, value_name = "ID", env = "COUNTERSIGN_CUSTODY")]
    custody: Option<Principal>,
    /// Root key of a network given by URL (DER) [default: the main network's]
    #[arg(long, global = true, value_name = "HEX", hide_short_help = true)]
    root_key: Option<String>,
    /// vetKD master key of a network given by URL; tokens are sealed under it
    #[arg(long, global = true, value_name = "HEX", hide_short_help = true)]
    master_key: Option<String>,
    /// Threshold Ed25519 master key of a network given by URL; receipts are signed under it
    #[arg(long, global = true, value_name = "HEX", hide_short_help = true)]
    receipt_master_key: Option<String>,
    /// Ask the network itself for its root key: proves nothing, for throw-away networks only
    #[arg(long, global = true, hide_short_help = true)]
    danger_fetch_root_key: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the Internet Computer on this machine
    #[command(subcommand)]
    Network(network::Command),
    /// Make an identity, or say whom one speaks as
    #[command(subcommand)]
    Identity(identity::Command),
    /// Put both canisters on a network (empty ones can be named with --dao and --custody), or new code into them
    Deploy(deploy::Args),
    /// Let only votes change the canisters' code: an upgrader controls them, the DAO controls it
    Handover(handover::Args),
    /// The registries that releases go to
    #[command(subcommand)]
    Registry(registry::Command),
    /// The sealed tokens that custody publishes with
    #[command(subcommand)]
    Credential(credential::Command),
    /// Before a package is taken over: what is there, and who else could publish it
    Onboard(onboard::Args),
    /// Upload artifacts and propose their release; or propose a dist-tag, a deprecation, a declaration
    Propose(propose::Args),
    /// List proposals, newest first
    List(list::Args),
    /// Show what a proposal would publish, computed from the exact bytes
    Show(show::Args),
    /// Download the exact bytes under review
    Fetch(fetch::Args),
    /// Vote on a proposal
    Vote(vote::Args),
    /// Stop a proposal before it is carried out, as its guardian
    Veto(veto::Args),
    /// Who belongs to the group, and with which keys
    #[command(subcommand)]
    Members(members::Command),
    /// The rules by which the group decides
    #[command(subcommand)]
    Policy(policy::Command),
    /// Take back a proposal of yours
    Withdraw(withdraw::Args),
    /// Carry out an approved proposal now
    Execute(execute::Args),
    /// Stop custody from using any token, at once; only a vote lifts it
    Freeze(freeze::Args),
    /// Propose to lift a freeze
    Unfreeze(unfreeze::Args),
    /// The packages that custody watches
    #[command(subcommand)]
    Watch(watch::Command),
    /// What the group may adjust of custody
    #[command(subcommand)]
    Settings(settings::Command),
    /// Where the group, or a proposal, stands
    Status(status::Args),
    /// Read and check a canister's log
    Log(log::Args),
    /// Replay a canister's whole log with this program's code, and compare with its state
    Audit(audit::Args),
    /// Read and check the receipt of a release
    Receipt(receipt::Args),
    /// Whether the group approved exactly these files
    Verify(verify::Args),
    /// The keys that content is encrypted to, and those who own it
    #[command(subcommand)]
    Key(key::Command),
    /// Keep encrypted content, and have parts of it opened
    #[command(subcommand)]
    Content(content::Command),
}

impl Cli {
    /// Runs it.
    ///
    /// # Errors
    /// When what was asked for was not done.
    pub async fn run(self) -> Outcome<Exit> {
        let context = self.options.context();
        match self.command {
            Command::Network(command) => network::run(&context, command).await,
            Command::Identity(command) => identity::run(&context, command),
            Command::Deploy(args) => deploy::run(&context, args).await,
            Command::Handover(args) => handover::run(&context, args).await,
            Command::Registry(command) => registry::run(&context, command).await,
            Command::Credential(command) => credential::run(&context, command).await,
            Command::Onboard(args) => onboard::run(&context, args).await,
            Command::Propose(args) => propose::run(&context, args).await,
            Command::List(args) => list::run(&context, args).await,
            Command::Show(args) => show::run(&context, args).await,
            Command::Fetch(args) => fetch::run(&context, args).await,
            Command::Vote(args) => vote::run(&context, args).await,
            Command::Veto(args) => veto::run(&context, args).await,
            Command::Members(command) => members::run(&context, command).await,
            Command::Policy(command) => policy::run(&context, command).await,
            Command::Withdraw(args) => withdraw::run(&context, args).await,
            Command::Execute(args) => execute::run(&context, args).await,
            Command::Freeze(args) => freeze::run(&context, args).await,
            Command::Unfreeze(args) => unfreeze::run(&context, args).await,
            Command::Watch(command) => watch::run(&context, command).await,
            Command::Settings(command) => settings::run(&context, command).await,
            Command::Status(args) => status::run(&context, args).await,
            Command::Log(args) => log::run(&context, args).await,
            Command::Audit(args) => audit::run(&context, args).await,
            Command::Receipt(args) => receipt::run(&context, args).await,
            Command::Verify(args) => verify::run(&context, args).await,
            Command::Key(command) => key::run(&context, command).await,
            Command::Content(command) => content::run(&context, command).await,
        }
    }
}

impl Options {
    fn context(self) -> Context {
        Context {
            output: Output::new(self.json),
            deployment: self.deployment,
            network: NetworkArgs {
                network: self.network,
                root_key: self.root_key,
                master_key: self.master_key,
                receipt_master_key: self.receipt_master_key,
            },
            danger_fetch_root_key: self.danger_fetch_root_key,
            identity: self.identity,
            dao: self.dao,
            custody: self.custody,
        }
    }
}

/// A proposal's number, for clap.
fn proposal_id(text: &str) -> Result<ProposalId, NoProposalNumber> {
    text.parse().map(ProposalId).map_err(|_| NoProposalNumber)
}

#[derive(Debug, thiserror::Error)]
#[error("a proposal is a number; `countersign list` shows them")]
struct NoProposalNumber;

/// A credential's id, for clap.
fn credential_id(text: &str) -> Result<CredentialId, NoCredentialId> {
    text.parse().map(CredentialId).map_err(|_| NoCredentialId)
}

#[derive(Debug, thiserror::Error)]
#[error("a credential is named by 64 hexadecimal digits; `countersign credential list` shows them")]
struct NoCredentialId;

/// A package of either ecosystem, for clap.
fn package(text: &str) -> Result<(Ecosystem, String), NoPackageName> {
    let any_version = if text.starts_with("pypi:") { "==0" } else { "@0.0.0" };
    let release: ReleaseName = format!("{text}{any_version}").parse().map_err(|_| NoPackageName)?;
    Ok((release.ecosystem, release.package))
}

#[derive(Debug, thiserror::Error)]
#[error("a package is named npm:NAME or pypi:NAME")]
struct NoPackageName;

/// `text` without colours, for messages that are printed as they are.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
