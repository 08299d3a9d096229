//! One canister's running module: linear memory, globals and stable memory, with commit and
//! rollback around every message.

use std::sync::Arc;

use wasmtime::{Global, Memory, Ref, Store, Table};

use super::engine::CompiledModule;
use super::heap_image::{GlobalValue, HeapImage, ImageError};
use super::instrument::{MEMORY, START, TABLE};
use super::system_api::{Effects, Environment, Input, SystemApi, TableFunction};
use super::{CanisterTrap, StableMemory};

/// Fuel for instantiation, which runs no code of the canister.
const INSTANTIATION_FUEL: u64 = 1 << 40;

/// What host functions reach: the memories, and the system API of the running message.
pub(super) struct Host {
    pub memory: Option<Memory>,
    pub stable: StableMemory,
    /// Present while a message runs.
    pub api: Option<SystemApi>,
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
pub struct Instance {
    module: Arc<CompiledModule>,
    store: Store<Host>,
    instance: wasmtime::Instance,
    globals: Vec<Global>,
    committed_memory: Vec<u8>,
    committed_globals: Vec<GlobalValue>,
}

impl Instance {
    /// A fresh instance over existing stable memory. The start function has not run yet.
    ///
    /// # Errors
    /// When data or element segments do not fit.
    pub fn new(
        module: Arc<CompiledModule>,
        stable: StableMemory,
    ) -> Result<Self, (CanisterTrap, StableMemory)> {
        let (mut store, instance, globals) = match instantiate(&module) {
            Ok(parts) => parts,
            Err(trap) => return Err((trap, stable)),
        };
        store.data_mut().stable = stable;
        let mut this = Self {
            module,
            store,
            instance,
            globals,
            committed_memory: Vec::new(),
            committed_globals: Vec::new(),
        };
        this.commit_heap();
        Ok(this)
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
        for (index, (global, value)) in this.globals.iter().zip(&image.globals).enumerate() {
            global
                .set(&mut this.store, value.to_wasm())
                .map_err(|_| ImageError::GlobalType { index, found: *value })?;
        }
        this.commit_heap();
        Ok(this)
    }

    /// The mutable globals as of the last commit.
    pub fn globals(&self) -> &[GlobalValue] {
        &self.committed_globals
    }

    /// The heap as of the last commit.
    pub fn heap_image(&self) -> HeapImage {
        HeapImage { memory: self.committed_memory.clone(), globals: self.committed_globals.clone() }
    }

    pub fn module(&self) -> &Arc<CompiledModule> {
        &self.module
    }

    /// The linear memory, stack included.
    pub fn memory(&self) -> &[u8] {
        match self.store.data().memory {
            Some(memory) => memory.data(&self.store),
            None => &[],
        }
    }

    pub fn stable_memory(&self) -> &StableMemory {
        &self.store.data().stable
    }

    /// Takes the stable memory out, uncommitted changes included.
    pub fn take_stable_memory(&mut self) -> StableMemory {
        std::mem::take(&mut self.store.data_mut().stable)
    }

    pub fn put_stable_memory(&mut self, stable: StableMemory) {
        self.store.data_mut().stable = stable;
    }

    /// Replaces the linear memory's contents, as an upgrade that keeps the memory does.
    ///
    /// # Errors
    /// When the module's memory cannot be grown to that size.
    pub fn set_memory(&mut self, contents: &[u8]) -> Result<(), CanisterTrap> {
        let Some(memory) = self.store.data().memory else {
            return Ok(());
        };
        let missing = contents.len().saturating_sub(memory.data_size(&self.store));
        let page_bytes = memory.page_size(&self.store);
        if missing > 0 {
            memory
                .grow(&mut self.store, (missing as u64).div_ceil(page_bytes))
                .map_err(|_| CanisterTrap::OutOfMemory)?;
        }
        memory.data_mut(&mut self.store)[..contents.len()].copy_from_slice(contents);
        Ok(())
    }

    /// Runs one function to its end. The caller then commits or rolls back.
    pub fn run(&mut self, function: Function<'_>, environment: Arc<Environment>, input: Input) -> Run {
        let limit = input.instruction_limit;
        self.store.data_mut().api = Some(SystemApi::new(environment, input));
        let outcome = self.store.set_fuel(limit).and_then(|()| self.enter(function));
        let remaining = self.store.get_fuel().unwrap_or(0);
        let api = self.store.data_mut().api.take().expect("set above; host functions never take it");
        Run {
            instructions: limit - remaining,
            result: outcome.map_err(|error| CanisterTrap::from_wasmtime(&error, limit)),
            effects: api.into_effects(),
        }
    }

    fn enter(&mut self, function: Function<'_>) -> wasmtime::Result<()> {
        match function {
            Function::Export(name) => {
                let function = self
                    .instance
                    .get_typed_func::<(), ()>(&mut self.store, name)
                    .map_err(|_| CanisterTrap::MethodNotFound(name.to_owned()))?;
                function.call(&mut self.store, ())
            }
            Function::Start => {
                let function = self.instance.get_typed_func::<(), ()>(&mut self.store, START)?;
                function.call(&mut self.store, ())
            }
            Function::Table(callback) => {
                let entry = self
                    .instance
                    .get_table(&mut self.store, TABLE)
                    .and_then(|table: Table| table.get(&mut self.store, callback.index.into()));
                let Some(Ref::Func(Some(function))) = entry else {
                    return Err(CanisterTrap::violation(format!(
                        "the table has no function at index {}",
                        callback.index
                    ))
                    .into());
                };
                let function = function.typed::<u32, ()>(&self.store).map_err(|_| {
                    CanisterTrap::violation(format!(
                        "the function at index {} of the table is no callback",
                        callback.index
                    ))
                })?;
                function.call(&mut self.store, callback.environment)
            }
        }
    }

    /// Keeps what the last run did to the memories and globals.
    pub fn commit(&mut self) {
        self.commit_heap();
        self.store.data_mut().stable.commit();
    }

    /// Undoes what happened since the last commit.
    pub fn rollback(&mut self) {
        self.store.data_mut().stable.rollback();
        let grown = self.memory().len() > self.committed_memory.len();
        if grown {
            self.renew();
        }
        if let Some(memory) = self.store.data().memory {
            memory.data_mut(&mut self.store).copy_from_slice(&self.committed_memory);
        }
        for (global, value) in self.globals.iter().zip(&self.committed_globals) {
            global
                .set(&mut self.store, value.to_wasm())
                .expect("the value was read from this mutable global");
        }
    }

    /// Linear memory cannot shrink, so growth is undone by a new instance of the same module.
    fn renew(&mut self) {
        let stable = self.take_stable_memory();
        let (store, instance, globals) =
            instantiate(&self.module).expect("the same module was instantiated before");
        self.store = store;
        self.instance = instance;
        self.globals = globals;
        self.put_stable_memory(stable);
        let committed = std::mem::take(&mut self.committed_memory);
        self.set_memory(&committed).expect("the memory had this size before");
        self.committed_memory = committed;
    }

    fn commit_heap(&mut self) {
        let mut committed = std::mem::take(&mut self.committed_memory);
        committed.clear();
        committed.extend_from_slice(self.memory());
        self.committed_memory = committed;
        self.committed_globals =
            self.globals.iter().map(|global| GlobalValue::of(global, &mut self.store)).collect();
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("module", &self.module)
            .field("memory_bytes", &self.memory().len())
            .finish()
    }
}

fn instantiate(
    module: &CompiledModule,
) -> Result<(Store<Host>, wasmtime::Instance, Vec<Global>), CanisterTrap> {
    let host = Host { memory: None, stable: StableMemory::default(), api: None };
    let mut store = Store::new(module.instance_pre.module().engine(), host);
    store
        .set_fuel(INSTANTIATION_FUEL)
        .and_then(|()| module.instance_pre.instantiate(&mut store))
        .map(|instance| {
            store.data_mut().memory = instance.get_memory(&mut store, MEMORY);
            let globals = module
                .globals
                .iter()
                .map(|name| instance.get_global(&mut store, name).expect("the instrumentation exports it"))
                .collect();
            (instance, globals)
        })
        .map(|(instance, globals)| (store, instance, globals))
        .map_err(|error| CanisterTrap::from_wasmtime(&error, INSTANTIATION_FUEL))
}
