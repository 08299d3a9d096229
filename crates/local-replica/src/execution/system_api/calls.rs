//! Assembling calls to other canisters.

use candid::Principal;

use super::{CallbackFunctions, OutgoingCall, SystemApi, TableFunction};
use crate::cycles::{MAX_CALL_PAYLOAD_BYTES, MAX_OPEN_CALLS_PER_CALLEE, MAX_STREAM_PAYLOAD_BYTES};
use crate::execution::CanisterTrap;

/// Longest time a bounded-wait call waits.
pub const MAX_TIMEOUT_SECONDS: u32 = 300;

/// What `call_perform` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::execution) enum CallPerformed {
    Enqueued,
    /// The balance does not cover the call; no callback will run.
    InsufficientCycles,
    /// As many calls to this callee are open as there may be; no callback will run.
    QueueFull,
}

impl SystemApi {
    pub(in crate::execution) fn begin_call(
        &mut self,
        callee: &[u8],
        method: &[u8],
        reply: TableFunction,
        reject: TableFunction,
    ) -> Result<(), CanisterTrap> {
        self.discard_call_under_construction();
        let callee = Principal::try_from_slice(callee)
            .map_err(|error| CanisterTrap::violation(format!("callee is not a principal: {error}")))?;
        // The network replaces what is not UTF-8 rather than to trap; no method has such a name.
        let method = String::from_utf8_lossy(method).into_owned();
        self.call_under_construction = Some(OutgoingCall {
            callee,
            method,
            arg: Vec::new(),
            cycles: 0,
            prepaid_cycles: 0,
            callbacks: CallbackFunctions { reply, reject, cleanup: None },
            timeout_seconds: None,
        });
        Ok(())
    }

    pub(in crate::execution) fn set_cleanup(&mut self, cleanup: TableFunction) -> Result<(), CanisterTrap> {
        let call = self.call_under_construction()?;
        if call.callbacks.cleanup.is_some() {
            return Err(CanisterTrap::violation("call_on_cleanup may be called at most once for a call"));
        }
        call.callbacks.cleanup = Some(cleanup);
        Ok(())
    }

    pub(in crate::execution) fn append_call_data(&mut self, data: &[u8]) -> Result<(), CanisterTrap> {
        let call = self.call_under_construction()?;
        let total = call.method.len() + call.arg.len() + data.len();
        if total > MAX_CALL_PAYLOAD_BYTES {
            return Err(CanisterTrap::violation(format!(
                "method name and argument have {total} bytes; allowed are at most {MAX_CALL_PAYLOAD_BYTES}"
            )));
        }
        call.arg.extend_from_slice(data);
        Ok(())
    }

    pub(in crate::execution) fn bound_wait(&mut self, timeout_seconds: u32) -> Result<(), CanisterTrap> {
        let call = self.call_under_construction()?;
        if call.timeout_seconds.is_some() {
            return Err(CanisterTrap::violation(
                "call_with_best_effort_response may be called at most once for a call",
            ));
        }
        call.timeout_seconds = Some(timeout_seconds.min(MAX_TIMEOUT_SECONDS));
        Ok(())
    }

    pub(in crate::execution) fn add_call_cycles(&mut self, amount: u128) -> Result<(), CanisterTrap> {
        let liquid = self.liquid_cycles();
        let call = self.call_under_construction()?;
        if amount > liquid {
            return Err(CanisterTrap::violation(format!(
                "cannot attach {amount} cycles: only {liquid} are available for spending"
            )));
        }
        call.cycles = call.cycles.saturating_add(amount);
        self.effects.balance_cycles -= amount;
        Ok(())
    }

    pub(in crate::execution) fn perform_call(&mut self) -> Result<CallPerformed, CanisterTrap> {
        let mut call = self.call_under_construction.take().ok_or_else(no_call_under_construction)?;
        let total = call.method.len() + call.arg.len();
        if total > MAX_STREAM_PAYLOAD_BYTES && self.environment.topology.elsewhere(call.callee).is_some() {
            return Err(CanisterTrap::violation(format!(
                "method name and argument have {total} bytes; allowed are at most {MAX_STREAM_PAYLOAD_BYTES} \
                 to a canister on another subnet"
            )));
        }
        if self.open_calls(call.callee) >= MAX_OPEN_CALLS_PER_CALLEE {
            self.effects.add_cycles(call.cycles);
            return Ok(CallPerformed::QueueFull);
        }
        let prices = self.environment.prices;
        let (method_bytes, arg_bytes) = (call.method.len() as u64, call.arg.len() as u64);
        let fee = prices.call(method_bytes, arg_bytes);
        if fee > self.liquid_cycles() {
            self.effects.add_cycles(call.cycles);
            return Ok(CallPerformed::InsufficientCycles);
        }
        self.effects.balance_cycles -= fee;
        call.prepaid_cycles = prices.response_prepayment();
        self.effects.calls.push(call);
        Ok(CallPerformed::Enqueued)
    }

    /// Calls to this canister that wait for an answer, those of this message included.
    fn open_calls(&self, callee: Principal) -> usize {
        let before = self.environment.open_calls.get(&callee).copied().unwrap_or(0);
        before + self.effects.calls.iter().filter(|call| call.callee == callee).count()
    }

    /// A call that was never performed gives its cycles back.
    pub(super) fn discard_call_under_construction(&mut self) {
        if let Some(call) = self.call_under_construction.take() {
            self.effects.add_cycles(call.cycles);
        }
    }

    fn call_under_construction(&mut self) -> Result<&mut OutgoingCall, CanisterTrap> {
        self.call_under_construction.as_mut().ok_or_else(no_call_under_construction)
    }
}

fn no_call_under_construction() -> CanisterTrap {
    CanisterTrap::violation("there is no call under construction")
}
