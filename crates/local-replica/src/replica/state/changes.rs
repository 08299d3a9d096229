//! What has changed since the state was last written, found without looking at all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

use candid::Principal;
use sha2::{Digest, Sha256};

use super::canister::{CanisterImage, chunk_range, modules, page_range, snapshot_range};
use super::rows::{MemoryKind, PAGE_BYTES, RowKey, Rows, encode, visit_pages};
use crate::canister::{Canister, SnapshotSource};
use crate::execution::{DirtyPages, Instance};
use crate::replica::Replica;

/// What the rows that are written hold, as far as it takes to see what differs from them.
#[derive(Default)]
pub(super) struct Kept {
    /// Hash of the value of every row but those of the ingress history, which notes its changes itself.
    hashes: BTreeMap<RowKey, [u8; 32]>,
    /// What was added to the clock by hand.
    clock_ahead_ns: u64,
    canisters: BTreeSet<Principal>,
    /// Whether another state was taken up since: its snapshots may differ from those with the same numbers.
    compare_snapshots: bool,
}

impl Kept {
    pub fn of(rows: &Rows) -> Self {
        let mut kept = Self::default();
        for (key, value) in rows {
            match key {
                RowKey::Ingress(_) => continue,
                RowKey::Canister(canister) => {
                    kept.canisters.insert(*canister);
                }
                _ => {}
            }
            kept.hashes.insert(*key, hash(value));
        }
        kept
    }

    /// Notes that another state takes the place of the one that was written.
    pub fn state_was_replaced(&mut self) {
        self.compare_snapshots = true;
    }
}

fn hash(value: &[u8]) -> [u8; 32] {
    Sha256::digest(value).into()
}

/// Rows to write, and rows to remove, by their key.
#[derive(Default)]
pub(super) struct Changes {
    rows: BTreeMap<RowKey, Option<Vec<u8>>>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The new values; `None` for rows that are gone.
    pub fn rows(&self) -> impl Iterator<Item = (&RowKey, &Option<Vec<u8>>)> {
        self.rows.iter()
    }

    /// Notes the row if its value is another one.
    fn put(&mut self, kept: &mut Kept, key: RowKey, value: &[u8]) {
        let hash = hash(value);
        if kept.hashes.insert(key, hash) != Some(hash) {
            self.rows.insert(key, Some(value.to_vec()));
        }
    }

    fn remove(&mut self, kept: &mut Kept, key: RowKey) {
        if kept.hashes.remove(&key).is_some() {
            self.rows.insert(key, None);
        }
    }

    /// Removes the rows of a range that are not among those that stay.
    fn remove_others(
        &mut self,
        kept: &mut Kept,
        range: impl RangeBounds<RowKey>,
        stays: impl Fn(&RowKey) -> bool,
    ) {
        let gone: Vec<RowKey> =
            kept.hashes.range(range).map(|(key, _)| *key).filter(|key| !stays(key)).collect();
        for key in gone {
            self.remove(kept, key);
        }
    }
}

impl Replica {
    /// What is to be written so that the directory holds the present state; `kept` is brought up to it.
    pub(super) fn changes_since(&mut self, kept: &mut Kept) -> Changes {
        let mut changes = Changes::default();
        changes.put(kept, RowKey::Subnet, &self.subnet_row());
        for id in self.ingress.take_unkept() {
            let row = self.ingress.get(&id).map(encode);
            changes.rows.insert(RowKey::Ingress(id), row);
        }
        let present: BTreeSet<Principal> = self.canisters.keys().copied().collect();
        for gone in &kept.canisters - &present {
            changes.remove(kept, RowKey::Canister(gone));
            changes.remove_others(kept, chunk_range(gone), |_| false);
            changes.remove_others(kept, snapshot_range(gone), |_| false);
            for memory in [MemoryKind::Heap, MemoryKind::Stable] {
                changes.remove_others(kept, page_range(gone, memory), |_| false);
            }
        }
        kept.canisters = present;
        for canister in self.canisters.values_mut() {
            changes.put_canister(kept, canister);
        }
        kept.compare_snapshots = false;
        changes.put_modules(kept, &self.canisters);
        // The clock moves all the time; by itself that is nothing to write.
        let ahead_ns = self.clock.ahead_ns();
        if !changes.is_empty() || ahead_ns != kept.clock_ahead_ns {
            kept.clock_ahead_ns = ahead_ns;
            changes.put(kept, RowKey::Clock, &self.clock_row());
        }
        changes
    }
}

impl Changes {
    fn put_canister(&mut self, kept: &mut Kept, canister: &mut Canister) {
        let id = canister.id;
        self.put(kept, RowKey::Canister(id), &encode(&CanisterImage::of(canister)));
        for (hash, chunk) in &canister.chunk_store {
            let key = RowKey::Chunk(id, *hash);
            if !kept.hashes.contains_key(&key) {
                self.put(kept, key, chunk);
            }
        }
        for (snapshot, content) in &canister.snapshots {
            let key = RowKey::Snapshot(*snapshot);
            // Only those that are uploaded change once they are there.
            let may_change = kept.compare_snapshots || content.source == SnapshotSource::MetadataUpload;
            if !may_change && kept.hashes.contains_key(&key) {
                continue;
            }
            self.put(kept, key, &encode(content));
        }
        let (chunks, snapshots) = (&canister.chunk_store, &canister.snapshots);
        self.remove_others(
            kept,
            snapshot_range(id),
            |key| matches!(key, RowKey::Snapshot(snapshot) if snapshots.contains_key(snapshot)),
        );
        self.remove_others(
            kept,
            chunk_range(id),
            |key| matches!(key, RowKey::Chunk(_, hash) if chunks.contains_key(hash)),
        );
        match canister.instance.as_mut().and_then(Instance::take_dirty_pages) {
            Some(dirty) => {
                self.put_pages(kept, id, MemoryKind::Heap, canister.memory(), dirty.heap);
                self.put_pages(kept, id, MemoryKind::Stable, canister.stable_memory(), dirty.stable);
            }
            None => {
                self.put_memory(kept, canister, MemoryKind::Heap);
                self.put_memory(kept, canister, MemoryKind::Stable);
            }
        }
    }

    fn put_pages(
        &mut self,
        kept: &mut Kept,
        canister: Principal,
        memory: MemoryKind,
        bytes: &[u8],
        dirty: DirtyPages,
    ) {
        for index in dirty {
            let key = RowKey::Page { canister, memory, index };
            let start = index as usize * PAGE_BYTES;
            match bytes.get(start..(start + PAGE_BYTES).min(bytes.len())) {
                Some(page) if page.iter().any(|byte| *byte != 0) => self.put(kept, key, page),
                _ => self.remove(kept, key),
            }
        }
    }

    fn put_memory(&mut self, kept: &mut Kept, canister: &Canister, memory: MemoryKind) {
        let mut filled = BTreeSet::new();
        visit_pages(canister, memory, &mut |index, page| {
            self.put(kept, RowKey::Page { canister: canister.id, memory, index }, page);
            filled.insert(index);
        });
        self.remove_others(
            kept,
            page_range(canister.id, memory),
            |key| matches!(key, RowKey::Page { index, .. } if filled.contains(index)),
        );
    }

    fn put_modules(&mut self, kept: &mut Kept, canisters: &BTreeMap<Principal, Canister>) {
        let modules = modules(canisters);
        for (hash, sent) in &modules {
            if !kept.hashes.contains_key(&RowKey::Module(*hash)) {
                self.put(kept, RowKey::Module(*hash), sent);
            }
        }
        self.remove_others(
            kept,
            RowKey::Module([0; 32])..=RowKey::Module([u8::MAX; 32]),
            |key| matches!(key, RowKey::Module(hash) if modules.contains_key(hash)),
        );
    }
}
