//! Everything a canister cannot compute by itself: clock, cycles, timers and calls, behind one trait.
//!
//! Production is [`IcRuntime`](ic::IcRuntime); tests put a stub in its place. No error carries a text, because a
//! text could come from a hostile peer and end up in a log.

pub mod ic;

use std::{future::Future, time::Duration};

use candid::Principal;
use registry_protocols::http::HttpAnswer;
use release_types::artifact::{ArtifactChunk, ArtifactChunkArgs};

use crate::{outcall::EncodedOutcall, tasks::Task};

/// Why a call brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It never left this canister: too few cycles, or a full queue.
    NotPerformed,
    /// It was rejected, with this code of the interface specification. Says nothing about what happened beyond the
    /// callee: a rejected outcall may well have reached its server.
    Rejected { code: u32 },
    /// An outcall's answer, or what the transform made of it, exceeds its limit: the subnet says so.
    AnswerTooLarge,
    /// There was an answer, but not of the expected type.
    Undecodable,
}

/// What a key derivation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivationRequest {
    pub key_name: String,
    pub context: Vec<u8>,
    pub input: Vec<u8>,
    /// 48 bytes, BLS12-381 G1.
    pub transport_public_key: Vec<u8>,
}

/// What a threshold signature is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRequest {
    pub key_name: String,
    pub derivation_path: Vec<Vec<u8>>,
    pub message: Vec<u8>,
}

/// The canister's surroundings.
pub trait Runtime: Clone + 'static {
    /// Nanoseconds since the Unix epoch; constant within a message.
    fn time_ns(&self) -> u64;
    fn canister_self(&self) -> Principal;
    /// Cycles that may be spent without freezing.
    fn liquid_cycles(&self) -> u128;
    /// Price of one key derivation; none if there is no key of that name.
    fn derivation_cost_cycles(&self, key_name: &str) -> Option<u128>;
    /// Price of one threshold Ed25519 signature; none if there is no key of that name.
    fn signature_cost_cycles(&self, key_name: &str) -> Option<u128>;
    /// Cycles to attach to an outcall.
    fn outcall_cost_cycles(&self, outcall: &EncodedOutcall) -> u128;
    /// Runs a task in a message of its own. Timers do not survive upgrades.
    fn set_timer(&self, delay: Duration, task: Task);
    /// Has the system look for due timers at once, whatever it had noted.
    fn wake_timers(&self);
    /// Has the subnet certify this root.
    fn certify(&self, root: [u8; 32]);
    /// A line for the operators' log.
    fn log(&self, line: &str);

    /// 32 unpredictable bytes.
    fn random_bytes(&self) -> impl Future<Output = Result<Vec<u8>, CallError>>;
    /// This canister's vetKD public key in a context (96 bytes).
    fn derived_public_key(
        &self,
        key_name: &str,
        context: &[u8],
    ) -> impl Future<Output = Result<Vec<u8>, CallError>>;
    /// A vetKey, encrypted to the transport key (192 bytes).
    fn derive_key(&self, request: DerivationRequest) -> impl Future<Output = Result<Vec<u8>, CallError>>;
    /// This canister's Ed25519 public key at a derivation path (32 bytes).
    fn signing_public_key(
        &self,
        key_name: &str,
        derivation_path: Vec<Vec<u8>>,
    ) -> impl Future<Output = Result<Vec<u8>, CallError>>;
    /// A threshold Ed25519 signature (64 bytes).
    fn sign(&self, request: SigningRequest) -> impl Future<Output = Result<Vec<u8>, CallError>>;
    /// One chunk of an artifact from the canister that keeps it; none if it says that it has no such chunk.
    fn artifact_chunk(
        &self,
        source: Principal,
        args: ArtifactChunkArgs,
    ) -> impl Future<Output = Result<Option<ArtifactChunk>, CallError>>;
    /// Sends an HTTPS outcall; the arguments are gone from memory once it is under way.
    fn send(&self, outcall: EncodedOutcall) -> impl Future<Output = Result<HttpAnswer, CallError>>;
}
