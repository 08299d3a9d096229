//! Management canister › Status, information, metadata and logs
//!
//! What the management canister tells about canisters, and to whom.

use candid::{Encode, Principal};
use ic_management_canister_types::*;
use local_replica::RejectCode::{CanisterError, CanisterReject};

use crate::canisters::{Subnet, USER, assert_rejected};
use crate::management_calls::{STRANGER, decoded, proxy};

fn status(subnet: &mut Subnet, id: Principal) -> CanisterStatusResult {
    decoded(subnet.query_management(USER, "canister_status", CanisterIdRecord { canister_id: id }))
}

fn info(subnet: &mut Subnet, id: Principal, changes: Option<u64>) -> CanisterInfoResult {
    let args = CanisterInfoArgs { canister_id: id, num_requested_changes: changes };
    decoded(subnet.query_management(STRANGER, "canister_info", args))
}

fn update(subnet: &mut Subnet, canister_id: Principal, settings: CanisterSettings) {
    let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
    subnet.manage("update_settings", args).expect("the settings are valid");
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    <sha2::Sha256 as sha2::Digest>::digest(bytes).to_vec()
}

fn setup() -> (Subnet, Principal) {
    let mut subnet = Subnet::new();
    let id = subnet.proxy();
    (subnet, id)
}

/// The module's hash is that of the bytes as they were sent, and null for an empty canister.
#[test]
fn should_tell_the_hash_of_the_module_as_it_was_sent() {
    let (mut subnet, id) = setup();
    assert_eq!(status(&mut subnet, id).module_hash, Some(hash(&proxy())));
    let empty = subnet.empty();
    assert_eq!(status(&mut subnet, empty).module_hash, None);
}

/// The sizes of the parts add up to the memory size.
#[test]
fn should_tell_memory_sizes_that_add_up() {
    let (mut subnet, id) = setup();
    let chunk = UploadChunkArgs { canister_id: id, chunk: vec![1] };
    subnet.manage("upload_chunk", chunk).expect("it is stored");
    let status = status(&mut subnet, id);
    let sizes = status.memory_metrics;
    assert_eq!(sizes.wasm_memory_size, 40 * 65_536_u64);
    assert_eq!(sizes.stable_memory_size, 0_u8);
    assert_eq!(sizes.wasm_binary_size, proxy().len());
    assert_eq!(sizes.wasm_chunk_store_size, 1024 * 1024_u64);
    assert_eq!(
        status.memory_size,
        sizes.wasm_memory_size
            + sizes.stable_memory_size
            + sizes.global_memory_size
            + sizes.wasm_binary_size
            + sizes.custom_sections_size
            + sizes.canister_history_size
            + sizes.wasm_chunk_store_size
            + sizes.snapshots_size
            + sizes.log_memory_store_size
    );
}

/// The status names the balance, which the caller may be charged from.
#[test]
fn should_tell_the_balance() {
    let (mut subnet, id) = setup();
    assert_eq!(status(&mut subnet, id).cycles, subnet.replica.cycles_balance(id));
}

/// Queries are counted with their instructions and bytes; replicated calls of query methods are not.
#[test]
fn should_count_queries() {
    let (mut subnet, id) = setup();
    let before = status(&mut subnet, id).query_stats;
    assert_eq!(before.num_calls_total, 0_u8);
    subnet.call(id, "calls", b"").expect("a replicated query");
    assert_eq!(status(&mut subnet, id).query_stats, before);
    for _ in 0..2 {
        subnet.query(id, "calls").expect("a query");
    }
    let after = status(&mut subnet, id).query_stats;
    assert_eq!(after.num_calls_total, 2_u8);
    assert_eq!(after.response_payload_bytes_total, 8_u8);
    assert!(after.num_instructions_total > 0_u8);
}

/// The status is running, then stopped; only a stopped canister is ready for migration.
#[test]
fn should_tell_whether_it_runs() {
    let (mut subnet, id) = setup();
    let running = status(&mut subnet, id);
    assert_eq!((running.status, running.ready_for_migration), (CanisterStatusType::Running, false));
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
    let stopped = status(&mut subnet, id);
    assert_eq!((stopped.status, stopped.ready_for_migration), (CanisterStatusType::Stopped, true));
}

/// The version grows with every change of settings, code or status.
#[test]
fn should_raise_the_version_with_every_change() {
    let (mut subnet, id) = setup();
    let mut last = status(&mut subnet, id).version;
    let mut has_grown = |subnet: &mut Subnet| {
        let version = status(subnet, id).version;
        assert!(version > last);
        last = version;
    };
    update(&mut subnet, id, CanisterSettings::default());
    has_grown(&mut subnet);
    subnet.replica.upgrade(id, &proxy(), Vec::new()).expect("it upgrades");
    has_grown(&mut subnet);
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: id }).expect("it stops");
    has_grown(&mut subnet);
}

/// A canister may ask for its own status; strangers may as far as the setting says.
#[test]
fn should_show_the_status_to_whom_the_setting_names() {
    let (mut subnet, id) = setup();
    let record = CanisterIdRecord { canister_id: id };
    decoded::<CanisterStatusResult>(subnet.manage_from(id, "canister_status", &record, 0));
    for (visibility, is_shown) in [
        (StatusVisibility::Controllers, false),
        (StatusVisibility::AllowedViewers(vec![STRANGER]), true),
        (StatusVisibility::AllowedViewers(vec![USER]), false),
        (StatusVisibility::Public, true),
    ] {
        let settings =
            CanisterSettings { status_visibility: Some(visibility), ..CanisterSettings::default() };
        update(&mut subnet, id, settings);
        let as_query = subnet.query_management(STRANGER, "canister_status", &record);
        assert_eq!(as_query.is_ok(), is_shown);
        let as_update = subnet.manage_as(STRANGER, "canister_status", Encode!(&record).expect("encodes"));
        assert_eq!(as_update.is_ok(), is_shown);
    }
}

/// Everybody may ask for history, module hash and controllers of every canister, by a query.
#[test]
fn should_tell_everybody_history_hash_and_controllers() {
    let (mut subnet, id) = setup();
    let info = info(&mut subnet, id, Some(10));
    assert_eq!(info.module_hash, Some(hash(&proxy())));
    assert_eq!(info.controllers, [USER]);
    assert_eq!(info.total_num_changes, 2);
    let details: Vec<_> = info.recent_changes.iter().map(|change| change.details.clone()).collect();
    assert!(matches!(&details[0], Some(ChangeDetails::Creation(record)) if record.controllers == [USER]));
    assert!(matches!(&details[1], Some(ChangeDetails::CodeDeployment(record))
        if record.mode == CodeDeploymentMode::Install && record.module_hash == hash(&proxy())));
}

/// Without a number no changes are told; with one, as many of the newest as there are.
#[test]
fn should_tell_as_many_changes_as_requested() {
    let (mut subnet, id) = setup();
    assert_eq!(info(&mut subnet, id, None).recent_changes, []);
    let newest = info(&mut subnet, id, Some(1)).recent_changes;
    assert!(matches!(newest[..], [Change { details: Some(ChangeDetails::CodeDeployment(_)), .. }]));
    assert_eq!(info(&mut subnet, id, Some(u64::MAX)).recent_changes.len(), 2);
}

/// At least twenty changes are kept; the total counts those dropped too.
#[test]
fn should_keep_twenty_changes_and_count_all() {
    let (mut subnet, id) = setup();
    for _ in 0..30 {
        let settings = CanisterSettings { controllers: Some(vec![USER]), ..CanisterSettings::default() };
        update(&mut subnet, id, settings);
    }
    let info = info(&mut subnet, id, Some(100));
    assert_eq!(info.total_num_changes, 32);
    assert!(info.recent_changes.len() >= 20);
}

/// A change of controllers is recorded with the new ones; other settings leave no trace.
#[test]
fn should_record_changes_of_controllers_only() {
    let (mut subnet, id) = setup();
    update(&mut subnet, id, CanisterSettings { freezing_threshold: Some(1_u8.into()), ..Default::default() });
    assert_eq!(info(&mut subnet, id, None).total_num_changes, 2);
    let controllers = Some(vec![USER, STRANGER]);
    update(&mut subnet, id, CanisterSettings { controllers, ..Default::default() });
    let newest = info(&mut subnet, id, Some(1)).recent_changes.remove(0);
    assert!(matches!(newest.details, Some(ChangeDetails::ControllersChange(record))
        if record.controllers == [USER, STRANGER]));
}

/// Upgrades, reinstallations and uninstalling are recorded as what they are.
#[test]
fn should_record_what_happens_to_the_code() {
    let (mut subnet, id) = setup();
    for mode in [CanisterInstallMode::Upgrade(None), CanisterInstallMode::Reinstall] {
        let args = InstallCodeArgs {
            mode,
            canister_id: id,
            wasm_module: proxy(),
            arg: Vec::new(),
            sender_canister_version: None,
        };
        subnet.manage("install_code", args).expect("it installs");
    }
    let args = UninstallCodeArgs { canister_id: id, sender_canister_version: None };
    subnet.manage("uninstall_code", args).expect("it is uninstalled");
    let changes = info(&mut subnet, id, Some(3)).recent_changes;
    let mode = |change: &Change| match &change.details {
        Some(ChangeDetails::CodeDeployment(record)) => Some(record.mode),
        _ => None,
    };
    assert_eq!(mode(&changes[0]), Some(CodeDeploymentMode::Upgrade));
    assert_eq!(mode(&changes[1]), Some(CodeDeploymentMode::Reinstall));
    assert_eq!(changes[2].details, Some(ChangeDetails::CodeUninstall));
}

/// A change tells who made it: a user, or a canister with the version that it told.
#[test]
fn should_record_who_made_a_change() {
    let (mut subnet, id) = setup();
    let controllers = Some(vec![USER, id]);
    update(&mut subnet, id, CanisterSettings { controllers: controllers.clone(), ..Default::default() });
    let version = status(&mut subnet, id).version;
    let args = UpdateSettingsArgs {
        canister_id: id,
        settings: CanisterSettings { controllers, ..CanisterSettings::default() },
        sender_canister_version: Some(version),
    };
    subnet.manage_from(id, "update_settings", args, 0).expect("it controls itself");
    let changes = info(&mut subnet, id, Some(2)).recent_changes;
    assert_eq!(changes[0].origin, ChangeOrigin::FromUser(FromUserRecord { user_id: USER }));
    let by_canister = FromCanisterRecord { canister_id: id, canister_version: Some(version) };
    assert_eq!(changes[1].origin, ChangeOrigin::FromCanister(by_canister));
}

/// The creation record names the hash of the environment variables, if any were given.
#[test]
fn should_record_the_hash_of_environment_variables() {
    let mut subnet = Subnet::new();
    let mut hash_for = |variables: Option<Vec<EnvironmentVariable>>| {
        let settings = CanisterSettings { environment_variables: variables, ..CanisterSettings::default() };
        let args = ProvisionalCreateCanisterWithCyclesArgs {
            settings: Some(settings),
            ..ProvisionalCreateCanisterWithCyclesArgs::default()
        };
        let created = subnet.manage("provisional_create_canister_with_cycles", args);
        let id = decoded::<CanisterIdRecord>(created).canister_id;
        match info(&mut subnet, id, Some(1)).recent_changes.remove(0).details {
            Some(ChangeDetails::Creation(record)) => record.environment_variables_hash,
            other => panic!("the first change is {other:?}"),
        }
    };
    let variable =
        |name: &str, value: &str| EnvironmentVariable { name: name.to_owned(), value: value.to_owned() };
    assert_eq!(hash_for(None), None);
    let (a, b) = (variable("A", "1"), variable("B", "2"));
    let pair = |variable: &EnvironmentVariable| {
        [hash(variable.name.as_bytes()), hash(variable.value.as_bytes())].concat()
    };
    let mut pairs = [pair(&a), pair(&b)];
    pairs.sort();
    let expected = Some(hash(&pairs.concat()));
    assert_eq!(hash_for(Some(vec![a.clone(), b.clone()])), expected);
    assert_eq!(hash_for(Some(vec![b, a])), expected);
}

/// Public metadata is told to every canister, private metadata to controllers only.
#[test]
fn should_tell_private_metadata_to_controllers_only() {
    let (mut subnet, id) = setup();
    let other = subnet.proxy();
    update(&mut subnet, id, CanisterSettings { controllers: Some(vec![USER, id]), ..Default::default() });
    let mut read = |caller: Principal, name: &str| {
        let args = CanisterMetadataArgs { canister_id: id, name: name.to_owned() };
        subnet.manage_from(caller, "canister_metadata", args, 0)
    };
    assert_eq!(decoded::<CanisterMetadataResult>(read(other, "note")).value, b"for all");
    assert_eq!(decoded::<CanisterMetadataResult>(read(id, "note2")).value, b"for controllers");
    assert_eq!(read(other, "note2").expect_err("a reject").code, CanisterError);
    assert_eq!(read(other, "no such section").expect_err("a reject").code, CanisterReject);
}

fn logs(
    subnet: &mut Subnet,
    canister_id: Principal,
    filter: Option<CanisterLogFilter>,
) -> Vec<CanisterLogRecord> {
    let args = FetchCanisterLogsArgs { canister_id, filter };
    decoded::<FetchCanisterLogsResult>(subnet.query_management(USER, "fetch_canister_logs", args))
        .canister_log_records
}

fn print(subnet: &mut Subnet, id: Principal, times: usize) {
    for _ in 0..times {
        subnet.call(id, "print", b"").expect("it prints");
    }
}

/// Logs hold what was printed, numbered in order, with the time.
#[test]
fn should_log_what_is_printed() {
    let (mut subnet, id) = setup();
    print(&mut subnet, id, 2);
    let records = logs(&mut subnet, id, None);
    assert_eq!(records.iter().map(|record| record.idx).collect::<Vec<_>>(), [0, 1]);
    assert!(records.iter().all(|record| record.content == b"printed"));
    assert_eq!(records[1].timestamp_nanos, subnet.replica.time_ns());
}

/// A filter by index takes its start and leaves its end.
#[test]
fn should_filter_logs_by_index() {
    let (mut subnet, id) = setup();
    print(&mut subnet, id, 4);
    let records = logs(&mut subnet, id, Some(CanisterLogFilter::ByIdx { start: 1, end: 3 }));
    assert_eq!(records.iter().map(|record| record.idx).collect::<Vec<_>>(), [1, 2]);
}

/// A filter by time takes its start and leaves its end.
#[test]
fn should_filter_logs_by_time() {
    let (mut subnet, id) = setup();
    print(&mut subnet, id, 1);
    let first_ns = subnet.replica.time_ns();
    subnet.replica.advance_time(std::time::Duration::from_secs(10));
    print(&mut subnet, id, 1);
    let second_ns = subnet.replica.time_ns();
    let by_time = |start, end| Some(CanisterLogFilter::ByTimestampNanos { start, end });
    let first = logs(&mut subnet, id, by_time(first_ns, second_ns));
    assert_eq!(first.iter().map(|record| record.idx).collect::<Vec<_>>(), [0]);
    assert_eq!(logs(&mut subnet, id, by_time(second_ns, second_ns + 1)).len(), 1);
}

/// Logs survive upgrades and go with reinstallation and uninstalling.
#[test]
fn should_purge_logs_when_code_is_replaced() {
    let (mut subnet, id) = setup();
    print(&mut subnet, id, 1);
    subnet.replica.upgrade(id, &proxy(), Vec::new()).expect("it upgrades");
    assert_eq!(logs(&mut subnet, id, None).len(), 1);
    let args = InstallCodeArgs {
        mode: CanisterInstallMode::Reinstall,
        canister_id: id,
        wasm_module: proxy(),
        arg: Vec::new(),
        sender_canister_version: None,
    };
    subnet.manage("install_code", args).expect("it is reinstalled");
    assert_eq!(logs(&mut subnet, id, None), []);
    print(&mut subnet, id, 1);
    let args = UninstallCodeArgs { canister_id: id, sender_canister_version: None };
    subnet.manage("uninstall_code", args).expect("it is uninstalled");
    assert_eq!(logs(&mut subnet, id, None), []);
}

/// The oldest records go when the limit of the settings is passed, also when it is lowered.
#[test]
fn should_purge_the_oldest_logs_beyond_the_limit() {
    let (mut subnet, id) = setup();
    print(&mut subnet, id, 600);
    let kept = logs(&mut subnet, id, None);
    assert!(kept.len() < 600 && kept.last().expect("some are kept").idx == 599);
    let none = CanisterSettings { log_memory_limit: Some(0_u8.into()), ..CanisterSettings::default() };
    update(&mut subnet, id, none);
    assert_eq!(logs(&mut subnet, id, None), []);
}

/// Who may fetch logs is a setting, for queries by users and for calls by canisters.
#[test]
fn should_show_logs_to_whom_the_setting_names() {
    let (mut subnet, id) = setup();
    let other = subnet.proxy();
    let args = FetchCanisterLogsArgs { canister_id: id, filter: None };
    for (visibility, is_shown) in [
        (LogVisibility::Controllers, false),
        (LogVisibility::AllowedViewers(vec![STRANGER, other]), true),
        (LogVisibility::AllowedViewers(vec![]), false),
        (LogVisibility::Public, true),
    ] {
        update(&mut subnet, id, CanisterSettings { log_visibility: Some(visibility), ..Default::default() });
        assert_eq!(subnet.query_management(STRANGER, "fetch_canister_logs", &args).is_ok(), is_shown);
        assert_eq!(subnet.manage_from(other, "fetch_canister_logs", &args, 0).is_ok(), is_shown);
        assert!(subnet.query_management(USER, "fetch_canister_logs", &args).is_ok());
    }
}

/// `subnet_info` knows this subnet and no other.
#[test]
fn should_tell_the_version_of_its_own_subnet_only() {
    let (mut subnet, id) = setup();
    let own = SubnetInfoArgs { subnet_id: subnet.replica.subnet_id() };
    let info: SubnetInfoResult = decoded(subnet.manage_from(id, "subnet_info", own, 0));
    assert!(info.replica_version.starts_with("local-replica "));
    let other = SubnetInfoArgs { subnet_id: STRANGER };
    let refused = subnet.manage_from(id, "subnet_info", other, 0).expect_err("a reject");
    assert_eq!(refused.code, CanisterReject);
}

/// `list_canisters` is for subnet admins, of whom there are none here.
#[test]
fn should_list_canisters_to_nobody() {
    let mut subnet = Subnet::new();
    assert_rejected(subnet.query_management(USER, "list_canisters", ()), CanisterReject, "IC0410");
}

/// Other methods cannot be queried.
#[test]
fn should_refuse_queries_of_methods_that_change_something() {
    let (mut subnet, id) = setup();
    let record = CanisterIdRecord { canister_id: id };
    for method in ["stop_canister", "canister_metadata", "list_canister_snapshots", "raw_rand"] {
        assert_rejected(subnet.query_management(USER, method, &record), CanisterError, "IC0536");
    }
}
