//! A canister in TypeScript: the JavaScript engine that the package `azle` carries as WebAssembly, and a program in it.

use candid::{Decode, Encode, Principal};
use local_replica::{RejectCode, Replica};

use crate::{STRANGER, install, module, query, replica};

fn note() -> (Replica, Principal) {
    let mut replica = replica();
    let id = install(&mut replica, &module("azle"), Encode!().expect("encodes"));
    (replica, id)
}

fn read(replica: &mut Replica, id: Principal) -> String {
    let reply = query(replica, id, "read", Encode!().expect("encodes")).expect("answers");
    Decode!(&reply, String).expect("a text")
}

/// What an update writes, a query reads.
#[test]
fn should_write_and_read() {
    let (mut replica, note) = note();
    assert_eq!(read(&mut replica, note), "nothing yet");
    let reply = replica.call(STRANGER, note, "write", Encode!(&"groceries").expect("encodes"));
    assert_eq!(Decode!(&reply.expect("answers"), u32).expect("a number"), 9);
    assert_eq!(read(&mut replica, note), "groceries");
}

/// An argument of another type makes the program trap; nothing is changed.
#[test]
fn should_trap_on_an_argument_of_another_type() {
    let (mut replica, note) = note();
    let reject = replica
        .call(STRANGER, note, "write", Encode!(&7_u8).expect("encodes"))
        .expect_err("a number is no text");
    assert_eq!(reject.code, RejectCode::CanisterError);
    assert_eq!(read(&mut replica, note), "nothing yet");
}

/// What was not put into stable memory is gone after an upgrade, which starts the engine anew.
#[test]
fn should_start_anew_after_an_upgrade() {
    let (mut replica, note) = note();
    replica.call(STRANGER, note, "write", Encode!(&"groceries").expect("encodes")).expect("answers");
    replica.upgrade(note, &module("azle"), Encode!().expect("encodes")).expect("upgrades");
    assert_eq!(read(&mut replica, note), "nothing yet");
}
