//! Deriving an owner's key: fresh randomness, a transport key from it, the derivation under that transport key.
//!
//! [`derive`] is the only way to a key. It writes down what the derivation is for before it asks.

use sealing::DerivationContext;
use serde_bytes::ByteBuf;

use crate::{
    runtime::{CallFailed, DerivationRequest, Runtime},
    state::{DerivationPurpose, Event, process_event, read_state},
    vault::{DeliveredKey, InvalidKey, TransportKey},
};

/// Cycles that derivations never touch, so that what is stored stays.
const RESERVE_CYCLES: u128 = 100_000_000_000;

/// There is no key: too few cycles, or the subnet did not deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDelivered;

impl From<CallFailed> for NotDelivered {
    fn from(_: CallFailed) -> Self {
        Self
    }
}

impl From<InvalidKey> for NotDelivered {
    fn from(_: InvalidKey) -> Self {
        Self
    }
}

/// Derives the key that `purpose` needs.
///
/// # Errors
/// [`NotDelivered`].
pub async fn derive<R: Runtime>(
    runtime: &R,
    purpose: DerivationPurpose,
) -> Result<DeliveredKey, NotDelivered> {
    let verification_key = verification_key(runtime).await?;
    let key_name = read_state(|state| state.key_name().to_owned());
    let cost_cycles = runtime.derivation_cost_cycles(&key_name).ok_or(NotDelivered)?;
    if runtime.liquid_cycles() < cost_cycles.saturating_add(RESERVE_CYCLES) {
        return Err(NotDelivered);
    }
    let owner = purpose.owner().clone();
    process_event(runtime, Event::BoundDerivation { purpose });
    let transport = TransportKey::from_random(runtime.random_bytes().await?)?;
    let request = DerivationRequest {
        key_name,
        context: DerivationContext::ContentKeys.to_bytes(),
        input: owner.as_str().as_bytes().to_vec(),
        transport_public_key: transport.public_key(),
    };
    let encrypted = runtime.derive_key(request).await?;
    Ok(DeliveredKey { encrypted, transport, verification_key, owner })
}

/// The public key that derived keys are checked with, learned from the subnet once.
async fn verification_key<R: Runtime>(runtime: &R) -> Result<Vec<u8>, NotDelivered> {
    let known = || read_state(|state| state.verification_key().map(|key| key.to_vec()));
    if let Some(key) = known() {
        return Ok(key);
    }
    let key_name = read_state(|state| state.key_name().to_owned());
    let context = DerivationContext::ContentKeys.to_bytes();
    let key = runtime.derived_public_key(&key_name, &context).await?;
    if known().is_none() {
        process_event(runtime, Event::LearnedVerificationKey { key: ByteBuf::from(key.clone()) });
    }
    Ok(key)
}
