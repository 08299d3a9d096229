use std::fs::File;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::dirty::{copied, differing};
use super::*;

const CAPACITY_BYTES: usize = 64 * WASM_PAGE_BYTES;
const WASM_PAGE_BYTES: usize = 65_536;

/// The same by copying everything.
#[derive(Default)]
struct Copying {
    bytes: Vec<u8>,
    committed: Vec<u8>,
}

#[test]
fn should_equal_a_copying_memory_after_any_writes_growth_commits_and_rollbacks() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut memory = PagedMemory::new(CAPACITY_BYTES).expect("address space");
    let mut model = Copying::default();
    for _ in 0..2_000 {
        match rng.gen_range(0..10) {
            0 => {
                let bytes = model.bytes.len() + WASM_PAGE_BYTES * rng.gen_range(0..3);
                if bytes <= CAPACITY_BYTES {
                    memory.grow_to(bytes).expect("below the capacity");
                    model.bytes.resize(bytes, 0);
                }
            }
            1 => {
                memory.commit();
                model.committed.clone_from(&model.bytes);
            }
            2 => {
                memory.rollback();
                model.bytes.clone_from(&model.committed);
            }
            _ if !model.bytes.is_empty() => {
                let start = rng.gen_range(0..model.bytes.len());
                let end = (start + rng.gen_range(0..10_000)).min(model.bytes.len());
                let value = rng.r#gen();
                memory.as_mut_slice()[start..end].fill(value);
                model.bytes[start..end].fill(value);
            }
            _ => {}
        }
        assert!(memory.as_slice() == model.bytes, "the working contents differ");
        assert!(memory.committed() == model.committed, "the committed contents differ");
        let filled =
            (0..).zip(model.committed.chunks(PAGE_BYTES)).filter(|(_, page)| *page != [0; PAGE_BYTES]);
        assert!(memory.filled_pages().eq(filled), "the filled pages differ");
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        assert_eq!(
            memory.written().map(sum).sum::<u64>(),
            sum(&model.committed),
            "something was written elsewhere"
        );
    }
}

#[test]
fn should_name_the_pages_that_were_written_and_no_others() {
    let mut memory = PagedMemory::new(CAPACITY_BYTES).expect("address space");
    memory.grow_to(4 * WASM_PAGE_BYTES).expect("below the capacity");
    memory.commit();
    assert_eq!(memory.take_dirty_pages(), DirtyPages::new());
    let read: u64 = memory.as_slice().iter().copied().map(u64::from).sum();
    assert_eq!(read, 0);
    memory.as_mut_slice()[PAGE_BYTES - 1..=PAGE_BYTES].fill(1);
    memory.as_mut_slice()[9 * PAGE_BYTES] = 1;
    memory.commit();
    memory.as_mut_slice()[11 * PAGE_BYTES] = 1;
    memory.rollback();
    memory.commit();
    let pages_per_system_page = (rustix::param::page_size() / PAGE_BYTES) as u32;
    let whole = |page: u32| page / pages_per_system_page * pages_per_system_page;
    let expected = [0, 1, 9].into_iter().flat_map(|page| whole(page)..whole(page) + pages_per_system_page);
    assert_eq!(memory.take_dirty_pages(), expected.collect());
    assert_eq!(memory.take_dirty_pages(), DirtyPages::new());
}

#[test]
fn should_find_the_same_pages_by_looking_at_all_contents() {
    let mut memory = PagedMemory::new(CAPACITY_BYTES).expect("address space");
    memory.grow_to(40 * WASM_PAGE_BYTES).expect("below the capacity");
    memory.commit();
    for page in [0, 1, 5, 639] {
        memory.as_mut_slice()[page * rustix::param::page_size()] = 7;
    }
    let page_map = File::open("/proc/self/pagemap").expect("this system shows it");
    let found = copied(&memory.mapping, &page_map).expect("it can be read");
    assert_eq!(found, differing(&memory.mapping));
    assert_eq!(found.iter().map(|range| range.len()).sum::<usize>(), 4 * rustix::param::page_size());
}

#[test]
fn should_show_neighbouring_pages_that_were_written_as_one_stretch() {
    let mut memory = PagedMemory::new(CAPACITY_BYTES).expect("address space");
    memory.grow_to(4 * WASM_PAGE_BYTES).expect("below the capacity");
    let page_bytes = rustix::param::page_size();
    memory.as_mut_slice()[2 * page_bytes - 1..=2 * page_bytes].fill(1);
    memory.as_mut_slice()[5 * page_bytes] = 1;
    assert_eq!(memory.written().count(), 0, "nothing is committed");
    memory.commit();
    let lengths: Vec<usize> = memory.written().map(<[u8]>::len).collect();
    assert_eq!(lengths, [2 * page_bytes, page_bytes]);
}

#[test]
fn should_not_grow_beyond_the_capacity() {
    let mut memory = PagedMemory::new(WASM_PAGE_BYTES).expect("address space");
    memory.grow_to(2 * WASM_PAGE_BYTES).expect_err("beyond the capacity");
    assert!(memory.as_slice().is_empty());
}
