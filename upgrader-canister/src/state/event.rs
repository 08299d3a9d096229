//! The facts that the state is made of. They go onto the log, which anyone may read.

use candid::Principal;
use release_types::{
    Sha256Digest,
    control::{
        ChangeCanisterSettingsArgs, Committee, LogTip, ProposeRecoveryArgs, RecoveryId, UpgradeFailure,
        UpgradeOrder, UpgradeStep,
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The canister was installed.
    Installed { dao: Principal, custody: Principal, committee: Option<Committee> },
    /// The DAO put another recovery committee in place, or none. Recoveries under way are over.
    ChangedCommittee { committee: Option<Committee> },
    /// A chunk of a module was put into the chunk store.
    StoredChunk { sha256: Sha256Digest, by: Principal },
    /// The chunk store is about to be cleared.
    ClearedChunks { chunks: u64 },
    /// An upgrade was ordered, by the DAO or through a recovery.
    OrderedUpgrade { order: UpgradeOrder, by: OrderedBy },
    /// A step of the upgrade under way is about to be taken.
    BeganStep { step: UpgradeStep, failure: Option<UpgradeFailure> },
    /// Custody derives nothing until the upgrade is over.
    SuspendedCustody { upgrade: String },
    /// The target's log ended here before it was stopped.
    SawTip { tip: LogTip },
    /// The target's log ended here when the new code was about to be taken back.
    SawLostTip { tip: LogTip },
    /// The network took a snapshot of the stopped target.
    TookSnapshot { snapshot: ByteBuf },
    /// The upgrade is over.
    EndedUpgrade { ended: Ended },
    /// A member of the committee proposed new code for the DAO.
    ProposedRecovery { recovery: RecoveryId, by: Principal, proposal: ProposeRecoveryArgs },
    /// Another member supports it.
    SupportedRecovery { recovery: RecoveryId, by: Principal },
    /// The DAO refused it.
    CancelledRecovery { recovery: RecoveryId },
    /// The DAO had settings of a canister changed; written before it is done.
    ChangedSettings { change: ChangeCanisterSettingsArgs },
}

/// Who ordered an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderedBy {
    Dao,
    Recovery(RecoveryId),
}

/// How an upgrade ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// None if the new code runs.
    pub failure: Option<UpgradeFailure>,
}

impl Event {
    /// Every operation that may be on the log.
    pub const OPERATIONS: [&'static str; 15] = [
        "1countersign.installed",
        "1countersign.changed_committee",
        "1countersign.stored_chunk",
        "1countersign.cleared_chunks",
        "1countersign.ordered_upgrade",
        "1countersign.began_step",
        "1countersign.suspended_custody",
        "1countersign.saw_tip",
        "1countersign.saw_lost_tip",
        "1countersign.took_snapshot",
        "1countersign.ended_upgrade",
        "1countersign.proposed_recovery",
        "1countersign.supported_recovery",
        "1countersign.cancelled_recovery",
        "1countersign.changed_canister_settings",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Installed { .. } => "1countersign.installed",
            Self::ChangedCommittee { .. } => "1countersign.changed_committee",
            Self::StoredChunk { .. } => "1countersign.stored_chunk",
            Self::ClearedChunks { .. } => "1countersign.cleared_chunks",
            Self::OrderedUpgrade { .. } => "1countersign.ordered_upgrade",
            Self::BeganStep { .. } => "1countersign.began_step",
            Self::SuspendedCustody { .. } => "1countersign.suspended_custody",
            Self::SawTip { .. } => "1countersign.saw_tip",
            Self::SawLostTip { .. } => "1countersign.saw_lost_tip",
            Self::TookSnapshot { .. } => "1countersign.took_snapshot",
            Self::EndedUpgrade { .. } => "1countersign.ended_upgrade",
            Self::ProposedRecovery { .. } => "1countersign.proposed_recovery",
            Self::SupportedRecovery { .. } => "1countersign.supported_recovery",
            Self::CancelledRecovery { .. } => "1countersign.cancelled_recovery",
            Self::ChangedSettings { .. } => "1countersign.changed_canister_settings",
        }
    }
}
