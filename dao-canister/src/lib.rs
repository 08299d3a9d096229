//! The DAO canister: a group that decides, bytes under review, and the order to publish them.
//!
//! It opens the artifacts itself, so that what is voted on is what the bytes say, and it knows nothing of tokens:
//! publishing is the custody canister's part. Its state is the fold of a public log (`state`), everything that is not
//! computation is behind one trait (`runtime`), and an adopted release can be made by the tally only (`proposal`,
//! `voting`).

pub mod artifacts;
pub mod control;
pub mod credentials;
pub mod electorate;
pub mod execution;
pub mod freeze;
pub mod lifecycle;
pub mod members;
pub mod proposal;
pub mod queries;
pub mod runtime;
pub mod schedule;
pub mod state;
pub mod storage;
#[cfg(test)]
mod test_fixtures;
#[cfg(test)]
mod tests;
pub mod vote;
pub mod voting;
