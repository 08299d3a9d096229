//! The whole subnet as one value.

mod certified_state;
mod clock;
mod direct;
mod inspection;
mod metrics;
mod stand_ins;
mod state;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use candid::Principal;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

pub(crate) use certified_state::{CertifiedState, canister_id, is_canister_id};
pub use inspection::{Observer, ReplicaView};
pub use state::{RestoreError, StateError, StateHash, WorldSnapshot};

use clock::ReplicaClock;
use metrics::Counters;
use state::{Identity, StateDirectory};

use crate::canister::{Canister, SubnetFacts};
use crate::certification::{NodeKey, RootKey};
use crate::config::{Clock, Defect, MAX_NODES, ReplicaConfig};
use crate::cycles::Prices;
use crate::execution::ModuleCache;
use crate::management::AwaitingShares;
use crate::outcalls::{FaultSwitch, OutcallId, Outcalls, Pace, Routes, tolerated_faults};
use crate::scheduler::{IngressHistory, MessageFaults, PendingOutcall, QueuedMessage};
use crate::stand_ins::Ledgers;
use crate::threshold::{NodeIndex, SchnorrEd25519Key, Secp256k1Key, ShareFault, ShareFaults, VetKdKey};

/// Why a replica cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    #[error("nodes is {0}; allowed are 1 to {max}", max = MAX_NODES)]
    Nodes(u32),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Independent streams of randomness, all from the one seed.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Stream {
    RootKey,
    NodeKeys,
    VetKd,
    Schnorr,
    RawRand,
    Ecdsa,
    Bip340,
}

/// A subnet of the Internet Computer: canisters, keys, queue and time.
pub struct Replica {
    identity: Identity,
    pub(crate) clock: ReplicaClock,
    pub(crate) subnet: SubnetFacts,
    pub(crate) modules: ModuleCache,
    pub(crate) root_key: RootKey,
    node_keys: Vec<NodeKey>,
    pub(crate) vetkd: VetKdKey,
    pub(crate) schnorr: SchnorrEd25519Key,
    pub(crate) ecdsa: Secp256k1Key,
    pub(crate) bip340: Secp256k1Key,
    pub(crate) share_faults: ShareFaults,
    pub(crate) awaiting_shares: Vec<AwaitingShares>,
    pub(crate) random: ChaCha20Rng,
    pub(crate) initial_cycles: u128,
    pub(crate) canisters: BTreeMap<Principal, Canister>,
    pub(crate) next_canister: u64,
    pub(crate) queue: VecDeque<QueuedMessage>,
    pub(crate) ingress: IngressHistory,
    certified: CertifiedState,
    pub(crate) counters: Counters,
    ledgers: Ledgers,
    pub(crate) next_direct_call: u64,
    /// Absent only while transforms run.
    pub(crate) outcalls: Option<Outcalls>,
    faults: FaultSwitch,
    pub(crate) message_faults: MessageFaults,
    pub(crate) pending: BTreeMap<OutcallId, PendingOutcall>,
    pub(crate) next_outcall: u64,
    pub(crate) defect: Option<Defect>,
    observer: Option<Observer>,
    directory: Option<StateDirectory>,
}

impl Replica {
    /// Starts a subnet without canisters, or with those of the configured state directory.
    ///
    /// # Errors
    /// When the number of nodes is out of range, or the state directory cannot be used.
    pub fn new(config: ReplicaConfig) -> Result<Self, ReplicaError> {
        if !(1..=MAX_NODES).contains(&config.nodes) {
            return Err(ReplicaError::Nodes(config.nodes));
        }
        let random = |stream: Stream| {
            let mut random = ChaCha20Rng::seed_from_u64(config.seed);
            random.set_stream(stream as u64);
            random
        };
        let root_key = RootKey::generate(&mut random(Stream::RootKey));
        let root_key_der = root_key.public_key_der();
        let mut node_random = random(Stream::NodeKeys);
        let faults = FaultSwitch::default();
        let node_keys: Vec<NodeKey> =
            (0..config.nodes).map(|_| NodeKey::generate(&mut node_random)).collect();
        let node_ids = node_keys.iter().map(NodeKey::id).collect();
        let pace = match config.clock {
            Clock::Wall => Pace::Eager,
            Clock::Manual => Pace::Lockstep,
        };
        let outcalls = Outcalls::new(config.routes, node_ids, faults.clone(), pace).with_seed(config.seed);
        let mut replica = Self {
            identity: Identity { seed: config.seed, nodes: config.nodes },
            clock: ReplicaClock::new(config.clock, config.start_time_ns),
            subnet: SubnetFacts {
                id: Principal::self_authenticating(&root_key_der),
                root_key_der: root_key_der.into(),
                prices: Prices::new(config.nodes),
            },
            modules: ModuleCache::new(config.module_cache),
            root_key,
            node_keys,
            vetkd: VetKdKey::generate(
                &mut random(Stream::VetKd),
                config.nodes,
                config.nodes - tolerated_faults(config.nodes),
            ),
            schnorr: SchnorrEd25519Key::generate(&mut random(Stream::Schnorr)),
            ecdsa: Secp256k1Key::generate(&mut random(Stream::Ecdsa)),
            bip340: Secp256k1Key::generate(&mut random(Stream::Bip340)),
            share_faults: ShareFaults::default(),
            awaiting_shares: Vec::new(),
            random: random(Stream::RawRand),
            initial_cycles: config.initial_cycles,
            canisters: BTreeMap::new(),
            next_canister: 0x1000,
            queue: VecDeque::new(),
            ingress: IngressHistory::default(),
            certified: CertifiedState::default(),
            counters: Counters::default(),
            ledgers: Ledgers::default(),
            next_direct_call: 0,
            outcalls: Some(outcalls),
            faults,
            message_faults: MessageFaults::default(),
            pending: BTreeMap::new(),
            next_outcall: 0,
            defect: config.defect,
            observer: None,
            directory: None,
        };
        if let Some(directory) = config.state_dir {
            replica.open_state(&directory)?;
        }
        Ok(replica)
    }

    pub fn subnet_id(&self) -> Principal {
        self.subnet.id
    }

    /// The public key that certificates are verified with, DER-encoded.
    pub fn root_key_der(&self) -> Vec<u8> {
        self.subnet.root_key_der.to_vec()
    }

    /// The nodes' keys, which sign query responses.
    pub fn node_keys(&self) -> &[NodeKey] {
        &self.node_keys
    }

    /// The compressed vetKD master public key, the same for all key names.
    pub fn vetkd_master_public_key(&self) -> [u8; 96] {
        self.vetkd.master_public_key()
    }

    /// The threshold Ed25519 master public key, the same for all key names.
    pub fn schnorr_master_public_key(&self) -> [u8; 32] {
        self.schnorr.master_public_key()
    }

    /// The threshold ECDSA master public key over secp256k1, the same for all key names.
    pub fn ecdsa_master_public_key(&self) -> Vec<u8> {
        self.ecdsa.master_public_key()
    }

    /// The BIP-340 master public key, the same for all key names.
    pub fn bip340_master_public_key(&self) -> Vec<u8> {
        self.bip340.master_public_key()
    }

    /// The nodes that fail at threshold signatures and vetKD; to be changed at will.
    pub fn share_faults(&mut self) -> &mut ShareFaults {
        &mut self.share_faults
    }

    /// How nodes fail at their shares now: as told, and those that are down give none.
    pub(crate) fn failing_shares(&self) -> ShareFaults {
        let mut failing = self.share_faults.clone();
        failing.set(self.faults.down().into_iter().map(NodeIndex), ShareFault::Silent);
        failing
    }

    /// The shared vetKD master key: what only the nodes together know, for tests that search for what it yields.
    pub fn vetkd_key(&self) -> &VetKdKey {
        &self.vetkd
    }

    /// A handle by which outcalls are made to fail.
    pub fn faults(&self) -> &FaultSwitch {
        &self.faults
    }

    /// Messages between canisters that are to go wrong.
    pub fn message_faults(&mut self) -> &mut MessageFaults {
        &mut self.message_faults
    }

    /// How many nodes the subnet has.
    pub fn node_count(&self) -> u32 {
        self.subnet.prices.nodes()
    }

    /// Where outcalls go from now on; those under way keep their server.
    pub fn routes(&mut self) -> &mut Routes {
        self.outcalls().routes()
    }

    /// The subnet's time, nanoseconds since 1970; never goes back.
    pub fn time_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Moves the time forward; timers and deadlines take effect with the next [`Replica::step`].
    pub fn advance_time(&mut self, by: Duration) {
        self.clock.advance(by);
        self.pay_for_resources(0);
    }

    pub(crate) fn refresh_clock(&mut self) {
        self.clock.refresh();
    }

    pub(crate) fn outcalls(&mut self) -> &mut Outcalls {
        self.outcalls.as_mut().expect("absent only while transforms run, which start none")
    }
}
