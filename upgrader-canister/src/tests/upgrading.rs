use std::time::Duration;

use release_types::{
    Refusal, Sha256Digest,
    control::{
        CanisterSettings, ChangeCanisterSettingsArgs,
        Controlled::{Custody, Dao},
        LogTip, UpgradeEnd,
        UpgradeFailure::{NoSnapshot, NotInstalled, NotStopped, Unhealthy, UnhealthyAndStopped},
        UpgradeId,
        UpgradeState::{self, Done, Failed},
    },
};

use super::stub::{StubRuntime, assert_replays, block_on, custody, dao, person};
use crate::{
    modules, orders, queries,
    runtime::CallError::{self, Rejected, Transient, Undecodable},
    settings,
    state::read_state,
    upgrade::{HEALTH_LIMIT, PREPARATION_LIMIT, STOP_LIMIT},
};

const HEALTHY_CUSTODY: [&str; 11] = [
    "begin_upgrade",
    "log_tip",
    "stop",
    "take_snapshot",
    "install",
    "start",
    "module_hash",
    "log_tip",
    "end_upgrade",
    "delete_snapshots",
    "clear_chunks",
];

fn failing(name: &'static str, error: CallError) -> StubRuntime {
    let runtime = StubRuntime::installed();
    runtime.0.borrow_mut().failing.push((name, error));
    runtime
}

fn failing_when_new(name: &'static str, error: CallError) -> StubRuntime {
    let runtime = StubRuntime::installed();
    runtime.0.borrow_mut().failing_when_new.push((name, error));
    runtime
}

fn ends(runtime: &StubRuntime) -> Vec<UpgradeEnd> {
    runtime.0.borrow().ends.iter().map(|args| args.end.clone()).collect()
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
    outcome.expect_err("refused").to_string()
}

#[test]
fn should_stop_snapshot_install_and_start_when_all_is_well() {
    let runtime = StubRuntime::installed();
    assert_eq!(runtime.carry_out(Custody), Done);
    assert_eq!(runtime.calls(), HEALTHY_CUSTODY);
    assert_eq!(ends(&runtime), [UpgradeEnd::Stays]);
    assert!(!runtime.is_stopped() && !runtime.runs_old_code());
    assert_replays();

    let runtime = StubRuntime::installed();
    assert_eq!(runtime.carry_out(Dao), Done);
    let without_custody: Vec<_> =
        HEALTHY_CUSTODY.into_iter().filter(|name| !name.ends_with("_upgrade")).collect();
    assert_eq!(runtime.calls(), without_custody);
}

#[test]
fn should_end_alike_when_it_is_upgraded_itself_after_any_step() {
    for interrupted in 0..HEALTHY_CUSTODY.len() {
        let runtime = StubRuntime::installed();
        let id = orders::upgrade(&runtime, dao(), runtime.order(Custody)).expect("a good order").id;
        (0..interrupted).for_each(|_| runtime.run_next_timer());
        runtime.upgrade();
        runtime.settle();
        assert_eq!(queries::upgrade_status(&id).expect("taken").state, Done, "after {interrupted} timers");
        assert_eq!(ends(&runtime), [UpgradeEnd::Stays]);
    }
}

#[test]
fn should_go_back_and_tell_custody_when_the_new_code_is_not_healthy() {
    for (call, error) in [
        ("log_tip", Rejected),
        ("log_tip", Undecodable),
        ("module_hash", Transient),
        ("end_upgrade", Rejected),
    ] {
        let runtime = failing_when_new(call, error);
        let before_ns = runtime.0.borrow().now_ns;
        assert_eq!(runtime.carry_out(Custody), Failed { failure: Unhealthy }, "{call}");
        let [UpgradeEnd::TakenBack { lost }] = &ends(&runtime)[..] else { panic!("{:?}", ends(&runtime)) };
        assert_eq!(lost.is_some(), call != "log_tip");
        assert!(!runtime.is_stopped() && runtime.runs_old_code());
        let took = Duration::from_nanos(runtime.0.borrow().now_ns - before_ns);
        assert!(took >= HEALTH_LIMIT && took < HEALTH_LIMIT + Duration::from_secs(30), "{took:?}");
        assert_replays();
    }
}

#[test]
fn should_go_back_when_the_new_code_lost_the_log() {
    for (index, hash) in [(9, 10), (10, 11)] {
        let runtime = StubRuntime::installed();
        orders::upgrade(&runtime, dao(), runtime.order(Dao)).expect("a good order");
        runtime.run_next_timer();
        runtime.0.borrow_mut().tip = LogTip { index, hash: Sha256Digest([hash; 32]) };
        runtime.settle();
        let status = queries::upgrade_status(&UpgradeId("proposal-1".into())).expect("taken");
        assert_eq!(status.state, Failed { failure: Unhealthy });
        assert!(runtime.runs_old_code() && !runtime.is_stopped());
    }
}

#[test]
fn should_leave_custody_stopped_when_it_was_not_prepared_and_is_taken_back() {
    let runtime = failing("begin_upgrade", Rejected);
    runtime.0.borrow_mut().failing_when_new.push(("log_tip", Rejected));
    assert_eq!(runtime.carry_out(Custody), Failed { failure: UnhealthyAndStopped });
    assert!(runtime.is_stopped() && runtime.runs_old_code());
    assert!(ends(&runtime).is_empty(), "it knows of no upgrade");
}

#[test]
fn should_repair_custody_when_its_former_code_does_not_answer() {
    let runtime = failing("begin_upgrade", Rejected);
    assert_eq!(runtime.carry_out(Custody), Done);
    assert!(runtime.0.borrow().now_ns >= super::stub::START_NS + PREPARATION_LIMIT.as_nanos() as u64);
    assert!(!runtime.is_stopped() && !runtime.runs_old_code());
}

#[test]
fn should_keep_the_former_code_when_the_new_one_never_ran() {
    for (call, error, failure) in [
        ("stop", Transient, NotStopped),
        ("take_snapshot", Rejected, NoSnapshot),
        ("install", Rejected, NotInstalled),
        ("install", Transient, NotInstalled),
    ] {
        for target in [Dao, Custody] {
            let runtime = failing(call, error);
            assert_eq!(runtime.carry_out(target), Failed { failure }, "{call}, {target}");
            assert!(!runtime.is_stopped() && runtime.runs_old_code());
            let told = if target == Custody { vec![UpgradeEnd::Stays] } else { Vec::new() };
            assert_eq!(ends(&runtime), told);
            assert!(!runtime.calls().contains(&"load_snapshot"));
        }
    }
    assert!(STOP_LIMIT > HEALTH_LIMIT);
}

#[test]
fn should_insist_when_the_way_back_meets_accidents() {
    for call in ["stop", "load_snapshot", "start"] {
        let runtime = failing_when_new("log_tip", Rejected);
        orders::upgrade(&runtime, dao(), runtime.order(Custody)).expect("a good order");
        runtime.pass(HEALTH_LIMIT - Duration::from_secs(10));
        runtime.0.borrow_mut().failing.push((call, Transient));
        runtime.pass(Duration::from_secs(3_600));
        assert!(read_state(|state| state.running().is_some()), "{call}: it does not give up");
        runtime.0.borrow_mut().failing.clear();
        runtime.settle();
        assert!(matches!(&ends(&runtime)[..], [UpgradeEnd::TakenBack { .. }]), "{call}");
        assert!(runtime.runs_old_code() && !runtime.is_stopped());
    }
}

#[test]
fn should_answer_with_the_state_when_an_order_is_sent_again_and_refuse_another_under_its_id() {
    let runtime = StubRuntime::installed();
    let order = runtime.order(Custody);
    let first = orders::upgrade(&runtime, dao(), order.clone()).expect("a good order");
    assert_eq!(orders::upgrade(&runtime, dao(), order.clone()), Ok(first));
    let mut other = order.clone();
    other.target = Dao;
    assert!(refusal(orders::upgrade(&runtime, dao(), other.clone())).starts_with("REFUSED: id: "));
    other.id = UpgradeId("proposal-2".into());
    assert!(refusal(orders::upgrade(&runtime, dao(), other)).starts_with("BUSY: upgrade: "));
    runtime.settle();
    let last = orders::upgrade(&runtime, dao(), order).expect("it is over");
    assert_eq!(last.state, Done);
    assert_eq!(runtime.calls().iter().filter(|call| **call == "install").count(), 1);
}

#[test]
fn should_obey_the_dao_alone_and_name_all_defects() {
    let runtime = StubRuntime::installed();
    let order = runtime.order(Custody);
    for caller in [custody(), person(1), person(9), candid::Principal::anonymous()] {
        let refused = refusal(orders::upgrade(&runtime, caller, order.clone()));
        assert!(refused.starts_with("REFUSED: caller: "), "{refused}");
        let refused = refusal(block_on(settings::change(&runtime, caller, freezing(90))));
        assert!(refused.starts_with("REFUSED: caller: "), "{refused}");
    }
    let mut bad = order.clone();
    bad.id = UpgradeId("recovery-1".into());
    bad.module.chunks.clear();
    bad.arg = vec![0_u8; 10_001].into();
    let refused = refusal(orders::upgrade(&runtime, dao(), bad));
    for field in ["id: ", "module.chunks: ", "arg: found 10001 bytes", "arg: found "] {
        assert!(refused.contains(&format!("REFUSED: {field}")), "{field} in {refused}");
    }
    let mut unstored = order;
    unstored.module.chunks.push(Sha256Digest([8; 32]));
    assert!(refusal(orders::upgrade(&runtime, dao(), unstored)).starts_with("BUSY: module.chunks: "));
    assert!(read_state(|state| state.running().is_none()));
}

#[test]
fn should_keep_few_chunks_and_empty_the_store_when_it_is_full() {
    let runtime = StubRuntime::installed();
    let store = |byte: u8| block_on(modules::store_chunk(&runtime, dao(), vec![byte; 10]));
    for byte in 0..16 {
        store(byte).expect("there is room");
    }
    store(3).expect("it is there");
    assert_eq!(runtime.calls().len(), 16, "what is there is not stored again");
    store(16).expect("the store is emptied");
    assert_eq!(read_state(|state| state.chunks().len()), 1);
    let too_large = block_on(modules::store_chunk(&runtime, dao(), vec![0; 1_048_577]));
    assert!(refusal(too_large).starts_with("REFUSED: chunk: found 1048577 bytes"));
    assert!(refusal(block_on(modules::store_chunk(&runtime, dao(), Vec::new()))).contains("found 0 bytes"));
    assert_replays();
}

fn freezing(days: u64) -> ChangeCanisterSettingsArgs {
    let freezing_threshold_s = Some(days * 86_400);
    let settings = CanisterSettings { freezing_threshold_s, ..CanisterSettings::default() };
    ChangeCanisterSettingsArgs { target: Custody, settings }
}

#[test]
fn should_change_only_settings_within_bounds() {
    let runtime = StubRuntime::installed();
    block_on(settings::change(&runtime, dao(), freezing(90))).expect("within bounds");
    assert_eq!(runtime.0.borrow().settings, [(custody(), freezing(90).settings)]);
    for days in [29, 731] {
        let refused = refusal(block_on(settings::change(&runtime, dao(), freezing(days))));
        assert!(refused.starts_with("REFUSED: freezing_threshold_s: "), "{refused}");
    }
    let nothing = ChangeCanisterSettingsArgs { settings: CanisterSettings::default(), ..freezing(90) };
    assert!(refusal(block_on(settings::change(&runtime, dao(), nothing))).starts_with("REFUSED: settings: "));
    assert_eq!(runtime.0.borrow().settings.len(), 1);
}

#[test]
fn should_show_the_step_while_an_upgrade_is_under_way() {
    let runtime = StubRuntime::installed();
    orders::upgrade(&runtime, dao(), runtime.order(Custody)).expect("a good order");
    let state = queries::upgrader_info().running.expect("under way").state;
    assert!(matches!(state, UpgradeState::Running { failure: None, .. }));
}
