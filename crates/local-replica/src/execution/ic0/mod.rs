//! The host functions of module `ic0`: check the context, charge, move bytes between
//! WebAssembly memory and the [`SystemApi`], which holds the meaning.

mod calls;
mod canister;
mod costs;
mod legality;
mod message;
mod stable;

use wasmtime::{Caller, Engine, Linker, WasmTy};

use super::instance::Host;
use super::system_api::SystemApi;
use super::{CanisterTrap, Contexts};

pub use legality::LEGALITY;

/// Pointers and sizes, `I` of the interface specification: as wide as the addresses of the canister's
/// memory.
trait Address: WasmTy + Copy + Into<u64> {
    /// The size of something that is in this replica's memory.
    fn of_size(bytes: usize) -> Self;
}

impl Address for u32 {
    fn of_size(bytes: usize) -> Self {
        bytes as Self
    }
}

impl Address for u64 {
    fn of_size(bytes: usize) -> Self {
        bytes as Self
    }
}

/// All system calls that this replica offers to modules with 32-bit memories or without memory.
pub(super) fn linker_32_bit(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = linker_of::<u32>(engine)?;
    message::define_older(&mut linker)?;
    calls::define_older(&mut linker)?;
    canister::define_older(&mut linker)?;
    stable::define_older(&mut linker)?;
    Ok(linker)
}

/// All system calls that this replica offers to modules with 64-bit memories.
pub(super) fn linker_64_bit(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    linker_of::<u64>(engine)
}

fn linker_of<I: Address>(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    message::define::<I>(&mut linker)?;
    calls::define::<I>(&mut linker)?;
    canister::define::<I>(&mut linker)?;
    stable::define(&mut linker)?;
    costs::define::<I>(&mut linker)?;
    Ok(linker)
}

/// Defines one system call: its context is checked and its fixed cost charged before the body.
macro_rules! system_call {
    ($linker:ident, $name:literal, |$caller:ident $(, $arg:ident: $type:ty)*| -> $result:ty $body:block) => {
        $linker.func_wrap(
            "ic0",
            $name,
            |mut $caller: wasmtime::Caller<'_, $crate::execution::instance::Host> $(, $arg: $type)*| -> wasmtime::Result<$result> {
                const LEGAL: $crate::execution::Contexts = $crate::execution::ic0::legality::contexts($name);
                const WEIGHT: u64 = $crate::execution::weights::system_call($name);
                $crate::execution::ic0::enter(&mut $caller, $name, LEGAL, WEIGHT)?;
                $body
            },
        )?;
    };
}

/// Defines the pair of system calls by which a canister reads a blob, in a function of the [`Address`]
/// `I`.
macro_rules! blob {
    ($linker:ident, $size:literal, $copy:literal, |$api:ident| $blob:expr) => {
        system_call!($linker, $size, |caller| -> I {
            let $api = $crate::execution::ic0::api(&mut caller);
            let blob: &[u8] = $blob;
            Ok(<I as $crate::execution::ic0::Address>::of_size(blob.len()))
        });
        system_call!($linker, $copy, |caller, dst: I, offset: I, size: I| -> () {
            $crate::execution::ic0::copy_out(&mut caller, |$api| Ok($blob), dst, offset, size)
        });
    };
}

use {blob, system_call};

fn enter(caller: &mut Caller<'_, Host>, name: &str, legal: Contexts, weight: u64) -> wasmtime::Result<()> {
    let context = api(caller).input.context;
    if !legal.contains(context) {
        return Err(CanisterTrap::violation(format!(
            "\"ic0_{name}\" cannot be executed in {} mode",
            context.name()
        ))
        .into());
    }
    charge(caller, weight)
}

/// The system API of the running message.
fn api<'a>(caller: &'a mut Caller<'_, Host>) -> &'a mut SystemApi {
    caller
        .data_mut()
        .api
        .as_mut()
        .expect("present while a message runs, and only then can host functions be called")
}

fn charge(caller: &mut Caller<'_, Host>, instructions: u64) -> wasmtime::Result<()> {
    match caller.get_fuel()?.checked_sub(instructions) {
        Some(remaining) => caller.set_fuel(remaining),
        None => {
            caller.set_fuel(0)?;
            Err(wasmtime::Trap::OutOfFuel.into())
        }
    }
}

/// The linear memory next to the rest of the host.
fn memory<'a>(caller: &'a mut Caller<'_, Host>) -> (&'a mut [u8], &'a mut Host) {
    match caller.data().memory {
        Some(memory) => memory.data_and_store_mut(caller),
        None => (&mut [], caller.data_mut()),
    }
}

fn bounds(memory_bytes: usize, start: u64, size: u64) -> Result<std::ops::Range<usize>, CanisterTrap> {
    start
        .checked_add(size)
        .filter(|end| *end <= memory_bytes as u64)
        .map(|end| start as usize..end as usize)
        .ok_or_else(|| {
            CanisterTrap::violation(format!(
                "bytes {start} to {start} + {size} are not within the linear memory of {memory_bytes} bytes"
            ))
        })
}

/// Charges for and copies bytes of linear memory.
fn copy_in(
    caller: &mut Caller<'_, Host>,
    src: impl Into<u64>,
    size: impl Into<u64>,
) -> wasmtime::Result<Vec<u8>> {
    let (src, size) = (src.into(), size.into());
    charge(caller, size)?;
    let (memory, _) = memory(caller);
    let range = bounds(memory.len(), src, size)?;
    Ok(memory[range].to_vec())
}

/// Like [`copy_in`], but `None` when the bytes are not within the linear memory.
fn try_copy_in(
    caller: &mut Caller<'_, Host>,
    src: impl Into<u64>,
    size: impl Into<u64>,
) -> wasmtime::Result<Option<Vec<u8>>> {
    let (src, size) = (src.into(), size.into());
    charge(caller, size)?;
    let (memory, _) = memory(caller);
    Ok(bounds(memory.len(), src, size).ok().map(|range| memory[range].to_vec()))
}

/// Charges for and copies a part of a blob into linear memory.
fn copy_out(
    caller: &mut Caller<'_, Host>,
    blob: impl FnOnce(&SystemApi) -> Result<&[u8], CanisterTrap>,
    dst: impl Into<u64>,
    offset: impl Into<u64>,
    size: impl Into<u64>,
) -> wasmtime::Result<()> {
    let (dst, offset, size) = (dst.into(), offset.into(), size.into());
    charge(caller, size)?;
    let (memory, host) = memory(caller);
    let api =
        host.api.as_ref().expect("present while a message runs, and only then can host functions be called");
    let blob = blob(api)?;
    let end = offset.saturating_add(size);
    let part = blob.get(offset as usize..end as usize).ok_or_else(|| {
        CanisterTrap::violation(format!(
            "bytes {offset} to {end} are not within the {} bytes to copy from",
            blob.len()
        ))
    })?;
    let range = bounds(memory.len(), dst, size)?;
    memory[range].copy_from_slice(part);
    Ok(())
}

/// Writes an amount of cycles as the 16 bytes that canisters read.
fn write_cycles(caller: &mut Caller<'_, Host>, dst: impl Into<u64>, cycles: u128) -> wasmtime::Result<()> {
    let (memory, _) = memory(caller);
    let range = bounds(memory.len(), dst.into(), 16)?;
    memory[range].copy_from_slice(&cycles.to_le_bytes());
    Ok(())
}

/// An amount of cycles for the older system calls, which know only 64 bits.
fn low_half(cycles: u128) -> wasmtime::Result<u64> {
    u64::try_from(cycles)
        .map_err(|_| CanisterTrap::Wasm("cycles amount exceeds 64-bit representation".to_owned()).into())
}

/// Joins the two halves in which canisters pass an amount of cycles.
fn cycles(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
