//! Stable memory with a write journal, so that rolling back costs what was written, not its size.

use std::collections::BTreeMap;

use super::paged_memory::{DirtyPages, PAGE_BYTES};

const WASM_PAGE_BYTES: usize = 64 * 1024;
/// What this replica grants a canister; the network grants more than a test machine holds.
const MAX_WASM_PAGES: u64 = 4 * 1024 * 1024 * 1024 / WASM_PAGE_BYTES as u64;

/// The stable memory of one canister, with the uncommitted changes of the running message.
#[derive(Clone, Debug, Default)]
pub struct StableMemory {
    bytes: Vec<u8>,
    committed_len: usize,
    /// Contents before the running message of the pages that it wrote; empty when the page
    /// lies beyond the committed length.
    journal: BTreeMap<usize, Vec<u8>>,
    /// Written by commits, and not yet taken.
    dirty: DirtyPages,
}

/// The range is not inside the memory.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl StableMemory {
    /// A memory with these committed contents, padded to whole pages.
    pub fn from_bytes(mut bytes: Vec<u8>) -> Self {
        bytes.resize(bytes.len().next_multiple_of(WASM_PAGE_BYTES), 0);
        let dirty = (0..(bytes.len() / PAGE_BYTES) as u32).collect();
        Self { committed_len: bytes.len(), bytes, journal: BTreeMap::new(), dirty }
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub fn wasm_pages(&self) -> u64 {
        (self.bytes.len() / WASM_PAGE_BYTES) as u64
    }

    /// Grows by so many pages of 64 KiB and returns the size before, or `None` at the limit.
    pub fn grow(&mut self, wasm_pages: u64) -> Option<u64> {
        let before = self.wasm_pages();
        let after = before.checked_add(wasm_pages).filter(|pages| *pages <= MAX_WASM_PAGES)?;
        self.bytes.resize(after as usize * WASM_PAGE_BYTES, 0);
        Some(before)
    }

    pub fn read(&self, offset: u64, size: u64) -> Result<&[u8], OutOfBounds> {
        let (start, end) = self.range(offset, size)?;
        Ok(&self.bytes[start..end])
    }

    /// Writes, and returns how many pages of 4 KiB this message wrote for the first time.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> Result<u64, OutOfBounds> {
        let (start, end) = self.range(offset, data.len() as u64)?;
        if data.is_empty() {
            return Ok(0);
        }
        let mut first_writes = 0;
        for page in start / PAGE_BYTES..=(end - 1) / PAGE_BYTES {
            let (bytes, committed_len) = (&self.bytes, self.committed_len);
            self.journal.entry(page).or_insert_with(|| {
                first_writes += 1;
                let page_start = page * PAGE_BYTES;
                if page_start < committed_len {
                    bytes[page_start..page_start + PAGE_BYTES].to_vec()
                } else {
                    Vec::new()
                }
            });
        }
        self.bytes[start..end].copy_from_slice(data);
        Ok(first_writes)
    }

    /// Keeps the changes since the last commit.
    pub fn commit(&mut self) {
        self.dirty.extend(std::mem::take(&mut self.journal).into_keys().map(|page| page as u32));
        self.committed_len = self.bytes.len();
    }

    /// Undoes the changes since the last commit.
    pub fn rollback(&mut self) {
        self.bytes.truncate(self.committed_len);
        for (page, before) in std::mem::take(&mut self.journal) {
            if !before.is_empty() {
                let start = page * PAGE_BYTES;
                self.bytes[start..start + PAGE_BYTES].copy_from_slice(&before);
            }
        }
    }

    /// Which pages commits wrote since this was last called, or since the memory was made.
    pub fn take_dirty_pages(&mut self) -> DirtyPages {
        std::mem::take(&mut self.dirty)
    }

    fn range(&self, offset: u64, size: u64) -> Result<(usize, usize), OutOfBounds> {
        let end = offset.checked_add(size).ok_or(OutOfBounds)?;
        if end > self.bytes.len() as u64 {
            return Err(OutOfBounds);
        }
        Ok((offset as usize, end as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_undo_writes_and_growth_when_rolled_back() {
        let mut memory = StableMemory::default();
        assert_eq!(memory.grow(1), Some(0));
        memory.write(4090, b"committed").expect("in bounds");
        memory.commit();
        memory.write(4094, b"XY").expect("in bounds");
        memory.grow(1);
        memory.write(65_536, b"new page").expect("in bounds");
        memory.rollback();
        assert_eq!(memory.wasm_pages(), 1);
        assert_eq!(memory.read(4090, 9), Ok(&b"committed"[..]));
    }

    #[test]
    fn should_count_only_first_writes_to_a_page() {
        let mut memory = StableMemory::default();
        memory.grow(1);
        assert_eq!(memory.write(4095, b"ab"), Ok(2));
        assert_eq!(memory.write(0, b"ab"), Ok(0));
        memory.commit();
        assert_eq!(memory.write(0, b"ab"), Ok(1));
    }

    #[test]
    fn should_refuse_ranges_beyond_the_end() {
        let mut memory = StableMemory::default();
        memory.grow(1);
        assert_eq!(memory.read(65_535, 2), Err(OutOfBounds));
        assert_eq!(memory.write(u64::MAX, b"a"), Err(OutOfBounds));
    }
}
