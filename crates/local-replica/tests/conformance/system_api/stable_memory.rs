//! Canister interface › Stable memory

use super::{assert_wasm_trap, number32, number64, update};

/// Stable memory begins empty.
#[test]
fn should_begin_empty() {
    assert_eq!(number64(update("(call $reply64 (call $stable64_size))")), 0);
}

/// Growing returns the size before, in pages of 64 KiB.
#[test]
fn should_return_the_size_before_growing() {
    let code =
        "(drop (call $stable64_grow (i64.const 3))) (call $reply64 (call $stable64_grow (i64.const 2)))";
    assert_eq!(number64(update(code)), 3);
}

/// Growing beyond what is possible returns -1 and changes nothing.
#[test]
fn should_return_minus_1_when_it_cannot_grow() {
    let code = "(drop (call $stable64_grow (i64.const 1)))
        (if (i64.ne (call $stable64_grow (i64.const 0x1000000000000)) (i64.const -1)) (then unreachable))
        (if (i64.ne (call $stable64_grow (i64.const -1)) (i64.const -1)) (then unreachable))
        (call $reply64 (call $stable64_size))";
    assert_eq!(number64(update(code)), 1);
}

/// New pages contain zeros.
#[test]
fn should_grow_by_zeros() {
    let code = "(drop (call $stable64_grow (i64.const 1)))
        (call $stable64_read (i64.const 16) (i64.const 65528) (i64.const 8))
        (call $reply64 (i64.load (i32.const 16)))";
    assert_eq!(number64(update(code)), 0);
}

/// What is written is read again, across the border of a page.
#[test]
fn should_read_what_was_written() {
    let code = "(drop (call $stable64_grow (i64.const 2)))
        (call $stable64_write (i64.const 65533) (i64.const 16) (i64.const 6))
        (call $stable64_read (i64.const 512) (i64.const 65533) (i64.const 6))
        (call $reply (i32.const 512) (i32.const 6))";
    assert_eq!(update(code), Ok(b"answer".to_vec()));
}

/// Reading and writing beyond the end of stable memory trap, also when the sum exceeds 64 bits.
#[test]
fn should_trap_beyond_the_end_of_stable_memory() {
    for (offset, size) in [("65530", "7"), ("65536", "1"), ("-1", "2"), ("65537", "0")] {
        for call in [
            format!("(call $stable64_write (i64.const {offset}) (i64.const 0) (i64.const {size}))"),
            format!("(call $stable64_read (i64.const 0) (i64.const {offset}) (i64.const {size}))"),
        ] {
            assert_wasm_trap(update(&format!("(drop (call $stable64_grow (i64.const 1))) {call}")));
        }
    }
}

/// Reading to and writing from beyond the end of memory trap, also when the sum exceeds 64 bits.
#[test]
fn should_trap_beyond_the_end_of_memory() {
    for (address, size) in [("65530", "7"), ("65536", "1"), ("-1", "2")] {
        for call in [
            format!("(call $stable64_write (i64.const 0) (i64.const {address}) (i64.const {size}))"),
            format!("(call $stable64_read (i64.const {address}) (i64.const 0) (i64.const {size}))"),
        ] {
            assert_wasm_trap(update(&format!("(drop (call $stable64_grow (i64.const 2))) {call}")));
        }
    }
}

/// The 32-bit functions work on the same memory.
#[test]
fn should_offer_the_same_memory_through_32_bits() {
    let code = "(if (i32.ne (call $stable_grow (i32.const 2)) (i32.const 0)) (then unreachable))
        (if (i64.ne (call $stable64_size) (i64.const 2)) (then unreachable))
        (call $stable_write (i32.const 65533) (i32.const 16) (i32.const 6))
        (call $stable64_read (i64.const 512) (i64.const 65533) (i64.const 3))
        (call $stable_read (i32.const 515) (i32.const 65536) (i32.const 3))
        (call $reply (i32.const 512) (i32.const 6))";
    assert_eq!(update(code), Ok(b"answer".to_vec()));
    assert_eq!(
        number32(update("(drop (call $stable64_grow (i64.const 5))) (call $reply32 (call $stable_size))")),
        5
    );
}

/// Through 32 bits the memory grows to 4 GiB at most; beyond, growing returns -1.
#[test]
fn should_not_grow_beyond_4_gib_through_32_bits() {
    let code =
        "(drop (call $stable_grow (i32.const 1))) (call $reply32 (call $stable_grow (i32.const 65536)))";
    assert_eq!(number32(update(code)), u32::MAX);
}

/// Through 32 bits the bounds are the same.
#[test]
fn should_trap_out_of_bounds_through_32_bits() {
    for call in [
        "(call $stable_write (i32.const 65535) (i32.const 0) (i32.const 2))",
        "(call $stable_write (i32.const 0) (i32.const 65535) (i32.const 2))",
        "(call $stable_read (i32.const 0) (i32.const 65535) (i32.const 2))",
        "(call $stable_read (i32.const 65535) (i32.const 0) (i32.const 2))",
        "(call $stable_read (i32.const 0) (i32.const -1) (i32.const 2))",
    ] {
        assert_wasm_trap(update(&format!("(drop (call $stable_grow (i32.const 1))) {call}")));
    }
}
