//! The canister's own code, with a clock and timers in the test's hands, no custody and no upgrader.

use std::{cell::RefCell, fmt::Debug, future::Future, pin::pin, rc::Rc, task, task::Poll, time::Duration};

use candid::Principal;
use dao_canister::{
    execution, lifecycle, members, proposal,
    runtime::{CustodyError, Module, Runtime},
    schedule::Task,
    state::{State, audit::replay, read_state, restore},
    vote,
};
use release_types::{
    AmendOrder, AmendmentStatus, CredentialId, DeclareOutcomeArgs, OrderId, OrderStatus, PackageKey,
    ProposalId, PublishOrder, Settings, Sha256Digest,
    control::{
        CanisterSettings, ChangeCanisterSettingsArgs, RecoveryId, UpgradeId, UpgradeOrder, UpgradeStatus,
    },
    credential::{CredentialView, DepositCredentialArgs},
    custody::ChangeCredentialArgs,
    dao::DaoInit,
    freeze::{FreezeArgs, FreezeScope, FreezeView},
    member::{ChangeKeysArgs, SuspendKeyArgs},
    proposal::SubmitProposalArgs,
    voting::{VetoArgs, VoteArgs},
    watch::{WatchArgs, WatchView},
};

use crate::{
    Group,
    reference::{START_NS, proposal_line},
    steps::Step,
};

pub struct Canister {
    host: Host,
}

impl Canister {
    pub fn new(group: DaoInit) -> Self {
        let host = Host::default();
        lifecycle::install(&host, group).expect("the group is valid");
        Self { host }
    }
}

impl Group for Canister {
    fn take(&mut self, step: &Step) -> Option<String> {
        let host = &self.host;
        host.pass(1);
        match step.clone() {
            Step::Propose { by, action } => {
                let args = SubmitProposalArgs { title: "t".into(), summary: String::new(), action };
                refusal(proposal::submit(host, by, args))
            }
            Step::Vote { by, proposal, choice } => {
                refusal(vote::vote(host, by, VoteArgs { proposal, choice, digests: vec![] }))
            }
            Step::Withdraw { by, proposal } => refusal(vote::withdraw(host, by, proposal)),
            Step::Veto { by, proposal } => {
                refusal(vote::veto(host, by, VetoArgs { proposal, reason: "no".into() }))
            }
            Step::Execute { by, proposal } => refusal(run(execution::execute(host, by, proposal))),
            Step::ChangeKeys { by, add, remove } => {
                refusal(members::change_keys(host, by, ChangeKeysArgs { add, remove }))
            }
            Step::SuspendKey { by, key } => {
                refusal(members::suspend_key(host, by, SuspendKeyArgs { key, reason: "lost".into() }))
            }
            Step::Pass { time_ns } => {
                host.pass(time_ns);
                None
            }
            Step::Upgrade { time_ns } => {
                host.0.borrow_mut().timers.clear();
                host.0.borrow_mut().now_ns += time_ns;
                let before = read_state(Clone::clone);
                restore(State::default());
                lifecycle::resume(host);
                assert!(read_state(|state| *state == before), "an upgrade changed the state");
                assert!(replay().is_ok_and(|state| state == before), "the log tells another story");
                host.pass(0);
                None
            }
        }
    }

    fn view(&self) -> Vec<String> {
        read_state(|state| {
            let mut lines = vec![format!("rules {}", state.policies().version)];
            let group = state.membership();
            for member in group.members() {
                lines.push(format!("member {} {} {:?}", member.id, member.voting_power, member.keys));
            }
            for proposer in group.proposers() {
                lines.push(format!("proposer {}", proposer.principal));
            }
            for suspension in group.suspensions() {
                let is_suspended = suspension.suspended_at_ns.is_some();
                lines.push(format!("suspension {} {is_suspended}", suspension.key));
            }
            for id in (1..=state.proposals()).map(ProposalId) {
                let proposal = state.proposal(id).expect("exists");
                let ballots = state.live_proposal(id).map(|live| {
                    live.ballots.iter().map(|(member, cast)| (*member, cast.choice)).collect::<Vec<_>>()
                });
                let (tally, heads) = (proposal.count.tally, proposal.count.heads);
                lines.push(proposal_line(
                    id,
                    &name(&proposal.status),
                    ballots.as_deref(),
                    (tally.yes, tally.no, tally.abstain, tally.total),
                    (heads.yes, heads.voted, heads.total),
                    (proposal.deadline_ns, proposal.executable_at_ns),
                ));
            }
            lines
        })
    }
}

fn refusal<T, E: Debug>(result: Result<T, E>) -> Option<String> {
    result.err().map(|error| name(&error))
}

/// A variant's name without its content.
fn name(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(|character| character.is_alphanumeric()).collect()
}

fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut task::Context::from_waker(task::Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[derive(Clone)]
struct Host(Rc<RefCell<Inner>>);

struct Inner {
    now_ns: u64,
    timers: Vec<(u64, Task)>,
}

impl Default for Host {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Inner { now_ns: START_NS, timers: Vec::new() })))
    }
}

impl Host {
    /// Moves the clock and fires every timer on the way, in order.
    fn pass(&self, time_ns: u64) {
        let end_ns = self.time_ns() + time_ns;
        loop {
            let due = {
                let mut inner = self.0.borrow_mut();
                let first = (0..inner.timers.len()).min_by_key(|index| inner.timers[*index].0);
                match first.filter(|first| inner.timers[*first].0 <= end_ns) {
                    Some(first) => inner.timers.remove(first),
                    None => break,
                }
            };
            let now_ns = self.time_ns().max(due.0);
            self.0.borrow_mut().now_ns = now_ns;
            run(execution::run(self, due.1));
        }
        self.0.borrow_mut().now_ns = end_ns;
    }
}

const NO_CUSTODY: &str = "nothing here asks custody or the upgrader";

impl Runtime for Host {
    fn time_ns(&self) -> u64 {
        self.0.borrow().now_ns
    }

    fn canister_self(&self) -> Principal {
        Principal::from_slice(&[0xda])
    }

    fn custody_of_environment(&self) -> Option<Principal> {
        None
    }

    fn liquid_cycles(&self) -> u128 {
        0
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        let due_ns = self.time_ns() + u64::try_from(delay.as_nanos()).expect("within 500 years");
        self.0.borrow_mut().timers.push((due_ns, task));
    }

    fn upgrader_of_environment(&self) -> Option<Principal> {
        None
    }

    fn wake_timers(&self) {}

    fn certify(&self, _: [u8; 32]) {}

    async fn publish(&self, _: Principal, _: PublishOrder) -> Result<OrderStatus, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn order_status(&self, _: Principal, _: OrderId) -> Result<Option<OrderStatus>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn amend(&self, _: Principal, _: AmendOrder) -> Result<AmendmentStatus, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn amendment_status(
        &self,
        _: Principal,
        _: OrderId,
    ) -> Result<Option<AmendmentStatus>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn declare_outcome(
        &self,
        _: Principal,
        _: DeclareOutcomeArgs,
    ) -> Result<OrderStatus, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn change_credential(
        &self,
        _: Principal,
        _: ChangeCredentialArgs,
    ) -> Result<CredentialView, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn credential(
        &self,
        _: Principal,
        _: CredentialId,
    ) -> Result<Option<CredentialView>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn deposit_credential(
        &self,
        _: Principal,
        _: DepositCredentialArgs,
    ) -> Result<CredentialView, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn freeze(&self, _: Principal, _: FreezeArgs) -> Result<Vec<FreezeView>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn unfreeze(&self, _: Principal, _: FreezeScope) -> Result<Vec<FreezeView>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn watch_package(&self, _: Principal, _: WatchArgs) -> Result<WatchView, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn unwatch_package(&self, _: Principal, _: PackageKey) -> Result<Vec<PackageKey>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn change_settings(&self, _: Principal, _: Settings) -> Result<Settings, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn store_module_chunk(&self, _: Principal, _: Vec<u8>) -> Result<Sha256Digest, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn order_upgrade(&self, _: Principal, _: UpgradeOrder) -> Result<UpgradeStatus, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn upgrade_status(
        &self,
        _: Principal,
        _: UpgradeId,
    ) -> Result<Option<UpgradeStatus>, CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn upgrade_upgrader(&self, _: Principal, _: Module) -> Result<(), CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn change_canister_settings(
        &self,
        _: Principal,
        _: ChangeCanisterSettingsArgs,
    ) -> Result<(), CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn change_upgrader_settings(&self, _: Principal, _: CanisterSettings) -> Result<(), CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn cancel_recovery(&self, _: Principal, _: RecoveryId) -> Result<(), CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }

    async fn deposit_cycles(&self, _: Principal, _: u128) -> Result<(), CustodyError> {
        unreachable!("{NO_CUSTODY}")
    }
}
