//! A runtime whose clock, timers and custody answers the test holds in its hands.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{self, Future},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use candid::Principal;
use release_types::{
    AmendOrder, AmendmentStatus, CredentialId, DeclareOutcomeArgs, OrderId, OrderStatus, PackageKey,
    PublishOrder, Settings, Sha256Digest,
    control::{
        CanisterSettings, ChangeCanisterSettingsArgs, RecoveryId, UpgradeId, UpgradeOrder, UpgradeStatus,
    },
    credential::{CredentialView, DepositCredentialArgs},
    custody::ChangeCredentialArgs,
    freeze::{FreezeArgs, FreezeScope, FreezeView},
    watch::{WatchArgs, WatchView},
};

use crate::{
    execution,
    runtime::{CustodyError, Module, Runtime},
    schedule::Task,
};

pub const START_NS: u64 = 1_800_000_000_000_000_000;
pub const SECOND_NS: u64 = 1_000_000_000;

/// What custody was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Publish(PublishOrder),
    OrderStatus(OrderId),
    Declare(DeclareOutcomeArgs),
    Amend(AmendOrder),
    AmendmentStatus(OrderId),
    ChangeCredential(ChangeCredentialArgs),
    Credential(CredentialId),
    Deposit(DepositCredentialArgs),
    Freeze(FreezeArgs),
    Unfreeze(FreezeScope),
    Watch(WatchArgs),
    Unwatch(PackageKey),
    ChangeSettings(Settings),
    StoreChunk(Vec<u8>),
    OrderUpgrade(UpgradeOrder),
    UpgradeStatus(UpgradeId),
    UpgradeUpgrader(Module),
    ChangeCanisterSettings(ChangeCanisterSettingsArgs),
    ChangeUpgraderSettings(CanisterSettings),
    CancelRecovery(RecoveryId),
    DepositCycles(Principal, u128),
}

/// What custody answers next.
#[derive(Clone, Debug)]
pub enum Answer {
    Order(Result<OrderStatus, CustodyError>),
    OrderStatus(Result<Option<OrderStatus>, CustodyError>),
    Amendment(Result<AmendmentStatus, CustodyError>),
    AmendmentStatus(Result<Option<AmendmentStatus>, CustodyError>),
    Credential(Result<CredentialView, CustodyError>),
    CredentialStatus(Result<Option<CredentialView>, CustodyError>),
    Freezes(Result<Vec<FreezeView>, CustodyError>),
    Watch(Result<WatchView, CustodyError>),
    Watches(Result<Vec<PackageKey>, CustodyError>),
    Settings(Result<Settings, CustodyError>),
    Upgrade(Result<UpgradeStatus, CustodyError>),
    UpgradeStatus(Result<Option<UpgradeStatus>, CustodyError>),
    /// Of whatever brings nothing but success.
    Done(Result<(), CustodyError>),
    /// The call stays open.
    Never,
    /// Only whoever asks again hears it.
    Later(Box<Self>),
}

#[derive(Clone)]
pub struct TestRuntime(Rc<RefCell<Inner>>);

struct Inner {
    now_ns: u64,
    timers: Vec<(u64, Task)>,
    asked: Vec<Asked>,
    answers: VecDeque<Answer>,
    environment: Option<Principal>,
    certified: Option<[u8; 32]>,
    wakings: usize,
}

impl TestRuntime {
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(Inner {
            now_ns: START_NS,
            timers: Vec::new(),
            asked: Vec::new(),
            answers: VecDeque::new(),
            environment: None,
            certified: None,
            wakings: 0,
        })))
    }

    pub fn set_environment(&self, custody: Option<Principal>) {
        self.0.borrow_mut().environment = custody;
    }

    pub fn answer(&self, answer: Answer) {
        self.0.borrow_mut().answers.push_back(answer);
    }

    /// Everything custody was asked since the last time.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.borrow_mut().asked)
    }

    /// How often the timers were woken.
    pub fn wakings(&self) -> usize {
        self.0.borrow().wakings
    }

    pub fn certified(&self) -> Option<[u8; 32]> {
        self.0.borrow().certified
    }

    /// Loses all timers, as an upgrade does.
    pub fn lose_timers(&self) {
        self.0.borrow_mut().timers.clear();
    }

    /// Loses the timers of one task, as a trap does.
    pub fn lose_timer(&self, task: Task) {
        self.0.borrow_mut().timers.retain(|(_, of)| *of != task);
    }

    pub fn pending_timers(&self) -> usize {
        self.0.borrow().timers.len()
    }

    /// Moves the clock without firing anything, as when the subnet was busy.
    pub fn skip(&self, by_ns: u64) {
        self.0.borrow_mut().now_ns += by_ns;
    }

    /// Moves the clock and fires every timer on the way, in order.
    pub fn advance(&self, by_ns: u64) {
        let end_ns = self.time_ns() + by_ns;
        while let Some((due_ns, task)) = self.take_timer(end_ns) {
            let now_ns = self.time_ns().max(due_ns);
            self.0.borrow_mut().now_ns = now_ns;
            run(execution::run(self, task));
        }
        self.0.borrow_mut().now_ns = end_ns;
    }

    fn take_timer(&self, until_ns: u64) -> Option<(u64, Task)> {
        let mut inner = self.0.borrow_mut();
        let first = (0..inner.timers.len()).min_by_key(|index| inner.timers[*index].0)?;
        (inner.timers[first].0 <= until_ns).then(|| inner.timers.remove(first))
    }

    async fn done(&self, asked: Asked) -> Result<(), CustodyError> {
        match self.next_answer(asked).await {
            Answer::Done(answer) => answer,
            other => panic!("it was answered with {other:?}"),
        }
    }

    async fn next_answer(&self, asked: Asked) -> Answer {
        let answer = {
            let mut inner = self.0.borrow_mut();
            let question = format!("{asked:?}");
            inner.asked.push(asked);
            inner.answers.pop_front().unwrap_or_else(|| panic!("no answer was prepared for {question}"))
        };
        match answer {
            Answer::Never => future::pending().await,
            Answer::Later(answer) => {
                let mut polls = 0..1;
                let asked_again = move |_: &mut Context<'_>| match polls.next() {
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(()),
                };
                future::poll_fn(asked_again).await;
                *answer
            }
            answer => answer,
        }
    }
}

impl Runtime for TestRuntime {
    fn time_ns(&self) -> u64 {
        self.0.borrow().now_ns
    }

    fn canister_self(&self) -> Principal {
        Principal::from_slice(&[0xda, 0x01])
    }

    fn liquid_cycles(&self) -> u128 {
        1_000_000_000_000
    }

    fn custody_of_environment(&self) -> Option<Principal> {
        self.0.borrow().environment
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        let mut inner = self.0.borrow_mut();
        let due_ns = inner.now_ns + u64::try_from(delay.as_nanos()).expect("within 500 years");
        inner.timers.push((due_ns, task));
    }

    fn wake_timers(&self) {
        self.0.borrow_mut().wakings += 1;
    }

    fn certify(&self, root: [u8; 32]) {
        self.0.borrow_mut().certified = Some(root);
    }

    async fn publish(&self, _: Principal, order: PublishOrder) -> Result<OrderStatus, CustodyError> {
        match self.next_answer(Asked::Publish(order)).await {
            Answer::Order(answer) => answer,
            other => panic!("publish was answered with {other:?}"),
        }
    }

    async fn order_status(&self, _: Principal, order: OrderId) -> Result<Option<OrderStatus>, CustodyError> {
        match self.next_answer(Asked::OrderStatus(order)).await {
            Answer::OrderStatus(answer) => answer,
            other => panic!("order_status was answered with {other:?}"),
        }
    }

    async fn amend(&self, _: Principal, order: AmendOrder) -> Result<AmendmentStatus, CustodyError> {
        match self.next_answer(Asked::Amend(order)).await {
            Answer::Amendment(answer) => answer,
            other => panic!("amend was answered with {other:?}"),
        }
    }

    async fn amendment_status(
        &self,
        _: Principal,
        order: OrderId,
    ) -> Result<Option<AmendmentStatus>, CustodyError> {
        match self.next_answer(Asked::AmendmentStatus(order)).await {
            Answer::Amendment(answer) => answer.map(Some),
            Answer::AmendmentStatus(answer) => answer,
            other => panic!("amendment_status was answered with {other:?}"),
        }
    }

    async fn declare_outcome(
        &self,
        _: Principal,
        args: DeclareOutcomeArgs,
    ) -> Result<OrderStatus, CustodyError> {
        match self.next_answer(Asked::Declare(args)).await {
            Answer::Order(answer) => answer,
            other => panic!("declare_outcome was answered with {other:?}"),
        }
    }

    async fn change_credential(
        &self,
        _: Principal,
        args: ChangeCredentialArgs,
    ) -> Result<CredentialView, CustodyError> {
        match self.next_answer(Asked::ChangeCredential(args)).await {
            Answer::Credential(answer) => answer,
            other => panic!("change_credential was answered with {other:?}"),
        }
    }

    async fn credential(
        &self,
        _: Principal,
        id: CredentialId,
    ) -> Result<Option<CredentialView>, CustodyError> {
        match self.next_answer(Asked::Credential(id)).await {
            Answer::CredentialStatus(answer) => answer,
            other => panic!("get_credential was answered with {other:?}"),
        }
    }

    async fn deposit_credential(
        &self,
        _: Principal,
        args: DepositCredentialArgs,
    ) -> Result<CredentialView, CustodyError> {
        match self.next_answer(Asked::Deposit(args)).await {
            Answer::Credential(answer) => answer,
            other => panic!("deposit_credential was answered with {other:?}"),
        }
    }

    async fn freeze(&self, _: Principal, args: FreezeArgs) -> Result<Vec<FreezeView>, CustodyError> {
        match self.next_answer(Asked::Freeze(args)).await {
            Answer::Freezes(answer) => answer,
            other => panic!("freeze was answered with {other:?}"),
        }
    }

    async fn unfreeze(&self, _: Principal, scope: FreezeScope) -> Result<Vec<FreezeView>, CustodyError> {
        match self.next_answer(Asked::Unfreeze(scope)).await {
            Answer::Freezes(answer) => answer,
            other => panic!("unfreeze was answered with {other:?}"),
        }
    }

    async fn watch_package(&self, _: Principal, args: WatchArgs) -> Result<WatchView, CustodyError> {
        match self.next_answer(Asked::Watch(args)).await {
            Answer::Watch(answer) => answer,
            other => panic!("watch_package was answered with {other:?}"),
        }
    }

    async fn unwatch_package(
        &self,
        _: Principal,
        package: PackageKey,
    ) -> Result<Vec<PackageKey>, CustodyError> {
        match self.next_answer(Asked::Unwatch(package)).await {
            Answer::Watches(answer) => answer,
            other => panic!("unwatch_package was answered with {other:?}"),
        }
    }

    fn upgrader_of_environment(&self) -> Option<Principal> {
        None
    }

    async fn store_module_chunk(&self, _: Principal, chunk: Vec<u8>) -> Result<Sha256Digest, CustodyError> {
        let sha256 = Sha256Digest::of(&chunk);
        self.done(Asked::StoreChunk(chunk)).await.map(|()| sha256)
    }

    async fn order_upgrade(&self, _: Principal, order: UpgradeOrder) -> Result<UpgradeStatus, CustodyError> {
        match self.next_answer(Asked::OrderUpgrade(order)).await {
            Answer::Upgrade(answer) => answer,
            other => panic!("upgrade was answered with {other:?}"),
        }
    }

    async fn upgrade_status(
        &self,
        _: Principal,
        id: UpgradeId,
    ) -> Result<Option<UpgradeStatus>, CustodyError> {
        match self.next_answer(Asked::UpgradeStatus(id)).await {
            Answer::UpgradeStatus(answer) => answer,
            other => panic!("upgrade_status was answered with {other:?}"),
        }
    }

    async fn upgrade_upgrader(&self, _: Principal, module: Module) -> Result<(), CustodyError> {
        self.done(Asked::UpgradeUpgrader(module)).await
    }

    async fn change_canister_settings(
        &self,
        _: Principal,
        args: ChangeCanisterSettingsArgs,
    ) -> Result<(), CustodyError> {
        self.done(Asked::ChangeCanisterSettings(args)).await
    }

    async fn change_upgrader_settings(
        &self,
        _: Principal,
        settings: CanisterSettings,
    ) -> Result<(), CustodyError> {
        self.done(Asked::ChangeUpgraderSettings(settings)).await
    }

    async fn cancel_recovery(&self, _: Principal, recovery: RecoveryId) -> Result<(), CustodyError> {
        self.done(Asked::CancelRecovery(recovery)).await
    }

    async fn deposit_cycles(&self, canister: Principal, amount_cycles: u128) -> Result<(), CustodyError> {
        self.done(Asked::DepositCycles(canister, amount_cycles)).await
    }

    async fn change_settings(&self, _: Principal, settings: Settings) -> Result<Settings, CustodyError> {
        match self.next_answer(Asked::ChangeSettings(settings)).await {
            Answer::Settings(answer) => answer,
            other => panic!("change_settings was answered with {other:?}"),
        }
    }
}

/// Runs what does not wait for anything that is not there, or waits forever.
pub fn run<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
