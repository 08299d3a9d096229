//! Canister interface › WebAssembly module requirements

use std::fmt::Write;

use crate::canisters::{Subnet, USER, assert_rejected};
use local_replica::RejectCode;

/// What installing a module with this text answers.
fn install(text: &str) -> Result<(), local_replica::Reject> {
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![USER]);
    let wasm = wat::parse_str(format!("(module {text})")).expect("the text is a valid module");
    subnet.replica.install(id, &wasm, Vec::new())
}

fn assert_refused(text: &str) {
    assert_rejected(install(text).map(|()| Vec::new()), RejectCode::CanisterError, "IC0505");
}

/// The text repeated with the numbers below `count` in place of `#`.
fn repeated(count: usize, text: &str) -> String {
    (0..count).fold(String::new(), |mut all, i| {
        write!(all, "{}", text.replace('#', &i.to_string())).expect("a string takes it");
        all
    })
}

/// The empty module is a canister.
#[test]
fn should_take_the_empty_module() {
    install("").expect("it installs");
}

/// A module may have one memory.
#[test]
fn should_refuse_two_memories() {
    install("(memory 1)").expect("it installs");
    assert_refused("(memory 1) (memory 1)");
}

/// A memory cannot be imported, nor a table or a global.
#[test]
fn should_refuse_imports_that_are_no_functions() {
    for import in ["(memory 1)", "(table 1 funcref)", "(global i32)"] {
        assert_refused(&format!("(import \"ic0\" \"something\" {import})"));
    }
}

/// Functions can be imported from `ic0` only.
#[test]
fn should_refuse_imports_from_other_modules() {
    assert_refused(r#"(import "env" "time" (func (result i64)))"#);
}

/// An import that the specification does not list is refused.
#[test]
fn should_refuse_unknown_system_calls() {
    assert_refused(r#"(import "ic0" "times" (func (result i64)))"#);
}

/// An import with another signature than the specification's is refused.
#[test]
fn should_refuse_system_calls_with_another_signature() {
    assert_refused(r#"(import "ic0" "time" (func (result i32)))"#);
    assert_refused(r#"(import "ic0" "msg_reply" (func (param i32)))"#);
}

/// Every entry point that the specification knows can be exported.
#[test]
fn should_take_all_entry_points() {
    let names = [
        "canister_init",
        "canister_pre_upgrade",
        "canister_post_upgrade",
        "canister_inspect_message",
        "canister_heartbeat",
        "canister_global_timer",
        "canister_on_low_wasm_memory",
        "canister_update a",
        "canister_query b",
        "canister_composite_query c",
    ];
    let exports: String = names.iter().map(|name| format!("(func (export \"{name}\"))")).collect();
    install(&exports).expect("it installs");
}

/// Entry points must be functions without parameters and results.
#[test]
fn should_refuse_entry_points_of_another_type() {
    for name in ["canister_init", "canister_heartbeat", "canister_update a", "canister_query a"] {
        assert_refused(&format!("(func (export \"{name}\") (param i32))"));
        assert_refused(&format!("(func (export \"{name}\") (result i32) (i32.const 0))"));
        assert_refused(&format!("(memory (export \"{name}\") 1)"));
    }
}

/// No other names may start with `canister_`; names that do not are free.
#[test]
fn should_refuse_other_exports_that_start_with_canister() {
    install("(func (export \"something\") (param i32))").expect("it installs");
    for name in ["canister_something", "canister_", "canister_update", "canister_start"] {
        assert_refused(&format!("(func (export \"{name}\"))"));
    }
}

/// A method has one kind.
#[test]
fn should_refuse_a_method_of_two_kinds() {
    assert_refused(r#"(func (export "canister_update a")) (func (export "canister_query a"))"#);
    assert_refused(r#"(func (export "canister_composite_query a")) (func (export "canister_query a"))"#);
}

/// A method's name may be empty or contain spaces; one space belongs to the prefix.
#[test]
fn should_take_any_text_after_the_one_space_as_the_name() {
    let reply = r#"(import "ic0" "msg_reply" (func $reply))
        (func (export "canister_update ") (call $reply)) (func (export "canister_update  a b") (call $reply))"#;
    let mut subnet = Subnet::new();
    let id = subnet.install(&wat::parse_str(format!("(module {reply})")).expect("valid"));
    subnet.call(id, "", b"").expect("a reply");
    subnet.call(id, " a b", b"").expect("a reply");
    subnet.call(id, "a b", b"").expect_err("there is no such method");
}

/// Custom sections `icp:public` and `icp:private` must not share a name.
#[test]
fn should_refuse_metadata_that_is_public_and_private() {
    install(r#"(@custom "icp:public a" "x") (@custom "icp:private b" "x")"#).expect("it installs");
    assert_refused(r#"(@custom "icp:public a" "x") (@custom "icp:private a" "x")"#);
}

/// Other custom sections must not start with `icp:`.
#[test]
fn should_refuse_other_custom_sections_that_start_with_icp() {
    install(r#"(@custom "name it" "x")"#).expect("it installs");
    assert_refused(r#"(@custom "icp:secret a" "x")"#);
    assert_refused(r#"(@custom "icp:" "x")"#);
}

/// A module may have 16 custom sections `icp:`.
#[test]
fn should_refuse_more_than_16_metadata_sections() {
    install(&repeated(16, r#"(@custom "icp:public #" "x")"#)).expect("it installs");
    assert_refused(&repeated(17, r#"(@custom "icp:public #" "x")"#));
}

/// Custom sections `icp:` may have 1 MiB together, names included.
#[test]
fn should_refuse_more_than_1_mib_of_metadata() {
    let section = |bytes: usize| format!("(@custom \"icp:public a\" \"{}\")", "x".repeat(bytes));
    install(&section(1024 * 1024 - 1)).expect("it installs");
    assert_refused(&section(1024 * 1024));
}

/// A module may have 1,000 globals.
#[test]
fn should_refuse_more_than_1000_globals() {
    install(&repeated(1_000, "(global i32 (i32.const #))")).expect("it installs");
    assert_refused(&repeated(1_001, "(global i32 (i32.const #))"));
}

/// A module may declare 50,000 functions.
#[test]
fn should_refuse_more_than_50000_functions() {
    assert_refused(&repeated(50_001, "(func)"));
}

/// A module may export 1,000 methods.
#[test]
fn should_refuse_more_than_1000_methods() {
    let methods =
        |count| format!("(func $f) {}", repeated(count, r#"(export "canister_query #" (func $f))"#));
    install(&methods(1_000)).expect("it installs");
    assert_refused(&methods(1_001));
}

/// The names of all methods may have 20,000 bytes together.
#[test]
fn should_refuse_more_than_20000_bytes_of_method_names() {
    let method = |bytes: usize| format!("(func (export \"canister_query {}\"))", "x".repeat(bytes));
    install(&method(20_000)).expect("it installs");
    assert_refused(&method(20_001));
}

/// A function that does not validate is refused.
#[test]
fn should_refuse_code_that_does_not_validate() {
    assert_refused("(func (result i32))");
}

/// Relaxed SIMD, whose results depend on the machine, is refused; SIMD is taken.
#[test]
fn should_refuse_relaxed_simd() {
    let code = |operator: &str| format!("(func (drop ({operator} (v128.const i32x4 0 0 0 0))))");
    install(&code("i32x4.trunc_sat_f32x4_s")).expect("it installs");
    assert_refused(&code("i32x4.relaxed_trunc_f32x4_s"));
}

/// Typed function references are refused; plain references to functions are taken.
#[test]
fn should_refuse_typed_function_references() {
    install("(func (param funcref))").expect("it installs");
    assert_refused("(type $t (func)) (func (param (ref $t)))");
    assert_refused("(type $t (func)) (func (param (ref null $t)) (call_ref $t (local.get 0)))");
}

/// The value that a global begins with is one constant, no sum.
#[test]
fn should_refuse_extended_constants() {
    assert_refused("(global i32 (i32.add (i32.const 1) (i32.const 2)))");
}

/// Exceptions, shared memories and pages of another size are refused.
#[test]
fn should_refuse_proposals_that_the_network_does_not_take() {
    assert_refused("(tag $t) (func (throw $t))");
    assert_refused("(memory 1 1 shared)");
    assert_refused("(memory 1 (pagesize 1))");
}

/// Tail calls are taken, and tables with 64-bit indices.
#[test]
fn should_take_tail_calls_and_64_bit_tables() {
    install("(func $f) (func (return_call $f))").expect("it installs");
    install("(table i64 1 funcref)").expect("it installs");
}

/// A module may have one table.
#[test]
fn should_refuse_two_tables() {
    assert_refused("(table 1 funcref) (table 1 funcref)");
}

/// A table may begin with 1,000,000 elements.
#[test]
fn should_refuse_tables_of_more_than_1000000_elements() {
    install("(table 1000000 funcref)").expect("it installs");
    assert_refused("(table 1000001 funcref)");
    assert_refused("(table i64 0x100000000 funcref)");
}

/// A table may grow to 1,000,000 elements; `table.grow` beyond answers -1.
#[test]
fn should_not_grow_tables_beyond_1000000_elements() {
    let text = r#"(module (import "ic0" "msg_reply" (func $reply)) (table 1 funcref)
        (func (export "canister_update grow")
          (if (i32.ne (table.grow (ref.null func) (i32.const 1000000)) (i32.const -1)) (then (unreachable)))
          (if (i32.ne (table.grow (ref.null func) (i32.const 999999)) (i32.const 1)) (then (unreachable)))
          (call $reply)))"#;
    let mut subnet = Subnet::new();
    let id = subnet.install(&wat::parse_str(text).expect("valid"));
    subnet.call(id, "grow", b"").expect("a reply");
}

/// So many functions of so many instructions each, the end included.
fn large_module(functions: usize, instructions: usize) -> Vec<u8> {
    use wasm_encoder::{CodeSection, Function, FunctionSection, Instruction, Module, TypeSection};
    let (mut types, mut declared, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for _ in 0..functions {
        declared.function(0);
        let mut function = Function::new([]);
        let mut body = Vec::new();
        wasm_encoder::Encode::encode(&Instruction::Nop, &mut body);
        function.raw(body.repeat(instructions - 1)).instruction(&Instruction::End);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}

fn assert_too_large(wasm: &[u8], what: &str) {
    let mut subnet = Subnet::new();
    let id = subnet.replica.create_canister(vec![USER]);
    let reject = subnet.replica.install(id, wasm, Vec::new()).expect_err("it is refused");
    assert!(reject.message.contains(what), "{reject:?}");
}

/// A function may have 1,000,000 instructions.
#[test]
fn should_refuse_functions_of_more_than_1000000_instructions() {
    Subnet::new().install(&large_module(1, 1_000_000));
    assert_too_large(&large_module(1, 1_000_001), "instructions of a function");
}

/// The code section may have 12 MiB.
#[test]
fn should_refuse_more_than_12_mib_of_code() {
    assert_too_large(&large_module(13, 1_000_000), "bytes of the code section");
}
