//! The Candid types of a holder canister.

use candid::{CandidType, Principal};
use content_keys::Curve;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The most ECDHs that one call may ask for.
pub const MAX_REQUESTS_PER_CALL: usize = 16;
/// The largest message of a ceremony, in bytes.
pub const MAX_STEP_BYTES: usize = 64 * 1024;

/// The curves of threshold keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum KeyCurve {
    P256,
    X25519,
}

impl From<KeyCurve> for Curve {
    fn from(curve: KeyCurve) -> Self {
        match curve {
            KeyCurve::P256 => Self::P256,
            KeyCurve::X25519 => Self::X25519,
        }
    }
}

/// Which of the holders' keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub struct KeyName {
    pub curve: KeyCurve,
    /// 1 to 64 bytes.
    pub name: String,
}

/// Whose content a holder helps to open.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum AdmittedOwners {
    /// Whomever the combiner names.
    Any,
    /// These alone.
    Listed(Vec<ByteBuf>),
}

/// What a holder checks itself, whatever a combiner says. Its controllers set it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct HolderPolicy {
    /// Canisters that may ask for ECDHs, each for recipients of its own.
    pub combiners: Vec<Principal>,
    pub owners: AdmittedOwners,
    /// How many ECDHs in an epoch, for all combiners together.
    pub quota: u32,
    /// How long an epoch is, in seconds: shares are wiped from memory so long after they were opened.
    pub epoch_s: u64,
    /// Who may freeze, besides the controllers.
    pub freezers: Vec<Principal>,
}

/// With what a holder is installed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct HolderInit {
    /// The vetKD master key under which shares are sealed at rest, e.g. `key_1`.
    pub vetkd_key_name: String,
    /// All holders in the order of their indices, this one among them.
    pub holders: Vec<Principal>,
    /// How many it takes to use a key.
    pub threshold: u8,
    /// Who carries the messages of ceremonies.
    pub coordinator: Principal,
    pub policy: HolderPolicy,
}

/// Asks for ECDHs.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct EvaluateArgs {
    pub key: KeyName,
    /// Each a [`content_keys::threshold::Request`] in CBOR; at most [`MAX_REQUESTS_PER_CALL`].
    pub requests: Vec<ByteBuf>,
    /// Whether answers are to be proved.
    pub proofs: bool,
}

/// A step of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct StepArgs {
    pub key: KeyName,
    /// A [`crate::steps::Step`] in CBOR, at most [`MAX_STEP_BYTES`].
    pub step: ByteBuf,
}

/// A share from another holder, for this one alone.
#[derive(Clone, CandidType, Deserialize)]
pub struct ReceiveShareArgs {
    pub key: KeyName,
    /// [`content_keys::threshold::DirectShare::to_bytes`]
    pub share: ByteBuf,
}

impl core::fmt::Debug for ReceiveShareArgs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ReceiveShareArgs({:?})", self.key)
    }
}

/// Why a holder does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize, thiserror::Error)]
pub enum HolderError {
    #[error("this caller may not call this method")]
    NotAllowed,
    #[error("the holder is frozen; its controllers can lift that")]
    Frozen,
    #[error("the shares are sealed; have them opened")]
    Sealed,
    #[error("the quota of this epoch is used up")]
    QuotaUsedUp,
    #[error("the holder does not open for this recipient")]
    OtherRecipient,
    #[error("there is no such key, or not yet")]
    UnknownKey,
    #[error("the holder is busy with the same; ask again")]
    Busy,
    #[error("{field}: found {found}; allowed: {allowed}")]
    Malformed { field: String, found: String, allowed: String },
    /// The subnet, or another holder, did not answer; ask again.
    #[error("somebody whom the holder asked did not answer; ask again")]
    NotAnswered,
    #[error("the canister was put back from a snapshot: reinstall it, and have its shares given back")]
    RestoredFromSnapshot,
    #[error("{0}")]
    Declined(String),
}

impl HolderError {
    /// A defect of the arguments.
    pub fn malformed(field: &str, found: impl ToString, allowed: impl ToString) -> Self {
        Self::Malformed { field: field.to_owned(), found: found.to_string(), allowed: allowed.to_string() }
    }
}

/// What anyone may know of one of a holder's keys.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct HeldKeyView {
    pub key: KeyName,
    /// The key by which the holder signs in ceremonies, in CBOR.
    pub identity: ByteBuf,
    /// The public side of its active share in CBOR, if it has one.
    pub key_set: Option<ByteBuf>,
}

/// What anyone may know of a holder.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct HolderView {
    pub init: HolderInit,
    pub frozen: bool,
    /// Until when shares are open in memory; none if they are sealed.
    pub open_until_ns: Option<u64>,
    /// ECDHs of this epoch.
    pub used: u32,
    pub keys: Vec<HeldKeyView>,
}
