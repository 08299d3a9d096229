//! Runs a replica as a process: starts it, says where it is, and serves until a signal ends it.

use crate::control::ControlServer;
use crate::http_interface::{ReplicaServer, ReplicaStopped};
use crate::outcalls::{RootCertificateError, RouteError, Routes};
use crate::trace::Trace;
use crate::{Clock, NetworkError, Replica, ReplicaConfig};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// How a replica is to be served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Seed of all keys and of all randomness.
    pub seed: u64,
    /// Number of virtual nodes of each subnet.
    pub nodes: u32,
    /// Number of subnets.
    pub subnets: u32,
    /// Reserved host names, each with the loopback base URL that plays it.
    pub routes: Vec<(String, String)>,
    /// PEM file of the roots that servers behind `https` routes are believed by.
    pub root_certificate: Option<PathBuf>,
    /// Where compiled modules are kept between runs.
    pub module_cache: Option<PathBuf>,
    /// Where the state is kept; without it, it ends with the process.
    pub state_dir: Option<PathBuf>,
    /// Where to write the [`Network`] while it is served.
    pub network_file: Option<PathBuf>,
    /// Where to write one line for every executed message; see [`crate::trace`].
    pub trace_file: Option<PathBuf>,
    /// Port of the control interface on 127.0.0.1, if it is wanted; 0 takes any free one.
    pub control_port: Option<u16>,
    /// Whether to announce the network as JSON.
    pub json: bool,
}

/// A served network and the keys that clients pin, as the network file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Base URL of the HTTP interface.
    pub url: String,
    /// Base URL of the control interface, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_url: Option<String>,
    /// The root key in DER, hex.
    pub root_key: String,
    /// The vetKD master public key, 96 bytes in hex.
    pub vetkd_master_public_key: String,
    /// The master public key of threshold Ed25519, 32 bytes in hex.
    pub schnorr_ed25519_master_public_key: String,
    /// The master public key of threshold ECDSA over secp256k1, 33 bytes in hex.
    pub ecdsa_secp256k1_master_public_key: String,
    /// The master public key of threshold BIP-340, 33 bytes in hex.
    pub schnorr_bip340_master_public_key: String,
    /// The process that serves it.
    pub pid: u32,
}

/// Why a replica could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("--route: {0}")]
    Route(#[from] RouteError),
    #[error("--root-certificate {}: {source}", path.display())]
    RootCertificate { path: PathBuf, source: RootCertificateError },
    #[error("cannot read the root certificate {}: {source}", path.display())]
    RootCertificateFile { path: PathBuf, source: io::Error },
    #[error("the replica did not start: {0}")]
    Replica(#[from] NetworkError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot write the network file {}: {source}", path.display())]
    NetworkFile { path: PathBuf, source: io::Error },
    #[error("cannot write the trace {}: {source}", path.display())]
    TraceFile { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Failed(ReplicaStopped),
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
}

/// Serves a replica until SIGTERM or SIGINT. When it takes requests, it writes the network file and
/// prints one line to standard output; when it ends, it removes the file.
///
/// # Errors
/// When it cannot start, or when the replica panics; nothing keeps running then.
pub fn serve(options: &ServeOptions) -> Result<(), ServeError> {
    let config = ReplicaConfig {
        seed: options.seed,
        nodes: options.nodes,
        clock: Clock::Wall,
        module_cache: options.module_cache.clone(),
        routes: routes(options)?,
        state_dir: options.state_dir.clone(),
        ..ReplicaConfig::default()
    };
    let io = |action| move |source| ServeError::Io { action, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(io("start the runtime"))?;
    runtime.block_on(async {
        // Before anything is announced, so that whoever reads the announcement may end it.
        let mut terminate = signal(SignalKind::terminate()).map_err(io("listen for SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(io("listen for SIGINT"))?;

        let mut subnets = crate::Network::new(&config, options.subnets)?;
        let trace = Trace::default();
        let observer = trace.observer(options.trace_file.as_deref()).map_err(|source| {
            ServeError::TraceFile { path: options.trace_file.clone().unwrap_or_default(), source }
        })?;
        subnets.subnet(0).observe(observer);
        let mut network = describe(subnets.subnet(0));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let server = ReplicaServer::start_network(subnets, address)
            .map_err(|source| ServeError::Listen { address, source })?;
        network.url = server.url();
        let control = options.control_port.map(|port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            ControlServer::start(&server, trace, address)
                .map_err(|source| ServeError::Listen { address, source })
        });
        let control = control.transpose()?;
        network.control_url = control.as_ref().map(ControlServer::url);

        let _file =
            options.network_file.as_deref().map(|path| NetworkFile::write(path, &network)).transpose()?;
        announce(&network, options.json).map_err(io("announce the network"))?;
        let end = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            // Whoever waits for this process learns of it now, not from the next refused request.
            failure = server.ended() => Err(ServeError::Failed(failure)),
        };
        drop(control);
        server.stop();
        end
    })
}

fn routes(options: &ServeOptions) -> Result<Routes, ServeError> {
    let routes = Routes::from_pairs(options.routes.clone())?;
    let Some(path) = &options.root_certificate else {
        return Ok(routes);
    };
    let pem = std::fs::read(path)
        .map_err(|source| ServeError::RootCertificateFile { path: path.clone(), source })?;
    routes
        .with_root_certificates(&pem)
        .map_err(|source| ServeError::RootCertificate { path: path.clone(), source })
}

fn describe(replica: &Replica) -> Network {
    Network {
        url: String::new(),
        control_url: None,
        root_key: hex::encode(replica.root_key_der()),
        vetkd_master_public_key: hex::encode(replica.vetkd_master_public_key()),
        schnorr_ed25519_master_public_key: hex::encode(replica.schnorr_master_public_key()),
        ecdsa_secp256k1_master_public_key: hex::encode(replica.ecdsa_master_public_key()),
        schnorr_bip340_master_public_key: hex::encode(replica.bip340_master_public_key()),
        pid: std::process::id(),
    }
}

fn announce(network: &Network, json: bool) -> io::Result<()> {
    let line = if json {
        serde_json::to_string(network)?
    } else {
        let control = network.control_url.as_ref().map(|url| format!(", its control at {url}"));
        format!("local replica ready at {}{}", network.url, control.unwrap_or_default())
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The network file; dropping it removes it, since the network is gone then.
struct NetworkFile<'a> {
    path: &'a Path,
}

impl<'a> NetworkFile<'a> {
    /// Writes the file in one step: readers see it whole or not at all.
    fn write(path: &'a Path, network: &Network) -> Result<Self, ServeError> {
        let error = |source| ServeError::NetworkFile { path: path.to_owned(), source };
        let json = serde_json::to_vec_pretty(network).map_err(|source| error(source.into()))?;
        let unfinished = path.with_extension("unfinished");
        std::fs::write(&unfinished, json).map_err(error)?;
        std::fs::rename(&unfinished, path).map_err(error)?;
        Ok(Self { path })
    }
}

impl Drop for NetworkFile<'_> {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(self.path);
    }
}
