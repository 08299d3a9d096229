//! The ingress messages that are not forgotten, with their answers.

use std::collections::{BTreeMap, BTreeSet};

use candid::Principal;
use serde::{Deserialize, Serialize};

use crate::message::{IngressStatus, RequestId};

/// How long an answer is kept after its message's expiry.
const KEPT_AFTER_EXPIRY_NS: u64 = 5 * 60 * 1_000_000_000;
/// How often old answers are looked for.
const FORGET_INTERVAL_NS: u64 = 10 * 1_000_000_000;

/// What is known of one ingress message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IngressRecord {
    pub status: IngressStatus,
    /// By the clock that users sign by.
    pub expiry_ns: u64,
    pub sender: Principal,
    pub canister_id: Principal,
    /// The canister or subnet at whose endpoint it came in, which is where its status may be read.
    pub effective_id: Principal,
}

impl IngressRecord {
    fn is_open(&self) -> bool {
        matches!(self.status, IngressStatus::Received | IngressStatus::Processing)
    }
}

/// All records, and which of them changed since the state was last certified.
#[derive(Debug, Default)]
pub(crate) struct IngressHistory {
    records: BTreeMap<RequestId, IngressRecord>,
    /// Absent until the state is certified for the first time: then everything is new.
    changed: Option<BTreeSet<RequestId>>,
    /// Which of them changed since the state was last written to disk; absent when it is not.
    unkept: Option<BTreeSet<RequestId>>,
    forgotten_at_ns: u64,
}

impl IngressHistory {
    /// These records in place of the present ones.
    pub(crate) fn replaced(&self, records: BTreeMap<RequestId, IngressRecord>, forgotten_at_ns: u64) -> Self {
        let unkept = self
            .unkept
            .as_ref()
            .map(|unkept| unkept.iter().chain(self.records.keys()).chain(records.keys()).copied().collect());
        Self { records, changed: None, unkept, forgotten_at_ns }
    }

    /// From now on notes what is to be kept; what is there is kept already.
    pub(crate) fn note_unkept(&mut self) {
        self.unkept = Some(BTreeSet::new());
    }

    /// The messages that were inserted, moved on or dropped since the last call of this.
    pub(crate) fn take_unkept(&mut self) -> BTreeSet<RequestId> {
        self.unkept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// When old answers were last looked for.
    pub(crate) fn forgotten_at_ns(&self) -> u64 {
        self.forgotten_at_ns
    }

    pub(crate) fn get(&self, id: &RequestId) -> Option<&IngressRecord> {
        self.records.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RequestId, &IngressRecord)> {
        self.records.iter()
    }

    pub(crate) fn insert(&mut self, id: RequestId, record: IngressRecord) {
        self.note(id);
        self.records.insert(id, record);
    }

    /// Moves a message on; one that is forgotten stays so.
    pub(crate) fn set_status(&mut self, id: RequestId, status: IngressStatus) {
        if let Some(record) = self.records.get_mut(&id) {
            record.status = status;
            self.note(id);
        }
    }

    pub(crate) fn remove(&mut self, id: &RequestId) -> Option<IngressRecord> {
        self.note(*id);
        self.records.remove(id)
    }

    /// Drops the answers that nobody can poll for any more, at `now_ns` of the clock that users sign
    /// by: a message that is forgotten can never be accepted again.
    pub(crate) fn forget_old(&mut self, now_ns: u64) {
        if now_ns < self.forgotten_at_ns.saturating_add(FORGET_INTERVAL_NS) {
            return;
        }
        self.forgotten_at_ns = now_ns;
        let Self { records, changed, unkept, .. } = self;
        records.retain(|id, record| {
            let stays = record.is_open() || record.expiry_ns.saturating_add(KEPT_AFTER_EXPIRY_NS) > now_ns;
            if !stays {
                for noted in [&mut *changed, unkept].into_iter().flatten() {
                    noted.insert(*id);
                }
            }
            stays
        });
    }

    /// The messages that were inserted, moved on or dropped since the last call of this; `None` at the
    /// first call, when nothing is certified yet.
    pub(crate) fn take_changed(&mut self) -> Option<BTreeSet<RequestId>> {
        self.changed.replace(BTreeSet::new())
    }

    fn note(&mut self, id: RequestId) {
        for noted in [&mut self.changed, &mut self.unkept].into_iter().flatten() {
            noted.insert(id);
        }
    }
}
