//! `local-replica`: serves the Internet Computer on this machine until it gets a signal.

use clap::Parser;
use local_replica::config::{MAX_NODES, MAX_SUBNETS};
use local_replica::serve::{ServeOptions, serve};
use std::path::PathBuf;
use std::process::ExitCode;

/// The Internet Computer on one machine, for development and tests. Serves 127.0.0.1 only.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seed of all keys and of all randomness: equal seeds give equal keys
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(
        long,
        help = format!("Number of virtual nodes, 1 to {MAX_NODES}"),
        default_value_t = 13,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_NODES)),
    )]
    nodes: u32,
    #[arg(
        long,
        help = format!("Number of subnets, 1 to {MAX_SUBNETS}, each with its own nodes and canisters"),
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SUBNETS)),
    )]
    subnets: u32,
    /// Send HTTPS outcalls for HOST to a loopback server; may be repeated
    #[arg(long = "route", value_name = "HOST=URL", value_parser = parse_route)]
    routes: Vec<(String, String)>,
    /// Believe servers behind https routes by the root certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    root_certificate: Option<PathBuf>,
    /// Keep compiled modules in this directory
    #[arg(long, value_name = "DIR")]
    module_cache: Option<PathBuf>,
    /// Keep the state in this directory: it survives the process
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Write URL, keys and process id to this file, as JSON, while serving
    #[arg(long, value_name = "PATH")]
    network_file: Option<PathBuf>,
    /// Write one line of JSON for every executed message to this file
    #[arg(long, value_name = "PATH")]
    trace_file: Option<PathBuf>,
    /// Serve the control interface (time, faults, memories, snapshots, trace) on this port; 0 takes any free one
    #[arg(long, value_name = "PORT")]
    control_port: Option<u16>,
    /// Announce URL, keys and process id as one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("'{text}' has no '='; write HOST=https://127.0.0.1:PORT or HOST=http://127.0.0.1:PORT")]
struct MalformedRoute {
    text: String,
}

fn parse_route(text: &str) -> Result<(String, String), MalformedRoute> {
    text.split_once('=')
        .map(|(host, url)| (host.to_owned(), url.to_owned()))
        .ok_or_else(|| MalformedRoute { text: text.to_owned() })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = ServeOptions {
        port: arguments.port,
        seed: arguments.seed,
        nodes: arguments.nodes,
        subnets: arguments.subnets,
        routes: arguments.routes,
        root_certificate: arguments.root_certificate,
        module_cache: arguments.module_cache,
        state_dir: arguments.state_dir,
        network_file: arguments.network_file,
        trace_file: arguments.trace_file,
        control_port: arguments.control_port,
        json: arguments.json,
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-replica: {error}");
            ExitCode::FAILURE
        }
    }
}
