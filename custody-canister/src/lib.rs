//! Custody: keeps sealed registry tokens, carries out its authority's orders, proves what the registry shows.
//!
//! It takes orders from one principal, the authority, and refuses everyone else. It parses no outside bytes but
//! registries' answers, and those only into a few enumerated facts. Decryption happens in [`vault`] alone.

pub mod activation;
pub mod alarms;
pub mod amend;
mod artifact_source;
mod asking;
pub mod authorization;
pub mod control;
pub mod credentials;
pub mod freeze;
pub mod funds;
mod guard;
pub mod key_material;
pub mod lifecycle;
mod obstacle;
pub mod outcall;
pub mod probe;
pub mod publish;
pub mod queries;
mod receipts;
mod refusal;
mod registry;
pub mod runtime;
pub mod settings;
pub mod state;
pub mod storage;
pub mod tasks;
pub mod validators;
mod vault;
mod vetkeys;
pub mod watch;

pub use refusal::Refusal;

#[cfg(test)]
mod tests;
