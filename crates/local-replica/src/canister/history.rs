//! What was changed about a canister, when and by whom.

use candid::Principal;
use ic_management_canister_types::{Change, ChangeDetails, ChangeOrigin, FromCanisterRecord, FromUserRecord};
use serde::{Deserialize, Serialize};

/// The newest changes; the network keeps at least this many.
const KEPT_CHANGES: usize = 20;

/// What one change is reckoned at; the network counts its controllers too.
const CHANGE_BYTES: u64 = 200;

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Originator {
    User(Principal),
    /// With its version at that moment, if it told.
    Canister(Principal, Option<u64>),
}

impl Originator {
    pub fn principal(self) -> Principal {
        let (Self::User(principal) | Self::Canister(principal, _)) = self;
        principal
    }
}

/// A canister's history.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct History {
    total: u64,
    changes: Vec<Change>,
}

impl History {
    /// Records a change that `by` made and that led to this version of the canister.
    pub fn record(&mut self, time_ns: u64, canister_version: u64, by: Originator, details: ChangeDetails) {
        let origin = match by {
            Originator::User(user_id) => ChangeOrigin::FromUser(FromUserRecord { user_id }),
            Originator::Canister(canister_id, canister_version) => {
                ChangeOrigin::FromCanister(FromCanisterRecord { canister_id, canister_version })
            }
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

    /// Drops what is known of the changes but not their number.
    pub fn forget_changes(&mut self) {
        self.changes.clear();
    }

    /// Bytes that the kept changes are reckoned at.
    pub fn bytes(&self) -> u64 {
        self.changes.len() as u64 * CHANGE_BYTES
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
