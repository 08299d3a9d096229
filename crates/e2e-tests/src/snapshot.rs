//! Everything that a refused call must leave as it was.

use candid::Principal;
use serde_bytes::ByteBuf;

use crate::{World, people::stranger};

/// What the group's canisters keep.
pub struct Snapshot(Vec<Kept>);

/// What one canister keeps.
struct Kept {
    canister: Principal,
    /// Digest of the state in the heap; none where the canister's code was replaced by another.
    state: Option<ByteBuf>,
    stable_memory: Vec<u8>,
    certified_data: Vec<u8>,
}

impl World {
    /// The group's canisters as they are now.
    pub fn snapshot(&mut self) -> Snapshot {
        let canisters = [self.dao, self.custody].into_iter().chain(self.group.upgrader);
        let keep = |canister| Kept {
            canister,
            state: self.state(canister),
            stable_memory: self.replica.stable_memory(canister).to_vec(),
            certified_data: self.replica.certified_data(canister).to_vec(),
        };
        Snapshot(canisters.map(keep).collect())
    }

    /// What is not as it was then: state, stable memory or certified data of any of them.
    pub fn changes_since(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let mut changes = Vec::new();
        for kept in &snapshot.0 {
            let canister = kept.canister;
            let same_state = self.state(canister) == kept.state;
            let same_stable = self.replica.stable_memory(canister) == kept.stable_memory;
            let same_certified = self.replica.certified_data(canister) == kept.certified_data;
            for (what, same) in
                [("state", same_state), ("stable memory", same_stable), ("certified data", same_certified)]
            {
                if !same {
                    changes.push(format!("{what} of {canister}"));
                }
            }
        }
        changes
    }

    fn state(&mut self, canister: Principal) -> Option<ByteBuf> {
        self.query(stranger(), canister, "state_digest", ()).ok()
    }
}
