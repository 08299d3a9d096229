//! The state: what the log adds up to. Changed by [`audit`] alone, read by everyone.

pub mod audit;
pub mod event;
mod item;
mod owner;

use std::{cell::RefCell, collections::BTreeMap};

use candid::Principal;
use content_types::{ItemId, OwnerName};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub use audit::process_event;
pub use event::{DerivationPurpose, Event};
pub use item::Item;
pub use owner::Owner;

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

/// Everything that the canister knows, envelopes and nonces apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    administrators: Vec<Principal>,
    key_name: String,
    verification_key: Option<ByteBuf>,
    owners: BTreeMap<OwnerName, Owner>,
    items: BTreeMap<ItemId, Item>,
    /// The last item's number.
    last_item: ItemId,
    /// Who speaks for which owner; follows from the owners.
    #[serde(skip)]
    owner_of: BTreeMap<Principal, OwnerName>,
}

impl State {
    /// The state right after installation.
    pub fn new(administrators: Vec<Principal>, key_name: String) -> Self {
        Self {
            administrators,
            key_name,
            verification_key: None,
            owners: BTreeMap::new(),
            items: BTreeMap::new(),
            last_item: 0,
            owner_of: BTreeMap::new(),
        }
    }

    pub fn administrators(&self) -> &[Principal] {
        &self.administrators
    }

    /// Name of the subnet's vetKD key.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// The public key that derived keys are checked with, once learned.
    pub fn verification_key(&self) -> Option<&ByteBuf> {
        self.verification_key.as_ref()
    }

    pub fn owners(&self) -> &BTreeMap<OwnerName, Owner> {
        &self.owners
    }

    pub fn owner(&self, name: &OwnerName) -> Option<&Owner> {
        self.owners.get(name)
    }

    /// For whom a principal speaks.
    pub fn owner_of(&self, principal: &Principal) -> Option<&OwnerName> {
        self.owner_of.get(principal)
    }

    pub fn items(&self) -> &BTreeMap<ItemId, Item> {
        &self.items
    }

    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.get(&id)
    }

    /// The number that the next item gets.
    pub fn next_item(&self) -> ItemId {
        self.last_item + 1
    }
}
