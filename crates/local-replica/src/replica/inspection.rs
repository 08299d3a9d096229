//! Looking inside: what tests and traces read without the canisters' help.

use candid::Principal;
use ic_management_canister_types::CanisterLogRecord;

use super::Replica;
use crate::canister::Canister;
use crate::message::{IngressStatus, MessageReport, RequestId};
use crate::scheduler::QueuedMessage;

/// Called after every executed message.
pub type Observer = Box<dyn FnMut(&MessageReport, &ReplicaView<'_>) + Send>;

/// The state between two messages, to be read only.
#[derive(Clone, Copy)]
pub struct ReplicaView<'a> {
    replica: &'a Replica,
}

impl<'a> ReplicaView<'a> {
    /// The replica's time, in nanoseconds since 1970.
    pub fn time_ns(&self) -> u64 {
        self.replica.time_ns()
    }

    /// All canisters, in the order of their ids.
    pub fn canisters(&self) -> impl Iterator<Item = &'a Canister> + use<'a> {
        self.replica.canisters.values()
    }

    /// One canister; `None` when there is none of this id.
    pub fn canister(&self, id: Principal) -> Option<&'a Canister> {
        self.replica.canisters.get(&id)
    }

    /// Messages that wait to be executed, with their payloads.
    pub fn queue(&self) -> impl Iterator<Item = &'a QueuedMessage> + use<'a> {
        self.replica.queue.iter()
    }

    /// Ingress messages that are not forgotten, with their answers.
    pub fn ingress(&self) -> impl Iterator<Item = (&'a RequestId, &'a IngressStatus)> + use<'a> {
        self.replica.ingress.iter().map(|(id, record)| (id, &record.status))
    }
}

impl Replica {
    /// Calls `observer` after every executed message: updates, callbacks, cleanup, timers, queries,
    /// transforms and calls of the management canister. A second observer replaces the first.
    pub fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// A read-only view of the present state.
    pub fn view(&self) -> ReplicaView<'_> {
        ReplicaView { replica: self }
    }

    /// A canister's linear memory, stack included; empty when there is no such canister or code.
    pub fn canister_memory(&self, id: Principal) -> &[u8] {
        self.canisters.get(&id).map_or(&[], Canister::memory)
    }

    /// A canister's stable memory; empty when there is no such canister.
    pub fn stable_memory(&self, id: Principal) -> &[u8] {
        self.canisters.get(&id).map_or(&[], Canister::stable_memory)
    }

    /// What the canister printed, and its traps; empty when there is no such canister.
    pub fn logs(&self, id: Principal) -> Vec<CanisterLogRecord> {
        self.canisters.get(&id).map(|canister| canister.log.records().cloned().collect()).unwrap_or_default()
    }

    /// A canister's balance, in cycles; 0 when there is no such canister.
    pub fn cycles_balance(&self, id: Principal) -> u128 {
        self.canisters.get(&id).map_or(0, |canister| canister.balance_cycles)
    }

    /// Gives a canister this balance, from nowhere; nothing happens when there is no such canister.
    pub fn set_cycles_balance(&mut self, id: Principal, balance_cycles: u128) {
        if let Some(canister) = self.canisters.get_mut(&id) {
            canister.balance_cycles = balance_cycles;
        }
    }

    /// What a canister certifies, at most 32 bytes; empty when there is no such canister.
    pub fn certified_data(&self, id: Principal) -> &[u8] {
        self.canisters.get(&id).map_or(&[], |canister| &canister.certified_data)
    }

    /// Outcalls whose answers have not arrived.
    pub fn pending_outcalls(&self) -> usize {
        self.pending.len()
    }

    /// Messages that wait to be executed.
    pub fn queued_messages(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn notify_observer(&mut self, report: &MessageReport) {
        if let Some(mut observer) = self.observer.take() {
            observer(report, &self.view());
            self.observer = Some(observer);
        }
    }
}
