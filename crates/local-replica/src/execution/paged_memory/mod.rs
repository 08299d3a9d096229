//! Memory that knows what was written since the last commit, so that committing and rolling back
//! cost what a message touched and not the memory's size.
//!
//! The committed contents are a file in memory. The canister works on a private mapping of it: the
//! kernel copies a page when it is first written. A commit writes those copies to the file, a
//! rollback drops them.

mod dirty;
mod mapping;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

pub use mapping::{LentMemory, WASM_GUARD_BYTES};

use mapping::{Kind, Mapping};

/// Unit of [`DirtyPages`].
pub const PAGE_BYTES: usize = 4096;

/// Indices of pages of [`PAGE_BYTES`].
pub type DirtyPages = BTreeSet<u32>;

/// Bytes with one level of undo.
#[derive(Debug)]
pub struct PagedMemory {
    mapping: Arc<Mapping>,
    committed_bytes: usize,
    /// Written by commits, and not yet taken.
    dirty: DirtyPages,
    /// Written by any commit: all other pages are zero, and looking at them would make them exist.
    ever_written: DirtyPages,
}

impl PagedMemory {
    /// An empty memory that can grow to `capacity_bytes`, without using more than address space for it.
    ///
    /// # Errors
    /// When the system has no address space or no file descriptor left.
    pub fn new(capacity_bytes: usize) -> io::Result<Self> {
        Self::of_kind(Kind::Fixed { capacity_bytes })
    }

    /// An empty memory that takes address space only as it grows. It cannot be lent.
    ///
    /// # Errors
    /// As for [`PagedMemory::new`].
    pub fn movable(maximum_bytes: usize) -> io::Result<Self> {
        Self::of_kind(Kind::Movable { maximum_bytes })
    }

    fn of_kind(kind: Kind) -> io::Result<Self> {
        let mapping = Arc::new(Mapping::new(kind)?);
        Ok(Self { mapping, committed_bytes: 0, dirty: DirtyPages::new(), ever_written: DirtyPages::new() })
    }

    /// The contents, uncommitted changes included.
    pub fn as_slice(&self) -> &[u8] {
        self.mapping.working()
    }

    /// The contents, to be changed. Undone by a rollback like any other write.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.exclusive().working_mut()
    }

    /// The contents as of the last commit.
    pub fn committed(&self) -> &[u8] {
        &self.mapping.committed()[..self.committed_bytes]
    }

    /// The pages that are not all zero as of the last commit, by index. Costs what was ever written, not
    /// the memory's size.
    pub fn filled_pages(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let committed = self.committed();
        self.ever_written.iter().filter_map(move |index| {
            let start = *index as usize * PAGE_BYTES;
            let page = committed.get(start..committed.len().min(start + PAGE_BYTES))?;
            page.iter().any(|byte| *byte != 0).then_some((*index, page))
        })
    }

    /// The stretches of pages that were ever written, as of the last commit; all other bytes are zero.
    pub fn written(&self) -> impl Iterator<Item = &[u8]> {
        let committed = self.committed();
        let stretches = dirty::ranges_of(&self.ever_written).into_iter();
        stretches.map(|range| &committed[range.start.min(committed.len())..range.end.min(committed.len())])
    }

    /// Makes the memory larger; the new bytes are zero.
    ///
    /// # Errors
    /// When that is beyond the capacity, or the system refuses.
    pub fn grow_to(&mut self, bytes: usize) -> io::Result<()> {
        self.exclusive().reserve(bytes)?;
        self.mapping.grow_to(bytes)
    }

    /// Keeps what was written since the last commit.
    pub fn commit(&mut self) {
        self.commit_ranges(dirty::ranges(&self.mapping));
    }

    /// The same for a caller that knows all pages that were written.
    pub fn commit_pages(&mut self, written: &DirtyPages) {
        self.commit_ranges(dirty::ranges_of(written));
    }

    fn commit_ranges(&mut self, ranges: Vec<Range<usize>>) {
        let mapping = self.exclusive();
        for range in &ranges {
            mapping.keep(range.clone());
        }
        self.committed_bytes = self.mapping.len();
        for range in ranges {
            let pages = (range.start / PAGE_BYTES) as u32..range.end.div_ceil(PAGE_BYTES) as u32;
            self.dirty.extend(pages.clone());
            self.ever_written.extend(pages);
        }
    }

    /// Undoes what was written since the last commit, growth included.
    pub fn rollback(&mut self) {
        self.roll_back_ranges(dirty::ranges(&self.mapping));
    }

    /// The same for a caller that knows all pages that were written.
    pub fn roll_back_pages(&mut self, written: &DirtyPages) {
        self.roll_back_ranges(dirty::ranges_of(written));
    }

    fn roll_back_ranges(&mut self, ranges: Vec<Range<usize>>) {
        let committed_bytes = self.committed_bytes;
        let mapping = self.exclusive();
        for range in ranges {
            mapping.drop_copies(range);
        }
        mapping.shrink_to(committed_bytes);
    }

    /// Which pages commits wrote since this was last called, or since the memory was made.
    pub fn take_dirty_pages(&mut self) -> DirtyPages {
        std::mem::take(&mut self.dirty)
    }

    /// The memory as wasmtime wants it, for one instance that is dropped before this memory is used
    /// again.
    pub fn lend(&mut self) -> LentMemory {
        assert!(self.mapping.never_moves(), "BUG: a movable memory was lent");
        LentMemory::new(self.mapping.clone())
    }

    fn exclusive(&mut self) -> &mut Mapping {
        Arc::get_mut(&mut self.mapping).expect("instances that it was lent to are dropped after each run")
    }
}
