//! The subnet's time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::Clock;

/// Where a manual clock starts when nothing else is said: 2026-11-01T00:00:00Z.
const DEFAULT_START_NS: u64 = 1_793_491_200_000_000_000;

/// A clock that never goes back.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaClock {
    kind: Clock,
    now_ns: u64,
    /// What was added to the system's time.
    ahead_ns: u64,
}

impl ReplicaClock {
    pub fn new(kind: Clock, start_ns: Option<u64>) -> Self {
        let now_ns = match kind {
            Clock::Wall => system_time_ns(),
            Clock::Manual => start_ns.unwrap_or(DEFAULT_START_NS),
        };
        Self { kind, now_ns, ahead_ns: 0 }
    }

    /// A clock of the same kind that goes on from where another one stood.
    pub fn resumed_at(&self, now_ns: u64, ahead_ns: u64) -> Self {
        Self { kind: self.kind, now_ns, ahead_ns }
    }

    pub fn follows_the_world(&self) -> bool {
        self.kind == Clock::Wall
    }

    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The time by which users sign requests: a wall clock that was moved ahead does not move them.
    pub fn users_ns(&self) -> u64 {
        match self.kind {
            Clock::Wall => self.now_ns.saturating_sub(self.ahead_ns),
            Clock::Manual => self.now_ns,
        }
    }

    /// What was added to the system's time.
    pub fn ahead_ns(&self) -> u64 {
        self.ahead_ns
    }

    pub fn advance(&mut self, by: Duration) {
        let by_ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.now_ns = self.now_ns.saturating_add(by_ns);
        self.ahead_ns = self.ahead_ns.saturating_add(by_ns);
    }

    pub fn refresh(&mut self) {
        if self.kind == Clock::Wall {
            self.now_ns = self.now_ns.max(system_time_ns().saturating_add(self.ahead_ns));
        }
    }
}

fn system_time_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}
