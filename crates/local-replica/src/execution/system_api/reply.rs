//! Answering the call.

use super::SystemApi;
use crate::cycles::{MAX_QUERY_RESPONSE_BYTES, MAX_RESPONSE_BYTES};
use crate::execution::CanisterTrap;
use crate::message::{CallResult, Reject, RejectCode};

impl SystemApi {
    pub(in crate::execution) fn append_reply(&mut self, data: &[u8]) -> Result<(), CanisterTrap> {
        self.check_can_respond()?;
        let total = self.reply_buffer.len() + data.len();
        let limit =
            if self.input.context.is_replicated() { MAX_RESPONSE_BYTES } else { MAX_QUERY_RESPONSE_BYTES };
        if total > limit {
            return Err(CanisterTrap::violation(format!(
                "the reply has {total} bytes; allowed are at most {limit}"
            )));
        }
        self.reply_buffer.extend_from_slice(data);
        Ok(())
    }

    pub(in crate::execution) fn reply(&mut self) -> Result<(), CanisterTrap> {
        let reply = std::mem::take(&mut self.reply_buffer);
        self.respond(Ok(reply))
    }

    pub(in crate::execution) fn reject(&mut self, message: &[u8]) -> Result<(), CanisterTrap> {
        self.check_can_respond()?;
        if message.len() > MAX_RESPONSE_BYTES {
            return Err(CanisterTrap::violation(format!(
                "the reject message has {} bytes; allowed are at most {MAX_RESPONSE_BYTES}",
                message.len()
            )));
        }
        let message = std::str::from_utf8(message)
            .map_err(|_| CanisterTrap::violation("a reject message must be UTF-8"))?;
        self.reply_buffer.clear();
        self.respond(Err(Reject::with_error_code(RejectCode::CanisterReject, "IC0406", message)))
    }

    /// Cycles of the call not yet accepted; none once it is answered.
    pub(in crate::execution) fn available_cycles(&self) -> u128 {
        if self.effects.response.is_some() {
            0
        } else {
            self.input.cycles_available - self.effects.accepted_cycles
        }
    }

    fn respond(&mut self, response: CallResult) -> Result<(), CanisterTrap> {
        self.check_can_respond()?;
        self.effects.response = Some(response);
        Ok(())
    }

    fn check_can_respond(&self) -> Result<(), CanisterTrap> {
        if self.input.may_respond && self.effects.response.is_none() {
            Ok(())
        } else {
            Err(CanisterTrap::violation("the call has already been answered or needs no answer"))
        }
    }
}
