//! Randomness, threshold keys and HTTP outcalls.

use candid::Principal;
use ic_management_canister_types::{
    FlexibleHttpRequestArgs, HttpRequestArgs, SchnorrAlgorithm, SchnorrKeyId, SchnorrPublicKeyArgs,
    SchnorrPublicKeyResult, SignWithSchnorrArgs, SignWithSchnorrResult, VetKDDeriveKeyArgs,
    VetKDDeriveKeyResult, VetKDKeyId, VetKDPublicKeyArgs, VetKDPublicKeyResult,
};
use rand::RngCore;
use serde_bytes::ByteBuf;

use super::Handled;
use super::access::only_canisters;
use super::payload::{decode, invalid, reply};
use crate::message::{CallResult, Reject, RejectCode};
use crate::outcalls::OutcallArgs;
use crate::replica::Replica;
use crate::scheduler::Request;

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
        self.vetkd_price(&args.key_id)?;
        let canister = args.canister_id.unwrap_or(request.caller);
        let public_key = self.vetkd.public_key(canister.as_slice(), &args.context).to_vec();
        reply(VetKDPublicKeyResult { public_key })
    }

    pub(super) fn vetkd_derive_key(&mut self, request: &Request) -> Handled {
        let derived = only_canisters(request).and_then(|()| {
            let (args,): (VetKDDeriveKeyArgs,) = decode(&request.arg)?;
            let price = self.vetkd_price(&args.key_id)?;
            check_paid(request, price)?;
            let encrypted_key = self
                .vetkd
                .derive_key(
                    &mut self.random,
                    request.caller.as_slice(),
                    &args.context,
                    &args.input,
                    &args.transport_public_key,
                )
                .map_err(|error| invalid(error.to_string()))?;
            Ok((price, reply(VetKDDeriveKeyResult { encrypted_key })))
        });
        paid(request, derived)
    }

    pub(super) fn schnorr_public_key(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let (args,): (SchnorrPublicKeyArgs,) = decode(&request.arg)?;
        self.schnorr_price(&args.key_id)?;
        let canister: Principal = args.canister_id.unwrap_or(request.caller);
        let (public_key, chain_code) = self.schnorr.public_key(canister.as_slice(), &args.derivation_path);
        reply(SchnorrPublicKeyResult { public_key, chain_code })
    }

    pub(super) fn sign_with_schnorr(&mut self, request: &Request) -> Handled {
        let signed = only_canisters(request).and_then(|()| {
            let (args,): (SignWithSchnorrArgs,) = decode(&request.arg)?;
            let price = self.schnorr_price(&args.key_id)?;
            check_paid(request, price)?;
            let signature =
                self.schnorr.sign(request.caller.as_slice(), &args.derivation_path, &args.message);
            Ok((price, reply(SignWithSchnorrResult { signature })))
        });
        paid(request, signed)
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

    fn vetkd_price(&self, key: &VetKDKeyId) -> Result<u128, Reject> {
        self.subnet.prices.threshold_key(&key.name).ok_or_else(|| unknown_key("vetKD", &key.name))
    }

    fn schnorr_price(&self, key: &SchnorrKeyId) -> Result<u128, Reject> {
        if key.algorithm != SchnorrAlgorithm::Ed25519 {
            return Err(invalid("key_id: this replica offers the algorithm ed25519 only"));
        }
        self.subnet.prices.threshold_key(&key.name).ok_or_else(|| unknown_key("Schnorr", &key.name))
    }
}

fn paid(request: &Request, outcome: Result<(u128, CallResult), Reject>) -> Handled {
    match outcome {
        Ok((price, result)) => Handled::paid(request, price, result),
        Err(reject) => Handled::free(request, Err(reject)),
    }
}

fn check_paid(request: &Request, price: u128) -> Result<(), Reject> {
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

fn unknown_key(kind: &str, name: &str) -> Reject {
    invalid(format!("key_id: there is no {kind} key '{name}'; known are key_1 and test_key_1"))
}
