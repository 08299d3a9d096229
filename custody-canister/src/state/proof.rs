//! How far the bytes that a registry serves were compared with those that were voted.

use registry_protocols::receipt::Confirmation;
use release_types::OrderId;
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
    /// All that can be read was read, and is as it was voted.
    Verified { order: OrderId, artifact: u32, bytes: ReadBytes },
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
    pub const OPERATIONS: [&'static str; 4] = [
        "1countersign.showed_digest",
        "1countersign.confirmed_digest",
        "1countersign.served_equal_pieces",
        "1countersign.verified_artifact",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::ShowedDigest { .. } => "1countersign.showed_digest",
            Self::Confirmed { .. } => "1countersign.confirmed_digest",
            Self::ServedEqualPieces { .. } => "1countersign.served_equal_pieces",
            Self::Verified { .. } => "1countersign.verified_artifact",
        }
    }
}
