//! Who may call what of the management canister.

use candid::{CandidType, Deserialize, Principal};

use super::payload::decode;
use crate::canister::Canister;
use crate::message::{IngressMessage, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::{Origin, Request, not_found};

/// Methods that users may call without controlling anything.
const OPEN_TO_USERS: [&str; 2] = ["provisional_create_canister_with_cycles", "provisional_top_up_canister"];

/// Methods that users may call on canisters that they control.
const OPEN_TO_CONTROLLERS: [&str; 12] = [
    "install_code",
    "install_chunked_code",
    "uninstall_code",
    "upload_chunk",
    "stored_chunks",
    "clear_chunk_store",
    "update_settings",
    "start_canister",
    "stop_canister",
    "delete_canister",
    "canister_status",
    "canister_metadata",
];

/// The canister that a call is about, in whichever field the method names it.
#[derive(CandidType, Deserialize)]
struct Target {
    canister_id: Option<Principal>,
    target_canister: Option<Principal>,
}

impl Replica {
    /// Whether the network would let a user's call of the management canister in.
    pub(crate) fn inspect_management_call(&self, message: &IngressMessage) -> Result<(), Reject> {
        let method = message.method_name.as_str();
        if OPEN_TO_USERS.contains(&method) {
            return Ok(());
        }
        if !OPEN_TO_CONTROLLERS.contains(&method) {
            return Err(Reject::with_error_code(
                RejectCode::CanisterReject,
                "IC0406",
                format!("Management canister: users cannot call '{method}'"),
            ));
        }
        let (target,): (Target,) = decode(&message.arg)?;
        let id = target
            .canister_id
            .or(target.target_canister)
            .ok_or_else(|| super::payload::invalid("the argument names no canister"))?;
        self.controlled(message.sender, id, method).map(|_| ())
    }

    /// The canister, if `caller` controls it.
    pub(super) fn controlled(
        &self,
        caller: Principal,
        id: Principal,
        method: &str,
    ) -> Result<&Canister, Reject> {
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        if canister.is_controlled_by(caller) {
            Ok(canister)
        } else {
            Err(not_a_controller(caller, id, method))
        }
    }

    /// The canister, if the caller of this request controls it.
    pub(super) fn controlled_mut(
        &mut self,
        request: &Request,
        id: Principal,
    ) -> Result<&mut Canister, Reject> {
        self.controlled(request.caller, id, &request.method)?;
        self.canisters.get_mut(&id).ok_or_else(|| not_found(id))
    }
}

/// Refuses methods that only canisters may call.
pub(super) fn only_canisters(request: &Request) -> Result<(), Reject> {
    match request.origin {
        Origin::Canister { .. } => Ok(()),
        Origin::Ingress(_) | Origin::System => Err(Reject::with_error_code(
            RejectCode::CanisterReject,
            "IC0406",
            format!("Management canister: only canisters can call '{}'", request.method),
        )),
    }
}

pub(super) fn not_a_controller(caller: Principal, id: Principal, method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0512",
        format!("Only controllers of canister {id} can call ic00 method {method}; {caller} is none"),
    )
}
