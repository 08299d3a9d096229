//! Randomness, vetKD and HTTP outcalls.

use candid::Principal;
use ic_management_canister_types::{
    FlexibleHttpRequestArgs, HttpRequestArgs, VetKDDeriveKeyArgs, VetKDDeriveKeyResult, VetKDKeyId,
    VetKDPublicKeyArgs, VetKDPublicKeyResult,
};
use rand::RngCore;
use serde_bytes::ByteBuf;

use super::Handled;
use super::access::only_canisters;
use super::payload::{decode, invalid, reply};
use crate::message::{CallResult, Reject, RejectCode};
use crate::outcalls::OutcallArgs;
use crate::replica::{Replica, is_canister_id};
use crate::scheduler::Request;
use crate::threshold::VetKdError;

impl Replica {
    pub(super) fn raw_rand(&mut self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let mut bytes = vec![0; 32];
        self.random.fill_bytes(&mut bytes);
        reply(ByteBuf::from(bytes))
    }

    pub(super) fn vetkd_public_key(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let (args,): (VetKDPublicKeyArgs,) = decode(&request.arg)?;
        self.vetkd_price(request, &args.key_id)?;
        let canister = own_or_given(request, args.canister_id)?;
        let public_key = self.vetkd.public_key(canister.as_slice(), &args.context).to_vec();
        reply(VetKDPublicKeyResult { public_key })
    }

    pub(super) fn vetkd_derive_key(&mut self, request: &Request) -> Handled {
        let derived = only_canisters(request).and_then(|()| {
            let (args,): (VetKDDeriveKeyArgs,) = decode(&request.arg)?;
            let price = self.vetkd_price(request, &args.key_id)?;
            check_paid(request, price)?;
            let failing_shares = self.failing_shares();
            let derived = self.vetkd.derive_key(
                &mut self.random,
                request.caller.as_slice(),
                &args.context,
                &args.input,
                &args.transport_public_key,
                &failing_shares,
            );
            Ok((price, derived))
        });
        match derived {
            Err(reject) => Handled::free(request, Err(reject)),
            Ok((_, Err(VetKdError::TooFewShares { .. }))) => Handled::AwaitsShares,
            Ok((_, Err(error))) => Handled::free(request, Err(invalid(error.to_string()))),
            Ok((price, Ok(encrypted_key))) => {
                Handled::paid(request, price, reply(VetKDDeriveKeyResult { encrypted_key }))
            }
        }
    }

    pub(super) fn http_request(&mut self, request: &Request) -> Handled {
        self.outcall(request, |arg| decode(arg).map(|(args,): (HttpRequestArgs,)| OutcallArgs::Http(args)))
    }

    pub(super) fn flexible_http_request(&mut self, request: &Request) -> Handled {
        self.outcall(request, |arg| {
            decode(arg).map(|(args,): (FlexibleHttpRequestArgs,)| OutcallArgs::Flexible(args))
        })
    }

    fn outcall(
        &mut self,
        request: &Request,
        decode: impl FnOnce(&[u8]) -> Result<OutcallArgs, Reject>,
    ) -> Handled {
        let started = only_canisters(request)
            .and_then(|()| decode(&request.arg))
            .and_then(|args| self.start_outcall(request, args));
        match started {
            Ok(()) => Handled::Later,
            Err(reject) => Handled::free(request, Err(reject)),
        }
    }

    fn vetkd_price(&self, request: &Request, key: &VetKDKeyId) -> Result<u128, Reject> {
        self.subnet
            .prices
            .threshold_key(&key.name)
            .ok_or_else(|| unknown_key(request, &format!("vetkd:{:?}", key.curve), &key.name))
    }
}

/// Refuses a request that does not bring its price.
pub(super) fn check_paid(request: &Request, price: u128) -> Result<(), Reject> {
    if request.cycles < price {
        return Err(Reject::with_error_code(
            RejectCode::CanisterReject,
            "IC0406",
            format!(
                "{} request sent with {} cycles, but {price} cycles are required.",
                request.method, request.cycles
            ),
        ));
    }
    Ok(())
}

/// The canister whose key is asked for: the caller, unless another one is named.
pub(super) fn own_or_given(request: &Request, canister: Option<Principal>) -> Result<Principal, Reject> {
    match canister {
        None => Ok(request.caller),
        Some(id) if is_canister_id(id) => Ok(id),
        Some(id) => Err(invalid(format!("canister_id: {id} is no canister id; name a canister"))),
    }
}

pub(super) fn unknown_key(request: &Request, kind: &str, name: &str) -> Reject {
    Reject::new(
        RejectCode::DestinationInvalid,
        format!(
            "Unable to route management canister request {}: ChainKeyError(\"Requested unknown or disabled \
             threshold key: {kind}:{name}, existing enabled keys: [{kind}:key_1, {kind}:test_key_1]\")",
            request.method
        ),
    )
}
