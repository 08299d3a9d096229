//! Canister interface › WebAssembly module requirements › what lasts from one message to the next

use crate::canisters::{Subnet, canister, number};

/// A module with everything that code can change: heap, global, table and segments.
fn changing() -> Vec<u8> {
    canister(
        r#"
        (type $number (func (result i32)))
        (table $table 2 2 funcref)
        (elem (i32.const 0) func $one $two)
        (elem $spare func $two)
        (data $text "text")
        (func $one (result i32) (i32.const 1))
        (func $two (result i32) (i32.const 2))
        (func (export "canister_update set_table")
          (table.set $table (i32.const 0) (ref.func $two))
          (call $reply_i32 (call_indirect $table (type $number) (i32.const 0))))
        (func (export "canister_update grow_table")
          (call $reply_i32 (table.grow $table (ref.null func) (i32.const 0))))
        (func (export "canister_update first")
          (call $reply_i32 (call_indirect $table (type $number) (i32.const 0))))
        (func (export "canister_update drop_segments")
          (data.drop $text) (elem.drop $spare) (call $msg_reply))
        (func (export "canister_update use_segments")
          (memory.init $text (i32.const 512) (i32.const 0) (i32.const 4))
          (table.init $table $spare (i32.const 1) (i32.const 0) (i32.const 1))
          (call $reply_i32 (i32.load8_u (i32.const 512))))
        (func (export "canister_update grow")
          (call $reply_i32 (memory.grow (i32.const 2))))
        (func (export "canister_update write_last")
          (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 99))
          (call $msg_reply))
        (func (export "canister_update read_last")
          (call $reply_i32
            (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)))))
        (func (export "canister_update count")
          (call $bump (i32.const 1)) (call $msg_reply))
        "#,
    )
}

/// What code writes into its function table is visible to the rest of the message.
#[test]
fn should_show_a_changed_table_to_the_same_message() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&changing());
    assert_eq!(number(subnet.call(id, "set_table", b"")), 2);
}

/// Every message finds the function table as the module declares it, whatever earlier messages wrote.
#[test]
fn should_reset_the_table_before_every_message() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&changing());
    subnet.call(id, "set_table", b"").expect("a reply");
    assert_eq!(number(subnet.call(id, "first", b"")), 1);
}

/// Segments that a message drops are there again for the next one.
#[test]
fn should_restore_dropped_segments_before_every_message() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&changing());
    subnet.call(id, "drop_segments", b"").expect("a reply");
    assert_eq!(number(subnet.call(id, "use_segments", b"")), i32::from(b't'));
}

/// Data segments fill the memory once, when the code is installed; later messages see what the code
/// made of it.
#[test]
fn should_fill_the_memory_with_data_only_once() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(data (i32.const 512) "\07")
           (func (export "canister_update next")
             (i32.store8 (i32.const 512) (i32.add (i32.load8_u (i32.const 512)) (i32.const 1)))
             (call $reply_i32 (i32.load8_u (i32.const 512))))"#,
    ));
    assert_eq!(number(subnet.call(id, "next", b"")), 8);
    assert_eq!(number(subnet.call(id, "next", b"")), 9);
}

/// Memory, mutable globals and stable memory last from message to message.
#[test]
fn should_keep_heap_globals_and_stable_memory_between_messages() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&changing());
    subnet.call(id, "count", b"").expect("a reply");
    subnet.call(id, "count", b"").expect("a reply");
    assert_eq!(subnet.counters(id), [2, 2, 2]);
}

/// A memory that a message has grown stays grown, with what was written to its new pages.
#[test]
fn should_keep_the_growth_of_the_memory() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&changing());
    assert_eq!(number(subnet.call(id, "grow", b"")), 1);
    subnet.call(id, "write_last", b"").expect("a reply");
    assert_eq!(number(subnet.call(id, "read_last", b"")), 99);
    assert_eq!(number(subnet.call(id, "grow", b"")), 3);
    assert_eq!(number(subnet.call(id, "read_last", b"")), 0);
}
