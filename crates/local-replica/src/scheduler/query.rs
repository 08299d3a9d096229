//! Queries: executed on the current state, which they cannot change.

use std::collections::VecDeque;

use candid::Principal;

use super::deliver::{check_running, did_not_reply, no_method, no_module, not_found};
use super::execute::{Entry, Keep, Reserve};
use crate::cycles::QUERY_INSTRUCTIONS;
use crate::execution::{Context, Effects, Function, Input, OutgoingCall};
use crate::message::{CallResult, EntryPoint, QueryMessage, Reject, RejectCode};
use crate::replica::Replica;
use crate::stand_ins;

/// How deep composite queries may call each other.
const MAX_COMPOSITE_DEPTH: usize = 8;

impl Replica {
    /// Executes a query of a canister, of the management canister, or of a stand-in.
    ///
    /// # Errors
    /// The canister's or the network's reject.
    pub fn query(&mut self, query: QueryMessage) -> CallResult {
        self.refresh_clock();
        if query.canister_id == Principal::management_canister() {
            return self.query_management(&query);
        }
        if !self.canisters.contains_key(&query.canister_id) {
            let call = stand_ins::Call {
                canister: query.canister_id,
                method: &query.method_name,
                arg: &query.arg,
                caller: query.sender,
                cycles: 0,
            };
            if let Some(result) = stand_ins::answer_query(&call, self) {
                return result;
            }
        }
        self.query_canister(query, &mut Vec::new())
    }

    /// `running` are the canisters whose composite queries wait for this one.
    fn query_canister(&mut self, query: QueryMessage, running: &mut Vec<Principal>) -> CallResult {
        let QueryMessage { sender, canister_id: id, method_name: method, arg } = query;
        if running.contains(&id) || running.len() >= MAX_COMPOSITE_DEPTH {
            return Err(Reject::with_error_code(
                RejectCode::CanisterError,
                "IC0517",
                format!("Canister {id}: composite queries call each other in a loop or too deep"),
            ));
        }
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        check_running(id, &canister.status)?;
        let module = canister.module().ok_or_else(|| no_module(id))?.clone();
        let is_composite = module.exports(&format!("canister_composite_query {method}"));
        if !is_composite && !module.exports(&format!("canister_query {method}")) {
            return Err(no_method(id, "query", &method));
        }
        let data_certificate =
            (module.imports_data_certificate && running.is_empty()).then(|| self.data_certificate(id));
        if is_composite {
            return self.composite_query(sender, id, method, arg, data_certificate, running);
        }
        let execution = self.execute(Entry {
            canister: id,
            kind: EntryPoint::Query { method: method.clone(), replicated: false },
            function: Function::Export(&format!("canister_query {method}")),
            input: Input {
                arg,
                method,
                may_respond: true,
                ..Input::new(Context::NonReplicatedQuery, sender, QUERY_INSTRUCTIONS)
            },
            reserve: Reserve::Free,
            keep: Keep::Cycles,
            data_certificate,
        });
        execution.result.map_err(|trap| trap.to_reject(id))?;
        execution.effects.response.unwrap_or_else(|| Err(did_not_reply(id)))
    }

    /// Runs a composite query with the queries it calls; its own state is kept between its
    /// messages and undone at the end.
    fn composite_query(
        &mut self,
        sender: Principal,
        id: Principal,
        method: String,
        arg: Vec<u8>,
        data_certificate: Option<Vec<u8>>,
        running: &mut Vec<Principal>,
    ) -> CallResult {
        running.push(id);
        let result = self.composite_messages(sender, id, method, arg, data_certificate, running);
        running.pop();
        if let Some(instance) = self.canisters.get_mut(&id).and_then(|canister| canister.instance.as_mut()) {
            instance.rollback();
        }
        result
    }

    fn composite_messages(
        &mut self,
        sender: Principal,
        id: Principal,
        method: String,
        arg: Vec<u8>,
        data_certificate: Option<Vec<u8>>,
        running: &mut Vec<Principal>,
    ) -> CallResult {
        let export = format!("canister_composite_query {method}");
        let input = Input {
            arg,
            may_respond: true,
            ..Input::new(Context::CompositeQuery, sender, QUERY_INSTRUCTIONS)
        };
        let (effects, mut instructions) =
            self.composite_message(id, &method, Function::Export(&export), input, data_certificate)?;
        let mut response = effects.response;
        let mut calls: VecDeque<OutgoingCall> = effects.calls.into();
        while let Some(call) = calls.pop_front() {
            let result = self.query_canister(
                QueryMessage {
                    sender: id,
                    canister_id: call.callee,
                    method_name: call.method,
                    arg: call.arg,
                },
                running,
            );
            let (context, callback, arg, reject) = match result {
                Ok(reply) => (Context::CompositeReply, call.callbacks.reply, reply, None),
                Err(reject) => (Context::CompositeReject, call.callbacks.reject, Vec::new(), Some(reject)),
            };
            let input = Input {
                arg,
                reject,
                may_respond: response.is_none(),
                context_instructions: instructions,
                ..Input::new(context, sender, QUERY_INSTRUCTIONS)
            };
            let answered = self.composite_message(id, &method, Function::Table(callback), input, None);
            if answered.is_err()
                && let Some(cleanup) = call.callbacks.cleanup
            {
                self.composite_cleanup(sender, id, &method, Function::Table(cleanup), instructions);
            }
            let (effects, executed) = answered?;
            instructions += executed;
            response = response.or(effects.response);
            calls.extend(effects.calls);
        }
        response.unwrap_or_else(|| Err(did_not_reply(id)))
    }

    /// Runs the cleanup of a callback that trapped. The whole query fails then, so that nothing but
    /// the trace sees what it does.
    fn composite_cleanup(
        &mut self,
        sender: Principal,
        id: Principal,
        method: &str,
        function: Function<'_>,
        context_instructions: u64,
    ) {
        self.execute(Entry {
            canister: id,
            kind: EntryPoint::Cleanup { method: method.to_owned() },
            function,
            input: Input {
                method: method.to_owned(),
                context_instructions,
                ..Input::new(Context::CompositeCleanup, sender, QUERY_INSTRUCTIONS)
            },
            reserve: Reserve::Free,
            keep: Keep::Undecided,
            data_certificate: None,
        });
    }

    /// One message of a composite query, with the instructions that it executed. A trap ends the whole
    /// query.
    fn composite_message(
        &mut self,
        id: Principal,
        method: &str,
        function: Function<'_>,
        input: Input,
        data_certificate: Option<Vec<u8>>,
    ) -> Result<(Effects, u64), Reject> {
        let execution = self.execute(Entry {
            canister: id,
            kind: EntryPoint::CompositeQuery { method: method.to_owned() },
            function,
            input: Input { method: method.to_owned(), ..input },
            reserve: Reserve::Free,
            keep: Keep::Undecided,
            data_certificate,
        });
        execution.result.map_err(|trap| trap.to_reject(id))?;
        Ok((execution.effects, execution.report.instructions))
    }
}
