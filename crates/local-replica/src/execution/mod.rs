//! Runs one entry point of one canister: compiling, metering, host functions, rollback.
//!
//! Knows nothing of queues, call contexts or other canisters; see [`crate::scheduler`].

mod context;
mod engine;
mod heap_image;
mod host_memory;
mod ic0;
mod instance;
mod instrument;
mod module_rules;
mod paged_memory;
mod stable_memory;
mod system_api;
mod trap;
mod weights;

pub use context::{Context, Contexts};
pub use engine::{CompileError, CompiledModule, MetadataVisibility, ModuleCache};
pub use heap_image::{GlobalValue, HeapImage, ImageError};
pub use ic0::LEGALITY;
pub use instance::{DirtyMemories, Function, Instance, Run};
pub use paged_memory::{DirtyPages, PAGE_BYTES};
pub use stable_memory::StableMemory;
pub use system_api::{CallbackFunctions, Effects, Environment, Input, OutgoingCall, TableFunction};
pub use trap::CanisterTrap;
