//! The Internet Computer itself.

use std::time::Duration;

use candid::{CandidType, Principal, Reserved};
use ic_cdk::call::{Call, CallFailed, CandidDecodeFailed, Error, Response};
use ic_cdk_management_canister::{
    CostHttpRequestV2Args, HttpOutcallType, HttpRequestResult, SchnorrAlgorithm, SchnorrKeyId,
    SchnorrPublicKeyArgs, SignCallError, SignWithSchnorrArgs, VetKDCurve, VetKDDeriveKeyArgs, VetKDKeyId,
    VetKDPublicKeyArgs, cost_http_request_v2, cost_sign_with_schnorr, cost_vetkd_derive_key, raw_rand,
    schnorr_public_key, sign_with_schnorr, vetkd_derive_key, vetkd_public_key,
};
use registry_protocols::http::HttpAnswer;
use release_types::artifact::{ArtifactChunk, ArtifactChunkArgs};
use serde::de::DeserializeOwned;

use crate::{
    artifact_source,
    outcall::{self, EncodedOutcall},
    runtime::{CallError, DerivationRequest, Runtime, SigningRequest},
    tasks::{self, Task},
};

/// Longest wait for a chunk from another canister, in seconds. Bounded, because the source is not ours.
const CHUNK_TIMEOUT_S: u32 = 60;

/// The runtime of the deployed canister.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcRuntime;

impl From<CallFailed> for CallError {
    fn from(error: CallFailed) -> Self {
        match error {
            CallFailed::InsufficientLiquidCycleBalance(_) | CallFailed::CallPerformFailed(_) => {
                Self::NotPerformed
            }
            CallFailed::CallRejected(rejection)
                if outcall::is_size_rejection(rejection.raw_reject_code(), rejection.reject_message()) =>
            {
                Self::AnswerTooLarge
            }
            CallFailed::CallRejected(rejection) => Self::Rejected { code: rejection.raw_reject_code() },
        }
    }
}

impl From<CandidDecodeFailed> for CallError {
    fn from(_: CandidDecodeFailed) -> Self {
        Self::Undecodable
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::InsufficientLiquidCycleBalance(_) | Error::CallPerformFailed(_) => Self::NotPerformed,
            Error::CallRejected(rejection) => Self::Rejected { code: rejection.raw_reject_code() },
            Error::CandidDecodeFailed(_) => Self::Undecodable,
        }
    }
}

impl From<SignCallError> for CallError {
    fn from(error: SignCallError) -> Self {
        match error {
            SignCallError::SignCostError(_) => Self::NotPerformed,
            SignCallError::CallFailed(failed) => failed.into(),
            SignCallError::CandidDecodeFailed(failed) => failed.into(),
        }
    }
}

fn decoded<T: CandidType + DeserializeOwned>(response: &Response) -> Result<T, CallError> {
    Ok(response.candid()?)
}

fn vetkd_key(name: &str) -> VetKDKeyId {
    VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: name.to_owned() }
}

fn schnorr_key(name: &str) -> SchnorrKeyId {
    SchnorrKeyId { algorithm: SchnorrAlgorithm::Ed25519, name: name.to_owned() }
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

    fn signature_cost_cycles(&self, key_name: &str) -> Option<u128> {
        cost_sign_with_schnorr(&SignWithSchnorrArgs {
            message: Vec::new(),
            derivation_path: Vec::new(),
            key_id: schnorr_key(key_name),
            aux: None,
        })
        .ok()
    }

    fn outcall_cost_cycles(&self, outcall: &EncodedOutcall) -> u128 {
        let size = outcall.size;
        cost_http_request_v2(&CostHttpRequestV2Args {
            request_bytes: size.request_bytes,
            http_roundtrip_time_ms: size.round_trip_ms,
            raw_response_bytes: size.answer_bytes,
            transformed_response_bytes: size.reduced_answer_bytes,
            transform_instructions: size.transform_instructions,
            outcall_type: (!outcall.is_replicated).then_some(HttpOutcallType::NonReplicated(Reserved)),
        })
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        ic_cdk_timers::set_timer(delay, tasks::run(*self, task));
    }

    fn wake_timers(&self) {
        ic_cdk::api::global_timer_set(ic_cdk::api::time());
    }

    fn certify(&self, root: [u8; 32]) {
        ic_cdk::api::certified_data_set(root);
    }

    fn log(&self, line: &str) {
        ic_cdk::api::debug_print(line);
    }

    async fn random_bytes(&self) -> Result<Vec<u8>, CallError> {
        Ok(raw_rand().await?)
    }

    async fn derived_public_key(&self, key_name: &str, context: &[u8]) -> Result<Vec<u8>, CallError> {
        let args =
            VetKDPublicKeyArgs { canister_id: None, context: context.to_vec(), key_id: vetkd_key(key_name) };
        Ok(vetkd_public_key(&args).await?.public_key)
    }

    async fn derive_key(&self, request: DerivationRequest) -> Result<Vec<u8>, CallError> {
        let args = VetKDDeriveKeyArgs {
            input: request.input,
            context: request.context,
            transport_public_key: request.transport_public_key,
            key_id: vetkd_key(&request.key_name),
        };
        Ok(vetkd_derive_key(&args).await?.encrypted_key)
    }

    async fn signing_public_key(
        &self,
        key_name: &str,
        derivation_path: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, CallError> {
        let args = SchnorrPublicKeyArgs { canister_id: None, derivation_path, key_id: schnorr_key(key_name) };
        Ok(schnorr_public_key(&args).await?.public_key)
    }

    async fn sign(&self, request: SigningRequest) -> Result<Vec<u8>, CallError> {
        let args = SignWithSchnorrArgs {
            message: request.message,
            derivation_path: request.derivation_path,
            key_id: schnorr_key(&request.key_name),
            aux: None,
        };
        Ok(sign_with_schnorr(&args).await?.signature)
    }

    async fn artifact_chunk(
        &self,
        source: Principal,
        args: ArtifactChunkArgs,
    ) -> Result<Option<ArtifactChunk>, CallError> {
        let response = Call::bounded_wait(source, artifact_source::METHOD)
            .with_arg(args)
            .change_timeout(CHUNK_TIMEOUT_S)
            .await?;
        artifact_source::decode_answer(response.as_ref()).map_err(|_| CallError::Undecodable)
    }

    /// The arguments are owned by the call alone, which drops them as soon as the system has its copy: before the
    /// await returns to us, not after. The wait is unbounded, so that the subnet's word is final.
    async fn send(&self, outcall: EncodedOutcall) -> Result<HttpAnswer, CallError> {
        let cycles = self.outcall_cost_cycles(&outcall);
        let response = Call::unbounded_wait(Principal::management_canister(), "http_request")
            .take_raw_args(outcall.into_args())
            .with_cycles(cycles)
            .await?;
        Ok(outcall::answer(decoded::<HttpRequestResult>(&response)?))
    }
}
