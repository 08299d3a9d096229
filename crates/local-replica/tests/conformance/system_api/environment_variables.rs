//! Canister interface › Environment variables

use ic_management_canister_types::{CanisterSettings, EnvironmentVariable, UpdateSettingsArgs};
use local_replica::CallResult;

use super::{Code, assert_violation, number32};
use crate::canisters::Subnet;

/// What an update answers in a canister with the variables NAME = "value" and EMPTY = "".
pub fn run(code: &str) -> CallResult {
    let (mut subnet, id) = Code { update: code, ..Code::default() }.installed();
    set(&mut subnet, id, &[("NAME", "value"), ("EMPTY", "")]).expect("the settings are valid");
    subnet.call(id, "run", b"")
}

fn set(subnet: &mut Subnet, canister_id: candid::Principal, variables: &[(&str, &str)]) -> CallResult {
    let variables = variables
        .iter()
        .map(|(name, value)| EnvironmentVariable { name: (*name).to_owned(), value: (*value).to_owned() });
    let settings =
        CanisterSettings { environment_variables: Some(variables.collect()), ..CanisterSettings::default() };
    subnet.manage(
        "update_settings",
        UpdateSettingsArgs { canister_id, settings, sender_canister_version: None },
    )
}

/// `env_var_count` counts the variables.
#[test]
fn should_count_the_variables() {
    assert_eq!(number32(run("(call $reply32 (call $env_var_count))")), 2);
}

/// Names can be enumerated by index.
#[test]
fn should_enumerate_the_names() {
    let name = |index: u32| {
        format!(
            "(call $env_var_name_copy (i32.const {index}) (i32.const 512) (i32.const 0)
               (call $env_var_name_size (i32.const {index})))
             (call $reply (i32.const 512) (call $env_var_name_size (i32.const {index})))"
        )
    };
    let mut names = [run(&name(0)).expect("a reply"), run(&name(1)).expect("a reply")];
    names.sort_unstable();
    assert_eq!(names, [b"EMPTY".to_vec(), b"NAME".to_vec()]);
}

/// An index beyond the last variable traps.
#[test]
fn should_trap_when_the_index_is_out_of_bounds() {
    assert_violation(run("(drop (call $env_var_name_size (i32.const 2)))"));
    let zeros = "(i32.const 0)".repeat(3);
    assert_violation(run(&format!("(call $env_var_name_copy (i32.const 2) {zeros})")));
}

/// `env_var_name_exists` tells existing names from others.
#[test]
fn should_tell_whether_a_name_exists() {
    let exists = |size: u32| {
        number32(run(&format!(
            "(call $reply32 (call $env_var_name_exists (i32.const 80) (i32.const {size})))"
        )))
    };
    assert_eq!((exists(4), exists(3)), (1, 0));
}

/// A value is looked up by its name.
#[test]
fn should_look_up_a_value_by_name() {
    let value = "(call $env_var_value_copy (i32.const 80) (i32.const 4) (i32.const 512) (i32.const 0)
          (call $env_var_value_size (i32.const 80) (i32.const 4)))
        (call $reply (i32.const 512) (call $env_var_value_size (i32.const 80) (i32.const 4)))";
    assert_eq!(run(value), Ok(b"value".to_vec()));
}

/// The value of a name that does not exist traps.
#[test]
fn should_trap_when_there_is_no_variable_of_this_name() {
    assert_violation(run("(drop (call $env_var_value_size (i32.const 80) (i32.const 3)))"));
    let zeros = "(i32.const 0)".repeat(3);
    assert_violation(run(&format!("(call $env_var_value_copy (i32.const 80) (i32.const 3) {zeros})")));
}

/// A name longer than names may be, 128 bytes, traps; one of that length does not.
#[test]
fn should_trap_when_the_name_is_too_long() {
    let exists = |size: u32| {
        run(&format!("(call $reply32 (call $env_var_name_exists (i32.const 4096) (i32.const {size})))"))
    };
    assert_eq!(number32(exists(128)), 0);
    assert_violation(exists(129));
    assert_violation(run("(drop (call $env_var_value_size (i32.const 4096) (i32.const 129)))"));
    let zeros = "(i32.const 0)".repeat(3);
    assert_violation(run(&format!("(call $env_var_value_copy (i32.const 4096) (i32.const 129) {zeros})")));
}

/// A name that is not UTF-8 traps.
#[test]
fn should_trap_when_the_name_is_not_utf8() {
    assert_violation(run("(drop (call $env_var_name_exists (i32.const 64) (i32.const 2)))"));
    assert_violation(run("(drop (call $env_var_value_size (i32.const 64) (i32.const 2)))"));
}

/// A name or a value of more than 128 bytes, or more than 20 variables, cannot be set.
#[test]
fn should_refuse_settings_beyond_the_limits() {
    let (mut subnet, id) = Code::default().installed();
    let long = "x".repeat(129);
    set(&mut subnet, id, &[(&long[1..], &long[1..])]).expect("128 bytes are allowed");
    set(&mut subnet, id, &[(&long, "")]).expect_err("the name is too long");
    set(&mut subnet, id, &[("NAME", &long)]).expect_err("the value is too long");
    set(&mut subnet, id, &[("NAME", "a"), ("NAME", "b")]).expect_err("the name is given twice");
    let names: Vec<String> = (0..21).map(|i| format!("NAME_{i}")).collect();
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    set(&mut subnet, id, &variables[1..]).expect("20 variables are allowed");
    set(&mut subnet, id, &variables).expect_err("there are too many");
}
