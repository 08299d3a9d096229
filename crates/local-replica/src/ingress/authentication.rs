//! Decodes an envelope and finds out whether its sender really sent it.

use super::delegation::verify_chain;
use super::{IngressError, MAX_EXPIRY_AHEAD_SECONDS, MAX_NONCE_BYTES, PERMITTED_DRIFT_SECONDS};
use crate::message::{Principal, RequestId};
use ic_transport_types::{Envelope, EnvelopeContent};
use std::collections::BTreeSet;

const NANOSECONDS: u64 = 1_000_000_000;

/// A request whose sender is proven, or anonymous.
#[derive(Clone, Debug)]
pub struct AuthenticatedRequest {
    /// What is asked for.
    pub content: EnvelopeContent,
    /// The representation-independent hash of the content.
    pub request_id: RequestId,
    /// The canisters that the sender's delegation is good for; `None` is all.
    pub targets: Option<BTreeSet<Principal>>,
}

impl AuthenticatedRequest {
    /// Who sent it.
    pub fn sender(&self) -> Principal {
        *self.content.sender()
    }
}

/// Decodes the body of a request.
///
/// # Errors
/// When it is not a CBOR envelope.
pub fn decode(body: &[u8]) -> Result<Envelope<'static>, IngressError> {
    serde_cbor::from_slice(body).map_err(|error| IngressError::Malformed { reason: error.to_string() })
}

/// Checks an envelope by the wall clock `now_ns`, nanoseconds since 1970.
///
/// # Errors
/// The first rule of the interface specification that it breaks.
pub fn authenticate(envelope: Envelope<'_>, now_ns: u64) -> Result<AuthenticatedRequest, IngressError> {
    check_content(&envelope.content, now_ns)?;
    let request_id = envelope.content.to_request_id();
    let targets = if *envelope.content.sender() == Principal::anonymous() {
        check_unsigned(&envelope)?;
        None
    } else {
        check_signed(&envelope, &request_id, now_ns)?
    };
    Ok(AuthenticatedRequest {
        content: envelope.content.into_owned(),
        request_id: RequestId(*request_id),
        targets,
    })
}

fn check_content(content: &EnvelopeContent, now_ns: u64) -> Result<(), IngressError> {
    if let EnvelopeContent::Call { nonce, sender_info, .. }
    | EnvelopeContent::Query { nonce, sender_info, .. } = content
    {
        if let Some(found_bytes) = nonce.as_ref().map(Vec::len)
            && found_bytes > MAX_NONCE_BYTES
        {
            return Err(IngressError::NonceTooLong { found_bytes });
        }
        if sender_info.is_some() {
            return Err(IngressError::SenderInfoUnsupported);
        }
    }
    let is_call = matches!(content, EnvelopeContent::Call { .. });
    if !is_call && *content.sender() == Principal::anonymous() {
        // Nothing is protected by the expiry of a request that anyone may repeat.
        return Ok(());
    }
    let expiry_ns = content.ingress_expiry();
    let furthest = now_ns.saturating_add((MAX_EXPIRY_AHEAD_SECONDS + PERMITTED_DRIFT_SECONDS) * NANOSECONDS);
    if expiry_ns < now_ns {
        Err(IngressError::Expired { expiry_ns, now_ns })
    } else if expiry_ns > furthest {
        Err(IngressError::ExpiryTooFarAhead { expiry_ns, now_ns })
    } else {
        Ok(())
    }
}

fn check_unsigned(envelope: &Envelope<'_>) -> Result<(), IngressError> {
    let present = [
        ("sender_pubkey", envelope.sender_pubkey.is_some()),
        ("sender_sig", envelope.sender_sig.is_some()),
        ("sender_delegation", envelope.sender_delegation.is_some()),
    ];
    match present.into_iter().find(|(_, is_present)| *is_present) {
        Some((field, _)) => Err(IngressError::AnonymousWithAuthentication { field }),
        None => Ok(()),
    }
}

/// The targets of the delegation chain, once the signature is found good.
fn check_signed(
    envelope: &Envelope<'_>,
    request_id: &ic_transport_types::RequestId,
    now_ns: u64,
) -> Result<Option<BTreeSet<Principal>>, IngressError> {
    let missing = |field| IngressError::MissingAuthentication { field };
    let sender_key = envelope.sender_pubkey.as_deref().ok_or(missing("sender_pubkey"))?;
    let signature = envelope.sender_sig.as_deref().ok_or(missing("sender_sig"))?;
    let sender = *envelope.content.sender();
    let of_key = Principal::self_authenticating(sender_key);
    if sender != of_key {
        return Err(IngressError::SenderMismatch { sender, of_key });
    }
    let delegations = envelope.sender_delegation.as_deref().unwrap_or_default();
    let is_call = matches!(*envelope.content, EnvelopeContent::Call { .. });
    let chain = verify_chain(sender_key, delegations, is_call, now_ns)?;
    if !chain.key.verifies(&request_id.signable(), signature) {
        let key = match delegations.len() {
            0 => "sender_pubkey".to_owned(),
            length => format!("sender_delegation[{}].pubkey", length - 1),
        };
        return Err(IngressError::WrongSignature { key });
    }
    if let EnvelopeContent::Call { canister_id, .. } | EnvelopeContent::Query { canister_id, .. } =
        &*envelope.content
        && chain.targets.as_ref().is_some_and(|targets| !targets.contains(canister_id))
    {
        return Err(IngressError::TargetMismatch { canister_id: *canister_id });
    }
    Ok(chain.targets)
}

#[cfg(test)]
mod tests;
