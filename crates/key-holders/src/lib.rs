//! Threshold keys held by canisters: what holders and those who use a key say to each other, and the two who ask.
//!
//! | module | job |
//! |---|---|
//! | [`interface`] | the Candid types of a holder canister |
//! | [`service`] | the Candid types of a combiner canister |
//! | [`steps`] | the steps of a ceremony, as a coordinator sends them |
//! | [`combiner`] | one ECDH: asks holders in one fan-out, checks and combines |
//! | [`ceremony`] | makes a key, renews its shares, gives a lost share back: every step may be repeated |
//!
//! Neither asker is trusted by the holders: they check caller, quota and freeze themselves. No I/O of its own: calls
//! go through [`Transport`].

pub mod ceremony;
pub mod combiner;
pub mod interface;
pub mod service;
pub mod steps;

use std::future::Future;

use candid::{CandidType, Principal, utils::ArgumentEncoder};
use serde::de::DeserializeOwned;

use interface::HolderError;

/// Why a holder gave no answer to be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// The call was rejected, or nobody knows what became of it.
    #[error("the holder cannot be reached")]
    Unreachable,
    #[error("the holder's answer cannot be read")]
    Unreadable,
    #[error(transparent)]
    Refused(#[from] HolderError),
}

/// How calls reach holders: between canisters, or in a test.
pub trait Transport {
    /// Calls a method of a canister with Candid arguments, and waits a bounded time for its Candid reply.
    ///
    /// # Errors
    /// [`Silence::Unreachable`] if there is no reply.
    fn call(
        &self,
        callee: Principal,
        method: &'static str,
        args: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, Silence>>;
}

/// Asks a holder, of which every method replies a result.
///
/// # Errors
/// [`Silence`]: no reply, none that can be read, or a refusal.
pub async fn ask<T: CandidType + DeserializeOwned>(
    transport: &impl Transport,
    holder: Principal,
    method: &'static str,
    args: impl ArgumentEncoder,
) -> Result<T, Silence> {
    let args = candid::encode_args(args).expect("the interface's types have an encoding");
    let reply = transport.call(holder, method, args).await?;
    let answer: Result<T, HolderError> = candid::decode_one(&reply).map_err(|_| Silence::Unreadable)?;
    Ok(answer?)
}

/// Any of the messages as bytes of CBOR.
pub fn encode(message: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(message, &mut bytes).expect("writing to memory does not fail");
    bytes
}

/// None if the bytes are no such message, or something follows it.
pub fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Option<T> {
    let message = ciborium::from_reader(&mut bytes).ok()?;
    bytes.is_empty().then_some(message)
}
