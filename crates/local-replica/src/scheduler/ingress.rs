//! Messages of users: inspection, queueing, and the history of their answers.

use candid::Principal;
use sha2::{Digest, Sha256};

use super::execute::{Entry, Keep, Reserve};
use super::ingress_history::IngressRecord;
use super::rejects::{check_cycles, check_running, no_module, not_found};
use super::{Origin, Request};
use crate::cycles::{INSPECT_INSTRUCTIONS, UPDATE_INSTRUCTIONS};
use crate::execution::{Context, Function, Input};
use crate::message::{CallResult, EntryPoint, IngressMessage, IngressStatus, Reject, RejectCode, RequestId};
use crate::replica::Replica;
use crate::stand_ins::stands_in_for;

/// How far ahead the messages expire that are submitted without a signature.
const DIRECT_EXPIRY_NS: u64 = 5 * 60 * 1_000_000_000;

impl Replica {
    /// Takes a user's update call, after asking the canister's `canister_inspect_message`. The same
    /// request id a second time changes nothing.
    ///
    /// # Errors
    /// When the message is refused before it enters the queue: unknown, stopped or empty canister,
    /// out of cycles, not accepted by the canister, or no such right at the management canister.
    pub fn submit(&mut self, message: IngressMessage) -> Result<(), Reject> {
        let effective_id = message.canister_id;
        self.submit_at(effective_id, message)
    }

    /// As [`Self::submit`], for a message that came in at the endpoint of a canister or subnet.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub(crate) fn submit_at(
        &mut self,
        effective_id: Principal,
        message: IngressMessage,
    ) -> Result<(), Reject> {
        self.refresh_clock();
        let now_ns = self.clock.users_ns();
        self.ingress.forget_old(now_ns);
        if self.ingress.get(&message.request_id).is_some() {
            return Ok(());
        }
        self.inspect(&message)?;
        let record = IngressRecord {
            status: IngressStatus::Received,
            // A served replica whose clock is manual may be ahead of its users.
            expiry_ns: message.ingress_expiry_ns.max(now_ns),
            sender: message.sender,
            canister_id: message.canister_id,
            effective_id,
        };
        self.ingress.insert(message.request_id, record);
        self.enqueue_request(Request {
            to: message.canister_id,
            method: message.method_name,
            arg: message.arg,
            caller: message.sender,
            cycles: 0,
            deadline_ns: 0,
            origin: Origin::Ingress(message.request_id),
        });
        Ok(())
    }

    /// How far a message has come; `None` when it is unknown or forgotten.
    pub fn ingress_status(&self, id: &RequestId) -> Option<&IngressStatus> {
        self.ingress.get(id).map(|record| &record.status)
    }

    /// Submits an update call and runs until it is answered. No signature is needed.
    ///
    /// # Errors
    /// The reject; also when the call waits for time that does not pass, with code `SysUnknown`.
    pub fn call(&mut self, sender: Principal, canister: Principal, method: &str, arg: Vec<u8>) -> CallResult {
        let request_id = self.begin_call(sender, canister, method, arg)?;
        self.run_while(|replica| {
            matches!(
                replica.ingress_status(&request_id),
                Some(IngressStatus::Received | IngressStatus::Processing)
            )
        });
        self.end_call(&request_id, method)
    }

    /// Submits an update call without a signature.
    pub(crate) fn begin_call(
        &mut self,
        sender: Principal,
        canister: Principal,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<RequestId, Reject> {
        self.next_direct_call += 1;
        let request_id = RequestId(Sha256::digest(self.next_direct_call.to_be_bytes()).into());
        self.submit(IngressMessage {
            request_id,
            sender,
            canister_id: canister,
            method_name: method.to_owned(),
            arg,
            ingress_expiry_ns: self.time_ns().saturating_add(DIRECT_EXPIRY_NS),
        })?;
        Ok(request_id)
    }

    /// The answer of a call that was begun by [`Self::begin_call`]. Nobody asks for it again.
    pub(crate) fn end_call(&mut self, request_id: &RequestId, method: &str) -> CallResult {
        match self.ingress.remove(request_id).map(|record| record.status) {
            Some(IngressStatus::Replied(reply)) => Ok(reply),
            Some(IngressStatus::Rejected(reject)) => Err(reject),
            _ => Err(Reject::new(
                RejectCode::SysUnknown,
                format!(
                    "the call of '{method}' is not answered: it waits for time to pass or for an outcall"
                ),
            )),
        }
    }

    pub(crate) fn set_ingress_status(&mut self, id: RequestId, status: IngressStatus) {
        self.ingress.set_status(id, status);
    }

    fn inspect(&mut self, message: &IngressMessage) -> Result<(), Reject> {
        let id = message.canister_id;
        if id == Principal::management_canister() {
            return self.inspect_management_call(message);
        }
        let prices = self.subnet.prices;
        let Some(canister) = self.canisters.get(&id) else {
            return if stands_in_for(id) { Ok(()) } else { Err(not_found(id)) };
        };
        check_running(id, &canister.status)?;
        let module = canister.module().ok_or_else(|| no_module(id))?;
        let needed = prices.ingress(message.method_name.len() + message.arg.len())
            + prices.execution(UPDATE_INSTRUCTIONS);
        check_cycles(canister, prices, needed, message.sender)?;
        if !module.exports("canister_inspect_message") {
            return Ok(());
        }
        let execution = self.execute(Entry {
            canister: id,
            kind: EntryPoint::InspectMessage { method: message.method_name.clone() },
            function: Function::Export("canister_inspect_message"),
            input: Input {
                arg: message.arg.clone(),
                method: message.method_name.clone(),
                ..Input::new(Context::Inspect, message.sender, INSPECT_INSTRUCTIONS)
            },
            reserve: Reserve::Free,
            keep: Keep::Cycles,
            data_certificate: None,
        });
        match execution.result {
            Err(trap) => Err(trap.to_reject(id)),
            Ok(()) if execution.effects.accepted_message => Ok(()),
            Ok(()) => Err(Reject::with_error_code(
                RejectCode::CanisterReject,
                "IC0406",
                format!("Canister {id} rejected the message"),
            )),
        }
    }
}
