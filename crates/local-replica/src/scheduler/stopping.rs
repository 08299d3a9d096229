//! Canisters that are being stopped, and those whose code is taken away.

use candid::Principal;

use super::rejects::{stop_timed_out, uninstalled};
use crate::canister::Status;
use crate::management;
use crate::replica::Replica;

/// How long a `stop_canister` call waits for the canister's open calls.
const STOP_PATIENCE_NS: u64 = 5 * 60 * 1_000_000_000;

impl Replica {
    /// Completes a stop once no call is open.
    pub(crate) fn finish_stopping(&mut self, id: Principal) {
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        if !canister.open_calls.is_empty() {
            return;
        }
        if let Status::Stopping { stop_requests } = &mut canister.status {
            let stop_requests = std::mem::take(stop_requests);
            canister.status = Status::Stopped;
            canister.version += 1;
            for request in stop_requests {
                self.respond(request.origin, management::empty_reply(), request.cycles);
            }
        }
    }

    /// Rejects `stop_canister` calls that have waited too long; their canisters go on stopping.
    pub(super) fn expire_stop_requests(&mut self) {
        let time_ns = self.time_ns();
        let mut expired = Vec::new();
        for canister in self.canisters.values_mut() {
            if let Status::Stopping { stop_requests } = &mut canister.status {
                expired.extend(
                    stop_requests.extract_if(.., |request| {
                        time_ns.saturating_sub(request.time_ns) >= STOP_PATIENCE_NS
                    }),
                );
            }
        }
        for request in expired {
            self.respond(request.origin, Err(stop_timed_out()), request.cycles);
        }
    }

    /// Takes code, memories, chunks and logs away and rejects the open calls. The canister, its
    /// settings and its history stay.
    pub(crate) fn remove_code(&mut self, id: Principal) {
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        canister.instance = None;
        canister.certified_data.clear();
        canister.global_timer_ns = 0;
        canister.chunk_store.clear();
        canister.log.clear();
        canister.version += 1;
        for context in canister.open_calls.abandon() {
            self.respond(context.origin, Err(uninstalled(id)), context.available_cycles);
        }
        self.finish_stopping(id);
    }
}
