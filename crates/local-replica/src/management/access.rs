//! Who may call what of the management canister.

use candid::{CandidType, Deserialize, Principal};
use ic_management_canister_types::{SnapshotVisibility, StatusVisibility};

use super::methods::{self, Users};
use super::payload::{decode, invalid};
use crate::canister::Canister;
use crate::message::{IngressMessage, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::{Origin, Request, check_cycles, not_found};

/// The canister that a call is about, in whichever field the method names it.
#[derive(CandidType, Deserialize)]
struct Target {
    canister_id: Option<Principal>,
    target_canister: Option<Principal>,
}

fn target(arg: &[u8]) -> Result<Option<Principal>, Reject> {
    let (target,): (Target,) = decode(arg)?;
    Ok(target.canister_id.or(target.target_canister))
}

impl Replica {
    /// Whether the network would let a user's call of the management canister in.
    pub(crate) fn inspect_management_call(&self, message: &IngressMessage) -> Result<(), Reject> {
        let method = message.method_name.as_str();
        let (_, users) = methods::find(method).ok_or_else(|| no_method(method))?;
        let target = || target(&message.arg)?.ok_or_else(|| invalid("the argument names no canister"));
        let canister = match users {
            Users::Everybody => return Ok(()),
            Users::Nobody => return Err(canisters_only(method)),
            Users::Controllers => self.controlled(message.sender, target()?, method)?,
            Users::StatusViewers => self.status_visible(message.sender, target()?)?,
            Users::SnapshotViewers => self.snapshots_visible(message.sender, target()?, method)?,
        };
        // A frozen canister can still be given settings with which it is not frozen.
        if method == "update_settings" {
            return Ok(());
        }
        let prices = self.subnet.prices;
        check_cycles(canister, prices, prices.ingress(method.len() + message.arg.len()), message.sender)
    }

    /// Lets the canister that a user's call is about pay for receiving it.
    pub(super) fn charge_for_ingress(&mut self, request: &Request) {
        let is_free = matches!(methods::find(&request.method), None | Some((_, Users::Everybody)));
        if is_free || !matches!(request.origin, Origin::Ingress(_)) {
            return;
        }
        let fee = self.subnet.prices.ingress(request.method.len() + request.arg.len());
        if let Ok(Some(id)) = target(&request.arg)
            && let Some(canister) = self.canisters.get_mut(&id)
        {
            canister.balance_cycles = canister.balance_cycles.saturating_sub(fee);
        }
    }

    /// The canister, if its status may be seen by `caller`; always by itself.
    pub(super) fn status_visible(&self, caller: Principal, id: Principal) -> Result<&Canister, Reject> {
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let is_visible = match &canister.settings.status_visibility {
            StatusVisibility::Public => true,
            StatusVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
            StatusVisibility::Controllers => false,
        };
        if is_visible || caller == id {
            return Ok(canister);
        }
        self.controlled(caller, id, "canister_status")
    }

    /// The canister, if its snapshots may be seen by `caller`.
    pub(super) fn snapshots_visible(
        &self,
        caller: Principal,
        id: Principal,
        method: &str,
    ) -> Result<&Canister, Reject> {
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        let is_visible = match &canister.settings.snapshot_visibility {
            SnapshotVisibility::Public => true,
            SnapshotVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
            SnapshotVisibility::Controllers => false,
        };
        if is_visible { Ok(canister) } else { self.controlled(caller, id, method) }
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
        Origin::Ingress(_) | Origin::System => Err(canisters_only(&request.method)),
    }
}

fn canisters_only(method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterReject,
        "IC0406",
        format!("Only canisters can call ic00 method {method}"),
    )
}

pub(super) fn no_method(method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0536",
        format!("Management canister has no method '{method}'"),
    )
}

pub(super) fn not_a_controller(caller: Principal, id: Principal, method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0512",
        format!("Only controllers of canister {id} can call ic00 method {method}; {caller} is none"),
    )
}
