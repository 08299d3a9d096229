//! The whole subnet as one value.

mod certified_state;
mod clock;
mod direct;
mod inspection;
mod metrics;
mod stand_ins;
mod state;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use candid::Principal;
use ic_certification::Delegation;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

pub(crate) use certified_state::{CertifiedState, canister_id, is_canister_id, self_described_cbor};
pub use inspection::{Observer, ReplicaView};
pub use state::{RestoreError, StateError, StateHash, WorldSnapshot};

use clock::ReplicaClock;
use metrics::Counters;
use state::{Identity, StateDirectory};

use crate::canister::{Canister, SubnetFacts};
use crate::certification::{NodeKey, SubnetKey};
use crate::config::{Clock, Defect, MAX_NODES, ReplicaConfig};
use crate::cycles::Prices;
use crate::execution::ModuleCache;
use crate::management::AwaitingShares;
use crate::outcalls::{FaultSwitch, OutcallId, Outcalls, Pace, Routes, tolerated_faults};
use crate::scheduler::{IngressHistory, MessageFaults, PendingOutcall, QueuedMessage, StreamMessage};
use crate::stand_ins::Ledgers;
use crate::threshold::{NodeIndex, SchnorrEd25519Key, Secp256k1Key, ShareFault, ShareFaults, VetKdKey};
use crate::topology::{InvalidPlace, Topology};

/// Why a replica cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    #[error("nodes is {0}; allowed are 1 to {max}", max = MAX_NODES)]
    Nodes(u32),
    #[error(transparent)]
    Place(#[from] InvalidPlace),
    #[error(
        "state_dir is set, and subnets is {0}; state is kept on disk for one subnet only: leave one of both out"
    )]
    StateOfSeveral(u32),
    #[error(transparent)]
    State(#[from] StateError),
}

/// The number, within the subnet, of the first canister that is given a fresh id.
const FIRST_NEW_CANISTER: u64 = 0x1000;

/// Independent streams of randomness, all from the one seed.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Stream {
    SubnetKey,
    NodeKeys,
    VetKd,
    Schnorr,
    RawRand,
    Ecdsa,
    Bip340,
}

impl Stream {
    /// This stream on the subnet of this number.
    pub(crate) fn of_subnet(self, seed: u64, subnet: u32) -> ChaCha20Rng {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        random.set_stream(self as u64 + (u64::from(subnet) << 32));
        random
    }
}

/// A subnet of the Internet Computer: canisters, keys, queue and time.
pub struct Replica {
    identity: Identity,
    pub(crate) clock: ReplicaClock,
    pub(crate) subnet: SubnetFacts,
    pub(crate) modules: ModuleCache,
    pub(crate) key: SubnetKey,
    delegation: Option<Delegation>,
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
    /// For other subnets, by their number: taken away at the end of a round.
    pub(crate) outgoing: Vec<(usize, StreamMessage)>,
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
        if config.place.subnets > 1 && config.state_dir.is_some() {
            return Err(ReplicaError::StateOfSeveral(config.place.subnets));
        }
        // Of the network: the same on all of its subnets.
        let shared = |stream: Stream| stream.of_subnet(config.seed, 0);
        let random = |stream: Stream| stream.of_subnet(config.seed, config.place.index);
        let (topology, key, delegation) = Topology::derive(config.seed, config.place)?;
        let mut node_random = random(Stream::NodeKeys);
        let faults = FaultSwitch::default();
        let node_keys: Vec<NodeKey> =
            (0..config.nodes).map(|_| NodeKey::generate(&mut node_random)).collect();
        let node_ids = node_keys.iter().map(NodeKey::id).collect();
        let pace = match config.clock {
            Clock::Wall => Pace::Eager,
            Clock::Manual => Pace::Lockstep,
        };
        let outcalls = Outcalls::new(config.routes, node_ids, faults.clone(), pace)
            .with_seed(config.seed ^ (u64::from(config.place.index) << 32));
        let next_canister = topology.own().first_canister + FIRST_NEW_CANISTER;
        let mut replica = Self {
            identity: Identity { seed: config.seed, nodes: config.nodes },
            clock: ReplicaClock::new(config.clock, config.start_time_ns),
            subnet: SubnetFacts {
                id: topology.own().id,
                root_key_der: topology.root_key_der().into(),
                prices: Prices::new(config.nodes),
                topology: Arc::new(topology),
            },
            modules: ModuleCache::new(config.module_cache),
            key,
            delegation,
            node_keys,
            vetkd: VetKdKey::generate(
                &mut shared(Stream::VetKd),
                config.nodes,
                config.nodes - tolerated_faults(config.nodes),
            ),
            schnorr: SchnorrEd25519Key::generate(&mut shared(Stream::Schnorr)),
            ecdsa: Secp256k1Key::generate(&mut shared(Stream::Ecdsa)),
            bip340: Secp256k1Key::generate(&mut shared(Stream::Bip340)),
            share_faults: ShareFaults::default(),
            awaiting_shares: Vec::new(),
            random: random(Stream::RawRand),
            initial_cycles: config.initial_cycles,
            canisters: BTreeMap::new(),
            next_canister,
            queue: VecDeque::new(),
            outgoing: Vec::new(),
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

    /// The network's public key, with which certificates are verified, DER-encoded: the first subnet's.
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

    pub(crate) fn topology(&self) -> Arc<Topology> {
        self.subnet.topology.clone()
    }

    pub(crate) fn refresh_clock(&mut self) {
        self.clock.refresh();
    }

    pub(crate) fn outcalls(&mut self) -> &mut Outcalls {
        self.outcalls.as_mut().expect("absent only while transforms run, which start none")
    }
}
