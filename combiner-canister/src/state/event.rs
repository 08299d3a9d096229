//! The facts of which the state is the fold. Never renamed, never removed: old logs must replay.

use candid::Principal;
use key_holders::{
    interface::KeyName,
    service::{CeremonyPurpose, CombinerInit, HolderFault},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Something that happened. Nothing of any envelope is in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Installed {
        init: CombinerInit,
    },
    /// Somebody wants this.
    CeremonyBegun {
        key: KeyName,
        purpose: CeremonyPurpose,
        by: Principal,
    },
    /// An attempt with these participants. Recorded before the first of them hears of it.
    AttemptBegun {
        key: KeyName,
        number: u64,
        participants: Vec<u8>,
    },
    /// A holder was at fault in it.
    HolderAtFault {
        key: KeyName,
        number: u64,
        fault: HolderFault,
    },
    CeremonyFailed {
        key: KeyName,
    },
    /// The public side of the key as it is now, in CBOR.
    CeremonyCompleted {
        key: KeyName,
        key_set: ByteBuf,
    },
    /// An owner's envelope is about to be opened: by the request of which this is the SHA-256.
    EvaluationAsked {
        key: KeyName,
        owner: Principal,
        request: ByteBuf,
    },
}

impl Event {
    /// The kind of block that records it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Installed { .. } => "1countersign.install_combiner",
            Self::CeremonyBegun { .. } => "1countersign.begin_ceremony",
            Self::AttemptBegun { .. } => "1countersign.begin_attempt",
            Self::HolderAtFault { .. } => "1countersign.blame_holder",
            Self::CeremonyFailed { .. } => "1countersign.fail_ceremony",
            Self::CeremonyCompleted { .. } => "1countersign.complete_ceremony",
            Self::EvaluationAsked { .. } => "1countersign.ask_evaluation",
        }
    }

    /// All kinds of blocks.
    pub const OPERATIONS: [&'static str; 7] = [
        "1countersign.install_combiner",
        "1countersign.begin_ceremony",
        "1countersign.begin_attempt",
        "1countersign.blame_holder",
        "1countersign.fail_ceremony",
        "1countersign.complete_ceremony",
        "1countersign.ask_evaluation",
    ];
}
