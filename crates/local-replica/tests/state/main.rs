//! The whole state as a value: snapshots to come back to, the state hash, runs that repeat, and the state
//! on disk, which survives the process being killed.

mod actor;
mod determinism;
mod directory;
mod killed;
mod server;
mod world;
