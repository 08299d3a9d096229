//! Which pages of a memory the kernel has copied because they were written.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use super::mapping::Mapping;
use super::{DirtyPages, PAGE_BYTES};

/// For every page of this process 8 bytes that say where it is; absent where containers hide it.
static PAGE_MAP: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/pagemap").ok());

const ENTRY_BYTES: usize = 8;
const ENTRIES_PER_READ: usize = 8192;
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
/// The page is the file's; a page that was written is a copy instead.
const OF_FILE: u64 = 1 << 61;

/// Ranges of whole pages of the system in which the working contents may differ from the committed.
pub(super) fn ranges(mapping: &Mapping) -> Vec<Range<usize>> {
    match PAGE_MAP.as_ref().map(|page_map| copied(mapping, page_map)) {
        Some(Ok(ranges)) => ranges,
        Some(Err(_)) | None => differing(mapping),
    }
}

/// Ranges of whole pages of the system that contain these pages.
pub(super) fn ranges_of(pages: &DirtyPages) -> Vec<Range<usize>> {
    let page_bytes = rustix::param::page_size();
    let mut ranges = Ranges::default();
    for page in pages {
        ranges.push(*page as usize * PAGE_BYTES / page_bytes * page_bytes, page_bytes);
    }
    ranges.0
}

pub(super) fn copied(mapping: &Mapping, page_map: &File) -> io::Result<Vec<Range<usize>>> {
    let page_bytes = rustix::param::page_size();
    let (first, pages) = (mapping.address() / page_bytes, mapping.len() / page_bytes);
    let mut ranges = Ranges::default();
    let mut buffer = vec![0; ENTRY_BYTES * ENTRIES_PER_READ.min(pages)];
    for start in (0..pages).step_by(ENTRIES_PER_READ) {
        let entries = &mut buffer[..ENTRY_BYTES * ENTRIES_PER_READ.min(pages - start)];
        page_map.read_exact_at(entries, ((first + start) * ENTRY_BYTES) as u64)?;
        for (page, entry) in (start..).zip(entries.chunks_exact(ENTRY_BYTES)) {
            let entry = u64::from_ne_bytes(entry.try_into().expect("chunks have 8 bytes"));
            if entry & (PRESENT | SWAPPED) != 0 && entry & OF_FILE == 0 {
                ranges.push(page * page_bytes, page_bytes);
            }
        }
    }
    Ok(ranges.0)
}

/// The same by looking at all contents, at the cost of the memory's size.
pub(super) fn differing(mapping: &Mapping) -> Vec<Range<usize>> {
    let page_bytes = rustix::param::page_size();
    let mut ranges = Ranges::default();
    let pages = mapping.working().chunks(page_bytes).zip(mapping.committed().chunks(page_bytes));
    for (page, (working, committed)) in pages.enumerate() {
        if working != committed {
            ranges.push(page * page_bytes, page_bytes);
        }
    }
    ranges.0
}

/// Joins neighbours and leaves out repetitions.
#[derive(Default)]
struct Ranges(Vec<Range<usize>>);

impl Ranges {
    fn push(&mut self, start: usize, bytes: usize) {
        match self.0.last_mut() {
            Some(last) if last.end > start => {}
            Some(last) if last.end == start => last.end += bytes,
            _ => self.0.push(start..start + bytes),
        }
    }
}
