//! Everything a canister cannot compute by itself: clock, cycles and calls, behind one trait.
//!
//! Production is [`IcRuntime`](ic::IcRuntime); tests put a stub in its place.

pub mod ic;

use std::future::Future;

use candid::Principal;

/// A call brought no answer. Says no more: nothing depends on why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailed;

/// What a key derivation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivationRequest {
    pub key_name: String,
    pub context: Vec<u8>,
    pub input: Vec<u8>,
    /// 48 bytes, BLS12-381 G1.
    pub transport_public_key: Vec<u8>,
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
    /// Has the subnet certify this root.
    fn certify(&self, root: [u8; 32]);

    /// 32 unpredictable bytes.
    fn random_bytes(&self) -> impl Future<Output = Result<Vec<u8>, CallFailed>>;
    /// This canister's vetKD public key in a context (96 bytes).
    fn derived_public_key(
        &self,
        key_name: &str,
        context: &[u8],
    ) -> impl Future<Output = Result<Vec<u8>, CallFailed>>;
    /// A vetKey, encrypted to the transport key (192 bytes).
    fn derive_key(&self, request: DerivationRequest) -> impl Future<Output = Result<Vec<u8>, CallFailed>>;
}
