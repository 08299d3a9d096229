//! The Internet Computer itself.

use candid::Principal;
use ic_cdk_management_canister::{
    VetKDCurve, VetKDDeriveKeyArgs, VetKDKeyId, VetKDPublicKeyArgs, cost_vetkd_derive_key, raw_rand,
    vetkd_derive_key, vetkd_public_key,
};

use crate::runtime::{CallFailed, DerivationRequest, Runtime};

/// The runtime of the deployed canister.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcRuntime;

fn vetkd_key(name: &str) -> VetKDKeyId {
    VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: name.to_owned() }
}

impl Runtime for IcRuntime {
    fn time_ns(&self) -> u64 {
        ic_cdk::api::time()
    }

    fn canister_self(&self) -> Principal {
        ic_cdk::api::canister_self()
    }

    fn liquid_cycles(&self) -> u128 {
        ic_cdk::api::canister_liquid_cycle_balance()
    }

    fn derivation_cost_cycles(&self, key_name: &str) -> Option<u128> {
        cost_vetkd_derive_key(&VetKDDeriveKeyArgs {
            input: Vec::new(),
            context: Vec::new(),
            transport_public_key: Vec::new(),
            key_id: vetkd_key(key_name),
        })
        .ok()
    }

    fn certify(&self, root: [u8; 32]) {
        ic_cdk::api::certified_data_set(root);
    }

    async fn random_bytes(&self) -> Result<Vec<u8>, CallFailed> {
        raw_rand().await.map_err(|_| CallFailed)
    }

    async fn derived_public_key(&self, key_name: &str, context: &[u8]) -> Result<Vec<u8>, CallFailed> {
        let args =
            VetKDPublicKeyArgs { canister_id: None, context: context.to_vec(), key_id: vetkd_key(key_name) };
        vetkd_public_key(&args).await.map(|answer| answer.public_key).map_err(|_| CallFailed)
    }

    async fn derive_key(&self, request: DerivationRequest) -> Result<Vec<u8>, CallFailed> {
        let args = VetKDDeriveKeyArgs {
            input: request.input,
            context: request.context,
            transport_public_key: request.transport_public_key,
            key_id: vetkd_key(&request.key_name),
        };
        vetkd_derive_key(&args).await.map(|answer| answer.encrypted_key).map_err(|_| CallFailed)
    }
}
