//! System calls on stable memory.

use wasmtime::Linker;

use super::{bounds, charge, memory, system_call};
use crate::execution::CanisterTrap;
use crate::execution::instance::Host;
use crate::execution::stable_memory::OutOfBounds;
use crate::execution::weights::DIRTY_STABLE_PAGE;

/// What `stable64_grow` returns when the memory cannot grow.
const CANNOT_GROW: u64 = u64::MAX;

pub(super) fn define(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "stable64_size", |caller| -> u64 { Ok(caller.data_mut().stable.wasm_pages()) });
    system_call!(linker, "stable64_grow", |caller, pages: u64| -> u64 {
        Ok(caller.data_mut().stable.grow(pages).unwrap_or(CANNOT_GROW))
    });
    system_call!(linker, "stable64_write", |caller, offset: u64, src: u64, size: u64| -> () {
        charge(&mut caller, size)?;
        let (memory, host) = memory(&mut caller);
        let range = bounds(memory.len(), src, size)?;
        let first_writes =
            host.stable.write(offset, &memory[range]).map_err(|OutOfBounds| out_of_bounds(offset, size))?;
        charge(&mut caller, first_writes * DIRTY_STABLE_PAGE)
    });
    system_call!(linker, "stable64_read", |caller, dst: u64, offset: u64, size: u64| -> () {
        charge(&mut caller, size)?;
        let (memory, host) = memory(&mut caller);
        let range = bounds(memory.len(), dst, size)?;
        let contents = host.stable.read(offset, size).map_err(|OutOfBounds| out_of_bounds(offset, size))?;
        memory[range].copy_from_slice(contents);
        Ok(())
    });
    Ok(())
}

fn out_of_bounds(offset: u64, size: u64) -> CanisterTrap {
    CanisterTrap::violation(format!("stable memory out of bounds: {size} bytes at offset {offset}"))
}
