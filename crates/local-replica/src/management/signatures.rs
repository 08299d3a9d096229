//! Threshold signatures: ECDSA over secp256k1, Schnorr as BIP-340 and Ed25519.

use candid::Principal;
use ic_management_canister_types::{
    EcdsaCurve, EcdsaKeyId, EcdsaPublicKeyArgs, EcdsaPublicKeyResult, SchnorrAlgorithm, SchnorrAux,
    SchnorrKeyId, SchnorrPublicKeyArgs, SchnorrPublicKeyResult, SignWithEcdsaArgs, SignWithEcdsaResult,
    SignWithSchnorrArgs, SignWithSchnorrResult,
};

use super::Handled;
use super::access::only_canisters;
use super::keys::{check_paid, own_or_given, unknown_key};
use super::payload::{decode, invalid, reply};
use super::shares::ShareKind;
use crate::message::{CallResult, Reject};
use crate::replica::Replica;
use crate::scheduler::Request;

const MAX_PATH_ELEMENTS: usize = 255;

impl Replica {
    pub(super) fn ecdsa_public_key(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let (args,): (EcdsaPublicKeyArgs,) = decode(&request.arg)?;
        self.ecdsa_price(request, &args.key_id)?;
        check_path(&args.derivation_path)?;
        let canister = own_or_given(request, args.canister_id)?;
        let (public_key, chain_code) = self.ecdsa.public_key(canister.as_slice(), &args.derivation_path);
        reply(EcdsaPublicKeyResult { public_key, chain_code })
    }

    pub(super) fn sign_with_ecdsa(&mut self, request: &Request) -> Handled {
        let prepared = only_canisters(request).and_then(|()| {
            let (args,): (SignWithEcdsaArgs,) = decode(&request.arg)?;
            let price = self.ecdsa_price(request, &args.key_id)?;
            check_paid(request, price)?;
            check_path(&args.derivation_path)?;
            let hash = <[u8; 32]>::try_from(args.message_hash.as_slice()).map_err(|_| {
                invalid(format!("message_hash has {} bytes; it must have 32", args.message_hash.len()))
            })?;
            Ok((price, args.derivation_path, hash))
        });
        match prepared {
            Err(reject) => Handled::free(request, Err(reject)),
            Ok(_) if !self.enough_shares(ShareKind::Signature) => Handled::AwaitsShares,
            Ok((price, path, hash)) => {
                let signature = self.ecdsa.sign_ecdsa(request.caller.as_slice(), &path, &hash);
                Handled::paid(request, price, reply(SignWithEcdsaResult { signature }))
            }
        }
    }

    pub(super) fn schnorr_public_key(&self, request: &Request) -> CallResult {
        only_canisters(request)?;
        let (args,): (SchnorrPublicKeyArgs,) = decode(&request.arg)?;
        self.schnorr_price(request, &args.key_id)?;
        check_path(&args.derivation_path)?;
        let canister = own_or_given(request, args.canister_id)?;
        let (public_key, chain_code) = match args.key_id.algorithm {
            SchnorrAlgorithm::Ed25519 => self.schnorr.public_key(canister.as_slice(), &args.derivation_path),
            SchnorrAlgorithm::Bip340secp256k1 => {
                self.bip340.public_key(canister.as_slice(), &args.derivation_path)
            }
        };
        reply(SchnorrPublicKeyResult { public_key, chain_code })
    }

    pub(super) fn sign_with_schnorr(&mut self, request: &Request) -> Handled {
        let prepared = only_canisters(request).and_then(|()| {
            let (args,): (SignWithSchnorrArgs,) = decode(&request.arg)?;
            let price = self.schnorr_price(request, &args.key_id)?;
            check_paid(request, price)?;
            check_path(&args.derivation_path)?;
            check_aux(&args)?;
            Ok((price, args))
        });
        match prepared {
            Err(reject) => Handled::free(request, Err(reject)),
            Ok(_) if !self.enough_shares(ShareKind::Signature) => Handled::AwaitsShares,
            Ok((price, args)) => {
                let signature = self.schnorr_signature(request.caller, &args);
                Handled::paid(request, price, signature)
            }
        }
    }

    fn schnorr_signature(&mut self, canister: Principal, args: &SignWithSchnorrArgs) -> CallResult {
        let (canister, path) = (canister.as_slice(), &args.derivation_path);
        let signature = match args.key_id.algorithm {
            SchnorrAlgorithm::Ed25519 => self.schnorr.sign(canister, path, &args.message),
            SchnorrAlgorithm::Bip340secp256k1 => {
                let merkle_root =
                    args.aux.as_ref().map(|SchnorrAux::Bip341(aux)| aux.merkle_root_hash.as_slice());
                self.bip340
                    .sign_bip340(&mut self.random, canister, path, &args.message, merkle_root)
                    .map_err(|error| invalid(format!("aux: {error}")))?
            }
        };
        reply(SignWithSchnorrResult { signature })
    }

    fn ecdsa_price(&self, request: &Request, key: &EcdsaKeyId) -> Result<u128, Reject> {
        let price = match key.curve {
            EcdsaCurve::Secp256k1 => self.subnet.prices.threshold_key(&key.name),
            EcdsaCurve::Secp256r1 => None,
        };
        price.ok_or_else(|| unknown_key(request, &format!("ecdsa:{:?}", key.curve), &key.name))
    }

    fn schnorr_price(&self, request: &Request, key: &SchnorrKeyId) -> Result<u128, Reject> {
        self.subnet
            .prices
            .threshold_key(&key.name)
            .ok_or_else(|| unknown_key(request, &format!("schnorr:{:?}", key.algorithm), &key.name))
    }
}

fn check_path(path: &[Vec<u8>]) -> Result<(), Reject> {
    if path.len() > MAX_PATH_ELEMENTS {
        return Err(invalid(format!(
            "derivation_path has {} elements; allowed are at most {MAX_PATH_ELEMENTS}",
            path.len()
        )));
    }
    Ok(())
}

fn check_aux(args: &SignWithSchnorrArgs) -> Result<(), Reject> {
    match (&args.aux, args.key_id.algorithm) {
        (None, _) => Ok(()),
        (Some(SchnorrAux::Bip341(aux)), SchnorrAlgorithm::Bip340secp256k1)
            if matches!(aux.merkle_root_hash.len(), 0 | 32) =>
        {
            Ok(())
        }
        (Some(SchnorrAux::Bip341(aux)), SchnorrAlgorithm::Bip340secp256k1) => Err(invalid(format!(
            "aux: merkle_root_hash has {} bytes; allowed are 0 and 32",
            aux.merkle_root_hash.len()
        ))),
        (Some(_), SchnorrAlgorithm::Ed25519) => {
            Err(invalid("aux: bip341 is allowed for the algorithm bip340secp256k1 only; leave it out"))
        }
    }
}
