//! `network`: run the Internet Computer on this machine.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    context::{Context, DEFAULT_NETWORK_DIRECTORY},
    failure::{Exit, Outcome},
    operations::{
        network_file::NetworkFile,
        network_process::{self, NetworkOptions, NetworkState, SERVE},
        serve,
    },
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start it in the background
    Start(StartArgs),
    /// Stop it
    Stop(Directory),
    /// Say whether it is running; exit code 1 if not
    Status(Directory),
    /// Serve until ended
    #[command(name = SERVE, hide = true)]
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub struct StartArgs {
    /// Stay in the foreground until ended
    #[arg(long)]
    foreground: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Args)]
pub struct Directory {
    /// Where its files are: network.json, network.log, compiled modules
    #[arg(long = "dir", value_name = "DIR", default_value = DEFAULT_NETWORK_DIRECTORY)]
    path: PathBuf,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    directory: Directory,
    /// Port on the loopback interface; 0 takes a free one
    #[arg(long, default_value_t = 4943)]
    port: u16,
    /// Seed of its keys and randomness: equal seeds give equal keys
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where canisters' requests to a host really go, e.g. npm.registry.example=http://127.0.0.1:4873
    #[arg(long = "route", value_name = "HOST=URL")]
    routes: Vec<String>,
    /// Write one line for every executed message, with its instructions and cycles, to trace.jsonl
    #[arg(long)]
    trace: bool,
}

impl From<ServeArgs> for NetworkOptions {
    fn from(args: ServeArgs) -> Self {
        let ServeArgs { directory, port, seed, routes, trace } = args;
        Self { directory: directory.path, port, seed, routes, trace }
    }
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Start(StartArgs { foreground: true, serve: args }) | Command::Serve(args) => {
            serve::serve(args.into()).await?;
            Ok(Exit::Done)
        }
        Command::Start(StartArgs { foreground: false, serve: args }) => {
            let options = NetworkOptions::from(args);
            // Refuse a bad route here, where the user reads it, rather than in the log.
            serve::parse_routes(&options.routes)?;
            let file = network_process::start(&options)?;
            print(context, &options.directory, "running", Some(&file));
            Ok(Exit::Done)
        }
        Command::Stop(Directory { path }) => {
            let file = network_process::stop(&path)?;
            print(context, &path, "stopped", Some(&file));
            Ok(Exit::Done)
        }
        Command::Status(Directory { path }) => {
            let (word, file, exit) = match network_process::state(&path)? {
                NetworkState::Running(file) => ("running", Some(file), Exit::Done),
                NetworkState::Dead(file) => ("ended by itself", Some(file), Exit::No),
                NetworkState::Absent => ("not started", None, Exit::No),
            };
            print(context, &path, word, file.as_ref());
            Ok(exit)
        }
    }
}

fn print(context: &Context, directory: &Path, word: &str, file: Option<&NetworkFile>) {
    let path = NetworkFile::path_in(directory);
    let value = json!({ "status": word, "file": path, "network": file });
    let text = match file {
        None => {
            format!("{}; {}", network_process::not_started(directory), network_process::START_ONE)
        }
        Some(file) => {
            let pid = file.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            let log = network_process::log_path(directory);
            format!("{word}: {}{pid}\nkeys:  {}\nlog:   {}", file.url, path.display(), log.display())
        }
    };
    context.output.result(value, text);
}
