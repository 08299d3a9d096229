//! The public HTTP interface of the network: what agents and `icp` speak, one file for each family
//! of endpoints.
//!
//! One thread owns the replica; requests reach it as commands. Whatever a request claims is checked
//! before the replica sees it.

mod body;
mod call;
mod cors;
mod driver;
mod effective_id;
mod gateway;
mod path_authorization;
mod query;
mod read_state;
mod response;
mod server;
mod status;

pub use driver::ReplicaStopped;
pub use gateway::GatewayError;
pub use server::{ReplicaServer, ServerHandle};

use crate::ingress::{AuthenticatedRequest, RootOfTrust, authenticate, decode};
use crate::message::Principal;
use crate::topology::Topology;
pub(crate) use driver::Driver;
use effective_id::Destination;
use gateway::Gateway;
use response::HttpError;
use std::sync::Arc;
use std::time::SystemTime;

/// What the endpoints share.
#[derive(Clone)]
struct Interface {
    driver: Driver,
    topology: Arc<Topology>,
    root_key_der: Arc<[u8]>,
    gateway: Gateway,
}

impl Interface {
    /// Decodes and authenticates the body of a request by the wall clock. (The replica's clock may
    /// be moved by tests; users sign by the world's.)
    fn authenticated(&self, body: &[u8]) -> Result<AuthenticatedRequest, HttpError> {
        Ok(authenticate(decode(body)?, wall_clock_ns(), RootOfTrust::new(&self.root_key_der))?)
    }

    fn check_subnet(&self, subnet_id: Principal) -> Result<(), HttpError> {
        if self.topology.index_of(subnet_id).is_some() {
            return Ok(());
        }
        let ids: Vec<_> = self.topology.subnets().iter().map(|subnet| subnet.id.to_text()).collect();
        Err(HttpError::bad_request(format!(
            "path: {subnet_id} is not a subnet of this network; there are: {}",
            ids.join(", ")
        )))
    }

    /// The number of the subnet that serves this destination; the first one's for ids that none has.
    fn subnet_of(&self, destination: Destination) -> usize {
        let index = match destination {
            Destination::Canister(id) => self.topology.subnet_of(id),
            Destination::Subnet(id) => self.topology.index_of(id),
        };
        index.unwrap_or(0)
    }
}

/// Nanoseconds since 1970 by the system clock.
fn wall_clock_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

fn parse_principal(text: &str) -> Result<Principal, HttpError> {
    Principal::from_text(text)
        .map_err(|error| HttpError::bad_request(format!("path: '{text}' is not a principal: {error}")))
}
