//! Uploaded bytes in stable memory.
//!
//! An upload is cut into pieces of 64 KiB, each in a slot of its own, so that small artifacts take little room, large
//! ones need no neighbouring slots, and freed slots are used again. Heap use does not grow with the bytes, only with
//! the number of free slots.

use std::collections::BTreeSet;

use ic_stable_structures::{Memory, StableBTreeMap};
use release_types::CHUNK_BYTES;
use serde::{Deserialize, Serialize};

/// Size of a slot: a page of stable memory.
const SLOT_BYTES: u64 = 65_536;
const SLOTS_PER_CHUNK: u32 = (CHUNK_BYTES / SLOT_BYTES) as u32;

/// The number under which an upload's bytes are kept; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredAs(pub u64);

/// The bytes of all uploads.
pub struct ChunkStore<M: Memory> {
    /// (upload, piece) → slot.
    pieces: StableBTreeMap<(u64, u32), u32, M>,
    bytes: M,
    free: BTreeSet<u32>,
    slots: u32,
}

impl<M: Memory> ChunkStore<M> {
    pub fn init(index: M, bytes: M) -> Self {
        let pieces = StableBTreeMap::init(index);
        let used: BTreeSet<u32> = pieces.iter().map(|entry| entry.value()).collect();
        let slots = u32::try_from(bytes.size()).expect("stable memory has fewer than 2^32 pages");
        let free = (0..slots).filter(|slot| !used.contains(slot)).collect();
        Self { pieces, bytes, free, slots }
    }

    /// Keeps one chunk, replacing what was there.
    pub fn write(&mut self, upload: StoredAs, chunk: u32, bytes: &[u8]) {
        for (piece, part) in (chunk * SLOTS_PER_CHUNK..).zip(bytes.chunks(SLOT_BYTES as usize)) {
            let slot = self.pieces.get(&(upload.0, piece)).unwrap_or_else(|| self.take_slot());
            self.pieces.insert((upload.0, piece), slot);
            self.bytes.write(u64::from(slot) * SLOT_BYTES, part);
        }
    }

    pub fn contains(&self, upload: StoredAs, chunk: u32) -> bool {
        self.pieces.contains_key(&(upload.0, chunk * SLOTS_PER_CHUNK))
    }

    /// The first `length` bytes of a chunk, or nothing if it is not there.
    pub fn read(&self, upload: StoredAs, chunk: u32, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        for (piece, part) in (chunk * SLOTS_PER_CHUNK..).zip(bytes.chunks_mut(SLOT_BYTES as usize)) {
            let slot = self.pieces.get(&(upload.0, piece))?;
            self.bytes.read(u64::from(slot) * SLOT_BYTES, part);
        }
        Some(bytes)
    }

    /// The bytes of an upload from `start` on, `length` of them, across chunks; nothing if some are not there.
    pub fn read_range(&self, upload: StoredAs, start: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut position = start;
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let piece = u32::try_from(position / SLOT_BYTES).ok()?;
            let offset = position % SLOT_BYTES;
            let (part, later) = rest.split_at_mut(rest.len().min((SLOT_BYTES - offset) as usize));
            let slot = self.pieces.get(&(upload.0, piece))?;
            self.bytes.read(u64::from(slot) * SLOT_BYTES + offset, part);
            position += part.len() as u64;
            rest = later;
        }
        Some(bytes)
    }

    /// Forgets an upload; its slots are used again.
    pub fn remove(&mut self, upload: StoredAs) {
        let range = (upload.0, 0)..=(upload.0, u32::MAX);
        let pieces: Vec<_> = self.pieces.range(range).map(|entry| *entry.key()).collect();
        for piece in pieces {
            if let Some(slot) = self.pieces.remove(&piece) {
                self.free.insert(slot);
            }
        }
    }

    /// Bytes taken by uploads, in whole slots.
    pub fn used_bytes(&self) -> u64 {
        self.pieces.len() * SLOT_BYTES
    }

    fn take_slot(&mut self) -> u32 {
        if let Some(slot) = self.free.pop_first() {
            return slot;
        }
        assert!(self.bytes.grow(1) >= 0, "stable memory is exhausted, the upload cannot be kept");
        self.slots += 1;
        self.slots - 1
    }
}

#[cfg(test)]
mod tests {
    use ic_stable_structures::VectorMemory;

    use super::*;

    fn store() -> (ChunkStore<VectorMemory>, VectorMemory, VectorMemory) {
        let (index, bytes) = (VectorMemory::default(), VectorMemory::default());
        (ChunkStore::init(index.clone(), bytes.clone()), index, bytes)
    }

    fn pattern(seed: u8, length: usize) -> Vec<u8> {
        (0..length).map(|i| (i / 1_000) as u8 ^ seed).collect()
    }

    #[test]
    fn should_give_back_each_chunk_when_opened_again() {
        let (mut chunks, index, bytes) = store();
        let sizes = [(0, CHUNK_BYTES as usize), (1, 70_000), (2, 1)];
        for (chunk, size) in sizes {
            chunks.write(StoredAs(7), chunk, &pattern(chunk as u8, size));
        }
        let again = ChunkStore::init(index, bytes);
        for (chunk, size) in sizes {
            assert_eq!(again.read(StoredAs(7), chunk, size), Some(pattern(chunk as u8, size)));
        }
        assert!(!again.contains(StoredAs(7), 3) && !again.contains(StoredAs(8), 0));
        assert_eq!(again.read(StoredAs(8), 0, 1), None);
    }

    #[test]
    fn should_read_any_range_across_chunks_and_nothing_that_is_not_there() {
        let (mut chunks, ..) = store();
        let all = pattern(9, CHUNK_BYTES as usize + 70_000);
        for (chunk, part) in (0..).zip(all.chunks(CHUNK_BYTES as usize)) {
            chunks.write(StoredAs(7), chunk, part);
        }
        for (start, length) in [(0, 1), (65_535, 2), (CHUNK_BYTES - 3, 70_000), (100, 300_000), (5, 0)] {
            let range = start as usize..start as usize + length;
            assert_eq!(chunks.read_range(StoredAs(7), start, length), Some(all[range].to_vec()), "{start}");
        }
        assert_eq!(chunks.read_range(StoredAs(7), CHUNK_BYTES, 140_000), None);
        assert_eq!(chunks.read_range(StoredAs(8), 0, 1), None);
    }

    #[test]
    fn should_use_freed_slots_again_and_leave_others_alone() {
        let (mut chunks, index, bytes) = store();
        chunks.write(StoredAs(1), 0, &pattern(1, 200_000));
        chunks.write(StoredAs(2), 0, &pattern(2, 200_000));
        let size = bytes.size();
        chunks.remove(StoredAs(1));
        assert_eq!(chunks.used_bytes(), 4 * SLOT_BYTES);
        let mut again = ChunkStore::init(index, bytes.clone());
        again.write(StoredAs(3), 0, &pattern(3, 200_000));
        assert_eq!(bytes.size(), size);
        assert_eq!(again.read(StoredAs(2), 0, 200_000), Some(pattern(2, 200_000)));
        assert_eq!(again.read(StoredAs(3), 0, 200_000), Some(pattern(3, 200_000)));
    }

    #[test]
    fn should_not_take_more_room_when_a_chunk_is_sent_again() {
        let (mut chunks, _, bytes) = store();
        chunks.write(StoredAs(1), 0, &pattern(1, 200_000));
        let size = bytes.size();
        chunks.write(StoredAs(1), 0, &pattern(2, 200_000));
        assert_eq!(bytes.size(), size);
        assert_eq!(chunks.read(StoredAs(1), 0, 200_000), Some(pattern(2, 200_000)));
    }
}
