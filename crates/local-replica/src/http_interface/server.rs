//! The server: listens, routes requests to the endpoints, and stops when told to.

use super::driver::{Driver, ReplicaStopped};
use super::gateway::{self, Gateway};
use super::{Interface, call, cors, query, read_state, status};
use crate::{Network, Replica};
use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::{any, get, post};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long requests under way may take to end once the server stops.
const SHUTDOWN_WAIT: Duration = Duration::from_millis(500);

/// Serves a replica over HTTP.
pub struct ReplicaServer;

impl ReplicaServer {
    /// Serves `replica` at `address` (port 0 takes any free one) until the handle is stopped or
    /// dropped.
    ///
    /// # Errors
    /// When the address is not a loopback one, or cannot be listened on.
    pub fn start(replica: Replica, address: SocketAddr) -> io::Result<ServerHandle> {
        Self::start_network(replica.into(), address)
    }

    /// As [`Self::start`], for several subnets.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_network(mut network: Network, address: SocketAddr) -> io::Result<ServerHandle> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{address} is not a loopback address; the local replica serves this machine only"),
            ));
        }
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let root_key_der: Arc<[u8]> = network.subnet(0).root_key_der().into();
        let topology = network.subnet(0).topology();
        let gateway = Gateway::new(&format!("http://{address}"), &root_key_der).map_err(io::Error::other)?;
        let (driver, replica_thread) = Driver::start(network)?;
        let interface = Interface { driver: driver.clone(), topology, root_key_der, gateway };
        let (stop, stopped) = oneshot::channel();
        let http_thread = Builder::new().name("replica-http".to_owned()).spawn(move || {
            // Both ends of the select are ends of the server; requests under way are cut off below.
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, interface) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_timeout(SHUTDOWN_WAIT);
        })?;
        Ok(ServerHandle { address, driver, stop: Some(stop), threads: vec![http_thread, replica_thread] })
    }
}

async fn serve(listener: TcpListener, interface: Interface) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router(interface)).await
}

fn router(interface: Interface) -> Router {
    Router::new()
        .route("/api/v2/status", get(status::status))
        .route("/api/v2/canister/{id}/call", post(call::asynchronous))
        .route("/api/v3/canister/{id}/call", post(call::synchronous))
        .route("/api/v4/canister/{id}/call", post(call::synchronous))
        .route("/api/v4/subnet/{id}/call", post(call::on_subnet))
        .route("/api/v2/canister/{id}/query", post(query::on_canister))
        .route("/api/v3/canister/{id}/query", post(query::on_canister))
        .route("/api/v3/subnet/{id}/query", post(query::on_subnet))
        .route("/api/v2/canister/{id}/read_state", post(read_state::on_canister))
        .route("/api/v3/canister/{id}/read_state", post(read_state::on_canister))
        .route("/api/v2/subnet/{id}/read_state", post(read_state::on_subnet))
        .route("/api/v3/subnet/{id}/read_state", post(read_state::on_subnet))
        .route("/api/{*unknown}", any(unknown_endpoint))
        .fallback(gateway::serve)
        .layer(cors::layer())
        .with_state(interface)
}

async fn unknown_endpoint(uri: Uri) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("{}: no such endpoint\n", uri.path()))
}

/// A running server; dropping it stops it.
pub struct ServerHandle {
    address: SocketAddr,
    driver: Driver,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl ServerHandle {
    /// Where it listens: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs `task` on the served replica, of several subnets the first, between two messages and waits for
    /// its result: how tests move time, set faults and look inside while clients talk to the server.
    ///
    /// # Errors
    /// When the replica's thread has ended.
    pub fn with_replica<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        self.with_network(|network| task(network.subnet(0)))
    }

    /// As [`Self::with_replica`], on all subnets.
    ///
    /// # Errors
    /// As [`Self::with_replica`].
    pub fn with_network<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Network) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        self.driver.run_blocking(task)
    }

    /// Returns when the replica's thread has ended, and says why: it was stopped, or it panicked,
    /// which is a defect. The server answers until it is stopped itself, with that cause.
    pub async fn ended(&self) -> ReplicaStopped {
        self.driver.ended().await
    }

    /// Sends commands to the replica, as the endpoints do.
    pub(crate) fn driver(&self) -> Driver {
        self.driver.clone()
    }

    /// Stops the server and the replica, and waits for both to end.
    pub fn stop(self) {}
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended by itself.
            let _ = stop.send(());
        }
        self.driver.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}
