//! Decodes an envelope and finds out whether its sender really sent it.

use super::delegation::verify_chain;
use super::read_state_nonce::ReadStateNonce;
use super::signature::RootOfTrust;
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

/// A request that nobody has checked.
#[derive(Debug)]
pub struct DecodedRequest {
    envelope: Envelope<'static>,
    nonce: ReadStateNonce,
}

impl From<Envelope<'static>> for DecodedRequest {
    fn from(envelope: Envelope<'static>) -> Self {
        Self { envelope, nonce: ReadStateNonce::default() }
    }
}

/// Decodes the body of a request.
///
/// # Errors
/// When it is not a CBOR envelope.
pub fn decode(body: &[u8]) -> Result<DecodedRequest, IngressError> {
    let malformed = |error: serde_cbor::Error| IngressError::Malformed { reason: error.to_string() };
    let envelope: Envelope<'static> = serde_cbor::from_slice(body).map_err(malformed)?;
    let nonce = match *envelope.content {
        EnvelopeContent::ReadState { .. } => ReadStateNonce::of_body(body).map_err(malformed)?,
        EnvelopeContent::Call { .. } | EnvelopeContent::Query { .. } => ReadStateNonce::default(),
    };
    Ok(DecodedRequest { envelope, nonce })
}

/// Checks a request by the wall clock `now_ns`, nanoseconds since 1970.
///
/// # Errors
/// The first rule of the interface specification that it breaks.
pub fn authenticate(
    request: impl Into<DecodedRequest>,
    now_ns: u64,
    root: RootOfTrust<'_>,
) -> Result<AuthenticatedRequest, IngressError> {
    let DecodedRequest { envelope, nonce } = request.into();
    check_nonce(nonce.as_bytes())?;
    check_content(&envelope.content, now_ns)?;
    let request_id = nonce.request_id(&envelope.content);
    let targets = if *envelope.content.sender() == Principal::anonymous() {
        check_unsigned(&envelope)?;
        None
    } else {
        check_signed(&envelope, &request_id, now_ns, root)?
    };
    Ok(AuthenticatedRequest {
        content: envelope.content.into_owned(),
        request_id: RequestId(*request_id),
        targets,
    })
}

fn check_nonce(nonce: Option<&[u8]>) -> Result<(), IngressError> {
    match nonce.map(<[u8]>::len) {
        Some(found_bytes) if found_bytes > MAX_NONCE_BYTES => Err(IngressError::NonceTooLong { found_bytes }),
        _ => Ok(()),
    }
}

fn check_content(content: &EnvelopeContent, now_ns: u64) -> Result<(), IngressError> {
    if let EnvelopeContent::Call { nonce, sender_info, .. }
    | EnvelopeContent::Query { nonce, sender_info, .. } = content
    {
        check_nonce(nonce.as_deref())?;
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
    let furthest_ns =
        now_ns.saturating_add((MAX_EXPIRY_AHEAD_SECONDS + PERMITTED_DRIFT_SECONDS) * NANOSECONDS);
    if (now_ns..=furthest_ns).contains(&expiry_ns) {
        Ok(())
    } else {
        Err(IngressError::Expiry { expiry_ns, now_ns, furthest_ns })
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
    root: RootOfTrust<'_>,
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
    let chain = verify_chain(sender_key, delegations, is_call, now_ns, root)?;
    if !chain.key.verifies(&request_id.signable(), signature, root) {
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
