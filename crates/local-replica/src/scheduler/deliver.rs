//! Delivers one message of the queue to its canister: a request, a response, or a due timer.

use candid::Principal;

use super::execute::{Entry, Keep, Reserve};
use super::{Origin, Request, Response};
use crate::canister::{CallContext, CallContextId, Callback, Status};
use crate::config::Defect;
use crate::cycles::{QUERY_INSTRUCTIONS, UPDATE_INSTRUCTIONS};
use crate::execution::{Context, Effects, Function, Input};
use crate::message::{EntryPoint, IngressStatus, MessageReport, Outcome, Reject, RejectCode, RequestId};
use crate::replica::Replica;
use crate::stand_ins;

/// How the named method is exported.
enum Method {
    Update,
    Query,
}

impl Replica {
    pub(super) fn deliver_request(&mut self, request: Request) -> MessageReport {
        if let Origin::Ingress(id) = request.origin {
            if self.ingress.get(&id).is_some_and(|record| record.expiry_ns < self.clock.users_ns()) {
                return self.refuse_expired(id, &request);
            }
            self.set_ingress_status(id, IngressStatus::Processing);
        }
        if request.to == Principal::management_canister() {
            return self.deliver_to_management(request);
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
                return report;
            }
        }
        match self.admit(&request) {
            Ok(Method::Update) => self.deliver_update(request),
            Ok(Method::Query) => self.deliver_replicated_query(request),
            Err(reject) => {
                let outcome = Outcome::Trap(reject.message.clone());
                let report = self.report_native(request.to, &request.method, outcome);
                self.respond(request.origin, Err(reject), request.cycles);
                report
            }
        }
    }

    /// A message that waited past its expiry is not begun: its sender may count on that.
    fn refuse_expired(&mut self, id: RequestId, request: &Request) -> MessageReport {
        let reject = Reject::with_error_code(
            RejectCode::SysTransient,
            "IC0202",
            format!("Ingress message {} timed out waiting to start executing.", hex::encode(id.0)),
        );
        let outcome = Outcome::Trap(reject.message.clone());
        let report = self.report_native(request.to, &request.method, outcome);
        self.respond(request.origin, Err(reject), request.cycles);
        report
    }

    /// Whether the canister can execute the request now; charges for an ingress message.
    fn admit(&mut self, request: &Request) -> Result<Method, Reject> {
        let prices = self.subnet.prices;
        let id = request.to;
        let canister = self.canisters.get_mut(&id).ok_or_else(|| not_found(id))?;
        check_running(id, &canister.status)?;
        let module = canister.module().ok_or_else(|| no_module(id))?;
        let method = if module.exports(&format!("canister_update {}", request.method)) {
            Method::Update
        } else if module.exports(&format!("canister_query {}", request.method)) {
            Method::Query
        } else {
            return Err(no_method(id, "update", &request.method));
        };
        let required = canister.settings.minimum_incoming_call_cycles;
        let is_from_other = matches!(request.origin, Origin::Canister { .. }) && request.caller != id;
        if is_from_other && request.cycles < required {
            return Err(Reject::new(
                RejectCode::CanisterError,
                format!(
                    "Canister {id} requires {required} cycles with a call; attached were {}",
                    request.cycles
                ),
            ));
        }
        let ingress_fee = match request.origin {
            Origin::Ingress(_) => prices.ingress(request.method.len() + request.arg.len()),
            _ => 0,
        };
        let needed = ingress_fee + prices.execution(UPDATE_INSTRUCTIONS);
        if canister.liquid_cycles(prices) < needed {
            return Err(out_of_cycles(id, needed, canister.liquid_cycles(prices)));
        }
        canister.balance_cycles -= ingress_fee;
        Ok(method)
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
        let Request { to, method, arg, caller, cycles, deadline_ns, origin } = request;
        let execution = self.execute(Entry {
            canister: to,
            kind: EntryPoint::Query { method: method.clone(), replicated: true },
            function: Function::Export(&format!("canister_query {method}")),
            input: Input {
                arg,
                method,
                deadline_ns,
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

    /// Runs the callback of an answered call; `None` when nobody waits for the answer any more.
    pub(super) fn deliver_response(&mut self, response: Response) -> Option<MessageReport> {
        let Response { to, callback: id, result, refund_cycles, is_expiry } = response;
        let prices = self.subnet.prices;
        let canister = self.canisters.get_mut(&to)?;
        canister.balance_cycles += refund_cycles;
        let expired = canister.open_calls.callback(id)?.expired;
        if expired && !is_expiry {
            return None;
        }
        let callback = canister.open_calls.take_callback(id)?;
        let response_bytes = result.as_ref().map_or_else(|reject| reject.message.len(), Vec::len);
        canister.balance_cycles +=
            callback.prepaid_cycles.saturating_sub(prices.response_transmission(response_bytes));
        let context = canister.open_calls.context(callback.context).clone();
        if context.deleted {
            canister.open_calls.close_if_done(callback.context);
            self.finish_stopping(to);
            return None;
        }
        let (kind, function, input) = callback_entry(&context, &callback, result, refund_cycles);
        let reject = input.reject.clone();
        let execution = self.execute(Entry {
            canister: to,
            kind,
            function,
            input,
            reserve: Reserve::Prepaid,
            keep: Keep::Everything,
            data_certificate: None,
        });
        let mut instructions = execution.report.instructions;
        if execution.result.is_err()
            && let Some(cleanup) = callback.functions.cleanup
            && self.defect != Some(Defect::CleanupDropped)
        {
            let remaining = UPDATE_INSTRUCTIONS.saturating_sub(instructions);
            instructions += self.execute_cleanup(to, &context, Function::Table(cleanup), reject, remaining);
        }
        self.open_calls(to).context(callback.context).instructions += instructions;
        let trap = execution.result.err().map(|trap| trap.to_reject(to));
        self.conclude(to, callback.context, trap, execution.effects);
        Some(execution.report)
    }

    /// Runs the cleanup callback on the state before the callback that trapped; what it changes
    /// stays. Returns its instructions.
    fn execute_cleanup(
        &mut self,
        canister: Principal,
        context: &CallContext,
        function: Function<'_>,
        reject: Option<Reject>,
        instruction_limit: u64,
    ) -> u64 {
        let execution = self.execute(Entry {
            canister,
            kind: EntryPoint::Cleanup { method: context.method.clone() },
            function,
            input: Input {
                method: context.method.clone(),
                reject,
                context_instructions: context.instructions,
                ..Input::new(Context::Cleanup, context.caller, instruction_limit)
            },
            reserve: Reserve::Prepaid,
            keep: Keep::Everything,
            data_certificate: None,
        });
        execution.report.instructions
    }

    pub(super) fn deliver_timer(&mut self, id: Principal) -> Option<MessageReport> {
        let prices = self.subnet.prices;
        let time_ns = self.time_ns();
        let canister = self.canisters.get_mut(&id)?;
        // A message before this one may have moved the timer or begun to stop the canister.
        if !canister.timer_is_due(time_ns) {
            return None;
        }
        canister.global_timer_ns = 0;
        if !canister.module()?.exports("canister_global_timer")
            || canister.liquid_cycles(prices) < prices.execution(UPDATE_INSTRUCTIONS)
        {
            return None;
        }
        let context = canister.open_calls.open(CallContext {
            origin: Origin::System,
            caller: Principal::management_canister(),
            method: "canister_global_timer".to_owned(),
            deadline_ns: 0,
            available_cycles: 0,
            responded: true,
            deleted: false,
            outstanding_calls: 0,
            instructions: 0,
        });
        let execution = self.execute(Entry {
            canister: id,
            kind: EntryPoint::GlobalTimer,
            function: Function::Export("canister_global_timer"),
            input: Input::new(Context::SystemTask, Principal::management_canister(), UPDATE_INSTRUCTIONS),
            reserve: Reserve::Balance,
            keep: Keep::Everything,
            data_certificate: None,
        });
        self.open_calls(id).context(context).instructions += execution.report.instructions;
        self.conclude(id, context, execution.result.err().map(|trap| trap.to_reject(id)), execution.effects);
        Some(execution.report)
    }

    /// Carries out what a message of a call context did, answers the caller if that is due, and
    /// closes the context after its last message.
    fn conclude(&mut self, id: Principal, context_id: CallContextId, trap: Option<Reject>, effects: Effects) {
        let time_ns = self.time_ns();
        let mut requests = Vec::new();
        let calls = self.open_calls(id);
        calls.context(context_id).available_cycles -= effects.accepted_cycles;
        for call in effects.calls {
            let deadline_ns = call
                .timeout_seconds
                .map(|seconds| time_ns.saturating_add(u64::from(seconds) * 1_000_000_000));
            let callback = calls.expect_response(Callback {
                context: context_id,
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

/// What to enter when a call is answered, and with what.
fn callback_entry<'a>(
    context: &CallContext,
    callback: &Callback,
    result: Result<Vec<u8>, Reject>,
    refund_cycles: u128,
) -> (EntryPoint, Function<'a>, Input) {
    let method = context.method.clone();
    let (kind, function, entered, arg, reject) = match result {
        Ok(reply) => {
            (EntryPoint::ReplyCallback { method }, callback.functions.reply, Context::Reply, reply, None)
        }
        Err(reject) => (
            EntryPoint::RejectCallback { method },
            callback.functions.reject,
            Context::Reject,
            Vec::new(),
            Some(reject),
        ),
    };
    let input = Input {
        arg,
        method: context.method.clone(),
        reject,
        deadline_ns: context.deadline_ns,
        cycles_available: context.available_cycles,
        cycles_refunded: refund_cycles,
        may_respond: !context.responded,
        context_instructions: context.instructions,
        ..Input::new(entered, context.caller, UPDATE_INSTRUCTIONS)
    };
    (kind, Function::Table(function), input)
}

pub(crate) fn check_running(id: Principal, status: &Status) -> Result<(), Reject> {
    match status {
        Status::Running => Ok(()),
        Status::Stopping { .. } => Err(Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0509",
            format!("Canister {id} is stopping and takes no calls"),
        )),
        Status::Stopped => Err(Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0508",
            format!("Canister {id} is stopped and takes no calls"),
        )),
    }
}

pub(crate) fn not_found(id: Principal) -> Reject {
    Reject::with_error_code(RejectCode::DestinationInvalid, "IC0301", format!("Canister {id} not found"))
}

pub(crate) fn no_module(id: Principal) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0537",
        format!("Error from Canister {id}: the canister contains no Wasm module"),
    )
}

pub(crate) fn no_method(id: Principal, kind: &str, method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0536",
        format!("Error from Canister {id}: Canister has no {kind} method '{method}'"),
    )
}

pub(crate) fn did_not_reply(id: Principal) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0506",
        format!("Error from Canister {id}: Canister did not reply to the call"),
    )
}

pub(crate) fn out_of_cycles(id: Principal, needed: u128, liquid: u128) -> Reject {
    Reject::with_error_code(
        RejectCode::SysTransient,
        "IC0207",
        format!(
            "Canister {id} is out of cycles: {needed} are needed, {liquid} are available above the freezing threshold"
        ),
    )
}
