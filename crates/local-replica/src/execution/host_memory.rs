//! Hands wasmtime the memory of the canister that it is about to instantiate.
//!
//! wasmtime asks an object of the whole engine for memories. Which canister's it wants is known to the
//! thread that instantiates, so the memory waits there.

use std::cell::RefCell;

use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

use super::paged_memory::{LentMemory, WASM_GUARD_BYTES};

thread_local! {
    static LENT: RefCell<Option<LentMemory>> = const { RefCell::new(None) };
}

/// Instantiates a module over this memory.
pub fn with_memory<T>(memory: LentMemory, instantiate: impl FnOnce() -> T) -> T {
    LENT.set(Some(memory));
    let result = instantiate();
    LENT.set(None);
    result
}

/// The source of all linear memories of the engine.
pub struct LentMemories;

// SAFETY: a `LentMemory` reserves at least its capacity and the guard. That these are what wasmtime
// asks for is checked.
#[allow(unsafe_code)]
unsafe impl MemoryCreator for LentMemories {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reserved_size_in_bytes: Option<usize>,
        guard_size_in_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let memory = LENT.take().ok_or("no canister's memory is waiting for this instance")?;
        if memory.byte_size() < minimum {
            return Err("the canister's memory is smaller than its module demands".to_owned());
        }
        if memory.byte_capacity() < reserved_size_in_bytes.unwrap_or(0)
            || guard_size_in_bytes > WASM_GUARD_BYTES
        {
            return Err("the canister's memory reserves less than the engine relies on".to_owned());
        }
        Ok(Box::new(memory))
    }
}
