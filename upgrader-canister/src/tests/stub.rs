//! The stub runtime: what [`Runtime`] promises, on the host.

use std::{
    cell::RefCell,
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use candid::Principal;
use release_types::{
    Sha256Digest,
    control::{
        CanisterSettings, Committee, Controlled, EndUpgradeArgs, LogTip, ModuleRef, UpgradeId, UpgradeOrder,
        UpgradeState, UpgraderInit,
    },
};

use crate::{
    lifecycle::{self, Environment},
    modules, orders, queries,
    runtime::{CallError, Runtime},
    state::{audit::replay_log, read_state},
    tasks::{self, Task},
};

pub const START_NS: u64 = 1_800_000_000_000_000_000;
const OLD_CODE: [u8; 32] = [1; 32];

pub fn dao() -> Principal {
    Principal::from_slice(&[1, 1, 1, 1])
}

pub fn custody() -> Principal {
    Principal::from_slice(&[2, 2, 2, 1])
}

pub fn person(number: u8) -> Principal {
    Principal::from_slice(&[9, number])
}

/// What is called, and fails.
pub struct Surroundings {
    pub now_ns: u64,
    timers: Vec<(u64, Task)>,
    /// The names of the calls so far.
    pub calls: Vec<&'static str>,
    /// Calls that fail: name, and with what.
    pub failing: Vec<(&'static str, CallError)>,
    /// Calls that fail while the new code runs.
    pub failing_when_new: Vec<(&'static str, CallError)>,
    pub code: Sha256Digest,
    pub tip: LogTip,
    pub ends: Vec<EndUpgradeArgs>,
    is_stopped: bool,
    snapshot: Option<Sha256Digest>,
    pub settings: Vec<(Principal, CanisterSettings)>,
}

#[derive(Clone)]
pub struct StubRuntime(pub Rc<RefCell<Surroundings>>);

impl StubRuntime {
    /// An upgrader with a committee of two of three and the shortest delay.
    pub fn installed() -> Self {
        let runtime = Self(Rc::new(RefCell::new(Surroundings {
            now_ns: START_NS,
            timers: Vec::new(),
            calls: Vec::new(),
            failing: Vec::new(),
            failing_when_new: Vec::new(),
            code: Sha256Digest(OLD_CODE),
            tip: LogTip { index: 10, hash: Sha256Digest([10; 32]) },
            ends: Vec::new(),
            is_stopped: false,
            snapshot: None,
            settings: Vec::new(),
        })));
        tasks::forget_timers();
        let init = UpgraderInit { dao: None, custody: Some(custody()), committee: Some(committee()) };
        let environment = Environment { dao: Some(dao()), custody: None };
        lifecycle::install(&runtime, init, environment).expect("good arguments");
        runtime
    }

    /// Stores a chunk as the DAO and makes an order to install it.
    pub fn order(&self, target: Controlled) -> UpgradeOrder {
        let chunk = vec![7; 1_000];
        let sha256 = block_on(modules::store_chunk(self, dao(), chunk)).expect("there is room");
        let arg: Vec<u8> = Vec::new();
        UpgradeOrder {
            id: UpgradeId("proposal-1".into()),
            target,
            module: ModuleRef { sha256, chunks: vec![sha256] },
            arg_sha256: Sha256Digest::of(&arg),
            arg: arg.into(),
        }
    }

    /// Orders an upgrade and lets it run to its end.
    pub fn carry_out(&self, target: Controlled) -> UpgradeState {
        let order = self.order(target);
        let id = orders::upgrade(self, dao(), order).expect("a good order").id;
        self.0.borrow_mut().calls.clear();
        self.settle();
        queries::upgrade_status(&id).expect("it was taken").state
    }

    /// Runs timers until no upgrade is under way.
    pub fn settle(&self) {
        for _ in 0..10_000 {
            if read_state(|state| state.running().is_none()) {
                return;
            }
            self.run_next_timer();
        }
        panic!("the upgrade does not end: {:?}", read_state(|state| state.running().cloned()));
    }

    pub fn run_next_timer(&self) {
        let task = {
            let mut inner = self.0.borrow_mut();
            let next = (0..inner.timers.len()).min_by_key(|index| inner.timers[*index].0);
            let (due_ns, task) = inner.timers.remove(next.expect("there is a timer"));
            inner.now_ns = inner.now_ns.max(due_ns);
            task
        };
        block_on(tasks::run(self.clone(), task));
    }

    /// Runs what is due within this time.
    pub fn pass(&self, time: Duration) {
        let end_ns = self.time_ns() + time.as_nanos() as u64;
        while self.0.borrow().timers.iter().any(|(due_ns, _)| *due_ns <= end_ns) {
            self.run_next_timer();
        }
        self.0.borrow_mut().now_ns = end_ns;
    }

    /// As the canister's own upgrade: timers are gone, the state comes from the log.
    pub fn upgrade(&self) {
        self.0.borrow_mut().timers.clear();
        tasks::forget_timers();
        let live = queries::state_digest();
        lifecycle::resume(self, None).expect("nothing to change");
        assert_eq!(queries::state_digest(), live, "the replayed state is the live one");
    }

    pub fn calls(&self) -> Vec<&'static str> {
        self.0.borrow().calls.clone()
    }

    pub fn is_stopped(&self) -> bool {
        self.0.borrow().is_stopped
    }

    pub fn runs_old_code(&self) -> bool {
        self.0.borrow().code == Sha256Digest(OLD_CODE)
    }

    /// A call of the management canister, unless it is to fail.
    fn managed(&self, name: &'static str) -> Result<(), CallError> {
        let mut inner = self.0.borrow_mut();
        inner.calls.push(name);
        let is_new = inner.code != Sha256Digest(OLD_CODE);
        let mut failing =
            inner.failing.iter().chain(is_new.then_some(&inner.failing_when_new).into_iter().flatten());
        failing.find(|(failing, _)| *failing == name).map_or(Ok(()), |(_, error)| Err(*error))
    }

    /// A call of a canister, which must run.
    fn asked(&self, name: &'static str) -> Result<(), CallError> {
        self.managed(name)?;
        if self.is_stopped() { Err(CallError::Rejected) } else { Ok(()) }
    }
}

pub fn committee() -> Committee {
    Committee {
        members: (1..=3).map(person).collect(),
        threshold: 2,
        delay_ns: release_types::control::MIN_RECOVERY_DELAY_NS,
    }
}

impl Runtime for StubRuntime {
    fn time_ns(&self) -> u64 {
        self.0.borrow().now_ns
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        let mut inner = self.0.borrow_mut();
        let due_ns = inner.now_ns + delay.as_nanos() as u64;
        inner.timers.push((due_ns, task));
    }

    fn certify(&self, _: [u8; 32]) {}

    async fn store_chunk(&self, chunk: Vec<u8>) -> Result<Sha256Digest, CallError> {
        self.managed("store_chunk")?;
        Ok(Sha256Digest::of(&chunk))
    }

    async fn clear_chunks(&self) -> Result<(), CallError> {
        self.managed("clear_chunks")
    }

    async fn stop(&self, _: Principal) -> Result<(), CallError> {
        self.managed("stop")?;
        self.0.borrow_mut().is_stopped = true;
        Ok(())
    }

    async fn start(&self, _: Principal) -> Result<(), CallError> {
        self.managed("start")?;
        self.0.borrow_mut().is_stopped = false;
        Ok(())
    }

    async fn take_snapshot(&self, _: Principal) -> Result<Vec<u8>, CallError> {
        self.managed("take_snapshot")?;
        assert!(self.is_stopped(), "a snapshot of a canister at work");
        let mut inner = self.0.borrow_mut();
        inner.snapshot = Some(inner.code);
        Ok(vec![5])
    }

    async fn load_snapshot(&self, _: Principal, snapshot: Vec<u8>) -> Result<(), CallError> {
        self.managed("load_snapshot")?;
        assert!(self.is_stopped() && snapshot == [5]);
        let mut inner = self.0.borrow_mut();
        inner.code = inner.snapshot.expect("a snapshot was taken");
        Ok(())
    }

    async fn delete_snapshots(&self, _: Principal) -> Result<(), CallError> {
        self.managed("delete_snapshots")
    }

    async fn install(&self, _: Principal, order: UpgradeOrder) -> Result<(), CallError> {
        self.managed("install")?;
        assert!(self.is_stopped(), "code is replaced under a canister at work");
        self.0.borrow_mut().code = order.module.sha256;
        Ok(())
    }

    async fn module_hash(&self, _: Principal) -> Result<Option<Sha256Digest>, CallError> {
        self.managed("module_hash")?;
        Ok(Some(self.0.borrow().code))
    }

    async fn change_settings(
        &self,
        canister: Principal,
        settings: CanisterSettings,
    ) -> Result<(), CallError> {
        self.managed("change_settings")?;
        self.0.borrow_mut().settings.push((canister, settings));
        Ok(())
    }

    async fn log_tip(&self, _: Principal) -> Result<Option<LogTip>, CallError> {
        self.asked("log_tip")?;
        Ok(Some(self.0.borrow().tip.clone()))
    }

    async fn begin_upgrade(&self, _: Principal, _: UpgradeId) -> Result<(), CallError> {
        self.asked("begin_upgrade")
    }

    async fn end_upgrade(&self, _: Principal, args: EndUpgradeArgs) -> Result<(), CallError> {
        self.asked("end_upgrade")?;
        self.0.borrow_mut().ends.push(args);
        Ok(())
    }
}

/// Runs what never has to wait.
pub fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the stub answers at once"),
    }
}

/// The state that the log adds up to is the live one.
pub fn assert_replays() {
    let replayed = replay_log().expect("replays");
    read_state(|state| assert_eq!(*state, replayed));
}
