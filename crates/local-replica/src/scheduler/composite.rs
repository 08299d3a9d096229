//! Composite queries: queries that call other queries, depth first, within one node.
//!
//! Every query of the call graph works on a copy of its canister's committed heap, which lives
//! from its first message to its last: a query may thus reach a canister that waits for it.

use std::collections::VecDeque;

use candid::Principal;

use super::execute::{Entry, Keep, Reserve};
use super::query::QueryMethod;
use super::rejects::{did_not_reply, no_module};
use crate::cycles::QUERY_INSTRUCTIONS;
use crate::execution::{
    CallbackFunctions, CanisterTrap, Context, Effects, Function, Input, Instance, OutgoingCall,
};
use crate::message::{CallResult, EntryPoint, QueryMessage, Reject, RejectCode};
use crate::replica::Replica;

/// How deep queries may call each other.
const MAX_CALL_DEPTH: usize = 6;
/// What each call between queries counts besides its instructions.
const CALL_OVERHEAD_INSTRUCTIONS: u64 = 50_000_000;

/// One query of a user with everything it calls.
pub(super) struct CallGraph {
    root: Principal,
    /// Shared by all messages of the graph.
    instructions_left: u64,
}

/// The graph as a whole exceeds a limit: the user is told, none of the canisters.
struct Aborted(Reject);

/// A composite query between its messages.
struct Running {
    id: Principal,
    sender: Principal,
    method: String,
    /// Executed by all its messages so far.
    instructions: u64,
    /// Its own state; in the canister's place only while one of its messages runs.
    instance: Instance,
}

impl CallGraph {
    pub(super) fn new(root: Principal) -> Self {
        Self { root, instructions_left: QUERY_INSTRUCTIONS }
    }

    /// Executes the user's query with all that it calls.
    pub(super) fn run(mut self, replica: &mut Replica, query: QueryMessage) -> CallResult {
        self.composite_query(replica, query, 0).unwrap_or_else(|Aborted(reject)| Err(reject))
    }

    /// A query made by a composite query.
    fn callee(
        &mut self,
        replica: &mut Replica,
        query: QueryMessage,
        depth: usize,
    ) -> Result<CallResult, Aborted> {
        if query.canister_id == Principal::management_canister() {
            return Ok(replica.query_management(&query));
        }
        self.instructions_left = self.instructions_left.saturating_sub(CALL_OVERHEAD_INSTRUCTIONS);
        match replica.query_method(query.canister_id, &query.method_name) {
            Err(reject) => Ok(Err(reject)),
            Ok(QueryMethod::Composite) => self.composite_query(replica, query, depth),
            Ok(QueryMethod::Query) => {
                let data_certificate = self.data_certificate(replica, query.canister_id);
                let (result, instructions) =
                    replica.plain_query(query, self.instructions_left, data_certificate);
                self.instructions_left = self.instructions_left.saturating_sub(instructions);
                Ok(result)
            }
        }
    }

    /// Only the canister that the user asked is given a certificate.
    fn data_certificate(&self, replica: &mut Replica, id: Principal) -> Option<Vec<u8>> {
        if id == self.root { replica.wanted_data_certificate(id) } else { None }
    }

    fn composite_query(
        &mut self,
        replica: &mut Replica,
        query: QueryMessage,
        depth: usize,
    ) -> Result<CallResult, Aborted> {
        let QueryMessage { sender, canister_id: id, method_name: method, arg } = query;
        let instance = match copy_of_instance(replica, id) {
            Ok(instance) => instance,
            Err(reject) => return Ok(Err(reject)),
        };
        let mut running = Running { id, sender, method, instructions: 0, instance };
        let export = format!("canister_composite_query {}", running.method);
        let input = Input {
            arg,
            may_respond: true,
            ..Input::new(Context::CompositeQuery, sender, self.instructions_left)
        };
        let data_certificate = self.data_certificate(replica, id);
        let first = self.message(replica, &mut running, Function::Export(&export), input, data_certificate);
        let mut outcome = first.map_err(|trap| trap.to_reject(id));
        let mut calls: VecDeque<OutgoingCall> = VecDeque::new();
        let mut trapped = None;
        loop {
            match outcome {
                Ok(effects) => {
                    if let Some(response) = effects.response {
                        return Ok(response);
                    }
                    calls.extend(effects.calls);
                }
                Err(reject) => trapped = Some(reject),
            }
            let Some(call) = calls.pop_front() else {
                return Ok(Err(trapped.unwrap_or_else(|| did_not_reply(id))));
            };
            self.check_limits(depth)?;
            let query = QueryMessage {
                sender: id,
                canister_id: call.callee,
                method_name: call.method,
                arg: call.arg,
            };
            let result = self.callee(replica, query, depth + 1)?;
            trapped = None;
            outcome = self.callback(replica, &mut running, call.callbacks, result);
        }
    }

    fn check_limits(&self, depth: usize) -> Result<(), Aborted> {
        let exceeded = |error_code: &str, what: &str| {
            let message = format!("Composite query calls exceeded the {what}.");
            Err(Aborted(Reject::with_error_code(RejectCode::CanisterError, error_code, message)))
        };
        if depth >= MAX_CALL_DEPTH {
            return exceeded("IC0525", "maximum call depth");
        }
        if self.instructions_left == 0 {
            return exceeded("IC0526", "instruction limit");
        }
        Ok(())
    }

    /// Runs the callback of an answered call and, when it traps, the cleanup.
    fn callback(
        &mut self,
        replica: &mut Replica,
        running: &mut Running,
        callbacks: CallbackFunctions,
        result: CallResult,
    ) -> Result<Effects, Reject> {
        let (context, callback, arg, reject) = match result {
            Ok(reply) => (Context::CompositeReply, callbacks.reply, reply, None),
            Err(reject) => (Context::CompositeReject, callbacks.reject, Vec::new(), Some(reject)),
        };
        let input = Input {
            arg,
            reject: reject.clone(),
            may_respond: true,
            ..Input::new(context, running.sender, self.instructions_left)
        };
        let effects = self.message(replica, running, Function::Table(callback), input, None);
        if effects.is_err()
            && let Some(cleanup) = callbacks.cleanup
        {
            let input = Input {
                reject,
                ..Input::new(Context::CompositeCleanup, running.sender, self.instructions_left)
            };
            // A cleanup that traps leaves things as it found them; the callback's trap is what counts.
            let _ = self.message(replica, running, Function::Table(cleanup), input, None);
        }
        effects.map_err(|trap| trap.to_reject(running.id))
    }

    /// One message of a composite query, on that query's own copy of the canister's state.
    fn message(
        &mut self,
        replica: &mut Replica,
        running: &mut Running,
        function: Function<'_>,
        input: Input,
        data_certificate: Option<Vec<u8>>,
    ) -> Result<Effects, CanisterTrap> {
        let method = running.method.clone();
        let kind = match input.context {
            Context::CompositeCleanup => EntryPoint::Cleanup { method: method.clone() },
            _ => EntryPoint::CompositeQuery { method: method.clone() },
        };
        exchange(replica, running);
        let execution = replica.execute(Entry {
            canister: running.id,
            kind,
            function,
            input: Input { method, context_instructions: running.instructions, ..input },
            reserve: Reserve::Free,
            keep: Keep::Undecided,
            data_certificate,
        });
        exchange(replica, running);
        self.instructions_left = self.instructions_left.saturating_sub(execution.report.instructions);
        match execution.result {
            Ok(()) => {
                running.instructions += execution.report.instructions;
                running.instance.commit();
                Ok(execution.effects)
            }
            Err(trap) => {
                running.instance.rollback();
                Err(trap)
            }
        }
    }
}

fn copy_of_instance(replica: &Replica, id: Principal) -> Result<Instance, Reject> {
    let instance = replica.canisters.get(&id).and_then(|canister| canister.instance.as_ref());
    let instance = instance.ok_or_else(|| no_module(id))?;
    let image = instance.heap_image();
    let stable = instance.stable_memory().duplicate();
    stable
        .and_then(|stable| Instance::from_image(instance.module().clone(), &image, stable))
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("Canister {id}: {error}")))
}

/// Swaps the query's own state with that of the canister.
fn exchange(replica: &mut Replica, running: &mut Running) {
    let canister = replica.canisters.get_mut(&running.id).expect("queries delete no canister");
    let instance = canister.instance.as_mut().expect("queries take no code away");
    std::mem::swap(instance, &mut running.instance);
}
