//! Who sent a request: decodes envelopes, and checks signatures, delegations and expiry by the rules
//! of the interface specification.
//!
//! Left out: canister signatures and WebAuthn keys, so identities that rest on them (Internet
//! Identity among them) are refused with a message that says so.

mod authentication;
mod delegation;
mod signature;

pub use authentication::{AuthenticatedRequest, authenticate, decode};

use crate::message::Principal;

/// The longest time ahead of the clock at which a request may expire.
pub const MAX_EXPIRY_AHEAD_SECONDS: u64 = 5 * 60;
/// How far the sender's clock may be off.
pub const PERMITTED_DRIFT_SECONDS: u64 = 60;
/// The longest nonce.
pub const MAX_NONCE_BYTES: usize = 32;
/// The longest chain of delegations.
pub const MAX_DELEGATIONS: usize = 20;
/// The most targets of one delegation.
pub const MAX_DELEGATION_TARGETS: usize = 1_000;

/// Why a request is refused before anything looks at what it asks for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IngressError {
    #[error("body: not a CBOR request envelope: {reason}")]
    Malformed { reason: String },
    #[error("content.nonce: {found_bytes} bytes; at most {MAX_NONCE_BYTES} are allowed")]
    NonceTooLong { found_bytes: usize },
    #[error("content.sender_info: needs a canister signature, which the local replica does not verify")]
    SenderInfoUnsupported,
    #[error(
        "content.ingress_expiry: {expiry_ns} ns is past, the time is {now_ns} ns; sign the request anew, and check the clock"
    )]
    Expired { expiry_ns: u64, now_ns: u64 },
    #[error(
        "content.ingress_expiry: {expiry_ns} ns is more than {} s after {now_ns} ns; use a nearer expiry, and check the clock",
        MAX_EXPIRY_AHEAD_SECONDS + PERMITTED_DRIFT_SECONDS
    )]
    ExpiryTooFarAhead { expiry_ns: u64, now_ns: u64 },
    #[error("{field}: must be absent when the sender is anonymous")]
    AnonymousWithAuthentication { field: &'static str },
    #[error("{field}: missing; a sender who is not anonymous must sign")]
    MissingAuthentication { field: &'static str },
    #[error("content.sender: {sender} is not the principal {of_key} of sender_pubkey")]
    SenderMismatch { sender: Principal, of_key: Principal },
    #[error("{field}: {reason}; supported are Ed25519, ECDSA on secp256k1 and on P-256, in DER")]
    UnsupportedKey { field: String, reason: &'static str },
    #[error("sender_sig: does not verify under {key}")]
    WrongSignature { key: String },
    #[error("sender_delegation: {found} delegations; at most {MAX_DELEGATIONS} are allowed")]
    TooManyDelegations { found: usize },
    #[error("sender_delegation[{index}].signature: does not verify under the key before it")]
    WrongDelegationSignature { index: usize },
    #[error("sender_delegation[{index}].expiration: {expiration_ns} ns is past, the time is {now_ns} ns")]
    DelegationExpired { index: usize, expiration_ns: u64, now_ns: u64 },
    #[error("sender_delegation[{index}].pubkey: appears twice in the chain")]
    DelegationCycle { index: usize },
    #[error(
        "sender_delegation[{index}].targets: {found} targets; at most {MAX_DELEGATION_TARGETS} are allowed"
    )]
    TooManyTargets { index: usize, found: usize },
    #[error("sender_delegation: canister {canister_id} is not among the delegation's targets")]
    TargetMismatch { canister_id: Principal },
    #[error("sender_delegation[{index}].permissions: allows queries only, and this is a call")]
    QueriesOnly { index: usize },
}

impl IngressError {
    /// Whether the request is well-formed but not authorised, so that the answer is 403, not 400.
    pub fn is_forbidden(&self) -> bool {
        !matches!(
            self,
            Self::Malformed { .. }
                | Self::NonceTooLong { .. }
                | Self::SenderInfoUnsupported
                | Self::Expired { .. }
                | Self::ExpiryTooFarAhead { .. }
        )
    }
}
