//! An append-only, hash-chained, certified log of facts in ICRC-3 form.
//!
//! A canister's state is the fold of this log: each fact is one block, each block names the hash of the one before
//! it, and the hash of the last one is certified by the subnet. Whoever downloads the blocks can check the chain
//! ([`verify_chain`]), turn them back into facts ([`fact_of_block`]) and replay them.
//!
//! Facts are ordinary serde types; [`to_value`] and [`from_value`] carry them over to ICRC-3's generic [`Value`].

mod chain;
mod deserialize;
mod digest;
mod encoding;
pub mod icrc3;
mod log;
mod serialize;
mod value;

pub use chain::{ChainError, Tip, fact_of_block, tip_hash_tree, verify_chain};
pub use deserialize::from_value;
pub use digest::digest_of_state;
pub use encoding::DecodeError;
pub use log::{AuditLog, BlockIndex, ReplayError};
pub use serialize::{ConversionError, to_value};
pub use value::Value;

#[cfg(test)]
mod tests;
