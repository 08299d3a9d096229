//! What a canister's memory is used for, in bytes; storage is charged for the total.

use super::{Canister, Snapshot};

/// What storing a chunk of code is charged for, whatever its size.
pub(super) const CHUNK_CHARGED_BYTES: u64 = 1024 * 1024;

/// Bytes by what they are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUsage {
    pub heap: u64,
    pub stable: u64,
    pub globals: u64,
    /// The module as it was sent.
    pub module: u64,
    pub custom_sections: u64,
    pub history: u64,
    pub chunk_store: u64,
    pub snapshots: u64,
    pub log: u64,
}

impl MemoryUsage {
    pub fn total(self) -> u64 {
        let Self { heap, stable, globals, module, custom_sections, history, chunk_store, snapshots, log } =
            self;
        heap + stable + globals + module + custom_sections + history + chunk_store + snapshots + log
    }
}

impl Canister {
    pub fn memory_usage(&self) -> MemoryUsage {
        let module = self.module();
        let custom_sections = module.map_or(0, |module| {
            module.metadata.iter().map(|(name, (_, content))| name.len() + content.len()).sum()
        });
        MemoryUsage {
            heap: self.memory().len() as u64,
            stable: self.stable_memory().len() as u64,
            globals: self.instance.as_ref().map_or(0, |instance| instance.globals().len() as u64 * 8),
            module: module.map_or(0, |module| module.sent.len()) as u64,
            custom_sections: custom_sections as u64,
            history: self.history.bytes(),
            chunk_store: self.chunk_store.len() as u64 * CHUNK_CHARGED_BYTES,
            snapshots: self.snapshots.values().map(Snapshot::bytes).sum(),
            log: self.log.bytes() as u64,
        }
    }
}
