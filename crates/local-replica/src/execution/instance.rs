//! One canister's code with its memories and globals, and commit and rollback around every message.
//!
//! Every message runs in a fresh WebAssembly instance, as on the network: only memories and mutable
//! globals last. Function tables begin anew, and so do segments that the code has dropped.

use std::sync::Arc;

use wasmtime::{Global, Memory, Ref, Store, StoreLimits, StoreLimitsBuilder, Table};

use super::engine::CompiledModule;
use super::heap_image::{GlobalValue, HeapImage, ImageError};
use super::host_memory::with_memory;
use super::instrument::{MEMORY, START, TABLE};
use super::module_rules::{MAX_TABLE_ELEMENTS, MAX_TABLES};
use super::paged_memory::{DirtyPages, PagedMemory};
use super::system_api::{Effects, Environment, Input, SystemApi, TableFunction};
use super::{CanisterTrap, Context, StableMemory};

/// Fuel for instantiation, which runs no code of the canister.
const INSTANTIATION_FUEL: u64 = 1 << 40;

/// What host functions reach: the memories, and the system API of the running message.
pub(super) struct Host {
    pub memory: Option<Memory>,
    pub stable: StableMemory,
    /// Present while a message runs.
    pub api: Option<SystemApi>,
    /// What the module's tables may grow to; its memory has a capacity of its own.
    limits: StoreLimits,
}

/// What to enter.
#[derive(Clone, Copy, Debug)]
pub enum Function<'a> {
    /// An exported function, for instance `canister_update vote`.
    Export(&'a str),
    /// A callback in the module's table.
    Table(TableFunction),
    /// The module's start function; it must have one.
    Start,
}

/// How one execution went. Nothing is kept until [`Instance::commit`].
#[derive(Debug)]
pub struct Run {
    pub instructions: u64,
    pub result: Result<(), CanisterTrap>,
    pub effects: Effects,
}

/// A module with its memories.
#[derive(Debug)]
pub struct Instance {
    module: Arc<CompiledModule>,
    heap: PagedMemory,
    globals: Vec<GlobalValue>,
    committed_globals: Vec<GlobalValue>,
    stable: StableMemory,
    /// Whether the dirty pages have been taken before.
    is_tracked: bool,
}

/// The pages of a canister's memories that were written.
#[derive(Debug)]
pub struct DirtyMemories {
    pub heap: DirtyPages,
    pub stable: DirtyPages,
}

impl Instance {
    /// A fresh instance over existing stable memory. The start function has not run yet.
    ///
    /// # Errors
    /// When data or element segments do not fit.
    #[expect(clippy::result_large_err, reason = "the memory goes back to its owner")]
    pub fn new(
        module: Arc<CompiledModule>,
        stable: StableMemory,
    ) -> Result<Self, (CanisterTrap, StableMemory)> {
        let (heap, globals) = match fresh_heap(&module) {
            Ok(parts) => parts,
            Err(trap) => return Err((trap, stable)),
        };
        Ok(Self { module, heap, committed_globals: globals.clone(), globals, stable, is_tracked: false })
    }

    /// An instance that goes on where an image of the same module was taken. The start function
    /// does not run.
    ///
    /// # Errors
    /// When the image is not one of this module.
    pub fn from_image(
        module: Arc<CompiledModule>,
        image: &HeapImage,
        stable: StableMemory,
    ) -> Result<Self, ImageError> {
        let mut this = Self::new(module, stable).map_err(|(trap, _)| ImageError::Instantiate(trap))?;
        let (found, needed) = (image.memory.len(), this.memory().len());
        if found < needed {
            return Err(ImageError::MemoryTooSmall { found, needed });
        }
        this.set_memory(&image.memory).map_err(ImageError::Instantiate)?;
        let (found, needed) = (image.globals.len(), this.globals.len());
        if found != needed {
            return Err(ImageError::GlobalCount { found, needed });
        }
        for (index, (global, value)) in this.globals.iter_mut().zip(&image.globals).enumerate() {
            if std::mem::discriminant(global) != std::mem::discriminant(value) {
                return Err(ImageError::GlobalType { index, found: *value });
            }
            *global = *value;
        }
        this.commit();
        Ok(this)
    }

    /// The mutable globals as of the last commit.
    #[expect(clippy::misnamed_getters, reason = "whoever asks means the committed ones")]
    pub fn globals(&self) -> &[GlobalValue] {
        &self.committed_globals
    }

    /// The heap as of the last commit.
    pub fn heap_image(&self) -> HeapImage {
        HeapImage { memory: self.heap.committed().to_vec(), globals: self.committed_globals.clone() }
    }

    pub fn module(&self) -> &Arc<CompiledModule> {
        &self.module
    }

    /// The linear memory, stack included.
    pub fn memory(&self) -> &[u8] {
        self.heap.as_slice()
    }

    /// The pages of the linear memory that are not all zero as of the last commit, by index.
    pub fn filled_heap_pages(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.heap.filled_pages()
    }

    /// The stretches of the linear memory that were ever written, as of the last commit; all else is zero.
    pub fn written_heap(&self) -> impl Iterator<Item = &[u8]> {
        self.heap.written()
    }

    pub fn stable_memory(&self) -> &StableMemory {
        &self.stable
    }

    /// The pages that commits wrote since this was last called; absent at the first call, when any page
    /// may differ from what is known of it.
    pub fn take_dirty_pages(&mut self) -> Option<DirtyMemories> {
        let dirty =
            DirtyMemories { heap: self.heap.take_dirty_pages(), stable: self.stable.take_dirty_pages() };
        std::mem::replace(&mut self.is_tracked, true).then_some(dirty)
    }

    /// Takes the stable memory out, uncommitted changes included.
    pub fn take_stable_memory(&mut self) -> StableMemory {
        std::mem::take(&mut self.stable)
    }

    pub fn put_stable_memory(&mut self, stable: StableMemory) {
        self.stable = stable;
    }

    /// Replaces the linear memory's contents, as an upgrade that keeps the memory does.
    ///
    /// # Errors
    /// When the module's memory cannot be grown to that size.
    pub fn set_memory(&mut self, contents: &[u8]) -> Result<(), CanisterTrap> {
        if self.module.memory.is_none() {
            return Ok(());
        }
        if contents.len() > self.memory().len() {
            self.heap.grow_to(contents.len()).map_err(|_| CanisterTrap::OutOfMemory)?;
        }
        self.heap.as_mut_slice()[..contents.len()].copy_from_slice(contents);
        Ok(())
    }

    /// Runs one function to its end. The caller then commits or rolls back.
    pub fn run(&mut self, function: Function<'_>, environment: Arc<Environment>, input: Input) -> Run {
        let limit = input.instruction_limit;
        // Only what users ask for is limited: a callback that trapped for it could break invariants.
        let memory_limit_bytes = match input.context {
            Context::Update => environment.wasm_memory_limit_bytes,
            _ => 0,
        };
        let api = SystemApi::new(environment, input);
        let stable = self.take_stable_memory();
        let mut store = new_store(&self.module, stable, Some(api));
        let outcome = store.set_fuel(limit).and_then(|()| self.run_in(&mut store, function));
        let remaining = store.get_fuel().unwrap_or(0);
        let Host { stable, api, .. } = store.into_data();
        self.stable = stable;
        Run {
            instructions: limit - remaining,
            result: outcome
                .map_err(|error| CanisterTrap::from_wasmtime(&error, limit))
                .and_then(|()| self.check_memory_limit(memory_limit_bytes)),
            effects: api.expect("set above; host functions never take it").into_effects(),
        }
    }

    fn run_in(&mut self, store: &mut Store<Host>, function: Function<'_>) -> wasmtime::Result<()> {
        let (instance, globals) = instantiate(&self.module, &mut self.heap, store)?;
        for (global, value) in globals.iter().zip(&self.globals) {
            global.set(&mut *store, value.to_wasm()).expect("the value was read from this mutable global");
        }
        let is_64_bit = self.module.memory.as_ref().is_some_and(|plan| plan.is_64_bit);
        enter(&instance, store, is_64_bit, function)?;
        self.globals = globals.iter().map(|global| GlobalValue::of(global, &mut *store)).collect();
        Ok(())
    }

    /// Checks that the linear memory, uncommitted growth included, is not above a limit; 0 is none.
    ///
    /// # Errors
    /// When it is.
    pub fn check_memory_limit(&self, limit_bytes: u64) -> Result<(), CanisterTrap> {
        let used_bytes = self.memory().len() as u64;
        if limit_bytes != 0 && used_bytes > limit_bytes {
            return Err(CanisterTrap::MemoryLimit { limit_bytes, used_bytes });
        }
        Ok(())
    }

    /// Keeps what the last run did to the memories and globals.
    pub fn commit(&mut self) {
        self.heap.commit();
        self.committed_globals.clone_from(&self.globals);
        self.stable.commit();
    }

    /// Undoes what happened since the last commit.
    pub fn rollback(&mut self) {
        self.heap.rollback();
        self.globals.clone_from(&self.committed_globals);
        self.stable.rollback();
    }
}

fn enter(
    instance: &wasmtime::Instance,
    store: &mut Store<Host>,
    is_64_bit: bool,
    function: Function<'_>,
) -> wasmtime::Result<()> {
    match function {
        Function::Export(name) => {
            let function = instance
                .get_typed_func::<(), ()>(&mut *store, name)
                .map_err(|_| CanisterTrap::MethodNotFound(name.to_owned()))?;
            function.call(store, ())
        }
        Function::Start => {
            let function = instance.get_typed_func::<(), ()>(&mut *store, START)?;
            function.call(store, ())
        }
        Function::Table(callback) => {
            let entry = instance
                .get_table(&mut *store, TABLE)
                .and_then(|table: Table| table.get(&mut *store, callback.index));
            let Some(Ref::Func(Some(function))) = entry else {
                return Err(CanisterTrap::violation(format!(
                    "the table has no function at index {}",
                    callback.index
                ))
                .into());
            };
            let no_callback = |_| {
                CanisterTrap::violation(format!(
                    "the function at index {} of the table is no callback",
                    callback.index
                ))
            };
            if is_64_bit {
                let function = function.typed::<u64, ()>(&*store).map_err(no_callback)?;
                function.call(store, callback.environment)
            } else {
                let function = function.typed::<u32, ()>(&*store).map_err(no_callback)?;
                // The canister named it in 32 bits.
                function.call(store, callback.environment as u32)
            }
        }
    }
}

/// The heap of a module that has not run yet.
fn fresh_heap(module: &CompiledModule) -> Result<(PagedMemory, Vec<GlobalValue>), CanisterTrap> {
    let capacity = module.maximum_memory_bytes();
    let mut heap = PagedMemory::new(capacity).map_err(|_| CanisterTrap::OutOfMemory)?;
    if let Some(plan) = &module.memory {
        heap.grow_to(plan.minimum_bytes as usize).map_err(|_| CanisterTrap::OutOfMemory)?;
        for (offset, data) in &plan.data {
            let start = usize::try_from(*offset).unwrap_or(usize::MAX);
            heap.as_mut_slice()
                .get_mut(start..start.saturating_add(data.len()))
                .ok_or_else(|| CanisterTrap::Wasm(wasmtime::Trap::MemoryOutOfBounds.to_string()))?
                .copy_from_slice(data);
        }
    }
    heap.commit();
    let mut store = new_store(module, StableMemory::default(), None);
    let (_, globals) = store
        .set_fuel(INSTANTIATION_FUEL)
        .and_then(|()| instantiate(module, &mut heap, &mut store))
        .map_err(|error| CanisterTrap::from_wasmtime(&error, INSTANTIATION_FUEL))?;
    let globals = globals.iter().map(|global| GlobalValue::of(global, &mut store)).collect();
    Ok((heap, globals))
}

fn new_store(module: &CompiledModule, stable: StableMemory, api: Option<SystemApi>) -> Store<Host> {
    let limits = StoreLimitsBuilder::new().tables(MAX_TABLES).table_elements(MAX_TABLE_ELEMENTS).build();
    let host = Host { memory: None, stable, api, limits };
    let mut store = Store::new(module.instance_pre.module().engine(), host);
    store.limiter(|host| &mut host.limits);
    store
}

fn instantiate(
    module: &CompiledModule,
    heap: &mut PagedMemory,
    store: &mut Store<Host>,
) -> wasmtime::Result<(wasmtime::Instance, Vec<Global>)> {
    let instance = with_memory(heap.lend(), || module.instance_pre.instantiate(&mut *store))?;
    store.data_mut().memory = instance.get_memory(&mut *store, MEMORY);
    let globals = module
        .globals
        .iter()
        .map(|name| instance.get_global(&mut *store, name).expect("the instrumentation exports it"))
        .collect();
    Ok((instance, globals))
}
