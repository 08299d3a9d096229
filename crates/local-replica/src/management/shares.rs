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
            let kind = ShareKind::of(&waiting.request);
            if self.enough_shares(kind) {
                match self.handle(&waiting.request) {
                    Handled::Now { result, refund_cycles } => {
                        self.respond(waiting.request.origin, result, refund_cycles);
                    }
                    Handled::Later | Handled::AwaitsShares => {
                        panic!("BUG: {} waits although there are enough shares", waiting.request.method)
                    }
                }
            } else if waiting.expires_ns <= self.time_ns() {
                self.respond(waiting.request.origin, Err(kind.expired()), waiting.request.cycles);
            } else {
                self.awaiting_shares.push(waiting);
            }
        }
    }

    /// Whether the good nodes suffice: for a signature one more than may be faulty, for a vetKey all
    /// that may not.
    pub(super) fn enough_shares(&self, kind: ShareKind) -> bool {
        let nodes = self.node_count();
        let needed = match kind {
            ShareKind::Signature => tolerated_faults(nodes) + 1,
            ShareKind::VetKey => nodes - tolerated_faults(nodes),
        };
        self.failing_shares().good_nodes(nodes) >= needed
    }
}

/// What the nodes hold shares of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShareKind {
    Signature,
    VetKey,
}

impl ShareKind {
    fn of(request: &Request) -> Self {
        if request.method == "vetkd_derive_key" { Self::VetKey } else { Self::Signature }
    }

    fn expired(self) -> Reject {
        let message = match self {
            Self::Signature => "Signature request expired",
            Self::VetKey => "VetKD request expired",
        };
        Reject::new(RejectCode::SysTransient, message)
    }
}
