//! Deriving a decryption key: fresh randomness, a transport key from it, the derivation under that transport key.
//!
//! [`derive`] is the only way to a key. It writes down what the derivation is for before it asks, and nothing is
//! derived for a credential that is frozen.

use release_types::CredentialId;
use sealing::DerivationContext;

use crate::{
    runtime::{CallError, DerivationRequest, Runtime},
    state::{Event, event::DerivationPurpose, process_event, read_state},
    storage,
    vault::{DeliveredKey, SealedCredential, TransportKey},
};

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// The credential is frozen: before the derivation, which then was not asked for, or since.
    Frozen,
    /// The subnet did not deliver.
    NotDelivered,
}

impl From<CallError> for NoKey {
    fn from(_: CallError) -> Self {
        Self::NotDelivered
    }
}

/// Whether nothing may be derived for the credential now: it is frozen, or an upgrade is under way.
pub fn is_frozen(credential: &CredentialId) -> bool {
    read_state(|state| state.is_frozen(credential))
}

/// Derives the key that opens the credential of `purpose`.
///
/// # Errors
/// If the credential is frozen, also if that happened while the key was on its way, or the subnet does not deliver.
pub async fn derive<R: Runtime>(runtime: &R, purpose: DerivationPurpose) -> Result<DeliveredKey, NoKey> {
    let credential = purpose.credential();
    if is_frozen(&credential) {
        return Err(NoKey::Frozen);
    }
    process_event(runtime, Event::BoundDerivation { purpose });
    let seed = runtime.random_bytes().await?;
    // Nothing was asked for yet, so a freeze that arrived meanwhile is still in time.
    if is_frozen(&credential) {
        return Err(NoKey::Frozen);
    }
    let transport = TransportKey::from_seed(seed).map_err(|_| NoKey::NotDelivered)?;
    let request = DerivationRequest {
        key_name: read_state(|state| state.key_name().to_owned()),
        context: DerivationContext::CredentialSealing.to_bytes(),
        input: credential.0.as_bytes().to_vec(),
        transport_public_key: transport.public_key(),
    };
    let encrypted = runtime.derive_key(request).await?;
    if is_frozen(&credential) {
        return Err(NoKey::Frozen);
    }
    Ok(DeliveredKey { encrypted, transport })
}

/// The credential with what is needed to open it; none if it is gone or the sealing key is not known yet.
pub fn sealed_credential(id: &CredentialId) -> Option<SealedCredential> {
    let (policy, sealing_key) =
        read_state(|state| Some((state.credential(id)?.policy().clone(), state.sealing_key()?.to_vec())))?;
    Some(SealedCredential { policy, sealed_token: storage::sealed_token(id)?, sealing_key })
}

/// Whether a derivation can be paid for now, and this much after it.
pub fn can_pay<R: Runtime>(runtime: &R, afterwards_cycles: u128) -> bool {
    let cost = read_state(|state| runtime.derivation_cost_cycles(state.key_name()));
    cost.is_some_and(|cost_cycles| runtime.liquid_cycles() > cost_cycles.saturating_add(afterwards_cycles))
}
