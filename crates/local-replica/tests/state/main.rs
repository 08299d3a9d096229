//! The whole state as a value: snapshots to come back to, the state hash, and that runs repeat.

mod actor;
mod world;
