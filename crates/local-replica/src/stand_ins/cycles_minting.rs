//! The cycles minting canister: it names the subnets on which canisters may be created.

use super::{StandInOps, no_such_method, reply};
use crate::message::{CallResult, Principal};

/// `rkp4c-7iaaa-aaaaa-aaaca-cai`
pub(super) const ID: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 4, 1, 1]);

pub(super) fn answer(method: &str, replica: &dyn StandInOps) -> CallResult {
    match method {
        "get_default_subnets" => reply(vec![replica.subnet_id()]),
        _ => Err(no_such_method(ID, method)),
    }
}
