//! HTTP outcalls of canisters: starting them, running their transforms, taking their answers back.

use std::time::Duration;

use candid::{Encode, Principal};
use ic_management_canister_types::{HttpRequestResult, TransformArgs};
use serde::{Deserialize, Serialize};

use super::execute::{Entry, Keep, Reserve};
use super::rejects::{did_not_reply, no_method, no_module, not_found};
use super::{Origin, Request};
use crate::candid_arguments::decode_args;
use crate::execution::{Context, Function, Input};
use crate::message::{EntryPoint, Reject, RejectCode};
use crate::outcalls::{
    OutcallArgs, OutcallEvent, OutcallId, OutcallRequest, OutcallUnderWay, TransformCall, Transformed,
};
use crate::replica::Replica;

/// An outcall whose answer somebody waits for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct PendingOutcall {
    pub origin: Origin,
}

impl Replica {
    /// Starts the outcall of a management canister call, or rejects the call at once.
    pub(crate) fn start_outcall(&mut self, request: &Request, args: OutcallArgs) -> Result<(), Reject> {
        self.next_outcall += 1;
        let id = OutcallId(self.next_outcall);
        let time_ns = self.time_ns();
        self.outcalls().start(OutcallRequest {
            id,
            caller: request.caller,
            args,
            cycles: request.cycles,
            time_ns,
        })?;
        self.pending.insert(id, PendingOutcall { origin: request.origin });
        Ok(())
    }

    /// Lets the nodes of an outcall send again that was under way in a state that is taken up; or rejects
    /// it, when this replica would not send it.
    pub(crate) fn resume_outcall(&mut self, outcall: OutcallUnderWay) {
        let (id, cycles) = (outcall.request.id, outcall.request.cycles);
        if let Err(reject) = self.outcalls().resume(outcall)
            && let Some(pending) = self.pending.remove(&id)
        {
            self.respond(pending.origin, Err(reject), cycles);
        }
    }

    /// Takes the answers of finished outcalls into the queue; waits up to `wait` for a node that is
    /// sending.
    pub(crate) fn collect_outcalls(&mut self, wait: Option<Duration>) {
        if let Some(wait) = wait {
            self.outcalls().wait(wait);
            self.refresh_clock();
        }
        let mut outcalls = self.outcalls.take().expect("transforms start no outcalls");
        let events = outcalls.advance(self.time_ns(), &mut |call| self.transform(call));
        self.outcalls = Some(outcalls);
        for event in events {
            match event {
                OutcallEvent::Settled(id, settled) => {
                    if let Some(pending) = self.pending.remove(&id) {
                        self.respond(pending.origin, settled.response, settled.refund);
                    }
                }
                OutcallEvent::Refunded { canister, cycles } => {
                    // A deleted canister has no balance left to refund to.
                    if let Some(canister) = self.canisters.get_mut(&canister) {
                        canister.add_cycles(cycles);
                    }
                }
            }
        }
    }

    /// Runs the canister's transform on one node's answer, as a query by the management canister.
    fn transform(&mut self, call: TransformCall<'_>) -> Transformed {
        let mut instructions = 0;
        let result = self.transform_metered(call, &mut instructions);
        Transformed { result, instructions }
    }

    fn transform_metered(
        &mut self,
        call: TransformCall<'_>,
        instructions: &mut u64,
    ) -> Result<HttpRequestResult, Reject> {
        let TransformCall { canister: id, context, response, instruction_limit, .. } = call;
        let method = context.function.0.method.clone();
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let module = canister.module().ok_or_else(|| no_module(id))?;
        if !module.exports(&format!("canister_query {method}")) {
            return Err(no_method(id, "query", &method));
        }
        let arg =
            Encode!(&TransformArgs { response, context: context.context.clone() }).map_err(|error| {
                Reject::new(RejectCode::SysFatal, format!("cannot encode the answer: {error}"))
            })?;
        let execution = self.execute(Entry {
            canister: id,
            kind: EntryPoint::Transform { method: method.clone() },
            function: Function::Export(&format!("canister_query {method}")),
            input: Input {
                arg,
                method,
                may_respond: true,
                ..Input::new(Context::Transform, Principal::management_canister(), instruction_limit)
            },
            reserve: Reserve::Free,
            keep: Keep::Cycles,
            data_certificate: None,
        });
        *instructions = execution.report.instructions;
        execution.result.map_err(|trap| trap.to_reject(id))?;
        let reply = execution.effects.response.unwrap_or_else(|| Err(did_not_reply(id)))?;
        decode_args(&reply).map(|(result,): (HttpRequestResult,)| result).map_err(|error| {
            Reject::new(
                RejectCode::CanisterError,
                format!("the transform of canister {id} returned no http_request_result: {error}"),
            )
        })
    }
}
