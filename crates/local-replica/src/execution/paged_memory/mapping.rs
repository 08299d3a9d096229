//! The two mappings of one memory, and lending one of them to wasmtime. All unsafe code of paged
//! memories is here.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags, madvise, mmap, mprotect, mremap, munmap,
};
use wasmtime::LinearMemory;

/// Address space after the capacity that can never be accessed, which lets compiled code leave out
/// bounds checks.
pub const WASM_GUARD_BYTES: usize = 32 * 1024 * 1024;

/// What a movable mapping has room for in the beginning.
const FIRST_CAPACITY_BYTES: usize = 1024 * 1024;

/// An unlinked file in memory, mapped twice: shared, which is the committed contents, and private,
/// where the canister writes.
#[derive(Debug)]
pub(super) struct Mapping {
    committed: NonNull<u8>,
    working: NonNull<u8>,
    capacity_bytes: usize,
    kind: Kind,
    /// How much of `working` may be used.
    len: AtomicUsize,
}

/// How a mapping makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Never moves. Bytes beyond the length cannot be accessed, not even by code that checks no bounds.
    Fixed { capacity_bytes: usize },
    /// Takes more address space as it grows, and may move then.
    Movable { maximum_bytes: usize },
}

// SAFETY: the pointers are to mappings that this value owns alone. `&self` gives out only reads, and
// lengths that only grow.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub fn new(kind: Kind) -> io::Result<Self> {
        let (file_bytes, capacity_bytes, access) = match kind {
            // Nothing cannot be mapped.
            Kind::Fixed { capacity_bytes } => {
                let bytes = capacity_bytes.max(rustix::param::page_size());
                (bytes, bytes, ProtFlags::empty())
            }
            Kind::Movable { maximum_bytes } => {
                (maximum_bytes, FIRST_CAPACITY_BYTES.min(maximum_bytes), ProtFlags::READ | ProtFlags::WRITE)
            }
        };
        let file = memfd_create("canister memory", MemfdFlags::CLOEXEC)?;
        // A file of holes: pages exist once they are written.
        ftruncate(&file, file_bytes as u64)?;
        let map = |bytes, protection, flags| {
            // SAFETY: a new mapping at an address that the kernel chooses.
            let start = unsafe {
                mmap(std::ptr::null_mut(), bytes, protection, flags | MapFlags::NORESERVE, &file, 0)
            }?;
            not_null(start)
        };
        let committed = map(capacity_bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED)?;
        let working = match map(capacity_bytes + guard_bytes(kind), access, MapFlags::PRIVATE) {
            Ok(working) => working,
            Err(error) => {
                // SAFETY: mapped above and used by nobody.
                unsafe { munmap(committed.as_ptr().cast(), capacity_bytes) }?;
                return Err(error);
            }
        };
        Ok(Self { committed, working, capacity_bytes, kind, len: AtomicUsize::new(0) })
    }

    /// Makes room in a movable mapping.
    pub fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        let Kind::Movable { maximum_bytes } = self.kind else {
            return Ok(());
        };
        if bytes <= self.capacity_bytes || bytes > maximum_bytes {
            return Ok(());
        }
        let capacity_bytes = bytes.next_power_of_two().min(maximum_bytes);
        let extend = |start: NonNull<u8>| {
            // SAFETY: mapped with this size. `&mut self` excludes references into it, and the fields
            // get the new addresses before anything else can fail.
            let start = unsafe {
                mremap(start.as_ptr().cast(), self.capacity_bytes, capacity_bytes, MremapFlags::MAYMOVE)
            }?;
            not_null(start)
        };
        let working = extend(self.working)?;
        let committed = extend(self.committed);
        self.working = working;
        self.committed = committed?;
        self.capacity_bytes = capacity_bytes;
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub fn never_moves(&self) -> bool {
        matches!(self.kind, Kind::Fixed { .. })
    }

    pub fn address(&self) -> usize {
        self.working.as_ptr() as usize
    }

    pub fn working(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are readable. Only wasmtime writes to them through another
        // path, while it holds the memory lent by `&mut PagedMemory`.
        unsafe { std::slice::from_raw_parts(self.working.as_ptr(), self.len()) }
    }

    pub fn working_mut(&mut self) -> &mut [u8] {
        // SAFETY: the first `len` bytes are writable, and `&mut self` excludes every other access.
        unsafe { std::slice::from_raw_parts_mut(self.working.as_ptr(), self.len()) }
    }

    /// All of the file; what was never committed reads as zero.
    pub fn committed(&self) -> &[u8] {
        // SAFETY: mapped readable to the capacity; written in `keep` alone, which has `&mut self`.
        unsafe { std::slice::from_raw_parts(self.committed.as_ptr(), self.capacity_bytes) }
    }

    pub fn grow_to(&self, bytes: usize) -> io::Result<()> {
        if bytes > self.capacity_bytes {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if self.never_moves() {
            self.protect(0..bytes, MprotectFlags::READ | MprotectFlags::WRITE)?;
        }
        self.len.fetch_max(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Writes a range of whole pages of the system from the working to the committed contents.
    pub fn keep(&mut self, range: Range<usize>) {
        assert!(range.end <= self.len(), "BUG: dirty pages beyond the memory's end");
        // SAFETY: both mappings have the range, they do not overlap, and `&mut self` excludes readers.
        unsafe {
            self.committed
                .add(range.start)
                .copy_from_nonoverlapping(self.working.add(range.start), range.len());
        }
        self.drop_copies(range);
    }

    /// Lets a range of the working contents show the file again.
    pub fn drop_copies(&mut self, range: Range<usize>) {
        // SAFETY: the range is in the private mapping. The copies that are dropped are undone or were
        // written to the file, and `&mut self` excludes references into them.
        unsafe { madvise(self.at(range.start), range.len(), Advice::LinuxDontNeed) }
            .expect("the range is mapped, aligned to pages and not locked");
    }

    /// Shortens the working contents. No copies may be left beyond the new end.
    pub fn shrink_to(&mut self, bytes: usize) {
        let len = self.len();
        if bytes < len && self.never_moves() {
            self.protect(bytes..len, MprotectFlags::empty())
                .expect("taking access away from the end of a mapping needs no more than one area");
        }
        *self.len.get_mut() = bytes.min(len);
    }

    fn protect(&self, range: Range<usize>, access: MprotectFlags) -> io::Result<()> {
        // SAFETY: the range is in the private mapping. Access is taken away only from `shrink_to`, where
        // `&mut self` excludes references into it.
        Ok(unsafe { mprotect(self.at(range.start), range.len(), access) }?)
    }

    fn at(&self, offset: usize) -> *mut c_void {
        self.working.as_ptr().wrapping_add(offset).cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: both were mapped by `new` with these sizes, and nobody else unmaps them. That they
        // are mapped is also why unmapping cannot fail.
        unsafe {
            let _ = munmap(self.committed.as_ptr().cast(), self.capacity_bytes);
            let _ = munmap(self.working.as_ptr().cast(), self.capacity_bytes + guard_bytes(self.kind));
        }
    }
}

fn guard_bytes(kind: Kind) -> usize {
    match kind {
        Kind::Fixed { .. } => WASM_GUARD_BYTES,
        Kind::Movable { .. } => 0,
    }
}

fn not_null(start: *mut c_void) -> io::Result<NonNull<u8>> {
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// A paged memory in the hands of wasmtime.
#[derive(Debug)]
pub struct LentMemory(std::sync::Arc<Mapping>);

impl LentMemory {
    pub(super) fn new(mapping: std::sync::Arc<Mapping>) -> Self {
        Self(mapping)
    }
}

// SAFETY: the working mapping never moves, is accessible up to `byte_size`, and is followed by address
// space without access up to the capacity and by the guard after that. `PagedMemory` gives out no
// reference to it while it is lent.
unsafe impl LinearMemory for LentMemory {
    fn byte_size(&self) -> usize {
        self.0.len()
    }

    fn byte_capacity(&self) -> usize {
        self.0.capacity_bytes
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        Ok(self.0.grow_to(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.working.as_ptr()
    }
}
