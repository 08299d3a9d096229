//! The facts of which the state is the fold. Never renamed, never removed: old logs must replay.

use candid::Principal;
use key_holders::interface::{HolderInit, HolderPolicy, KeyName};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Something that happened. Shares are in none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Installed {
        init: HolderInit,
    },
    PolicyChanged {
        by: Principal,
        policy: HolderPolicy,
    },
    Frozen {
        by: Principal,
    },
    Unfrozen {
        by: Principal,
    },
    /// The key under which shares are sealed is about to be derived. Recorded before it is asked for.
    DerivationBound {
        asker: Principal,
    },
    /// Shares are in memory until then.
    SharesOpened {
        until_ns: u64,
    },
    /// It takes part in making this key, and signs with this identity, in CBOR.
    KeyBegun {
        key: KeyName,
        identity: ByteBuf,
    },
    /// It has heard the other holders' identities, each from itself, in the order of their indices, in CBOR.
    PeersPinned {
        key: KeyName,
        identities: ByteBuf,
    },
    /// It took a step of a ceremony.
    StepTaken {
        key: KeyName,
        step: String,
    },
    /// Another holder sent it a share.
    ShareReceived {
        key: KeyName,
        from: u8,
    },
    /// It now holds a share of which this is the public side, in CBOR; or none any more.
    ShareChanged {
        key: KeyName,
        key_set: Option<ByteBuf>,
    },
    /// It answered these requests, of which these are the SHA-256.
    Evaluated {
        key: KeyName,
        combiner: Principal,
        requests: Vec<ByteBuf>,
    },
}

impl Event {
    /// The kind of block that records it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Installed { .. } => "1countersign.install_holder",
            Self::PolicyChanged { .. } => "1countersign.change_holder_policy",
            Self::Frozen { .. } => "1countersign.freeze_holder",
            Self::Unfrozen { .. } => "1countersign.unfreeze_holder",
            Self::DerivationBound { .. } => "1countersign.bind_derivation",
            Self::SharesOpened { .. } => "1countersign.open_shares",
            Self::KeyBegun { .. } => "1countersign.begin_key",
            Self::PeersPinned { .. } => "1countersign.pin_peers",
            Self::StepTaken { .. } => "1countersign.take_step",
            Self::ShareReceived { .. } => "1countersign.receive_share",
            Self::ShareChanged { .. } => "1countersign.change_share",
            Self::Evaluated { .. } => "1countersign.evaluate",
        }
    }

    /// All kinds of blocks.
    pub const OPERATIONS: [&'static str; 12] = [
        "1countersign.install_holder",
        "1countersign.change_holder_policy",
        "1countersign.freeze_holder",
        "1countersign.unfreeze_holder",
        "1countersign.bind_derivation",
        "1countersign.open_shares",
        "1countersign.begin_key",
        "1countersign.pin_peers",
        "1countersign.take_step",
        "1countersign.receive_share",
        "1countersign.change_share",
        "1countersign.evaluate",
    ];
}
