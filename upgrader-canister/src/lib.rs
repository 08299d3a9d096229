//! The upgrader: it controls the DAO and custody, and the DAO controls it.
//!
//! A canister cannot safely replace its own code, because the answer to the request that does it would arrive in code
//! that never asked. So this one does it for the two others: by order of the DAO, or of a recovery committee after a
//! long public delay. It keeps a public log, of which its state is the fold, writes down each step before it takes it,
//! and parses nothing from outside but its own Candid. It offers no way to take, read or load a snapshot, nor to make any
//! other call of the management canister, because those would reveal or replace what custody keeps.

pub mod authorization;
pub mod lifecycle;
pub mod modules;
pub mod orders;
pub mod queries;
pub mod recovery;
pub mod runtime;
pub mod settings;
pub mod state;
pub mod storage;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod upgrade;
