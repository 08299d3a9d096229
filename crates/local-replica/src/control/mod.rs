//! The control interface: what a test or a developer does to the network from outside it, over HTTP on a loopback
//! port of its own. `GET /` lists it; what it does are calls of [`crate::Replica`], between two messages.
//!
//! It has no users and no signatures: whoever reaches the port may do everything, read all memory included. So it
//! listens on loopback only, and refuses requests that a web page made some browser send.

mod answer;
mod faults;
mod inspection;
mod snapshots;
mod world;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tokio::sync::oneshot;

use crate::http_interface::{Driver, ServerHandle};
use crate::trace::Trace;

/// Largest request body; whole worlds travel by name, not by value.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The list of what the interface offers, as `GET /` shows it.
const OVERVIEW: &str = include_str!("overview.txt");

/// What the endpoints share.
#[derive(Clone)]
struct Control {
    driver: Driver,
    trace: Trace,
    snapshots: Arc<snapshots::Snapshots>,
}

/// A running control interface; dropping it ends it.
pub struct ControlServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Serves the control of `network` at `address`; port 0 takes any free one. `trace` is what `GET /trace` shows.
    ///
    /// # Errors
    /// When the address is not a loopback one, or cannot be listened on.
    pub fn start(network: &ServerHandle, trace: Trace, address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{address} is not a loopback address; the control interface serves this machine only"
                ),
            ));
        }
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let control = Control { driver: network.driver(), trace, snapshots: Arc::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = Builder::new().name("replica-control".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, control) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, control: Control) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router(control)).await
}

fn router(control: Control) -> Router {
    Router::new()
        .route("/", get(|| async { OVERVIEW }))
        .route("/state", get(inspection::state))
        .route("/canisters/{id}/memory", get(inspection::heap))
        .route("/canisters/{id}/stable_memory", get(inspection::stable_memory))
        .route("/canisters/{id}/log", get(inspection::log))
        .route("/trace", get(inspection::trace))
        .route("/time", post(world::advance_time))
        .route("/execution", put(world::set_execution))
        .route("/nodes", get(world::nodes))
        .route("/nodes/{node}", put(world::set_node))
        .route("/canisters/{id}/cycles", put(world::set_cycles))
        .route("/faults", get(faults::planned).post(faults::add).delete(faults::clear))
        .route("/faults/release", post(faults::release))
        .route(
            "/faults/messages",
            get(faults::planned_messages).post(faults::add_message).delete(faults::clear_messages),
        )
        .route("/routes", get(faults::routes))
        .route("/routes/{host}", put(faults::set_route).delete(faults::remove_route))
        .route("/snapshots", get(snapshots::list))
        .route("/snapshots/{name}", put(snapshots::take).delete(snapshots::remove))
        .route("/snapshots/{name}/restore", post(snapshots::restore))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(only_from_this_machine))
        .with_state(control)
}

/// Refuses what a browser sends for some web page: those name the page as the origin, or, after its name was bound
/// to 127.0.0.1, as the host.
async fn only_from_this_machine(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if headers.contains_key(header::ORIGIN) || !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        let refusal = "the control interface answers programs on this machine only: send no Origin header, and \
                       127.0.0.1 or localhost as the host\n";
        return (StatusCode::FORBIDDEN, refusal).into_response();
    }
    next.run(request).await
}
