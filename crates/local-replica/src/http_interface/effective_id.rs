//! The effective canister or subnet id in a request's path, which must fit what the request is about.

use super::response::HttpError;
use crate::message::Principal;
use crate::scheduler::concerned_canister;

/// Where a request was sent, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Canister(Principal),
    Subnet(Principal),
}

impl Destination {
    pub(super) fn id(self) -> Principal {
        let (Self::Canister(id) | Self::Subnet(id)) = self;
        id
    }
}

/// Checks the destination of an update call.
pub(super) fn check_call(
    destination: Destination,
    canister_id: Principal,
    method: &str,
    arg: &[u8],
) -> Result<(), HttpError> {
    let creates = canister_id == Principal::management_canister()
        && matches!(method, "create_canister" | "provisional_create_canister_with_cycles");
    match destination {
        _ if creates => Ok(()),
        Destination::Subnet(_) => Err(HttpError::bad_request(format!(
            "path: at a subnet only canisters can be created, not '{method}' called on {canister_id}"
        ))),
        Destination::Canister(effective) => check_canister(effective, canister_id, method, arg),
    }
}

/// Checks the destination of a query.
pub(super) fn check_query(
    destination: Destination,
    canister_id: Principal,
    method: &str,
    arg: &[u8],
) -> Result<(), HttpError> {
    let lists = canister_id == Principal::management_canister() && method == "list_canisters";
    match destination {
        _ if lists => Ok(()),
        Destination::Subnet(_) => Err(HttpError::bad_request(format!(
            "path: a subnet answers list_canisters only, not '{method}' queried on {canister_id}"
        ))),
        Destination::Canister(effective) => check_canister(effective, canister_id, method, arg),
    }
}

fn check_canister(
    effective: Principal,
    canister_id: Principal,
    method: &str,
    arg: &[u8],
) -> Result<(), HttpError> {
    let concerned = if canister_id == Principal::management_canister() {
        concerned_canister(method, arg).ok_or_else(|| {
            HttpError::bad_request(format!(
                "content.arg: '{method}' of the management canister can be called by users only with a canister_id"
            ))
        })?
    } else {
        canister_id
    };
    if effective == concerned {
        Ok(())
    } else {
        Err(HttpError::bad_request(format!(
            "path: the effective canister id is {effective}, but the request concerns {concerned}; send it to that one"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candid::{CandidType, Encode};

    #[derive(CandidType)]
    struct OnCanister {
        canister_id: Principal,
    }

    #[derive(CandidType)]
    struct OnTargetCanister {
        target_canister: Principal,
    }

    fn canister(byte: u8) -> Principal {
        Principal::from_slice(&[byte, 1, 1])
    }

    fn management() -> Principal {
        Principal::management_canister()
    }

    #[test]
    fn should_take_a_call_at_its_canister_only() {
        let at = |id| check_call(Destination::Canister(id), canister(1), "vote", b"");
        assert!(at(canister(1)).is_ok());
        assert!(at(canister(2)).is_err());
        assert!(check_call(Destination::Subnet(canister(1)), canister(1), "vote", b"").is_err());
    }

    #[test]
    fn should_take_a_management_call_at_the_canister_it_concerns() {
        let stop = Encode!(&OnCanister { canister_id: canister(1) }).expect("encodes");
        let install = Encode!(&OnTargetCanister { target_canister: canister(1) }).expect("encodes");
        for (method, arg) in [("stop_canister", &stop), ("install_chunked_code", &install)] {
            let at = |id| check_call(Destination::Canister(id), management(), method, arg);
            assert!(at(canister(1)).is_ok(), "{method}");
            assert!(at(canister(2)).is_err(), "{method}");
        }
        #[derive(CandidType)]
        struct Long {
            canister_id: Principal,
            more: Vec<()>,
        }
        let long = Encode!(&Long { canister_id: canister(1), more: vec![(); 1 << 18] }).expect("encodes");
        let refused = check_call(Destination::Canister(canister(1)), management(), "stop_canister", &long);
        assert!(refused.is_err(), "reads on for long");
        let raw_rand = check_call(Destination::Canister(management()), management(), "raw_rand", b"DIDL\0\0");
        assert!(raw_rand.is_err());
    }

    #[test]
    fn should_create_canisters_and_list_them_anywhere() {
        for destination in [Destination::Canister(canister(9)), Destination::Subnet(canister(9))] {
            assert!(check_call(destination, management(), "create_canister", b"").is_ok());
            assert!(check_query(destination, management(), "list_canisters", b"").is_ok());
        }
        assert!(check_call(Destination::Subnet(canister(9)), canister(1), "create_canister", b"").is_err());
    }
}
