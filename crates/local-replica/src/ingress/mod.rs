//! Who sent a request: decodes envelopes, and checks signatures, delegations and expiry by the rules
//! of the interface specification.

mod authentication;
mod delegation;
mod read_state_nonce;
mod signature;
mod webauthn;

pub use authentication::{AuthenticatedRequest, DecodedRequest, authenticate, decode};
pub use signature::RootOfTrust;

use crate::message::Principal;
use std::time::{Duration, SystemTime};

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
    #[error("content.sender_info: is not supported by the local replica; leave it out")]
    SenderInfoUnsupported,
    #[error(
        "Invalid request expiry: Specified ingress_expiry not within expected range: \
         Minimum allowed expiry: {}, Maximum allowed expiry: {}, Provided expiry: {}; check the clock",
        utc(*now_ns), utc(*furthest_ns), utc(*expiry_ns)
    )]
    Expiry { expiry_ns: u64, now_ns: u64, furthest_ns: u64 },
    #[error("{field}: must be absent when the sender is anonymous")]
    AnonymousWithAuthentication { field: &'static str },
    #[error("{field}: missing; a sender who is not anonymous must sign")]
    MissingAuthentication { field: &'static str },
    #[error("content.sender: {sender} is not the principal {of_key} of sender_pubkey")]
    SenderMismatch { sender: Principal, of_key: Principal },
    #[error(
        "Invalid signature: {field}: not a public key of a known scheme; known are Ed25519, ECDSA on \
         secp256k1 and P-256, web authentication and canister signatures, in DER"
    )]
    UnsupportedKey { field: String },
    #[error("Invalid signature: sender_sig: does not verify under {key}")]
    WrongSignature { key: String },
    #[error(
        "Invalid delegation: sender_delegation: {found} delegations; at most {MAX_DELEGATIONS} are allowed"
    )]
    TooManyDelegations { found: usize },
    #[error(
        "Invalid delegation: sender_delegation[{index}].signature: does not verify under the key before it"
    )]
    WrongDelegationSignature { index: usize },
    #[error(
        "Invalid delegation expiry: sender_delegation[{index}].expiration: Specified sender delegation \
         has expired: Provided expiry: {}, Local replica time: {}",
        utc(*expiration_ns), utc(*now_ns)
    )]
    DelegationExpired { index: usize, expiration_ns: u64, now_ns: u64 },
    #[error("Invalid delegation: sender_delegation[{index}].pubkey: appears twice in the chain")]
    DelegationCycle { index: usize },
    #[error(
        "Invalid delegation: sender_delegation[{index}].targets: {found} targets; at most {MAX_DELEGATION_TARGETS} are allowed"
    )]
    TooManyTargets { index: usize, found: usize },
    #[error(
        "Invalid delegation: sender_delegation: canister {canister_id} is not among the delegation's targets"
    )]
    TargetMismatch { canister_id: Principal },
    #[error(
        "Invalid delegation: sender_delegation[{index}].permissions: allows queries only, and this is a call"
    )]
    QueriesOnly { index: usize },
}

/// A time in nanoseconds since 1970, as people read it.
fn utc(time_ns: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(time_ns);
    humantime::format_rfc3339_nanos(time).to_string()
}
