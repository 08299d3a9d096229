//! How far the bytes that a registry serves were compared with those that were voted.

use registry_protocols::receipt::Confirmation;
use release_types::{OrderId, Sha256Digest};
use serde::{Deserialize, Serialize};

/// Something that was learned of the bytes that a registry serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProofFact {
    /// The nodes agree that the registry shows exactly the voted digest; its bytes are compared next.
    ShowedDigest { order: OrderId, artifact: u32 },
    /// A second source does not contradict it, or there is none.
    Confirmed { order: OrderId, artifact: u32, by: Confirmation },
    /// This many pieces, counted from the first, are those that were voted.
    ServedEqualPieces { order: OrderId, artifact: u32, pieces: u32 },
    /// The nodes agree that other bytes than the voted ones are served, which may pass.
    ServedForeignBytes { order: OrderId, artifact: u32, bytes: ForeignBytes },
    /// All that can be read was read, and is as it was voted.
    Verified { order: OrderId, artifact: u32, bytes: ReadBytes },
}

/// Bytes that were not voted, in the place of those that were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignBytes {
    /// For which piece of the file they were served.
    pub piece: u32,
    /// Their digest; none where the registry says only that the file has another size.
    pub sha256: Option<Sha256Digest>,
    /// Whether they are as many as were voted. A page of excuses hardly is.
    pub has_voted_size: bool,
}

/// The foreign bytes that were served last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeenForeign {
    pub bytes: ForeignBytes,
    /// Since when it is these.
    pub since_ns: u64,
    /// Since when it is these or others.
    pub begun_ns: u64,
}

impl SeenForeign {
    /// After these were seen.
    pub(super) fn after(known: Option<Self>, bytes: ForeignBytes, time_ns: u64) -> Self {
        Self { bytes, since_ns: time_ns, begun_ns: known.map_or(time_ns, |known| known.begun_ns) }
    }
}

/// How the bytes themselves were read, besides the digest that the registry shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadBytes {
    /// In one answer.
    Whole,
    /// In ranges, each of which every node read and hashed.
    InRanges,
    /// Not read: the registry serves no ranges, and one answer cannot hold them.
    NoRanges,
    /// Not read: the registry serves the file elsewhere, and redirects are not followed.
    Elsewhere,
    /// Not read: where the registry keeps files is not registered.
    NoFilesUrl,
}

impl ProofFact {
    /// Every operation of this kind that may be on the log.
    pub const OPERATIONS: [&'static str; 5] = [
        "1countersign.showed_digest",
        "1countersign.confirmed_digest",
        "1countersign.served_equal_pieces",
        "1countersign.served_foreign_bytes",
        "1countersign.verified_artifact",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::ShowedDigest { .. } => "1countersign.showed_digest",
            Self::Confirmed { .. } => "1countersign.confirmed_digest",
            Self::ServedEqualPieces { .. } => "1countersign.served_equal_pieces",
            Self::ServedForeignBytes { .. } => "1countersign.served_foreign_bytes",
            Self::Verified { .. } => "1countersign.verified_artifact",
        }
    }
}
