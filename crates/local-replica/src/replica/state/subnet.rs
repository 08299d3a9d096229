//! The rows of the subnet itself, and taking a state up from its rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use candid::Principal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::canister::{CanisterImage, modules};
use super::rows::{MemoryKind, RestoreError, RowKey, Rows, decode, encode, visit_pages};
use crate::canister::{Canister, SnapshotId};
use crate::management::AwaitingShares;
use crate::outcalls::{OutcallId, OutcallUnderWay, Outcalls, PlannedFaults};
use crate::replica::metrics::Counters;
use crate::replica::{CertifiedState, Replica};
use crate::scheduler::{IngressRecord, MessageFaults, PendingOutcall, QueuedMessage, StreamMessage};
use crate::stand_ins::Ledgers;
use crate::threshold::ShareFaults;

/// What [`RowKey::Clock`] holds.
#[derive(Serialize, Deserialize)]
struct ClockImage {
    now_ns: u64,
    ahead_ns: u64,
}

/// What [`RowKey::Subnet`] holds.
#[derive(Serialize, Deserialize)]
struct SubnetImage<'a> {
    /// How many words `raw_rand` has drawn.
    random_words: u128,
    initial_cycles: u128,
    next_canister: u64,
    ingress_forgotten_at_ns: u64,
    queue: Cow<'a, VecDeque<QueuedMessage>>,
    outgoing: Cow<'a, [(usize, StreamMessage)]>,
    next_direct_call: u64,
    next_outcall: u64,
    share_faults: Cow<'a, ShareFaults>,
    awaiting_shares: Cow<'a, [AwaitingShares]>,
    outcalls: Vec<Cow<'a, OutcallUnderWay>>,
    pending: Cow<'a, BTreeMap<OutcallId, PendingOutcall>>,
    faults: PlannedFaults,
    message_faults: Cow<'a, MessageFaults>,
    ledgers: Cow<'a, Ledgers>,
    counters: Counters,
}

impl<'a> SubnetImage<'a> {
    fn of(replica: &'a Replica) -> Self {
        let Replica {
            random,
            initial_cycles,
            next_canister,
            ingress,
            queue,
            outgoing,
            next_direct_call,
            next_outcall,
            share_faults,
            awaiting_shares,
            outcalls,
            pending,
            faults,
            message_faults,
            ledgers,
            counters,
            // Rows of their own.
            clock: _,
            canisters: _,
            // The same in every replica of this identity.
            identity: _,
            subnet: _,
            key: _,
            delegation: _,
            node_keys: _,
            vetkd: _,
            schnorr: _,
            ecdsa: _,
            bip340: _,
            // How the state is worked on, looked at and kept, not what it is.
            modules: _,
            certified: _,
            observer: _,
            defect: _,
            directory: _,
        } = replica;
        Self {
            random_words: random.get_word_pos(),
            initial_cycles: *initial_cycles,
            next_canister: *next_canister,
            ingress_forgotten_at_ns: ingress.forgotten_at_ns(),
            queue: Cow::Borrowed(queue),
            outgoing: Cow::Borrowed(outgoing),
            next_direct_call: *next_direct_call,
            next_outcall: *next_outcall,
            share_faults: Cow::Borrowed(share_faults),
            awaiting_shares: Cow::Borrowed(awaiting_shares),
            outcalls: outcalls.iter().flat_map(Outcalls::under_way).map(Cow::Borrowed).collect(),
            pending: Cow::Borrowed(pending),
            faults: faults.planned(),
            message_faults: Cow::Borrowed(message_faults),
            ledgers: Cow::Borrowed(ledgers),
            counters: *counters,
        }
    }
}

impl Replica {
    pub(super) fn clock_row(&self) -> Vec<u8> {
        encode(&ClockImage { now_ns: self.clock.now_ns(), ahead_ns: self.clock.ahead_ns() })
    }

    pub(super) fn subnet_row(&self) -> Vec<u8> {
        encode(&SubnetImage::of(self))
    }

    /// Hands out all rows of the present state, in the order of their keys.
    pub(super) fn visit_rows(&self, row: &mut dyn FnMut(RowKey, &[u8])) {
        let Self { ingress, canisters, .. } = self;
        row(RowKey::Clock, &self.clock_row());
        row(RowKey::Subnet, &self.subnet_row());
        for (id, record) in ingress.iter() {
            row(RowKey::Ingress(*id), &encode(record));
        }
        for (id, canister) in canisters {
            row(RowKey::Canister(*id), &encode(&CanisterImage::of(canister)));
        }
        for (id, canister) in canisters {
            for (hash, chunk) in &canister.chunk_store {
                row(RowKey::Chunk(*id, *hash), chunk);
            }
        }
        for canister in canisters.values() {
            for (id, snapshot) in &canister.snapshots {
                row(RowKey::Snapshot(*id), &encode(snapshot));
            }
        }
        for (id, canister) in canisters {
            for memory in [MemoryKind::Heap, MemoryKind::Stable] {
                visit_pages(canister, memory, &mut |index, page| {
                    row(RowKey::Page { canister: *id, memory, index }, page)
                });
            }
        }
        for (hash, sent) in modules(canisters) {
            row(RowKey::Module(hash), sent);
        }
    }

    /// Replaces the state by the one in these rows; on errors it stays as it is.
    pub(super) fn take_up(&mut self, rows: &Rows) -> Result<(), RestoreError> {
        let ClockImage { now_ns, ahead_ns } = decode_row(rows, RowKey::Clock)?;
        let SubnetImage {
            random_words,
            initial_cycles,
            next_canister,
            ingress_forgotten_at_ns,
            queue,
            outgoing,
            next_direct_call,
            next_outcall,
            share_faults,
            awaiting_shares,
            outcalls,
            pending,
            faults,
            message_faults,
            ledgers,
            counters,
        } = decode_row(rows, RowKey::Subnet)?;
        let mut ingress = BTreeMap::new();
        let mut canisters = BTreeMap::new();
        for (key, value) in rows {
            match key {
                RowKey::Ingress(id) => {
                    ingress.insert(*id, decode::<IngressRecord>(key, value)?);
                }
                RowKey::Canister(id) => {
                    let image: CanisterImage<'static> = decode(key, value)?;
                    canisters.insert(*id, image.into_canister(*id, rows, &self.modules)?);
                }
                RowKey::Clock
                | RowKey::Subnet
                | RowKey::Chunk(..)
                | RowKey::Snapshot(_)
                | RowKey::Page { .. }
                | RowKey::Module(_) => {}
            }
        }
        check_owners(rows, &canisters)?;
        self.clock = self.clock.resumed_at(now_ns, ahead_ns);
        self.random.set_word_pos(random_words);
        self.initial_cycles = initial_cycles;
        self.canisters = canisters;
        if let Some(directory) = &mut self.directory {
            directory.state_was_replaced();
        }
        self.next_canister = next_canister;
        self.queue = queue.into_owned();
        self.outgoing = outgoing.into_owned();
        self.ingress = self.ingress.replaced(ingress, ingress_forgotten_at_ns);
        self.certified = CertifiedState::default();
        self.next_direct_call = next_direct_call;
        self.next_outcall = next_outcall;
        self.share_faults = share_faults.into_owned();
        self.awaiting_shares = awaiting_shares.into_owned();
        self.pending = pending.into_owned();
        self.faults.plan(faults);
        self.message_faults = message_faults.into_owned();
        self.outcalls().forget_all();
        for outcall in outcalls {
            self.resume_outcall(outcall.into_owned());
        }
        self.ledgers = ledgers.into_owned();
        self.counters = counters;
        Ok(())
    }
}

fn decode_row<T: DeserializeOwned>(rows: &Rows, key: RowKey) -> Result<T, RestoreError> {
    let row = rows.get(&key).ok_or_else(|| RestoreError::Damaged(format!("{key:?}: the row is missing")))?;
    decode(&key, row)
}

/// Rows of canisters that do not exist would be lost silently.
fn check_owners(rows: &Rows, canisters: &BTreeMap<Principal, Canister>) -> Result<(), RestoreError> {
    let owners: BTreeSet<Principal> = rows
        .keys()
        .filter_map(|key| match key {
            RowKey::Chunk(canister, _)
            | RowKey::Snapshot(SnapshotId { canister, .. })
            | RowKey::Page { canister, .. } => Some(*canister),
            _ => None,
        })
        .collect();
    match owners.into_iter().find(|owner| !canisters.contains_key(owner)) {
        None => Ok(()),
        Some(owner) => Err(RestoreError::Damaged(format!("canister {owner} has memory but no row"))),
    }
}
