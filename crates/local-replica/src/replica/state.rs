//! The whole state of a subnet as rows of bytes: what snapshots hold, what is kept on disk, and what
//! the state hash covers.
//!
//! Rows are canonical: equal states have equal rows. Keys that follow from the seed and compiled code
//! are no part of them. Wherever a value is turned into its row it is taken apart field by field, so
//! that the compiler asks about every field that is added later.

mod canister;
mod changes;
mod directory;
mod hash;
mod rows;
mod snapshot;
mod subnet;

pub(super) use directory::StateDirectory;
pub use directory::StateError;
pub use hash::StateHash;
pub(super) use rows::Identity;
pub use rows::RestoreError;
pub use snapshot::WorldSnapshot;

/// Changes with every change of what rows mean; other formats are refused.
const FORMAT_VERSION: u32 = 2;
