//! Deriving a decryption key: fresh randomness, a transport key from it, the derivation under that transport key.
//!
//! Every caller first writes down what the derivation is for ([`crate::state::Event::BoundDerivation`]).

use release_types::CredentialId;
use sealing::DerivationContext;

use crate::{
    runtime::{CallError, DerivationRequest, Runtime},
    state::read_state,
    storage,
    vault::{DeliveredKey, SealedCredential, TransportKey},
};

/// Derives the key that opens a credential.
///
/// # Errors
/// If the subnet does not deliver.
pub async fn derive<R: Runtime>(runtime: &R, credential: CredentialId) -> Result<DeliveredKey, CallError> {
    let seed = runtime.random_bytes().await?;
    let transport = TransportKey::from_seed(seed).map_err(|_| CallError::Undecodable)?;
    let request = DerivationRequest {
        key_name: read_state(|state| state.key_name().to_owned()),
        context: DerivationContext::CredentialSealing.to_bytes(),
        input: credential.0.as_bytes().to_vec(),
        transport_public_key: transport.public_key(),
    };
    let encrypted = runtime.derive_key(request).await?;
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
