//! HTTP outcalls of canisters: starting them, running their transforms, taking their answers back.

use std::time::Duration;

use candid::{Decode, Encode, Principal};
use ic_management_canister_types::{HttpRequestArgs, HttpRequestResult, TransformArgs, TransformContext};

use super::deliver::{did_not_reply, no_method, no_module, not_found};
use super::execute::{Entry, Keep, Reserve};
use super::{Origin, Request};
use crate::cycles::QUERY_INSTRUCTIONS;
use crate::execution::{Context, Function, Input};
use crate::message::{EntryPoint, Reject, RejectCode};
use crate::outcalls::{NodeAnswers, OutcallId, OutcallRequest};
use crate::replica::Replica;

/// An outcall whose answer somebody waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingOutcall {
    pub caller: Principal,
    pub origin: Origin,
}

impl Replica {
    /// Starts the outcall of an `http_request` call, or rejects the call at once.
    pub(crate) fn start_outcall(&mut self, request: &Request, args: HttpRequestArgs) -> Result<(), Reject> {
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
        self.pending.insert(id, PendingOutcall { caller: request.caller, origin: request.origin });
        Ok(())
    }

    /// Takes the answers of finished outcalls into the queue; waits up to `wait` for one.
    pub(crate) fn collect_outcalls(&mut self, wait: Option<Duration>) {
        for (id, answers) in self.outcalls().finished(wait) {
            if let Some(pending) = self.pending.remove(&id) {
                self.settle(pending, answers);
            }
        }
        self.refresh_clock();
    }

    fn settle(&mut self, pending: PendingOutcall, answers: NodeAnswers) {
        let mut outcalls = self.outcalls.take().expect("settling does not nest");
        let settled = outcalls.settle(answers, &mut |_node, context, response| {
            self.transform(pending.caller, context, response)
        });
        self.outcalls = Some(outcalls);
        self.respond(pending.origin, settled.response, settled.refund);
    }

    /// Runs the canister's transform on one node's answer, as a query by the management canister.
    fn transform(
        &mut self,
        id: Principal,
        transform: &TransformContext,
        response: HttpRequestResult,
    ) -> Result<(HttpRequestResult, u64), Reject> {
        let method = transform.function.0.method.clone();
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let module = canister.module().ok_or_else(|| no_module(id))?;
        if !module.exports(&format!("canister_query {method}")) {
            return Err(no_method(id, "query", &method));
        }
        let arg =
            Encode!(&TransformArgs { response, context: transform.context.clone() }).map_err(|error| {
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
                ..Input::new(Context::Transform, Principal::management_canister(), QUERY_INSTRUCTIONS)
            },
            reserve: Reserve::Free,
            keep: Keep::Cycles,
            data_certificate: None,
        });
        execution.result.map_err(|trap| trap.to_reject(id))?;
        let reply = execution.effects.response.unwrap_or_else(|| Err(did_not_reply(id)))?;
        let transformed = Decode!(&reply, HttpRequestResult).map_err(|error| {
            Reject::new(
                RejectCode::CanisterError,
                format!("the transform of canister {id} returned no http_request_result: {error}"),
            )
        })?;
        Ok((transformed, execution.report.instructions))
    }
}
