//! Canister interface › Blob-typed arguments and results

use local_replica::CallResult;

use super::environment_variables::run as with_variable;
use super::{Code, assert_violation, query, reject_callback, update};

fn with_argument(code: &str) -> CallResult {
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    subnet.call(id, "run", b"argument")
}

/// Accepts if the code runs to its end, and only then.
fn inspection(code: &str) -> CallResult {
    let inspect = format!("{code} (call $accept_message)");
    let (mut subnet, id) =
        Code { inspect: Some(&inspect), update: "(call $msg_reply)", ..Code::default() }.installed();
    subnet.call(id, "run", b"")
}

/// Runs code where this system call is legal and its blob has the length told.
type Entry = fn(&str) -> CallResult;

/// Where a `_copy` function is called, its arguments before `dst`, and the length of its blob as WebAssembly.
fn copy(name: &str) -> (Entry, &'static str, String) {
    let size = format!("(call ${}_size)", name.strip_suffix("_copy").expect("it is a _copy function"));
    match name {
        "msg_arg_data_copy" => (with_argument, "", size),
        "msg_reject_msg_copy" => (reject_callback, "", size),
        "msg_method_name_copy" => (inspection, "", size),
        "data_certificate_copy" => (query, "", size),
        "env_var_name_copy" => {
            (with_variable, "(i32.const 0)", "(call $env_var_name_size (i32.const 0))".to_owned())
        }
        "env_var_value_copy" => (
            with_variable,
            "(i32.const 80) (i32.const 4)",
            "(call $env_var_value_size (i32.const 80) (i32.const 4))".to_owned(),
        ),
        _ => (update, "", size),
    }
}

fn assert_copies_within_bounds(name: &str) {
    let (enter, before, size) = copy(name);
    let run = |dst: &str, offset: &str, size: &str| {
        let reply = if name == "msg_method_name_copy" { "" } else { "(call $msg_reply)" };
        enter(&format!("(call ${name} {before} {dst} {offset} {size}) {reply}"))
    };
    let (zero, one) = ("(i32.const 0)", "(i32.const 1)");
    run("(i32.const 4096)", zero, &size).expect("the whole blob");
    run("(i32.const 4096)", &size, zero).expect("nothing, at the end");
    run(&format!("(i32.sub (i32.const 65536) {size})"), zero, &size).expect("up to the end of memory");
    assert_violation(run("(i32.const 4096)", zero, &format!("(i32.add {size} {one})")));
    assert_violation(run("(i32.const 4096)", one, &size_or_one(&size)));
    assert_violation(run("(i32.const 4096)", "(i32.const -1)", &size_or_one(&size)));
    assert_violation(run("(i32.const 65537)", zero, zero));
    assert_violation(run("(i32.const -1)", zero, &size));
}

/// At least one, so that an offset of one is beyond the end of an empty blob too.
fn size_or_one(size: &str) -> String {
    format!("(select {size} (i32.const 1) {size})")
}

macro_rules! copy_clauses {
    ($(#[$doc:meta])* $($name:ident)*) => {
        $(#[test] fn $name() { assert_copies_within_bounds(stringify!($name)) })*
    };
}

copy_clauses! {
    /// This copies up to the end of the blob and of memory, and traps when `offset + size` exceeds
    /// the blob or `dst + size` exceeds memory, also when a sum exceeds 32 bits.
    msg_arg_data_copy msg_caller_copy canister_self_copy subnet_self_copy root_key_copy
    msg_reject_msg_copy msg_method_name_copy data_certificate_copy
    env_var_name_copy env_var_value_copy
    msg_caller_info_data_copy msg_caller_info_signer_copy
}
