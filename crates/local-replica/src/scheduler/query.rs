//! Queries: executed on the current state, which they cannot change.

use candid::Principal;

use super::composite::CallGraph;
use super::execute::{Entry, Keep, Reserve};
use super::rejects::{check_not_frozen, check_running, did_not_reply, no_method, no_module, not_found};
use crate::cycles::QUERY_INSTRUCTIONS;
use crate::execution::{Context, Function, Input};
use crate::message::{CallResult, EntryPoint, QueryMessage, Reject};
use crate::replica::Replica;
use crate::stand_ins;

/// A query method that can be executed now.
pub(super) enum QueryMethod {
    Query,
    Composite,
}

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
        let data_certificate = self.wanted_data_certificate(query.canister_id);
        match self.query_method(query.canister_id, &query.method_name)? {
            QueryMethod::Query => self.plain_query(query, QUERY_INSTRUCTIONS, data_certificate).0,
            QueryMethod::Composite => CallGraph::new(query.canister_id).run(self, query),
        }
    }

    /// Finds the method, if the canister can execute it now.
    pub(super) fn query_method(&self, id: Principal, method: &str) -> Result<QueryMethod, Reject> {
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        check_running(id, &canister.status)?;
        check_not_frozen(canister, self.subnet.prices)?;
        let module = canister.module().ok_or_else(|| no_module(id))?;
        if module.exports(&format!("canister_composite_query {method}")) {
            Ok(QueryMethod::Composite)
        } else if module.exports(&format!("canister_query {method}")) {
            Ok(QueryMethod::Query)
        } else {
            Err(no_method(id, "query", method))
        }
    }

    /// A certificate of the canister's certified data, if its code can ask for one.
    pub(super) fn wanted_data_certificate(&mut self, id: Principal) -> Option<Vec<u8>> {
        let module = self.canisters.get(&id)?.module()?;
        module.imports_data_certificate.then(|| self.data_certificate(id))
    }

    /// A query that calls nobody: its answer, and its instructions.
    pub(super) fn plain_query(
        &mut self,
        query: QueryMessage,
        instruction_limit: u64,
        data_certificate: Option<Vec<u8>>,
    ) -> (CallResult, u64) {
        let QueryMessage { sender, canister_id: id, method_name: method, arg } = query;
        let execution = self.execute(Entry {
            canister: id,
            kind: EntryPoint::Query { method: method.clone(), replicated: false },
            function: Function::Export(&format!("canister_query {method}")),
            input: Input {
                arg,
                method,
                may_respond: true,
                ..Input::new(Context::NonReplicatedQuery, sender, instruction_limit)
            },
            reserve: Reserve::Free,
            keep: Keep::Cycles,
            data_certificate,
        });
        let result = match execution.result {
            Ok(()) => execution.effects.response.unwrap_or_else(|| Err(did_not_reply(id))),
            Err(trap) => Err(trap.to_reject(id)),
        };
        (result, execution.report.instructions)
    }
}
