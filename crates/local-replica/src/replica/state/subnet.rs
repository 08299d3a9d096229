//! The rows of the subnet itself, and taking a state up from its rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use candid::Principal;
use serde::{Deserialize, Serialize};

use super::canister::CanisterImage;
use super::rows::{MemoryKind, PAGE_BYTES, RestoreError, RowKey, Rows, decode, encode};
use crate::canister::{Canister, SnapshotId};
use crate::execution::CompiledModule;
use crate::management::AwaitingShares;
use crate::replica::{CertifiedState, Replica};
use crate::scheduler::{IngressHistory, IngressRecord, QueuedMessage};
use crate::threshold::ShareFaults;

/// What [`RowKey::Subnet`] holds.
#[derive(Serialize, Deserialize)]
struct SubnetImage<'a> {
    now_ns: u64,
    clock_ahead_ns: u64,
    /// How many words `raw_rand` has drawn.
    random_words: u128,
    initial_cycles: u128,
    next_canister: u64,
    ingress_forgotten_at_ns: u64,
    queue: Cow<'a, VecDeque<QueuedMessage>>,
    next_direct_call: u64,
    next_outcall: u64,
    share_faults: Cow<'a, ShareFaults>,
    awaiting_shares: Cow<'a, [AwaitingShares]>,
}

impl Replica {
    /// Hands out all rows of the present state, in the order of their keys.
    pub(super) fn visit_rows(&self, row: &mut dyn FnMut(RowKey, &[u8])) {
        let Self {
            // Their rows follow.
            canisters,
            ingress,
            // Here are the parts of the first row.
            clock,
            random,
            initial_cycles,
            next_canister,
            queue,
            next_direct_call,
            next_outcall,
            share_faults,
            awaiting_shares,
            // Outcalls under way are not kept yet.
            outcalls: _,
            faults: _,
            pending: _,
            // The same in every replica of this identity.
            identity: _,
            subnet: _,
            root_key: _,
            node_keys: _,
            vetkd: _,
            schnorr: _,
            ecdsa: _,
            bip340: _,
            // How the state is looked at and worked on, not what it is.
            modules: _,
            certified: _,
            observer: _,
            defect: _,
        } = self;
        let image = SubnetImage {
            now_ns: clock.now_ns(),
            clock_ahead_ns: clock.ahead_ns(),
            random_words: random.get_word_pos(),
            initial_cycles: *initial_cycles,
            next_canister: *next_canister,
            ingress_forgotten_at_ns: ingress.forgotten_at_ns(),
            queue: Cow::Borrowed(queue),
            next_direct_call: *next_direct_call,
            next_outcall: *next_outcall,
            share_faults: Cow::Borrowed(share_faults),
            awaiting_shares: Cow::Borrowed(awaiting_shares),
        };
        row(RowKey::Subnet, &encode(&image));
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
            for (memory, bytes) in
                [(MemoryKind::Heap, canister.memory()), (MemoryKind::Stable, canister.stable_memory())]
            {
                visit_pages(bytes, &mut |index, page| {
                    row(RowKey::Page { canister: *id, memory, index }, page)
                });
            }
        }
        let modules: BTreeMap<[u8; 32], &[u8]> =
            canisters.values().filter_map(Canister::module).map(|module| module_row(module)).collect();
        for (hash, sent) in modules {
            row(RowKey::Module(hash), sent);
        }
    }

    /// Replaces the state by the one in these rows; on errors it stays as it is.
    pub(super) fn take_up(&mut self, rows: &Rows) -> Result<(), RestoreError> {
        let row = rows.get(&RowKey::Subnet);
        let row = row.ok_or_else(|| RestoreError::Damaged("the subnet's row is missing".to_owned()))?;
        let SubnetImage {
            now_ns,
            clock_ahead_ns,
            random_words,
            initial_cycles,
            next_canister,
            ingress_forgotten_at_ns,
            queue,
            next_direct_call,
            next_outcall,
            share_faults,
            awaiting_shares,
        } = decode(&RowKey::Subnet, row)?;
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
                RowKey::Subnet
                | RowKey::Chunk(..)
                | RowKey::Snapshot(_)
                | RowKey::Page { .. }
                | RowKey::Module(_) => {}
            }
        }
        check_owners(rows, &canisters)?;
        self.clock = self.clock.resumed_at(now_ns, clock_ahead_ns);
        self.random.set_word_pos(random_words);
        self.initial_cycles = initial_cycles;
        self.canisters = canisters;
        self.next_canister = next_canister;
        self.queue = queue.into_owned();
        self.ingress = IngressHistory::resumed(ingress, ingress_forgotten_at_ns);
        self.certified = CertifiedState::default();
        self.next_direct_call = next_direct_call;
        self.next_outcall = next_outcall;
        self.share_faults = share_faults.into_owned();
        self.awaiting_shares = awaiting_shares.into_owned();
        Ok(())
    }
}

fn module_row(module: &CompiledModule) -> ([u8; 32], &[u8]) {
    (module.hash, &module.sent)
}

fn visit_pages(memory: &[u8], page: &mut dyn FnMut(u32, &[u8])) {
    for (index, bytes) in (0..).zip(memory.chunks(PAGE_BYTES)) {
        if bytes != &[0; PAGE_BYTES][..bytes.len()] {
            page(index, bytes);
        }
    }
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
