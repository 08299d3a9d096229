//! The facts that the state is made of. They go onto the log, which anyone may read: no key, no content and no
//! envelope is ever part of one.

use candid::Principal;
use content_types::{Format, Grant, ItemId, OwnerName, Part};
use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The canister was installed.
    Initialized { administrators: Vec<Principal>, key_name: String },
    /// The subnet reported the public key that derived keys are checked with.
    LearnedVerificationKey { key: ByteBuf },
    /// An administrator registered an owner with its signing key.
    RegisteredOwner {
        owner: OwnerName,
        /// SubjectPublicKeyInfo in DER.
        public_key_der: ByteBuf,
        quota_bytes: u64,
        openings_per_day: u32,
    },
    /// A key derivation is about to be asked for.
    BoundDerivation { purpose: DerivationPurpose },
    /// An owner's recipient keys were derived.
    LearnedRecipientKeys {
        owner: OwnerName,
        /// 65 bytes.
        p256: ByteBuf,
        /// 32 bytes.
        x25519: ByteBuf,
    },
    /// An owner announced an item.
    BeganUpload { item: ItemId, owner: OwnerName, title: String, format: Format, size_bytes: u64 },
    /// All of its chunks are there, and its envelope was understood.
    StoredItem { item: ItemId },
    /// Its owner deleted it.
    DeletedItem { item: ItemId },
    /// Its owner let another owner read it.
    SharedItem { item: ItemId, grant: Grant },
    /// And no longer.
    UnsharedItem { item: ItemId, reader: OwnerName },
}

/// What a derivation is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DerivationPurpose {
    /// Computing an owner's public keys.
    RecipientKeys { owner: OwnerName },
    /// Opening an item of `owner` for `reader`.
    Opening {
        owner: OwnerName,
        item: ItemId,
        reader: OwnerName,
        part: Option<Part>,
        /// Of the key that the answer is encrypted to, as it was written.
        reader_key_sha256: Sha256Digest,
    },
}

impl DerivationPurpose {
    /// Whose key is derived.
    pub fn owner(&self) -> &OwnerName {
        match self {
            Self::RecipientKeys { owner } | Self::Opening { owner, .. } => owner,
        }
    }
}

impl Event {
    /// Every operation that may be on the log.
    pub const OPERATIONS: [&str; 10] = [
        "1countersign.initialized",
        "1countersign.learned_verification_key",
        "1countersign.registered_owner",
        "1countersign.bound_derivation",
        "1countersign.learned_recipient_keys",
        "1countersign.began_upload",
        "1countersign.stored_item",
        "1countersign.deleted_item",
        "1countersign.shared_item",
        "1countersign.unshared_item",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        let index = match self {
            Self::Initialized { .. } => 0,
            Self::LearnedVerificationKey { .. } => 1,
            Self::RegisteredOwner { .. } => 2,
            Self::BoundDerivation { .. } => 3,
            Self::LearnedRecipientKeys { .. } => 4,
            Self::BeganUpload { .. } => 5,
            Self::StoredItem { .. } => 6,
            Self::DeletedItem { .. } => 7,
            Self::SharedItem { .. } => 8,
            Self::UnsharedItem { .. } => 9,
        };
        Self::OPERATIONS[index]
    }
}
