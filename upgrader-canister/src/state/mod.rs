//! The state: what the log adds up to. Changed by [`audit`] alone, read by everyone.

pub mod audit;
mod event;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use candid::Principal;
use release_types::{
    Sha256Digest,
    control::{
        Committee, Controlled, LogTip, ProposeRecoveryArgs, RecoveryId, RecoveryView, UpgradeFailure,
        UpgradeId, UpgradeOrder, UpgradeState, UpgradeStatus, UpgradeStep,
    },
};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub use audit::process_event;
pub use event::{Ended, Event, OrderedBy};

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Reads the state.
///
/// # Panics
/// Before installation, which the system rules out.
pub fn read_state<T>(read: impl FnOnce(&State) -> T) -> T {
    STATE.with_borrow(|state| read(state.as_ref().expect("the state exists from installation on")))
}

/// Puts a state in place: the first one, or one replayed from the log.
pub fn replace_state(state: State) {
    STATE.with_borrow_mut(|place| *place = Some(state));
}

fn mutate_state(mutate: impl FnOnce(&mut State)) {
    STATE.with_borrow_mut(|state| mutate(state.as_mut().expect("the state exists from installation on")));
}

/// Everything that the upgrader knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    dao: Principal,
    custody: Principal,
    committee: Option<Committee>,
    /// What lies in the chunk store.
    chunks: BTreeSet<Sha256Digest>,
    running: Option<Running>,
    ended: BTreeMap<UpgradeId, UpgradeStatus>,
    /// The orders of upgrades, by their digests: the same again is known by it.
    orders: BTreeMap<UpgradeId, Sha256Digest>,
    recoveries: BTreeMap<RecoveryId, Recovery>,
    last_recovery: u64,
    /// When each member last proposed a recovery.
    proposed_at_ns: BTreeMap<Principal, u64>,
}

/// The upgrade under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    pub order: UpgradeOrder,
    pub ordered_at_ns: u64,
    pub step: UpgradeStep,
    /// When the step began.
    pub since_ns: u64,
    /// Why the upgrade will not last, once that is certain.
    pub failure: Option<UpgradeFailure>,
    /// Whether custody derives nothing until it is told the end.
    pub is_custody_suspended: bool,
    /// Where the target's log ended before it was stopped.
    pub tip: Option<LogTip>,
    /// Where the new code had brought the log when it was taken back.
    pub lost_tip: Option<LogTip>,
    pub snapshot: Option<ByteBuf>,
}

/// A recovery under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    pub by: Principal,
    pub proposal: ProposeRecoveryArgs,
    /// In the order of their support, the proposer first.
    pub supporters: Vec<Principal>,
    /// When it is carried out, once enough support it.
    pub due_at_ns: Option<u64>,
}

impl State {
    /// The state right after installation.
    pub fn new(dao: Principal, custody: Principal, committee: Option<Committee>) -> Self {
        Self {
            dao,
            custody,
            committee,
            chunks: BTreeSet::new(),
            running: None,
            ended: BTreeMap::new(),
            orders: BTreeMap::new(),
            recoveries: BTreeMap::new(),
            last_recovery: 0,
            proposed_at_ns: BTreeMap::new(),
        }
    }

    /// The one canister whose orders count.
    pub fn dao(&self) -> Principal {
        self.dao
    }

    pub fn custody(&self) -> Principal {
        self.custody
    }

    /// The canister that an upgrade is about.
    pub fn canister(&self, target: Controlled) -> Principal {
        match target {
            Controlled::Dao => self.dao,
            Controlled::Custody => self.custody,
        }
    }

    pub fn committee(&self) -> Option<&Committee> {
        self.committee.as_ref()
    }

    /// Whether this is a member of the recovery committee.
    pub fn is_committee_member(&self, principal: &Principal) -> bool {
        self.committee.as_ref().is_some_and(|committee| committee.members.contains(principal))
    }

    /// What lies in the chunk store.
    pub fn chunks(&self) -> &BTreeSet<Sha256Digest> {
        &self.chunks
    }

    /// The upgrade under way.
    pub fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Digest of the order of this id, if there was one.
    pub fn order_digest(&self, id: &UpgradeId) -> Option<Sha256Digest> {
        self.orders.get(id).copied()
    }

    /// An upgrade under way or over.
    pub fn upgrade_status(&self, id: &UpgradeId) -> Option<UpgradeStatus> {
        match &self.running {
            Some(running) if running.order.id == *id => Some(running.status()),
            _ => self.ended.get(id).cloned(),
        }
    }

    pub fn recovery(&self, id: RecoveryId) -> Option<&Recovery> {
        self.recoveries.get(&id)
    }

    pub fn recoveries(&self) -> impl Iterator<Item = (RecoveryId, &Recovery)> {
        self.recoveries.iter().map(|(id, recovery)| (*id, recovery))
    }

    /// When this member last proposed a recovery.
    pub fn proposed_at_ns(&self, member: &Principal) -> Option<u64> {
        self.proposed_at_ns.get(member).copied()
    }

    pub fn next_recovery(&self) -> RecoveryId {
        RecoveryId(self.last_recovery + 1)
    }
}

impl Running {
    /// How far it has come.
    pub fn status(&self) -> UpgradeStatus {
        UpgradeStatus {
            id: self.order.id.clone(),
            target: self.order.target,
            module_sha256: self.order.module.sha256,
            arg_sha256: self.order.arg_sha256,
            ordered_at_ns: self.ordered_at_ns,
            state: UpgradeState::Running { step: self.step, failure: self.failure },
            since_ns: self.since_ns,
        }
    }
}

impl Recovery {
    /// What anyone may know of it.
    pub fn view(&self, id: RecoveryId) -> RecoveryView {
        let ProposeRecoveryArgs { module, arg, reason } = self.proposal.clone();
        let (supporters, due_at_ns) = (self.supporters.clone(), self.due_at_ns);
        RecoveryView { id, proposed_by: self.by, module, arg, reason, supporters, due_at_ns }
    }
}
