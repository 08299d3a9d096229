//! Delivers a request to its canister, to the management canister or to a stand-in.

use candid::Principal;

use super::execute::{Entry, Keep, Reserve};
use super::rejects::{
    check_cycles, check_running, composite_in_replicated_mode, did_not_reply, ingress_expired, no_method,
    no_module, not_found, overloaded, too_few_cycles,
};
use super::{Origin, Request};
use crate::canister::CallContext;
use crate::cycles::{QUERY_INSTRUCTIONS, UPDATE_INSTRUCTIONS};
use crate::execution::{Context, Function, Input};
use crate::message::{EntryPoint, IngressStatus, MessageReport, Outcome, Reject};
use crate::replica::Replica;
use crate::stand_ins;

/// How the named method is exported.
enum Method {
    Update,
    Query,
}

impl Replica {
    /// `None` when the request's deadline has passed: nobody waits for its answer any more.
    pub(super) fn deliver_request(&mut self, mut request: Request) -> Option<MessageReport> {
        if request.deadline_ns != 0 && request.deadline_ns <= self.time_ns() {
            self.refund(request.origin, request.cycles);
            return None;
        }
        if matches!(request.origin, Origin::Canister { .. }) {
            if self.message_faults.refuses_call(request.to, &request.method) {
                return Some(self.refuse(&request, overloaded()));
            }
            if request.deadline_ns != 0 && self.message_faults.loses_answer(request.to, &request.method) {
                // Nobody hears of the answer, so that the caller's deadline passes.
                request.origin = Origin::System;
            }
        }
        if let Origin::Ingress(id) = request.origin {
            // A message that waited past its expiry is not begun: its sender may count on that.
            if self.ingress.get(&id).is_some_and(|record| record.expiry_ns < self.clock.users_ns()) {
                return Some(self.refuse(&request, ingress_expired(id)));
            }
            self.set_ingress_status(id, IngressStatus::Processing);
        }
        if request.to == Principal::management_canister() {
            return Some(self.deliver_to_management(request));
        }
        if !self.canisters.contains_key(&request.to) {
            let mut call = stand_ins::Call {
                canister: request.to,
                method: &request.method,
                arg: &request.arg,
                caller: request.caller,
                cycles: request.cycles,
            };
            if let Some(result) = stand_ins::answer(&mut call, self) {
                let refund_cycles = call.cycles;
                let report = self.report_native(request.to, &request.method, Outcome::Ok);
                self.respond(request.origin, result, refund_cycles);
                return Some(report);
            }
        }
        Some(match self.admit(&request) {
            Ok(Method::Update) => self.deliver_update(request),
            Ok(Method::Query) => self.deliver_replicated_query(request),
            Err(reject) => self.refuse(&request, reject),
        })
    }

    /// Rejects a request that reaches no code.
    fn refuse(&mut self, request: &Request, reject: Reject) -> MessageReport {
        let outcome = Outcome::Trap(reject.message.clone());
        let report = self.report_native(request.to, &request.method, outcome);
        self.respond(request.origin, Err(reject), request.cycles);
        report
    }

    /// Whether the canister can execute the request now. Charges for receiving an ingress message,
    /// and the fixed price of an execution when there is nothing to execute.
    fn admit(&mut self, request: &Request) -> Result<Method, Reject> {
        let prices = self.subnet.prices;
        let id = request.to;
        let canister = self.canisters.get_mut(&id).ok_or_else(|| not_found(id))?;
        check_running(id, &canister.status)?;
        if matches!(request.origin, Origin::Ingress(_)) {
            let fee = prices.ingress(request.method.len() + request.arg.len());
            check_cycles(canister, prices, fee, request.caller)?;
            canister.balance_cycles -= fee;
        }
        let required = canister.settings.minimum_incoming_call_cycles;
        let is_from_other = matches!(request.origin, Origin::Canister { .. }) && request.caller != id;
        if is_from_other && request.cycles < required {
            return Err(too_few_cycles(id, required, request.cycles));
        }
        check_cycles(canister, prices, prices.execution(UPDATE_INSTRUCTIONS), request.caller)?;
        let module = canister.module().ok_or_else(|| no_module(id))?;
        let exports = |kind: &str| module.exports(&format!("{kind} {}", request.method));
        let reject = if exports("canister_update") {
            return Ok(Method::Update);
        } else if exports("canister_query") {
            return Ok(Method::Query);
        } else if exports("canister_composite_query") {
            composite_in_replicated_mode()
        } else {
            no_method(id, "update", &request.method)
        };
        canister.balance_cycles -= prices.execution(0);
        Err(reject)
    }

    fn deliver_update(&mut self, request: Request) -> MessageReport {
        let Request { to, method, arg, caller, cycles, deadline_ns, origin } = request;
        let context = self.open_calls(to).open(CallContext {
            origin,
            caller,
            method: method.clone(),
            deadline_ns,
            available_cycles: cycles,
            responded: false,
            deleted: false,
            outstanding_calls: 0,
            instructions: 0,
        });
        let execution = self.execute(Entry {
            canister: to,
            kind: EntryPoint::Update { method: method.clone() },
            function: Function::Export(&format!("canister_update {method}")),
            input: Input {
                arg,
                method,
                deadline_ns,
                cycles_available: cycles,
                may_respond: true,
                ..Input::new(Context::Update, caller, UPDATE_INSTRUCTIONS)
            },
            reserve: Reserve::Balance,
            keep: Keep::Everything,
            data_certificate: None,
        });
        self.open_calls(to).context(context).instructions += execution.report.instructions;
        self.conclude(to, context, execution.result.err().map(|trap| trap.to_reject(to)), execution.effects);
        execution.report
    }

    /// A query called as an update or by a canister: its answer counts, its changes do not.
    fn deliver_replicated_query(&mut self, request: Request) -> MessageReport {
        let Request { to, method, arg, caller, cycles, origin, .. } = request;
        let execution = self.execute(Entry {
            canister: to,
            kind: EntryPoint::Query { method: method.clone(), replicated: true },
            function: Function::Export(&format!("canister_query {method}")),
            input: Input {
                arg,
                method,
                cycles_available: cycles,
                may_respond: true,
                ..Input::new(Context::ReplicatedQuery, caller, QUERY_INSTRUCTIONS)
            },
            reserve: Reserve::Balance,
            keep: Keep::Cycles,
            data_certificate: None,
        });
        let refund = cycles - execution.effects.accepted_cycles;
        let result = match execution.result {
            Ok(()) => execution.effects.response.unwrap_or_else(|| Err(did_not_reply(to))),
            Err(trap) => Err(trap.to_reject(to)),
        };
        self.respond(origin, result, refund);
        execution.report
    }
}
