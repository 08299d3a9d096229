//! Management canister › Settings of canisters
//!
//! What `create_canister` and `update_settings` take and refuse.

use candid::{Nat, Principal};
use ic_management_canister_types::*;
use local_replica::RejectCode::{CanisterError, CanisterReject, SysFatal};
use local_replica::{CallResult, QueryMessage, RejectCode};

use crate::canisters::{Subnet, USER, assert_rejected};
use crate::management_calls::{STRANGER, decoded};

fn update(subnet: &mut Subnet, canister_id: Principal, settings: CanisterSettings) -> CallResult {
    let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args)
}

fn status(subnet: &mut Subnet, id: Principal) -> CanisterStatusResult {
    // By a query, which also a frozen canister need not pay for.
    decoded(subnet.replica.query(QueryMessage {
        sender: USER,
        canister_id: Principal::management_canister(),
        method_name: "canister_status".to_owned(),
        arg: candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes"),
    }))
}

fn assert_settings_rejected(settings: CanisterSettings, code: RejectCode, error_code: &str) {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    // Asking costs the canister the reception of the call.
    let status_but_cycles =
        |subnet: &mut Subnet| CanisterStatusResult { cycles: Nat::from(0_u8), ..status(subnet, id) };
    let before = status_but_cycles(&mut subnet);
    assert_rejected(update(&mut subnet, id, settings.clone()), code, error_code);
    assert_eq!(status_but_cycles(&mut subnet), before, "a refused change changes nothing");
    let args = ProvisionalCreateCanisterWithCyclesArgs {
        settings: Some(settings),
        ..ProvisionalCreateCanisterWithCyclesArgs::default()
    };
    assert_rejected(subnet.manage("provisional_create_canister_with_cycles", args), code, error_code);
}

fn assert_settings_accepted(settings: CanisterSettings) -> DefiniteCanisterSettings {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    update(&mut subnet, id, settings).expect("the settings are valid");
    status(&mut subnet, id).settings
}

fn default() -> CanisterSettings {
    CanisterSettings::default()
}

fn principals(count: u8) -> Vec<Principal> {
    (0..count).map(|byte| Principal::from_slice(&[byte; 29])).collect()
}

/// At most ten controllers.
#[test]
fn should_take_at_most_ten_controllers() {
    assert_settings_rejected(
        CanisterSettings { controllers: Some(principals(11)), ..default() },
        CanisterReject,
        "IC0408",
    );
}

/// Ten controllers, among them the caller, are taken as given.
#[test]
fn should_take_ten_controllers() {
    let controllers: Vec<_> = principals(9).into_iter().chain([USER]).collect();
    let settings = CanisterSettings { controllers: Some(controllers.clone()), ..default() };
    assert_eq!(assert_settings_accepted(settings).controllers, controllers);
}

/// Compute allocation lies between 0 and 100.
#[test]
fn should_take_compute_allocations_up_to_100() {
    let set = |percent: u8| CanisterSettings {
        compute_allocation: Some(percent.into()),
        freezing_threshold: Some(0_u8.into()),
        ..default()
    };
    assert_settings_rejected(set(101), CanisterError, "IC0504");
    assert_eq!(assert_settings_accepted(set(100)).compute_allocation, 100_u8);
}

/// Memory allocation is a number of 64 bits.
#[test]
fn should_take_memory_allocations_of_64_bits() {
    let set = |bytes: u128| CanisterSettings { memory_allocation: Some(bytes.into()), ..default() };
    assert_settings_rejected(set(1 << 64), CanisterError, "IC0504");
    assert_eq!(assert_settings_accepted(set(1 << 30)).memory_allocation, 1_u64 << 30);
}

/// What the subnet has not left cannot be allocated.
#[test]
fn should_refuse_allocations_beyond_the_subnets_capacity() {
    let settings = CanisterSettings { memory_allocation: Some((1_u64 << 50).into()), ..default() };
    assert_settings_rejected(settings, SysFatal, "IC0101");
    let mut subnet = Subnet::new();
    let results: Vec<_> = (0..4)
        .map(|_| {
            let id = subnet.empty();
            let settings = CanisterSettings {
                compute_allocation: Some(99_u8.into()),
                freezing_threshold: Some(0_u8.into()),
                ..default()
            };
            update(&mut subnet, id, settings).is_ok()
        })
        .collect();
    assert_eq!(results, [true, true, true, false]);
}

/// An allocation that the balance cannot keep for the freezing threshold is refused.
#[test]
fn should_refuse_allocations_that_are_not_paid_for() {
    for (settings, error_code) in [
        (CanisterSettings { compute_allocation: Some(50_u8.into()), ..default() }, "IC0530"),
        (CanisterSettings { memory_allocation: Some((1_u64 << 40).into()), ..default() }, "IC0531"),
    ] {
        let mut subnet = Subnet::new();
        let args = ProvisionalCreateCanisterWithCyclesArgs {
            amount: Some(1_000_000_000_u64.into()),
            ..ProvisionalCreateCanisterWithCyclesArgs::default()
        };
        let created = subnet.manage("provisional_create_canister_with_cycles", args);
        let id = decoded::<CanisterIdRecord>(created).canister_id;
        assert_rejected(update(&mut subnet, id, settings), CanisterError, error_code);
    }
}

/// An allocation is charged for even when it is not used.
#[test]
fn should_charge_for_allocated_memory() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let settings = CanisterSettings { memory_allocation: Some((1_u64 << 30).into()), ..default() };
    update(&mut subnet, id, settings).expect("the setting is valid");
    let after = status(&mut subnet, id).idle_cycles_burned_per_day;
    assert_eq!(after, 127_000_u64 * 86_400);
}

/// The freezing threshold is a number of 64 bits.
#[test]
fn should_take_freezing_thresholds_of_64_bits() {
    let set = |seconds: u128| CanisterSettings { freezing_threshold: Some(seconds.into()), ..default() };
    assert_settings_rejected(set(1 << 64), CanisterError, "IC0504");
    assert_eq!(assert_settings_accepted(set(u64::MAX.into())).freezing_threshold, u64::MAX);
}

/// The reserved cycles limit is a number of 128 bits.
#[test]
fn should_take_reserved_cycles_limits_of_128_bits() {
    let set = |cycles: Nat| CanisterSettings { reserved_cycles_limit: Some(cycles), ..default() };
    assert_settings_rejected(set(Nat::from(u128::MAX) + 1_u8), CanisterError, "IC0504");
    assert_eq!(assert_settings_accepted(set(u128::MAX.into())).reserved_cycles_limit, u128::MAX);
}

/// The least number of cycles that a call must bring is a number of 128 bits.
#[test]
fn should_take_minimum_incoming_cycles_of_128_bits() {
    let set =
        |cycles: Nat| CanisterSettings { minimum_incoming_canister_call_cycles: Some(cycles), ..default() };
    assert_settings_rejected(set(Nat::from(u128::MAX) + 1_u8), CanisterError, "IC0504");
    let settings = assert_settings_accepted(set(5_u8.into()));
    assert_eq!(settings.minimum_incoming_canister_call_cycles, 5_u8);
}

/// The limit of the heap is at most 2^48.
#[test]
fn should_take_heap_limits_up_to_2_to_the_48() {
    let set = |bytes: u64| CanisterSettings { wasm_memory_limit: Some(bytes.into()), ..default() };
    assert_settings_rejected(set((1 << 48) + 1), CanisterError, "IC0504");
    assert_eq!(assert_settings_accepted(set(1 << 48)).wasm_memory_limit, 1_u64 << 48);
}

/// The threshold of the low-memory hook is at most 2^48.
#[test]
fn should_take_low_memory_thresholds_up_to_2_to_the_48() {
    let set = |bytes: u64| CanisterSettings { wasm_memory_threshold: Some(bytes.into()), ..default() };
    assert_settings_rejected(set((1 << 48) + 1), CanisterError, "IC0504");
    assert_eq!(assert_settings_accepted(set(1 << 48)).wasm_memory_threshold, 1_u64 << 48);
}

/// The memory of the log is 0 or lies between 4096 and 2 MiB.
#[test]
fn should_take_log_limits_that_the_specification_names() {
    let set = |bytes: u64| CanisterSettings { log_memory_limit: Some(bytes.into()), ..default() };
    for refused in [1, 4095, 2 * 1024 * 1024 + 1] {
        assert_settings_rejected(set(refused), CanisterError, "IC0504");
    }
    for accepted in [0, 4096, 2 * 1024 * 1024] {
        assert_eq!(assert_settings_accepted(set(accepted)).log_memory_limit, accepted);
    }
}

/// Each visibility setting names at most ten viewers.
#[test]
fn should_take_at_most_ten_viewers() {
    let settings = |count: u8| {
        [
            CanisterSettings {
                log_visibility: Some(LogVisibility::AllowedViewers(principals(count))),
                ..default()
            },
            CanisterSettings {
                status_visibility: Some(StatusVisibility::AllowedViewers(principals(count))),
                ..default()
            },
            CanisterSettings {
                snapshot_visibility: Some(SnapshotVisibility::AllowedViewers(principals(count))),
                ..default()
            },
        ]
    };
    for accepted in settings(10) {
        assert_settings_accepted(accepted);
    }
    for refused in settings(11) {
        assert_settings_rejected(refused, CanisterReject, "IC0408");
    }
}

fn variables(pairs: &[(&str, &str)]) -> CanisterSettings {
    let variables = pairs
        .iter()
        .map(|(name, value)| EnvironmentVariable { name: (*name).to_owned(), value: (*value).to_owned() })
        .collect();
    CanisterSettings { environment_variables: Some(variables), ..default() }
}

/// Every environment variable has its own name.
#[test]
fn should_refuse_a_variable_given_twice() {
    assert_settings_rejected(variables(&[("A", "1"), ("A", "2")]), CanisterReject, "IC0408");
}

/// Number and lengths of environment variables are limited: 20, and 128 bytes each.
#[test]
fn should_bound_environment_variables() {
    let names: Vec<String> = (0..21).map(|i| format!("NAME{i}")).collect();
    let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    assert_settings_rejected(variables(&pairs), CanisterReject, "IC0408");
    assert_eq!(assert_settings_accepted(variables(&pairs[..20])).environment_variables.len(), 20);
    let (fits, long) = ("a".repeat(128), "a".repeat(129));
    assert_settings_rejected(variables(&[(&long, "x")]), CanisterReject, "IC0408");
    assert_settings_rejected(variables(&[("x", &long)]), CanisterReject, "IC0408");
    assert_settings_accepted(variables(&[(&fits, &fits)]));
}

/// Settings that are left out stay.
#[test]
fn should_change_only_what_is_given() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    update(&mut subnet, id, variables(&[("A", "1")])).expect("the setting is valid");
    let before = status(&mut subnet, id).settings;
    let settings = CanisterSettings { freezing_threshold: Some(1_u8.into()), ..default() };
    update(&mut subnet, id, settings).expect("the setting is valid");
    let after = status(&mut subnet, id).settings;
    assert_eq!(after, DefiniteCanisterSettings { freezing_threshold: 1_u8.into(), ..before });
}

/// Without settings, the creator controls the canister and the defaults hold.
#[test]
fn should_create_with_the_defaults() {
    let mut subnet = Subnet::new();
    let args = ProvisionalCreateCanisterWithCyclesArgs::default();
    let created = subnet.manage("provisional_create_canister_with_cycles", args);
    let id = decoded::<CanisterIdRecord>(created).canister_id;
    let settings = status(&mut subnet, id).settings;
    assert_eq!(settings.controllers, [USER]);
    assert_eq!(settings.compute_allocation, 0_u8);
    assert_eq!(settings.memory_allocation, 0_u8);
    assert_eq!(settings.freezing_threshold, 2_592_000_u64);
    assert_eq!(settings.reserved_cycles_limit, 5_000_000_000_000_u64);
    assert_eq!(settings.minimum_incoming_canister_call_cycles, 0_u8);
    assert_eq!(settings.log_visibility, LogVisibility::Controllers);
    assert_eq!(settings.log_memory_limit, 4096_u64);
    assert_eq!(settings.snapshot_visibility, SnapshotVisibility::Controllers);
    assert_eq!(settings.status_visibility, StatusVisibility::Controllers);
    assert_eq!(settings.wasm_memory_threshold, 0_u8);
    assert!(settings.environment_variables.is_empty());
}

/// A list of controllers without the creator leaves it without control.
#[test]
fn should_not_make_the_creator_a_controller_besides_those_named() {
    let mut subnet = Subnet::new();
    let proxy = subnet.proxy();
    let settings = CanisterSettings { controllers: Some(vec![STRANGER]), ..default() };
    let args = CreateCanisterArgs { settings: Some(settings), sender_canister_version: None };
    let created = subnet.manage_from(proxy, "create_canister", args, 600_000_000_000);
    let id = decoded::<CanisterIdRecord>(created).canister_id;
    assert_eq!(subnet.replica.controllers(id), [STRANGER]);
}

/// Creating costs a fee, which must be attached; all comes back when it is too little.
#[test]
fn should_refuse_to_create_below_the_fee() {
    let mut subnet = Subnet::new();
    let proxy = subnet.proxy();
    let args = CreateCanisterArgs { settings: None, sender_canister_version: None };
    let before = subnet.replica.cycles_balance(proxy);
    let reject = subnet.manage_from(proxy, "create_canister", args, 499_999_999_999).expect_err("a reject");
    assert_eq!(reject.code, CanisterReject);
    assert!(before - subnet.replica.cycles_balance(proxy) < 1_000_000_000);
}

/// Taking all controllers away leaves a canister that nobody can change.
#[test]
fn should_leave_a_canister_without_controllers_alone() {
    let mut subnet = Subnet::new();
    let id = subnet.empty();
    let settings = CanisterSettings { controllers: Some(Vec::new()), ..default() };
    update(&mut subnet, id, settings).expect("the setting is valid");
    assert_rejected(update(&mut subnet, id, default()), CanisterError, "IC0512");
}

/// A canister can be created under an id of choice on test networks, once and only if it is one.
#[test]
fn should_create_under_a_specified_id_once() {
    let mut subnet = Subnet::new();
    let create = |subnet: &mut Subnet, id: Principal| {
        let args = ProvisionalCreateCanisterWithCyclesArgs {
            specified_id: Some(id),
            ..ProvisionalCreateCanisterWithCyclesArgs::default()
        };
        subnet.manage("provisional_create_canister_with_cycles", args)
    };
    let id = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 9, 1, 1]);
    assert_eq!(decoded::<CanisterIdRecord>(create(&mut subnet, id)).canister_id, id);
    assert_rejected(create(&mut subnet, id), RejectCode::SysTransient, "IC0205");
    assert_rejected(create(&mut subnet, USER), CanisterReject, "IC0405");
}
