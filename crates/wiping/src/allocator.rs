//! An allocator that overwrites memory before giving it back, so that no freed buffer keeps what it held.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
};

/// The system's allocator, zeroing on release. Growing a buffer goes through a fresh one (the trait's own
/// `realloc`), so the old place is zeroed as well.
pub struct ZeroizingAllocator;

// SAFETY: every method forwards to `System` with the layout it was given and keeps its contract; zeroing touches
// only the block being released, which the caller owns until `dealloc` returns.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for ZeroizingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: same contract, passed through.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: same contract, passed through.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller guarantees that `block` was allocated with `layout` and is not used any more.
        // `black_box` keeps the write from being taken for a dead store.
        unsafe {
            block.write_bytes(0, layout.size());
            System.dealloc(black_box(block), layout);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn should_keep_the_content_when_growing() {
        let allocator = ZeroizingAllocator;
        let layout = Layout::from_size_align(64, 8).expect("a valid layout");
        // SAFETY: the block is used within its layout and released once, with the layout it has last.
        unsafe {
            let block = allocator.alloc(layout);
            block.write_bytes(7, 64);
            let grown = allocator.realloc(block, layout, 4_096);
            assert!((0..64).all(|i| *grown.add(i) == 7));
            allocator.dealloc(grown, Layout::from_size_align(4_096, 8).expect("a valid layout"));
        }
    }
}
