//! How the network words the rejects of messages that do not reach a canister's code.

use candid::Principal;

use crate::canister::{Canister, Status};
use crate::cycles::Prices;
use crate::message::{Reject, RejectCode, RequestId};

pub(crate) fn check_running(id: Principal, status: &Status) -> Result<(), Reject> {
    match status {
        Status::Running => Ok(()),
        Status::Stopping { .. } => Err(Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0509",
            format!("Canister {id} is stopping and takes no calls"),
        )),
        Status::Stopped => Err(Reject::with_error_code(
            RejectCode::CanisterError,
            "IC0508",
            format!("Canister {id} is stopped and takes no calls"),
        )),
    }
}

/// What a subnet says that has no room for another message.
pub(super) fn overloaded() -> Reject {
    Reject::with_error_code(
        RejectCode::SysTransient,
        "IC0201",
        "Subnet is oversubscribed: the call was not delivered; try again later",
    )
}

/// Whether so many cycles can be spent without falling below the freezing threshold. How many are
/// missing is told to controllers only.
pub(crate) fn check_cycles(
    canister: &Canister,
    prices: Prices,
    needed_cycles: u128,
    caller: Principal,
) -> Result<(), Reject> {
    let needed = needed_cycles.saturating_add(canister.freezing_limit_cycles(prices));
    let Some(missing) = needed.checked_sub(canister.balance_cycles).filter(|missing| *missing > 0) else {
        return Ok(());
    };
    Err(Reject::with_error_code(RejectCode::SysTransient, "IC0207", out_of_cycles(canister, missing, caller)))
}

/// Whether enough cycles are there for installing code.
pub(crate) fn check_installation_cycles(
    canister: &Canister,
    prices: Prices,
    needed_cycles: u128,
    caller: Principal,
) -> Result<(), Reject> {
    check_cycles(canister, prices, needed_cycles, caller).map_err(|reject| Reject {
        message: format!("Canister installation failed with `{}`.", reject.message),
        ..reject
    })
}

fn out_of_cycles(canister: &Canister, missing: u128, caller: Principal) -> String {
    let id = canister.id;
    if canister.is_controlled_by(caller) {
        format!(
            "Canister {id} is out of cycles: please top up the canister with at least {missing} additional cycles"
        )
    } else {
        format!("Canister {id} is out of cycles")
    }
}

/// Whether the canister holds enough for its freezing threshold, below which it answers no query.
pub(crate) fn check_not_frozen(canister: &Canister, prices: Prices) -> Result<(), Reject> {
    if canister.balance_cycles >= canister.freezing_limit_cycles(prices) {
        return Ok(());
    }
    Err(Reject::with_error_code(
        RejectCode::SysTransient,
        "IC0207",
        format!(
            "Canister {} is unable to process query calls because it's frozen. Please top up the canister with cycles and try again.",
            canister.id
        ),
    ))
}

pub(crate) fn not_found(id: Principal) -> Reject {
    Reject::with_error_code(RejectCode::DestinationInvalid, "IC0301", format!("Canister {id} not found"))
}

pub(crate) fn no_module(id: Principal) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0537",
        format!("Error from Canister {id}: the canister contains no Wasm module"),
    )
}

pub(crate) fn no_method(id: Principal, kind: &str, method: &str) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0536",
        format!("Error from Canister {id}: Canister has no {kind} method '{method}'"),
    )
}

pub(crate) fn composite_in_replicated_mode() -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0527",
        "Composite query cannot be called in replicated mode",
    )
}

pub(crate) fn did_not_reply(id: Principal) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0506",
        format!("Error from Canister {id}: Canister did not reply to the call"),
    )
}

/// A caller attached less than the callee takes calls for.
pub(crate) fn too_few_cycles(id: Principal, required: u128, attached: u128) -> Reject {
    Reject::new(
        RejectCode::CanisterError,
        format!("Canister {id} requires {required} cycles with a call; attached were {attached}"),
    )
}

/// What callers of a canister whose code is taken away are told.
pub(crate) fn uninstalled(id: Principal) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterReject,
        "IC0406",
        format!("Canister {id} has been uninstalled"),
    )
}

/// A user's message was not begun in time.
pub(crate) fn ingress_expired(id: RequestId) -> Reject {
    Reject::with_error_code(
        RejectCode::SysTransient,
        "IC0202",
        format!("Ingress message {} timed out waiting to start executing.", hex::encode(id.0)),
    )
}

/// A bounded-wait call was not answered in time.
pub(crate) fn deadline_expired() -> Reject {
    Reject::with_error_code(RejectCode::SysUnknown, "IC0601", "Call deadline has expired.")
}

/// A `stop_canister` call waited too long; the canister goes on stopping.
pub(crate) fn stop_timed_out() -> Reject {
    Reject::with_error_code(RejectCode::SysTransient, "IC0206", "Stop canister request timed out")
}
