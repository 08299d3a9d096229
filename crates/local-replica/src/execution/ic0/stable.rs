//! System calls on stable memory: those with 64-bit addresses, and the older ones with 32-bit
//! addresses, which trap once the memory is larger than these reach.

use wasmtime::{Caller, Linker};

use super::{bounds, charge, memory, system_call};
use crate::execution::CanisterTrap;
use crate::execution::instance::Host;
use crate::execution::stable_memory::OutOfBounds;
use crate::execution::weights::DIRTY_STABLE_PAGE;

/// What `stable64_grow` returns when the memory cannot grow.
const CANNOT_GROW: u64 = u64::MAX;
/// Pages of 64 KiB that 32-bit addresses reach.
const MAX_32_BIT_PAGES: u64 = 1 << 16;

pub(super) fn define(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "stable64_size", |caller| -> u64 { Ok(caller.data_mut().stable.wasm_pages()) });
    system_call!(linker, "stable64_grow", |caller, pages: u64| -> u64 {
        Ok(caller.data_mut().stable.grow(pages).unwrap_or(CANNOT_GROW))
    });
    system_call!(linker, "stable64_write", |caller, offset: u64, src: u64, size: u64| -> () {
        write(&mut caller, offset, src, size)
    });
    system_call!(linker, "stable64_read", |caller, dst: u64, offset: u64, size: u64| -> () {
        read(&mut caller, dst, offset, size)
    });
    Ok(())
}

/// The calls that only modules with 32-bit memories can make.
pub(super) fn define_older(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "stable_size", |caller| -> u32 { pages_of_32_bits(&caller) });
    system_call!(linker, "stable_grow", |caller, pages: u32| -> u32 {
        let before = pages_of_32_bits(&caller)?;
        let fits = u64::from(before) + u64::from(pages) <= MAX_32_BIT_PAGES;
        let grown = if fits { caller.data_mut().stable.grow(pages.into()) } else { None };
        Ok(grown.map_or(u32::MAX, |_| before))
    });
    system_call!(linker, "stable_write", |caller, offset: u32, src: u32, size: u32| -> () {
        pages_of_32_bits(&caller)?;
        write(&mut caller, offset.into(), src.into(), size.into())
    });
    system_call!(linker, "stable_read", |caller, dst: u32, offset: u32, size: u32| -> () {
        pages_of_32_bits(&caller)?;
        read(&mut caller, dst.into(), offset.into(), size.into())
    });
    Ok(())
}

fn write(caller: &mut Caller<'_, Host>, offset: u64, src: u64, size: u64) -> wasmtime::Result<()> {
    charge(caller, size)?;
    let (memory, host) = memory(caller);
    let range = bounds(memory.len(), src, size).map_err(|_| heap_out_of_bounds())?;
    let first_writes =
        host.stable.write(offset, &memory[range]).map_err(|OutOfBounds| stable_out_of_bounds())?;
    charge(caller, first_writes * DIRTY_STABLE_PAGE)
}

fn read(caller: &mut Caller<'_, Host>, dst: u64, offset: u64, size: u64) -> wasmtime::Result<()> {
    charge(caller, size)?;
    let (memory, host) = memory(caller);
    let range = bounds(memory.len(), dst, size).map_err(|_| heap_out_of_bounds())?;
    let contents = host.stable.read(offset, size).map_err(|OutOfBounds| stable_out_of_bounds())?;
    memory[range].copy_from_slice(contents);
    Ok(())
}

/// The size in pages of 64 KiB, if 32-bit addresses reach all of them.
fn pages_of_32_bits(caller: &Caller<'_, Host>) -> wasmtime::Result<u32> {
    match caller.data().stable.wasm_pages() {
        pages @ 0..=MAX_32_BIT_PAGES => Ok(pages as u32),
        _ => {
            Err(CanisterTrap::Wasm("32 bit stable memory api used on a memory larger than 4GB".to_owned())
                .into())
        }
    }
}

/// Here the network reports a trap of the module, not a violated contract: it has turned these
/// system calls into WebAssembly.
fn heap_out_of_bounds() -> CanisterTrap {
    CanisterTrap::Wasm("heap out of bounds".to_owned())
}

fn stable_out_of_bounds() -> CanisterTrap {
    CanisterTrap::Wasm("stable memory out of bounds".to_owned())
}
