//! Requests for signatures and keys that wait until enough nodes give good shares.

use serde::{Deserialize, Serialize};

use super::Handled;
use crate::message::{Reject, RejectCode};
use crate::outcalls::tolerated_faults;
use crate::replica::Replica;
use crate::scheduler::Request;

/// How long the network keeps such a request: about one interval between two key generations.
const PATIENCE_NS: u64 = 10 * 60 * 1_000_000_000;

/// A request of which the nodes have not made enough good shares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AwaitingShares {
    pub request: Request,
    pub expires_ns: u64,
}

impl Replica {
    pub(super) fn await_shares(&mut self, request: Request) {
        let expires_ns = self.time_ns().saturating_add(PATIENCE_NS);
        self.awaiting_shares.push(AwaitingShares { request, expires_ns });
    }

    /// Answers the requests that enough nodes can serve by now, and rejects those that are too old.
    pub(crate) fn serve_awaiting_shares(&mut self) {
        for waiting in std::mem::take(&mut self.awaiting_shares) {
            match self.handle(&waiting.request) {
                Handled::Now { result, refund_cycles } => {
                    self.respond(waiting.request.origin, result, refund_cycles);
                }
                Handled::AwaitsShares if waiting.expires_ns <= self.time_ns() => {
                    let reject = expired(&waiting.request.method);
                    self.respond(waiting.request.origin, Err(reject), waiting.request.cycles);
                }
                Handled::AwaitsShares => self.awaiting_shares.push(waiting),
                Handled::Later => panic!("BUG: {} waits for more than shares", waiting.request.method),
            }
        }
    }

    /// Whether the good nodes can sign: one more than may be faulty suffices, where vetKD needs all
    /// that are not.
    pub(super) fn enough_signature_shares(&self) -> bool {
        let nodes = self.node_count();
        self.failing_shares().good_nodes(nodes) > tolerated_faults(nodes)
    }
}

fn expired(method: &str) -> Reject {
    let what = if method == "vetkd_derive_key" { "VetKD" } else { "Signature" };
    Reject::new(RejectCode::SysTransient, format!("{what} request expired"))
}
