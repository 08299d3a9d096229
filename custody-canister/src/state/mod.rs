//! The state: what the log adds up to. Changed by [`audit`] alone, read by everyone.

mod advice;
pub mod amendment;
pub mod audit;
pub mod control;
pub mod credential;
pub mod event;
pub mod freeze;
pub mod order;
pub mod probe;
pub mod proof;
pub mod registry_keys;
pub mod staging;
pub mod watch;

use std::{cell::RefCell, collections::BTreeMap};

use candid::Principal;
use release_types::{CredentialId, OrderId, PackageKey, Settings, Sha256Digest};
use serde::Serialize;
use serde_bytes::ByteBuf;

pub use amendment::AcceptedAmendment;
pub use audit::process_event;
use control::Control;
pub use credential::Credential;
pub use event::Event;
pub use freeze::Freezes;
pub use order::{Artifact, Order, Stage};
use registry_keys::{KnownKeys, LearnedKeys};
pub use watch::Watches;

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

/// Everything that custody knows, secrets and large things apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    authority: Principal,
    key_name: String,
    sealing_key: Option<ByteBuf>,
    receipt_key: Option<ByteBuf>,
    credentials: BTreeMap<CredentialId, Credential>,
    orders: BTreeMap<OrderId, Order>,
    /// The orders of each package, oldest first.
    orders_of: BTreeMap<PackageKey, Vec<OrderId>>,
    amendments: BTreeMap<OrderId, AcceptedAmendment>,
    /// Orders with a receipt, in the order of signing.
    receipts: Vec<ReceiptEntry>,
    freezes: Freezes,
    control: Control,
    watches: Watches,
    settings: Settings,
    registry_keys: KnownKeys,
    /// When the registries, by their upload URLs, end direct publishing by token, as the last order or watch said.
    announced_ends: BTreeMap<String, Option<u64>>,
}

/// A receipt, but for its envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptEntry {
    pub order: OrderId,
    pub signed_at_ns: u64,
    pub envelope_sha256: Sha256Digest,
}

impl State {
    /// The state right after installation.
    pub fn new(authority: Principal, key_name: String) -> Self {
        Self {
            authority,
            key_name,
            sealing_key: None,
            receipt_key: None,
            credentials: BTreeMap::new(),
            orders: BTreeMap::new(),
            orders_of: BTreeMap::new(),
            amendments: BTreeMap::new(),
            receipts: Vec::new(),
            freezes: Freezes::default(),
            control: Control::default(),
            watches: Watches::default(),
            settings: Settings::default(),
            registry_keys: KnownKeys::default(),
            announced_ends: BTreeMap::new(),
        }
    }

    /// The one principal whose word counts.
    pub fn authority(&self) -> Principal {
        self.authority
    }

    /// Name of the subnet's master keys.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// The key that tokens are sealed to, once learned.
    pub fn sealing_key(&self) -> Option<&ByteBuf> {
        self.sealing_key.as_ref()
    }

    /// The key that receipts are signed with, once learned.
    pub fn receipt_key(&self) -> Option<&ByteBuf> {
        self.receipt_key.as_ref()
    }

    pub fn knows_its_keys(&self) -> bool {
        self.sealing_key.is_some() && self.receipt_key.is_some()
    }

    pub fn credential(&self, id: &CredentialId) -> Option<&Credential> {
        self.credentials.get(id)
    }

    pub fn credentials(&self) -> impl ExactSizeIterator<Item = (&CredentialId, &Credential)> {
        self.credentials.iter()
    }

    /// Credentials whose trial decryption is under way or due.
    pub fn activating_credentials(&self) -> impl Iterator<Item = CredentialId> {
        self.credentials.iter().filter(|(_, credential)| credential.is_activating()).map(|(id, _)| *id)
    }

    /// Credentials whose probe is under way.
    pub fn probed_credentials(&self) -> impl Iterator<Item = CredentialId> {
        let is_probed =
            |credential: &Credential| credential.probe().is_some_and(|probe| probe.is_under_way());
        self.credentials.iter().filter(move |(_, credential)| is_probed(credential)).map(|(id, _)| *id)
    }

    pub fn orders(&self) -> impl Iterator<Item = (&OrderId, &Order)> {
        self.orders.iter()
    }

    pub fn order(&self, id: &OrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// Orders for which something is still to be done.
    pub fn unfinished_orders(&self) -> impl Iterator<Item = OrderId> {
        self.orders.iter().filter(|(_, order)| !order.is_finished()).map(|(id, _)| id.clone())
    }

    /// The orders for a package, newest first.
    pub fn orders_of(&self, package: &PackageKey) -> impl Iterator<Item = &Order> {
        let ids = self.orders_of.get(package).into_iter().flatten();
        ids.rev().filter_map(|id| self.orders.get(id))
    }

    /// The packages that are watched.
    pub fn watches(&self) -> &Watches {
        &self.watches
    }

    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// What no key may be derived for.
    pub fn freezes(&self) -> &Freezes {
        &self.freezes
    }

    /// Whether nothing may be derived for this credential.
    pub fn is_frozen(&self, credential: &CredentialId) -> bool {
        self.freezes.cover(credential) || self.control.suspended_by().is_some()
    }

    /// What is known of upgrades of this canister.
    pub fn control(&self) -> &Control {
        &self.control
    }

    pub fn amendment(&self, id: &OrderId) -> Option<&AcceptedAmendment> {
        self.amendments.get(id)
    }

    /// All amendments.
    pub fn amendments(&self) -> impl Iterator<Item = (&OrderId, &AcceptedAmendment)> {
        self.amendments.iter()
    }

    /// Amendments for which something is still to be done.
    pub fn unfinished_amendments(&self) -> impl Iterator<Item = OrderId> {
        self.amendments.iter().filter(|(_, amendment)| !amendment.is_finished()).map(|(id, _)| id.clone())
    }

    /// How many orders are under way; what only waits for people does not count.
    pub fn busy_orders(&self) -> usize {
        self.orders.values().filter(|order| !order.is_finished() && !order.is_blocked()).count()
    }

    /// What the registry that is read at this URL signs with, as last read.
    pub fn registry_keys(&self, read_url: &str) -> Option<&LearnedKeys> {
        self.registry_keys.of(read_url)
    }

    /// When the registry with this upload URL ends direct publishing by token, as the last order or watch said.
    pub fn announced_end_ns(&self, upload_url: &str) -> Option<u64> {
        self.announced_ends.get(upload_url).copied().flatten()
    }

    /// The registries that published keys and do so no more.
    pub fn missed_registry_keys(&self) -> impl Iterator<Item = (&str, u64)> {
        self.registry_keys.missed()
    }

    /// Receipts in the order of signing.
    pub fn receipts(&self) -> &[ReceiptEntry] {
        &self.receipts
    }
}
