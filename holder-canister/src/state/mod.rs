//! The canister's state: the fold of its log, changed by [`audit::process_event`] and nothing else.

pub mod audit;
mod event;

use std::{cell::RefCell, collections::BTreeMap};

use candid::Principal;
use key_holders::interface::{AdmittedOwners, HolderError, HolderInit, KeyName};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub use event::Event;

/// How often the sealing key is derived in an epoch: once, and again after upgrades and freezes.
pub const MAX_OPENINGS_PER_EPOCH: u32 = 8;
const NS_PER_SECOND: u64 = 1_000_000_000;

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
}

/// Reads the state.
pub fn read_state<T>(f: impl FnOnce(&State) -> T) -> T {
    STATE.with_borrow(f)
}

fn mutate_state<T>(f: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(f)
}

/// Puts a replayed state in place, after an upgrade.
pub fn restore(state: State) {
    STATE.set(state);
}

/// Everything that the canister knows, but for its shares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    init: Option<HolderInit>,
    frozen: bool,
    openings: EpochCount,
    evaluations: EpochCount,
    keys: BTreeMap<KeyName, HeldKeyFacts>,
}

/// How often something happened in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct EpochCount {
    epoch: u64,
    count: u32,
}

/// What is public of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldKeyFacts {
    /// In CBOR.
    pub identity: ByteBuf,
    /// All holders' identities in CBOR, once they are known.
    pub identities: Option<ByteBuf>,
    /// The public side of the active share in CBOR, if there is one.
    pub key_set: Option<ByteBuf>,
}

impl EpochCount {
    fn in_epoch(self, epoch: u64) -> u32 {
        if self.epoch == epoch { self.count } else { 0 }
    }

    fn add(&mut self, epoch: u64, count: u32) {
        *self = Self { epoch, count: self.in_epoch(epoch).saturating_add(count) };
    }
}

impl State {
    /// With what the canister was installed, and the policy of now.
    ///
    /// # Panics
    /// Before installation.
    pub fn init(&self) -> &HolderInit {
        self.init.as_ref().unwrap_or_else(|| panic!("BUG: the log begins with the installation"))
    }

    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// What is public of a key.
    pub fn key(&self, key: &KeyName) -> Option<&HeldKeyFacts> {
        self.keys.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = (&KeyName, &HeldKeyFacts)> {
        self.keys.iter()
    }

    /// This principal's place among the holders, from 1.
    pub fn index_of(&self, holder: &Principal) -> Option<u8> {
        let position = self.init().holders.iter().position(|one| one == holder)?;
        u8::try_from(position + 1).ok()
    }

    /// How long shares stay in memory, in nanoseconds.
    pub fn epoch_ns(&self) -> u64 {
        self.init().policy.epoch_s.saturating_mul(NS_PER_SECOND)
    }

    fn epoch(&self, now_ns: u64) -> u64 {
        now_ns / self.epoch_ns().max(1)
    }

    /// ECDHs of this epoch.
    pub fn used(&self, now_ns: u64) -> u32 {
        self.evaluations.in_epoch(self.epoch(now_ns))
    }

    /// Whether the sealing key may be derived once more in this epoch.
    pub fn may_open(&self, now_ns: u64) -> bool {
        self.openings.in_epoch(self.epoch(now_ns)) < MAX_OPENINGS_PER_EPOCH
    }

    /// Whether this combiner may have so many ECDHs now, for these owners of its own content.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn admit<'a>(
        &self,
        combiner: &Principal,
        recipients: impl ExactSizeIterator<Item = &'a content_keys::threshold::Recipient>,
        now_ns: u64,
    ) -> Result<(), HolderError> {
        let policy = &self.init().policy;
        if !policy.combiners.contains(combiner) {
            return Err(HolderError::NotAllowed);
        }
        if self.frozen {
            return Err(HolderError::Frozen);
        }
        let asked = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
        if self.used(now_ns).saturating_add(asked) > policy.quota {
            return Err(HolderError::QuotaUsedUp);
        }
        for recipient in recipients {
            let is_admitted = match &policy.owners {
                AdmittedOwners::Any => true,
                AdmittedOwners::Listed(owners) => owners.iter().any(|owner| **owner == recipient.owner),
            };
            if !is_admitted || recipient.canister != combiner.as_slice() {
                return Err(HolderError::OtherRecipient);
            }
        }
        Ok(())
    }

    fn apply_state_transition(&mut self, now_ns: u64, event: &Event) {
        match event {
            Event::Installed { init } => self.init = Some(init.clone()),
            Event::PolicyChanged { policy, .. } => {
                if let Some(init) = &mut self.init {
                    init.policy = policy.clone();
                }
            }
            Event::Frozen { .. } => self.frozen = true,
            Event::Unfrozen { .. } => self.frozen = false,
            Event::DerivationBound { .. } => {
                let epoch = self.epoch(now_ns);
                self.openings.add(epoch, 1);
            }
            Event::SharesOpened { .. } | Event::StepTaken { .. } | Event::ShareReceived { .. } => {}
            Event::KeyBegun { key, identity } => {
                let facts = HeldKeyFacts { identity: identity.clone(), identities: None, key_set: None };
                self.keys.insert(key.clone(), facts);
            }
            Event::PeersPinned { key, identities } => {
                self.begun(key).identities = Some(identities.clone());
            }
            Event::ShareChanged { key, key_set } => self.begun(key).key_set = key_set.clone(),
            Event::Evaluated { requests, .. } => {
                let epoch = self.epoch(now_ns);
                self.evaluations.add(epoch, u32::try_from(requests.len()).unwrap_or(u32::MAX));
            }
        }
    }

    fn begun(&mut self, key: &KeyName) -> &mut HeldKeyFacts {
        self.keys.get_mut(key).unwrap_or_else(|| panic!("BUG: a fact about a key that was not begun"))
    }
}

#[cfg(test)]
mod tests;
