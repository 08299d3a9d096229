//! The whole state as a value: snapshots to come back to, the state hash, and the state on disk.

mod actor;
mod directory;
mod world;
