//! What a replica is started with.

use std::path::PathBuf;

use crate::outcalls::Routes;

/// The most virtual nodes that a replica can have; the least is one.
pub const MAX_NODES: u32 = 40;

/// The most subnets that a network can have.
pub const MAX_SUBNETS: u32 = 16;

/// Where the replica's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Follows the system clock, plus whatever was added by [`crate::Replica::advance_time`].
    Wall,
    /// Moves only by [`crate::Replica::advance_time`].
    Manual,
}

/// Which of a network's subnets a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetPlace {
    /// From 0, which is the root of trust.
    pub index: u32,
    /// How many there are, 1 to [`MAX_SUBNETS`].
    pub subnets: u32,
}

impl Default for SubnetPlace {
    fn default() -> Self {
        Self { index: 0, subnets: 1 }
    }
}

/// A defect of the replica itself: exists to prove that the differential suite can fail, and is
/// never set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// What a message changed that trapped stays.
    RollbackSkipped,
    /// Cleanup callbacks do not run.
    CleanupDropped,
    /// Callbacks run twice.
    AnswerDeliveredTwice,
}

/// Configuration of a [`crate::Replica`].
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// Seed of all keys and of all randomness: equal seeds give equal runs.
    pub seed: u64,
    /// Which of a network's subnets it is; by default the only one. See [`crate::Network`].
    pub place: SubnetPlace,
    /// Number of virtual nodes, 1 to [`MAX_NODES`]; outcalls, threshold keys and prices depend on it.
    pub nodes: u32,
    /// Start of a [`Clock::Manual`], nanoseconds since 1970; a fixed date when absent.
    pub start_time_ns: Option<u64>,
    /// Where the time comes from; [`Clock::Manual`] by default.
    pub clock: Clock,
    /// Directory for compiled modules; without it only this process remembers them.
    pub module_cache: Option<PathBuf>,
    /// Directory in which the state is kept; without it, it ends with the replica. One process at a
    /// time can use it, always with the same seed and number of nodes. See [`crate::Replica::keep`].
    pub state_dir: Option<PathBuf>,
    /// Host names that outcalls may reach, and the loopback servers behind them.
    pub routes: Routes,
    /// Balance of canisters created without an explicit amount.
    pub initial_cycles: u128,
    /// A defect to run with; none, except where a test must see one found.
    pub defect: Option<Defect>,
}

impl Default for ReplicaConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            place: SubnetPlace::default(),
            nodes: 13,
            start_time_ns: None,
            clock: Clock::Manual,
            module_cache: None,
            state_dir: None,
            routes: Routes::default(),
            initial_cycles: 100_000_000_000_000,
            defect: None,
        }
    }
}

impl ReplicaConfig {
    /// With this seed of all keys and randomness.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With this source of time.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With compiled modules kept in this directory, which is made when it is missing.
    pub fn with_module_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.module_cache = Some(directory.into());
        self
    }

    /// With the state kept in this directory: what an earlier replica left there is taken up again.
    pub fn with_state_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(directory.into());
        self
    }

    /// With these routes of outcalls in place of all earlier ones.
    pub fn with_routes(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }
}
