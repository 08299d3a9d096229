//! The management canister `aaaaa-aa`.

mod access;
mod allocations;
mod chunks;
mod code;
mod info;
mod keys;
mod lifecycle;
mod methods;
mod payload;
mod shares;
mod signatures;
mod snapshot_data;
mod snapshots;

use candid::Principal;

pub use methods::method_names;
pub(crate) use payload::empty_reply;
pub(crate) use shares::AwaitingShares;

use access::only_canisters;
use methods::Method;

use crate::message::{CallResult, MessageReport, Outcome, QueryMessage, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::{Origin, Request};

/// What became of a call of the management canister.
enum Handled {
    /// The answer, and the cycles that go back.
    Now { result: CallResult, refund_cycles: u128 },
    /// It is answered when a canister has stopped or an outcall has ended.
    Later,
    /// Too few nodes give good shares of the signature or key.
    AwaitsShares,
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
        let method = request.method.clone();
        self.charge_for_ingress(&request);
        let outcome = match self.handle(&request) {
            Handled::Later => Outcome::Ok,
            Handled::AwaitsShares => {
                self.await_shares(request);
                Outcome::Ok
            }
            Handled::Now { result, refund_cycles } => {
                let outcome = outcome(&result);
                self.respond(request.origin, result, refund_cycles);
                outcome
            }
        };
        self.report_native(Principal::management_canister(), &method, outcome)
    }

    fn handle(&mut self, request: &Request) -> Handled {
        let Some((method, _)) = methods::find(&request.method) else {
            return Handled::free(request, Err(unknown_method(request)));
        };
        match method {
            Method::CreateCanister => self.create_canister_call(request),
            Method::DepositCycles => self.deposit_cycles_call(request),
            Method::StopCanister => self.stop_canister(request),
            Method::HttpRequest => self.http_request(request),
            Method::FlexibleHttpRequest => self.flexible_http_request(request),
            Method::VetkdDeriveKey => self.vetkd_derive_key(request),
            Method::SignWithEcdsa => self.sign_with_ecdsa(request),
            Method::SignWithSchnorr => self.sign_with_schnorr(request),
            _ => {
                let result = self.handle_free(method, request);
                Handled::free(request, result)
            }
        }
    }

    /// Methods that take no cycles and are answered at once.
    fn handle_free(&mut self, method: Method, request: &Request) -> CallResult {
        match method {
            Method::InstallCode => self.install_code_call(request),
            Method::InstallChunkedCode => self.install_chunked_code(request),
            Method::UninstallCode => self.uninstall_code(request),
            Method::UploadChunk => self.upload_chunk(request),
            Method::StoredChunks => self.stored_chunks(request),
            Method::ClearChunkStore => self.clear_chunk_store(request),
            Method::UpdateSettings => self.update_settings(request),
            Method::StartCanister => self.start_canister(request),
            Method::DeleteCanister => self.delete_canister(request),
            Method::CanisterStatus => self.canister_status(request.caller, &request.arg),
            Method::CanisterInfo => only_canisters(request).and_then(|()| self.canister_info(&request.arg)),
            Method::CanisterMetadata => self.canister_metadata(request),
            Method::FetchCanisterLogs => {
                only_canisters(request).and_then(|()| self.fetch_canister_logs(request.caller, &request.arg))
            }
            Method::TakeCanisterSnapshot => self.take_canister_snapshot(request),
            Method::LoadCanisterSnapshot => self.load_canister_snapshot(request),
            Method::ListCanisterSnapshots => self.list_canister_snapshots(request),
            Method::DeleteCanisterSnapshot => self.delete_canister_snapshot(request),
            Method::ReadCanisterSnapshotMetadata => self.read_canister_snapshot_metadata(request),
            Method::ReadCanisterSnapshotData => self.read_canister_snapshot_data(request),
            Method::UploadCanisterSnapshotMetadata => self.upload_canister_snapshot_metadata(request),
            Method::UploadCanisterSnapshotData => self.upload_canister_snapshot_data(request),
            Method::SubnetInfo => self.subnet_info(request),
            Method::RawRand => self.raw_rand(request),
            Method::EcdsaPublicKey => self.ecdsa_public_key(request),
            Method::SchnorrPublicKey => self.schnorr_public_key(request),
            Method::VetkdPublicKey => self.vetkd_public_key(request),
            Method::ProvisionalCreateCanisterWithCycles => self.provisional_create_canister(request),
            Method::ProvisionalTopUpCanister => self.provisional_top_up(request),
            Method::ListCanisters => Err(no_subnet_admin(&request.method)),
            Method::BitcoinGetBalance
            | Method::BitcoinGetUtxos
            | Method::BitcoinGetBlockHeaders
            | Method::BitcoinGetCurrentFeePercentiles
            | Method::BitcoinSendTransaction => Err(no_bitcoin(&request.method)),
            Method::CreateCanister
            | Method::DepositCycles
            | Method::StopCanister
            | Method::HttpRequest
            | Method::FlexibleHttpRequest
            | Method::VetkdDeriveKey
            | Method::SignWithEcdsa
            | Method::SignWithSchnorr => panic!("BUG: {} takes cycles or is answered later", request.method),
        }
    }

    /// A query of the management canister by a user.
    pub(crate) fn query_management(&mut self, query: &QueryMessage) -> CallResult {
        let result = match query.method_name.as_str() {
            "canister_status" => self.canister_status(query.sender, &query.arg),
            "canister_info" => self.canister_info(&query.arg),
            "fetch_canister_logs" => self.fetch_canister_logs(query.sender, &query.arg),
            "list_canisters" => Err(no_subnet_admin(&query.method_name)),
            unknown => Err(Reject::with_error_code(
                RejectCode::CanisterError,
                "IC0536",
                format!("Query method {unknown} not found."),
            )),
        };
        self.report_native(Principal::management_canister(), &query.method_name, outcome(&result));
        result
    }
}

fn outcome(result: &CallResult) -> Outcome {
    match result {
        Ok(_) => Outcome::Ok,
        Err(reject) => Outcome::Trap(reject.message.clone()),
    }
}

/// The call cannot even be routed when a canister made it.
fn unknown_method(request: &Request) -> Reject {
    let method = &request.method;
    match request.origin {
        Origin::Canister { .. } => Reject::new(
            RejectCode::DestinationInvalid,
            format!("Unable to route management canister request {method}: MethodNotFound(\"{method}\")"),
        ),
        Origin::Ingress(_) | Origin::System => access::no_method(method),
    }
}

fn no_subnet_admin(method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterReject,
        "IC0410",
        format!(
            "Only subnet admins can call ic00 method {method} in non-replicated mode; this subnet has none"
        ),
    )
}

fn no_bitcoin(method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterReject,
        "IC0406",
        format!("{method}: this subnet is connected to no Bitcoin network; call the Bitcoin canister"),
    )
}
