//! Carries out what a message of a call context did, once it has run.

use candid::Principal;

use super::rejects::did_not_reply;
use super::{Origin, Request};
use crate::canister::{CallContextId, Callback};
use crate::execution::Effects;
use crate::message::Reject;
use crate::replica::Replica;

const NS_PER_SECOND: u64 = 1_000_000_000;

impl Replica {
    /// Makes the calls, answers the caller if that is due, and closes the context after its last
    /// message.
    pub(super) fn conclude(
        &mut self,
        id: Principal,
        context_id: CallContextId,
        trap: Option<Reject>,
        effects: Effects,
    ) {
        let time_ns = self.time_ns();
        let mut requests = Vec::new();
        let calls = self.open_calls(id);
        calls.context(context_id).available_cycles -= effects.accepted_cycles;
        for call in effects.calls {
            let deadline_ns = call.timeout_seconds.map(|seconds| deadline_ns(time_ns, seconds));
            let callback = calls.expect_response(Callback {
                context: context_id,
                callee: call.callee,
                functions: call.callbacks,
                prepaid_cycles: call.prepaid_cycles,
                deadline_ns,
                expired: false,
            });
            requests.push(Request {
                to: call.callee,
                method: call.method,
                arg: call.arg,
                caller: id,
                cycles: call.cycles,
                deadline_ns: deadline_ns.unwrap_or(0),
                origin: Origin::Canister { canister: id, callback },
            });
        }
        let context = calls.context(context_id);
        let is_last = context.outstanding_calls == 0;
        let response = match effects.response {
            Some(response) => Some(response),
            None if context.responded || !is_last => None,
            None => Some(Err(trap.unwrap_or_else(|| did_not_reply(id)))),
        };
        let answer = response.map(|response| {
            context.responded = true;
            (context.origin, response, std::mem::take(&mut context.available_cycles))
        });
        calls.close_if_done(context_id);
        for request in requests {
            self.enqueue_request(request);
        }
        if let Some((origin, response, refund)) = answer {
            self.respond(origin, response, refund);
        }
        self.finish_stopping(id);
    }
}

/// Deadlines are whole seconds, counted from the last one that has begun.
fn deadline_ns(time_ns: u64, timeout_seconds: u32) -> u64 {
    (time_ns / NS_PER_SECOND + u64::from(timeout_seconds)).saturating_mul(NS_PER_SECOND)
}
