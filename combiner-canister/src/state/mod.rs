//! The canister's state: the fold of its log, changed by [`audit::process_event`] and nothing else.

pub mod audit;
mod event;

use std::{cell::RefCell, collections::BTreeMap};

use key_holders::{
    interface::KeyName,
    service::{CeremonyPurpose, CeremonyStatus, CombinerInit, HolderFault},
};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub use event::Event;

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

/// Everything that the canister knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    init: Option<CombinerInit>,
    last_number: u64,
    keys: BTreeMap<KeyName, KeyFacts>,
}

/// A key and its last ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyFacts {
    pub key_set: Option<ByteBuf>,
    pub purpose: CeremonyPurpose,
    pub status: CeremonyStatus,
    pub number: u64,
    pub participants: Vec<u8>,
    pub faults: Vec<HolderFault>,
}

impl State {
    /// With what the canister was installed.
    ///
    /// # Panics
    /// Before installation.
    pub fn init(&self) -> &CombinerInit {
        self.init.as_ref().unwrap_or_else(|| panic!("BUG: the log begins with the installation"))
    }

    /// The number of the last attempt of any ceremony.
    pub fn last_number(&self) -> u64 {
        self.last_number
    }

    pub fn key(&self, key: &KeyName) -> Option<&KeyFacts> {
        self.keys.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = (&KeyName, &KeyFacts)> {
        self.keys.iter()
    }

    fn apply_state_transition(&mut self, _now_ns: u64, event: &Event) {
        match event {
            Event::Installed { init } => self.init = Some(init.clone()),
            Event::CeremonyBegun { key, purpose, .. } => {
                let key_set = self.keys.get(key).and_then(|facts| facts.key_set.clone());
                let facts = KeyFacts {
                    key_set,
                    purpose: *purpose,
                    status: CeremonyStatus::Running,
                    number: 0,
                    participants: Vec::new(),
                    faults: Vec::new(),
                };
                self.keys.insert(key.clone(), facts);
            }
            Event::AttemptBegun { key, number, participants } => {
                self.last_number = *number;
                let facts = self.begun(key);
                facts.number = *number;
                facts.participants.clone_from(participants);
            }
            Event::HolderAtFault { key, fault, .. } => self.begun(key).faults.push(fault.clone()),
            Event::CeremonyFailed { key } => self.begun(key).status = CeremonyStatus::Failed,
            Event::CeremonyCompleted { key, key_set } => {
                let facts = self.begun(key);
                facts.key_set = Some(key_set.clone());
                facts.status = CeremonyStatus::Completed;
            }
            Event::EvaluationAsked { .. } => {}
        }
    }

    fn begun(&mut self, key: &KeyName) -> &mut KeyFacts {
        self.keys.get_mut(key).unwrap_or_else(|| panic!("BUG: a fact about a ceremony that was not begun"))
    }
}
