//! Stable memory: pages exist once they are written, and rolling back costs what was written.

use super::heap_image::ImageError;
use super::paged_memory::{DirtyPages, PAGE_BYTES, PagedMemory};

const WASM_PAGE_BYTES: usize = 64 * 1024;
const MAX_BYTES: usize = 500 * 1024 * 1024 * 1024;

/// The stable memory of one canister, with the uncommitted changes of the running message.
#[derive(Debug, Default)]
pub struct StableMemory {
    /// Absent while the memory is empty.
    memory: Option<PagedMemory>,
    /// What the running message has written.
    written: DirtyPages,
}

/// The range is not inside the memory.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl StableMemory {
    /// A memory with these committed contents, padded to whole pages.
    ///
    /// # Errors
    /// When the system has no memory left for them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImageError> {
        let pages = (0..).zip(bytes.chunks(PAGE_BYTES));
        let filled = pages.filter(|(_, page)| page.iter().any(|byte| *byte != 0));
        Self::from_pages(bytes.len() as u64, filled)
    }

    /// The same, of pages by their index; all others are zero.
    ///
    /// # Errors
    /// As for [`StableMemory::from_bytes`], and when the size is above the maximum or a page beyond the size.
    pub fn from_pages<'a>(
        size_bytes: u64,
        pages: impl Iterator<Item = (u32, &'a [u8])>,
    ) -> Result<Self, ImageError> {
        let mut this = Self::default();
        this.grow(size_bytes.div_ceil(WASM_PAGE_BYTES as u64)).ok_or(ImageError::NoMemory)?;
        for (index, page) in pages {
            this.write(u64::from(index) * PAGE_BYTES as u64, page)
                .map_err(|OutOfBounds| ImageError::PageOutOfBounds { index, size_bytes })?;
        }
        this.commit();
        Ok(this)
    }

    /// A memory with the committed contents of this one.
    ///
    /// # Errors
    /// When the system has no memory left for them.
    pub fn duplicate(&self) -> Result<Self, ImageError> {
        Self::from_pages(self.as_slice().len() as u64, self.filled_pages())
    }

    /// The pages that are not all zero as of the last commit, by index.
    pub fn filled_pages(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.memory.iter().flat_map(PagedMemory::filled_pages)
    }

    /// The stretches of pages that were ever written, as of the last commit; all other bytes are zero.
    pub fn written(&self) -> impl Iterator<Item = &[u8]> {
        self.memory.iter().flat_map(PagedMemory::written)
    }

    /// The contents, uncommitted changes included.
    pub fn as_slice(&self) -> &[u8] {
        self.memory.as_ref().map_or(&[], PagedMemory::as_slice)
    }

    pub fn wasm_pages(&self) -> u64 {
        (self.as_slice().len() / WASM_PAGE_BYTES) as u64
    }

    /// Grows by so many pages of 64 KiB and returns the size before, or `None` at the limit.
    pub fn grow(&mut self, wasm_pages: u64) -> Option<u64> {
        let before = self.wasm_pages();
        let after =
            before.checked_add(wasm_pages).filter(|pages| *pages <= (MAX_BYTES / WASM_PAGE_BYTES) as u64)?;
        if after > before {
            if self.memory.is_none() {
                self.memory = Some(PagedMemory::movable(MAX_BYTES).ok()?);
            }
            self.memory.as_mut()?.grow_to(after as usize * WASM_PAGE_BYTES).ok()?;
        }
        Some(before)
    }

    pub fn read(&self, offset: u64, size: u64) -> Result<&[u8], OutOfBounds> {
        let (start, end) = self.range(offset, size)?;
        Ok(&self.as_slice()[start..end])
    }

    /// Writes, and returns how many pages of 4 KiB this message wrote for the first time.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> Result<u64, OutOfBounds> {
        let (start, end) = self.range(offset, data.len() as u64)?;
        let Some(memory) = self.memory.as_mut().filter(|_| !data.is_empty()) else {
            return Ok(0);
        };
        let pages = (start / PAGE_BYTES) as u32..=((end - 1) / PAGE_BYTES) as u32;
        let first_writes = pages.filter(|page| self.written.insert(*page)).count();
        memory.as_mut_slice()[start..end].copy_from_slice(data);
        Ok(first_writes as u64)
    }

    /// Keeps the changes since the last commit.
    pub fn commit(&mut self) {
        if let Some(memory) = &mut self.memory {
            memory.commit_pages(&std::mem::take(&mut self.written));
        }
    }

    /// Undoes the changes since the last commit.
    pub fn rollback(&mut self) {
        if let Some(memory) = &mut self.memory {
            memory.roll_back_pages(&std::mem::take(&mut self.written));
        }
    }

    /// Which pages commits wrote since this was last called, or since the memory was made.
    pub fn take_dirty_pages(&mut self) -> DirtyPages {
        self.memory.as_mut().map(PagedMemory::take_dirty_pages).unwrap_or_default()
    }

    fn range(&self, offset: u64, size: u64) -> Result<(usize, usize), OutOfBounds> {
        let end = offset.checked_add(size).ok_or(OutOfBounds)?;
        if end > self.as_slice().len() as u64 {
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
    fn should_copy_no_page_that_was_never_written() {
        let mut memory = StableMemory::default();
        memory.grow(8_000_000);
        memory.write(7 << 30, b"far away").expect("in bounds");
        memory.commit();
        let copy = memory.duplicate().expect("one page");
        assert_eq!((copy.wasm_pages(), copy.filled_pages().count()), (8_000_000, 1));
        assert_eq!(copy.read(7 << 30, 8), Ok(&b"far away"[..]));
    }

    #[test]
    fn should_refuse_ranges_beyond_the_end() {
        let mut memory = StableMemory::default();
        memory.grow(1);
        assert_eq!(memory.read(65_535, 2), Err(OutOfBounds));
        assert_eq!(memory.write(u64::MAX, b"a"), Err(OutOfBounds));
    }
}
