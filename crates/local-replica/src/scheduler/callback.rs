//! Delivers a response: runs the callback of an answered call, and its cleanup when it traps.

use candid::Principal;

use super::Response;
use super::execute::{Entry, Keep, Reserve};
use crate::canister::{CallContext, Callback};
use crate::config::Defect;
use crate::cycles::{CLEANUP_RESERVE_INSTRUCTIONS, UPDATE_INSTRUCTIONS};
use crate::execution::{Context, Function, Input};
use crate::message::{EntryPoint, MessageReport, Reject};
use crate::replica::Replica;

impl Replica {
    /// Runs the callback of an answered call; `None` when nobody waits for the answer any more.
    /// Cycles that come back reach the balance in any case.
    pub(super) fn deliver_response(&mut self, response: Response) -> Option<MessageReport> {
        let Response { to, callback: id, result, refund_cycles, is_expiry } = response;
        let prices = self.subnet.prices;
        let canister = self.canisters.get_mut(&to)?;
        canister.add_cycles(refund_cycles);
        let expired = canister.open_calls.callback(id)?.expired;
        if expired && !is_expiry {
            return None;
        }
        let callback = canister.open_calls.take_callback(id)?;
        let response_bytes = result.as_ref().map_or_else(|reject| reject.message.len(), Vec::len);
        canister
            .add_cycles(callback.prepaid_cycles.saturating_sub(prices.response_transmission(response_bytes)));
        let cycles = callback.prepaid_cycles.min(prices.execution(UPDATE_INSTRUCTIONS));
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
            reserve: Reserve::Prepaid { cycles },
            keep: Keep::Everything,
            data_certificate: None,
        });
        let mut instructions = execution.report.instructions;
        if execution.result.is_err()
            && let Some(cleanup) = callback.functions.cleanup
            && self.defect != Some(Defect::CleanupDropped)
        {
            let reserve = Reserve::PrepaidWithCallback {
                cycles: cycles.saturating_sub(execution.report.cycles_charged),
            };
            let limit = UPDATE_INSTRUCTIONS.saturating_sub(instructions);
            let cleanup = Function::Table(cleanup);
            instructions += self.execute_cleanup(to, &context, cleanup, reject, limit, reserve);
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
        reserve: Reserve,
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
            reserve,
            keep: Keep::Everything,
            data_certificate: None,
        });
        execution.report.instructions
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
        ..Input::new(entered, context.caller, UPDATE_INSTRUCTIONS - CLEANUP_RESERVE_INSTRUCTIONS)
    };
    (kind, Function::Table(function), input)
}
