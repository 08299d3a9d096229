//! What was changed about a canister, when and by whom.

use candid::Principal;
use ic_management_canister_types::{Change, ChangeDetails, ChangeOrigin, FromCanisterRecord, FromUserRecord};
use serde::{Deserialize, Serialize};

/// The newest changes; the network keeps at least this many.
const KEPT_CHANGES: usize = 20;

/// A canister's history.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct History {
    total: u64,
    changes: Vec<Change>,
}

impl History {
    /// Records a change that `by` made.
    pub fn record(
        &mut self,
        time_ns: u64,
        canister_version: u64,
        by: Principal,
        by_is_canister: bool,
        details: ChangeDetails,
    ) {
        let origin = if by_is_canister {
            ChangeOrigin::FromCanister(FromCanisterRecord { canister_id: by, canister_version: None })
        } else {
            ChangeOrigin::FromUser(FromUserRecord { user_id: by })
        };
        self.total += 1;
        self.changes.push(Change {
            timestamp_nanos: time_ns,
            canister_version,
            origin,
            details: Some(details),
        });
        if self.changes.len() > KEPT_CHANGES {
            self.changes.remove(0);
        }
    }

    /// Number of changes ever made.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The newest `count` changes that are kept, oldest first.
    pub fn recent(&self, count: usize) -> &[Change] {
        &self.changes[self.changes.len().saturating_sub(count)..]
    }
}
