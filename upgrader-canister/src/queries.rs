//! What anyone may ask.

use release_types::{
    Sha256Digest,
    control::{LogTip, UpgradeId, UpgradeStatus, UpgraderInfo},
};

use crate::{state::read_state, storage};

/// Whom this canister obeys, and what it is at.
pub fn upgrader_info() -> UpgraderInfo {
    read_state(|state| UpgraderInfo {
        dao: state.dao(),
        custody: state.custody(),
        committee: state.committee().cloned(),
        running: state.running().map(|running| running.status()),
        recoveries: state.recoveries().map(|(id, recovery)| recovery.view(id)).collect(),
    })
}

/// An upgrade under way or over.
pub fn upgrade_status(id: &UpgradeId) -> Option<UpgradeStatus> {
    read_state(|state| state.upgrade_status(id))
}

/// The log's last block.
pub fn log_tip() -> Option<LogTip> {
    let tip = storage::read_log(|log| log.tip())?;
    Some(LogTip { index: tip.index, hash: Sha256Digest(tip.hash) })
}

/// Digest of the whole state; equal states have equal digests.
pub fn state_digest() -> Vec<u8> {
    read_state(audit_log::digest_of_state).to_vec()
}
