//! The management canister `aaaaa-aa`.

mod access;
mod code;
mod info;
mod keys;
mod lifecycle;
mod payload;

use candid::Principal;

pub(crate) use payload::empty_reply;

use crate::message::{CallResult, MessageReport, Outcome, QueryMessage, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::Request;

/// What became of a call of the management canister.
enum Handled {
    /// The answer, and the cycles that go back.
    Now { result: CallResult, refund_cycles: u128 },
    /// It is answered when a canister has stopped or an outcall has ended.
    Later,
}

impl Handled {
    /// An answer that keeps no cycles.
    fn free(request: &Request, result: CallResult) -> Self {
        Self::Now { result, refund_cycles: request.cycles }
    }

    /// An answer for which `price` was charged, unless it is a reject.
    fn paid(request: &Request, price: u128, result: CallResult) -> Self {
        let charged = if result.is_ok() { price } else { 0 };
        Self::Now { result, refund_cycles: request.cycles - charged }
    }
}

impl Replica {
    pub(crate) fn deliver_to_management(&mut self, request: Request) -> MessageReport {
        let origin = request.origin;
        let method = request.method.clone();
        let outcome = match self.handle(request) {
            Handled::Later => Outcome::Ok,
            Handled::Now { result, refund_cycles } => {
                let outcome = match &result {
                    Ok(_) => Outcome::Ok,
                    Err(reject) => Outcome::Trap(reject.message.clone()),
                };
                self.respond(origin, result, refund_cycles);
                outcome
            }
        };
        self.report_native(Principal::management_canister(), &method, outcome)
    }

    fn handle(&mut self, request: Request) -> Handled {
        match request.method.as_str() {
            "create_canister" => self.create_canister_call(&request),
            "provisional_create_canister_with_cycles" => {
                let result = self.provisional_create_canister(&request);
                Handled::free(&request, result)
            }
            "provisional_top_up_canister" => {
                let result = self.provisional_top_up(&request);
                Handled::free(&request, result)
            }
            "deposit_cycles" => self.deposit_cycles_call(&request),
            "stop_canister" => self.stop_canister(&request),
            "http_request" => self.http_request(&request),
            "flexible_http_request" => self.flexible_http_request(&request),
            "vetkd_derive_key" => self.vetkd_derive_key(&request),
            "sign_with_schnorr" => self.sign_with_schnorr(&request),
            _ => {
                let result = self.handle_free(&request);
                Handled::free(&request, result)
            }
        }
    }

    /// Methods that take no cycles and are answered at once.
    fn handle_free(&mut self, request: &Request) -> CallResult {
        match request.method.as_str() {
            "install_code" => self.install_code_call(request),
            "install_chunked_code" => self.install_chunked_code(request),
            "uninstall_code" => self.uninstall_code(request),
            "upload_chunk" => self.upload_chunk(request),
            "stored_chunks" => self.stored_chunks(request),
            "clear_chunk_store" => self.clear_chunk_store(request),
            "update_settings" => self.update_settings(request),
            "start_canister" => self.start_canister(request),
            "delete_canister" => self.delete_canister(request),
            "canister_status" => self.canister_status(request.caller, &request.arg),
            "canister_info" => self.canister_info(request),
            "canister_metadata" => self.canister_metadata(request.caller, &request.arg),
            "fetch_canister_logs" => self.fetch_canister_logs(request.caller, &request.arg),
            "raw_rand" => self.raw_rand(request),
            "vetkd_public_key" => self.vetkd_public_key(request),
            "schnorr_public_key" => self.schnorr_public_key(request),
            unknown => Err(unknown_method(unknown)),
        }
    }

    /// A query of the management canister by a user.
    pub(crate) fn query_management(&mut self, query: &QueryMessage) -> CallResult {
        let result = match query.method_name.as_str() {
            "canister_status" => self.canister_status(query.sender, &query.arg),
            "canister_metadata" => self.canister_metadata(query.sender, &query.arg),
            "fetch_canister_logs" => self.fetch_canister_logs(query.sender, &query.arg),
            unknown => Err(unknown_method(unknown)),
        };
        let outcome = match &result {
            Ok(_) => Outcome::Ok,
            Err(reject) => Outcome::Trap(reject.message.clone()),
        };
        self.report_native(Principal::management_canister(), &query.method_name, outcome);
        result
    }
}

fn unknown_method(method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterReject,
        "IC0407",
        format!("Management canister has no method '{method}'"),
    )
}
