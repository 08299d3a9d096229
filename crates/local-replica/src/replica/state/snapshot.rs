//! Snapshots of the whole world, to come back to.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::FORMAT_VERSION;
use super::hash::{StateHash, StateHasher};
use super::rows::{Identity, RestoreError, Rows, encode};
use crate::replica::Replica;

/// What the bytes of a snapshot begin with.
const MAGIC: &[u8; 16] = b"subnet snapshot\n";
const HASH_BYTES: usize = 32;

/// Everything that a replica is at one moment, between two messages: canisters with their memories,
/// messages under way, answers, time, randomness, planned faults. What the seed yields, the
/// configured routes and observers are no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldSnapshot {
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    identity: Identity,
    rows: Rows,
}

impl WorldSnapshot {
    /// The hash of the state in it: [`Replica::state_hash`] of the replica it was taken from.
    pub fn state_hash(&self) -> StateHash {
        let mut hasher = StateHasher::new(self.content.identity);
        for (key, value) in &self.content.rows {
            hasher.row(key, value);
        }
        hasher.finish()
    }

    /// The snapshot as bytes, for a file or another process.
    pub fn to_bytes(&self) -> Vec<u8> {
        let content = encode(&self.content);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT_VERSION.to_be_bytes());
        bytes.extend(Sha256::digest(&content));
        bytes.extend(content);
        bytes
    }

    /// Reads what [`WorldSnapshot::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is no snapshot, one of another format, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        let damaged = |what: &str| RestoreError::Damaged(what.to_owned());
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as a snapshot"))?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("it ends too early"))?;
        let found = u32::from_be_bytes(*version);
        if found != FORMAT_VERSION {
            return Err(RestoreError::Format { found });
        }
        let (hash, content) =
            rest.split_first_chunk::<HASH_BYTES>().ok_or_else(|| damaged("it ends too early"))?;
        if *hash != <[u8; HASH_BYTES]>::from(Sha256::digest(content)) {
            return Err(damaged("its bytes do not have the hash that it names"));
        }
        let content =
            postcard::from_bytes(content).map_err(|error| RestoreError::Damaged(error.to_string()))?;
        Ok(Self { content })
    }
}

impl Replica {
    /// Takes a snapshot of the present state.
    pub fn take_snapshot(&self) -> WorldSnapshot {
        let mut rows = Rows::new();
        self.visit_rows(&mut |key, value| {
            rows.insert(key, value.to_vec());
        });
        WorldSnapshot { content: Content { identity: self.identity, rows } }
    }

    /// Goes back, or forward, to the moment of a snapshot; everything goes on from there as it did. An outcall
    /// that was under way is sent once more: a server may see it twice, as on the network. A
    /// [`crate::Clock::Wall`] still never goes back.
    ///
    /// # Errors
    /// When the snapshot is one of a subnet with another seed or number of nodes, or damaged. The
    /// state is as before then.
    pub fn restore(&mut self, snapshot: &WorldSnapshot) -> Result<(), RestoreError> {
        self.identity.check(snapshot.content.identity)?;
        self.take_up(&snapshot.content.rows)
    }
}
