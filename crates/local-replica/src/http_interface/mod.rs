//! The public HTTP interface of the network: what agents and `icp` speak, one file for each family
//! of endpoints.
//!
//! One thread owns the replica; requests reach it as commands. Whatever a request claims is checked
//! before the replica sees it.

mod call;
mod driver;
mod effective_id;
mod path_authorization;
mod query;
mod read_state;
mod response;
mod server;
mod status;

pub use driver::ReplicaStopped;
pub use server::{ReplicaServer, ServerHandle};

use crate::ingress::{AuthenticatedRequest, authenticate, decode};
use crate::message::{Principal, RequestId};
use driver::Driver;
use parking_lot::Mutex;
use response::HttpError;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The largest request body.
const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// What the endpoints share.
#[derive(Clone)]
struct Interface {
    driver: Driver,
    subnet_id: Principal,
    requests: Arc<Mutex<SubmittedRequests>>,
}

impl Interface {
    /// Decodes and authenticates the body of a request by the wall clock. (The replica's clock may
    /// be moved by tests; users sign by the world's.)
    fn authenticated(&self, body: &[u8]) -> Result<AuthenticatedRequest, HttpError> {
        Ok(authenticate(decode(body)?, wall_clock_ns())?)
    }

    fn check_subnet(&self, subnet_id: Principal) -> Result<(), HttpError> {
        if subnet_id == self.subnet_id {
            Ok(())
        } else {
            Err(HttpError::bad_request(format!(
                "path: {subnet_id} is not the subnet of this replica, which is {}",
                self.subnet_id
            )))
        }
    }
}

/// Who may read the status of a request: its sender, by the path it was submitted at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Submission {
    sender: Principal,
    canister_id: Principal,
    effective_id: Principal,
    ingress_expiry_ns: u64,
}

/// The requests submitted through this interface whose status may still be known.
#[derive(Default)]
struct SubmittedRequests {
    submissions: HashMap<RequestId, Submission>,
}

impl SubmittedRequests {
    /// Statuses are kept for at least five minutes after the request's expiry; so is this.
    const KEPT: Duration = Duration::from_secs(60 * 60);

    fn insert(&mut self, request_id: RequestId, submission: Submission) {
        let now_ns = wall_clock_ns();
        let kept_ns = Self::KEPT.as_nanos() as u64;
        self.submissions.retain(|_, old| old.ingress_expiry_ns.saturating_add(kept_ns) > now_ns);
        self.submissions.insert(request_id, submission);
    }

    fn get(&self, request_id: &RequestId) -> Option<Submission> {
        self.submissions.get(request_id).copied()
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
