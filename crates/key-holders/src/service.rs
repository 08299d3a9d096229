//! The Candid types of a combiner canister: it drives ceremonies for its administrators and opens envelopes for their
//! owners.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::interface::KeyName;

/// The largest envelope that is opened, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 1_000_000;

/// With what a combiner is installed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CombinerInit {
    /// In the order of their indices.
    pub holders: Vec<Principal>,
    /// How many it takes to use a key.
    pub threshold: u8,
    /// Who may begin ceremonies.
    pub administrators: Vec<Principal>,
    /// Who may have envelopes to their own keys opened.
    pub owners: Vec<Principal>,
}

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum CeremonyPurpose {
    /// A new key.
    Generate,
    /// New shares of a key, which make the old ones useless.
    Refresh,
    /// Gives this holder, counted from 1, its share.
    Recover(u8),
}

/// Begins a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct BeginCeremonyArgs {
    pub key: KeyName,
    pub purpose: CeremonyPurpose,
}

/// How far a ceremony is.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum CeremonyStatus {
    Running,
    Completed,
    /// Too few holders are left without those at fault.
    Failed,
}

/// A key and its last ceremony.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct KeyView {
    pub key: KeyName,
    /// The public side in CBOR, once the key is made.
    pub key_set: Option<ByteBuf>,
    pub purpose: CeremonyPurpose,
    pub status: CeremonyStatus,
    /// Of the last attempt: higher with each.
    pub number: u64,
    /// Who takes part in it, counted from 1.
    pub participants: Vec<u8>,
    /// Who was found at fault in this ceremony, and why.
    pub faults: Vec<HolderFault>,
}

/// A holder at fault.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct HolderFault {
    /// Counted from 1.
    pub holder: u8,
    pub reason: String,
    /// What convicts it before anyone, if anything does.
    pub conviction: Option<Conviction>,
}

/// What convicts a holder: anyone can check it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Conviction {
    /// [`content_keys::threshold::Session`] in CBOR.
    pub session: ByteBuf,
    /// [`content_keys::threshold::Evidence`] in CBOR.
    pub evidence: ByteBuf,
}

/// Asks for an owner's public key.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RecipientKeyArgs {
    pub key: KeyName,
    pub owner: Principal,
}

/// Asks for an envelope's content, encrypted to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct OpenEnvelopeArgs {
    pub key: KeyName,
    /// A JWE to the caller's recipient key, at most [`MAX_ENVELOPE_BYTES`].
    pub envelope: ByteBuf,
    /// The public key, as a JWK, to which the content is encrypted anew.
    pub reader: String,
    /// Whether holders prove their answers from the first; else they are asked again if it does not open.
    pub proofs: bool,
}

/// Why a combiner does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize, thiserror::Error)]
pub enum ServiceError {
    #[error("this caller may not call this method")]
    NotAllowed,
    #[error("there is no such key")]
    UnknownKey,
    #[error("the key is made already; refresh it")]
    KeyExists,
    #[error("a ceremony of this key is under way")]
    Busy,
    #[error("{field}: {reason}")]
    Malformed { field: String, reason: String },
    /// One text for every failed opening.
    #[error("the envelope cannot be opened")]
    CannotOpen,
    #[error("too few holders answer; try again later")]
    HoldersUnavailable,
}
