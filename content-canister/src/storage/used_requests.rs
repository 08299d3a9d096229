//! Signed requests that were used and have not expired: what makes a second use show.
//!
//! Kept over upgrades. Bounded: every owner has room for so many, and what has expired makes room first.

use ic_stable_structures::{Memory, StableBTreeMap};
use sha2::{Digest, Sha256};

use content_types::OwnerName;

/// Requests of one owner that may be used within the longest life of a request.
const MAX_LIVE_REQUESTS: usize = 1_000;

/// Owner (8 bytes of a hash), expiry (8 bytes), nonce (16 bytes of a hash).
type Key = [u8; 32];

/// The requests of all owners.
pub struct UsedRequests<M: Memory>(StableBTreeMap<Key, (), M>);

/// Why a request was not noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNoted {
    /// It was used before.
    Replayed,
    /// The owner used so many that some must expire first.
    TooMany,
}

impl<M: Memory> UsedRequests<M> {
    pub fn init(memory: M) -> Self {
        Self(StableBTreeMap::init(memory))
    }

    /// Whether the request may be used.
    ///
    /// # Errors
    /// [`NotNoted`].
    pub fn check(
        &self,
        owner: &OwnerName,
        nonce: &str,
        expires_at_s: u64,
        now_s: u64,
    ) -> Result<(), NotNoted> {
        if self.0.contains_key(&key(owner, expires_at_s, nonce)) {
            return Err(NotNoted::Replayed);
        }
        let live = self.0.range(first(owner, now_s)..=last(owner)).take(MAX_LIVE_REQUESTS).count();
        if live == MAX_LIVE_REQUESTS { Err(NotNoted::TooMany) } else { Ok(()) }
    }

    /// Notes that the request is used, and forgets those that have expired.
    ///
    /// # Errors
    /// [`NotNoted`]; it then must not be carried out.
    pub fn note(
        &mut self,
        owner: &OwnerName,
        nonce: &str,
        expires_at_s: u64,
        now_s: u64,
    ) -> Result<(), NotNoted> {
        let expired: Vec<Key> =
            self.0.range(first(owner, 0)..first(owner, now_s)).map(|entry| *entry.key()).collect();
        for key in expired {
            self.0.remove(&key);
        }
        self.check(owner, nonce, expires_at_s, now_s)?;
        self.0.insert(key(owner, expires_at_s, nonce), ());
        Ok(())
    }
}

fn key(owner: &OwnerName, expires_at_s: u64, nonce: &str) -> Key {
    let mut key = first(owner, expires_at_s);
    key[16..].copy_from_slice(&Sha256::digest(nonce.as_bytes())[..16]);
    key
}

fn first(owner: &OwnerName, expires_at_s: u64) -> Key {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&Sha256::digest(owner.as_str().as_bytes())[..8]);
    key[8..16].copy_from_slice(&expires_at_s.to_be_bytes());
    key
}

fn last(owner: &OwnerName) -> Key {
    let mut key = first(owner, u64::MAX);
    key[16..].fill(u8::MAX);
    key
}

#[cfg(test)]
mod tests {
    use ic_stable_structures::VectorMemory;

    use super::*;

    #[test]
    fn should_take_each_request_once_and_again_after_it_expired_only_by_time() {
        let memory = VectorMemory::default();
        let [alice, bob] = ["alice", "bob"].map(|name| name.parse().expect("a name"));
        let mut used = UsedRequests::init(memory.clone());
        assert_eq!(used.note(&alice, "n", 100, 50), Ok(()));
        let mut used = UsedRequests::init(memory);
        assert_eq!(used.note(&alice, "n", 100, 99), Err(NotNoted::Replayed));
        assert_eq!(used.note(&bob, "n", 100, 99), Ok(()));
        assert_eq!(used.note(&alice, "m", 100, 99), Ok(()));
    }

    #[test]
    fn should_keep_so_many_and_make_room_when_they_expire() {
        let alice = "alice".parse().expect("a name");
        let mut used = UsedRequests::init(VectorMemory::default());
        for n in 0..MAX_LIVE_REQUESTS {
            assert_eq!(used.note(&alice, &n.to_string(), 100, 50), Ok(()));
        }
        assert_eq!(used.note(&alice, "more", 101, 99), Err(NotNoted::TooMany));
        assert_eq!(used.note(&alice, "more", 101, 101), Ok(()));
        assert_eq!(used.0.len(), 1);
    }
}
