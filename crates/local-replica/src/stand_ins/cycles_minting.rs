//! The cycles minting canister: it names the subnets on which canisters may be created, and a rate.

use super::{Call, StandInOps, reply};
use crate::message::{CallResult, Principal};
use candid::CandidType;

/// `rkp4c-7iaaa-aaaaa-aaaca-cai`
pub(super) const ID: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 4, 1, 1]);

/// What an ICP is said to be worth, in ten-thousandths of an XDR: 3 XDR, as nobody trades here.
const XDR_PERMYRIAD_PER_ICP: u64 = 30_000;

#[derive(CandidType)]
struct SubnetTypes {
    data: Vec<(String, Vec<Principal>)>,
}

#[derive(CandidType)]
struct Rate {
    xdr_permyriad_per_icp: u64,
    timestamp_seconds: u64,
}

/// The rate as it is told; it is not certified here.
#[derive(CandidType)]
struct RateResponse {
    data: Rate,
    hash_tree: Vec<u8>,
    certificate: Vec<u8>,
}

/// Answers a method that changes nothing, and there are no others; `None` when there is no such.
pub(super) fn query(call: &Call<'_>, replica: &dyn StandInOps) -> Option<CallResult> {
    Some(match call.method {
        "get_default_subnets" => reply(vec![replica.subnet_id()]),
        "get_subnet_types_to_subnets" => reply(SubnetTypes { data: vec![] }),
        "get_icp_xdr_conversion_rate" => reply(RateResponse {
            data: Rate {
                xdr_permyriad_per_icp: XDR_PERMYRIAD_PER_ICP,
                timestamp_seconds: replica.time_ns() / 1_000_000_000,
            },
            hash_tree: vec![],
            certificate: vec![],
        }),
        _ => return None,
    })
}
