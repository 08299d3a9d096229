//! One hash for a whole state.

use std::fmt;

use sha2::{Digest, Sha256};

use super::FORMAT_VERSION;
use super::rows::{Identity, RowKey, encode};
use crate::replica::Replica;

/// The SHA-256 of a state's rows. Replicas of equal seed and inputs have equal hashes after each step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateHash(pub [u8; 32]);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateHash({self})")
    }
}

/// Takes rows in their order.
pub(super) struct StateHasher(Sha256);

impl StateHasher {
    pub fn new(identity: Identity) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(encode(&(FORMAT_VERSION, identity)));
        Self(hasher)
    }

    pub fn row(&mut self, key: &RowKey, value: &[u8]) {
        self.0.update(encode(&(key, value.len() as u64)));
        self.0.update(value);
    }

    pub fn finish(self) -> StateHash {
        StateHash(self.0.finalize().into())
    }
}

impl Replica {
    /// The hash of everything that the replica is, between two messages. Costs reading all memories.
    pub fn state_hash(&self) -> StateHash {
        let mut hasher = StateHasher::new(self.identity);
        self.visit_rows(&mut |key, value| hasher.row(&key, value));
        hasher.finish()
    }
}
