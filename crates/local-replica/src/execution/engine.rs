//! The one WebAssembly engine of this process, and the cache of compiled modules.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, InstancePre, Linker, Module, OptLevel};

use super::host_memory::LentMemories;
use super::ic0;
use super::instance::Host;
use super::instrument::{InstrumentError, MAX_BYTES_32_BIT, MemoryPlan, instrument};
use super::module_rules::{self, ModuleRuleError};
use super::paged_memory::WASM_GUARD_BYTES;
use super::weights::operator_cost;

/// Largest module after decompression.
const MAX_MODULE_BYTES: u64 = 100 * 1024 * 1024;
/// Stack that WebAssembly may use; threads that run a replica have at least twice that.
const WASM_STACK_BYTES: usize = 1024 * 1024;

/// Who may read a metadata section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataVisibility {
    Public,
    Private,
}

/// A canister module, ready to be instantiated.
pub struct CompiledModule {
    pub(super) instance_pre: InstancePre<Host>,
    pub(super) memory: Option<MemoryPlan>,
    pub(super) functions: Vec<String>,
    pub(super) globals: Vec<String>,
    has_start: bool,
    /// Whether queries need a certificate of the canister's certified data.
    pub imports_data_certificate: bool,
    /// Content of the custom sections `icp:public <name>` and `icp:private <name>`.
    pub metadata: BTreeMap<String, (MetadataVisibility, Vec<u8>)>,
    /// SHA-256 of the module as it was sent, compressed or not.
    pub hash: [u8; 32],
    /// The module as it was sent.
    pub sent: Vec<u8>,
}

impl CompiledModule {
    /// Whether the module exports this function, for instance `canister_query get`.
    pub fn exports(&self, function: &str) -> bool {
        self.functions.iter().any(|name| name == function)
    }

    /// What its linear memory can grow to, in bytes.
    pub fn maximum_memory_bytes(&self) -> usize {
        self.memory.as_ref().map_or(0, MemoryPlan::maximum_bytes)
    }

    /// Whether the module has a start function.
    pub fn has_start(&self) -> bool {
        self.has_start
    }
}

impl std::fmt::Debug for CompiledModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CompiledModule({})", hex::encode(self.hash))
    }
}

/// Why a module cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("cannot decompress the gzip-compressed module: {0}")]
    Gzip(#[from] std::io::Error),
    #[error("the module has more than {MAX_MODULE_BYTES} bytes when decompressed")]
    TooLarge,
    #[error(transparent)]
    Rule(#[from] ModuleRuleError),
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    #[error("the module is invalid: {0}")]
    Invalid(String),
}

/// The engine with everything that was compiled by it; shared by all replicas of the process.
struct Shared {
    engine: Engine,
    linker_32_bit: Linker<Host>,
    linker_64_bit: Linker<Host>,
    compiled: Mutex<HashMap<[u8; 32], Arc<CompiledModule>>>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(operator_cost())
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .with_host_memory(Arc::new(LentMemories))
        .memory_reservation(MAX_BYTES_32_BIT as u64)
        .memory_guard_size(WASM_GUARD_BYTES as u64)
        // Nothing beyond a module's own memory may come from where canisters' memories come from.
        .gc_support(false)
        // As on the network: determinism, and no proposal that it does not take.
        .wasm_exceptions(false)
        .wasm_extended_const(false)
        .wasm_function_references(false)
        .wasm_gc(false)
        .wasm_memory64(true)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(true);
    let engine = Engine::new(&config).expect("the configuration is constant and valid");
    let linker_32_bit = ic0::linker_32_bit(&engine).expect("every system call is defined once");
    let linker_64_bit = ic0::linker_64_bit(&engine).expect("every system call is defined once");
    Shared { engine, linker_32_bit, linker_64_bit, compiled: Mutex::new(HashMap::new()) }
});

/// Compiles modules, or finds them compiled: in this process, then in a directory.
#[derive(Clone, Debug, Default)]
pub struct ModuleCache {
    directory: Option<PathBuf>,
}

impl ModuleCache {
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// Compiles `sent`, a module or a gzip-compressed module.
    ///
    /// # Errors
    /// When it is no valid canister module.
    pub fn compile(&self, sent: &[u8]) -> Result<Arc<CompiledModule>, CompileError> {
        let hash: [u8; 32] = Sha256::digest(sent).into();
        if let Some(module) = SHARED.compiled.lock().get(&hash) {
            return Ok(module.clone());
        }
        let wasm = decompress(sent)?;
        module_rules::check(&wasm)?;
        let instrumented = instrument(&wasm)?;
        let module = self.load_or_compile(&instrumented.wasm)?;
        let linker = match &instrumented.memory {
            Some(plan) if plan.is_64_bit => &SHARED.linker_64_bit,
            _ => &SHARED.linker_32_bit,
        };
        let instance_pre =
            linker.instantiate_pre(&module).map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        let compiled = Arc::new(CompiledModule {
            instance_pre,
            memory: instrumented.memory,
            functions: instrumented.functions,
            globals: instrumented.globals,
            has_start: instrumented.has_start,
            imports_data_certificate: instrumented.imports_data_certificate,
            metadata: metadata(instrumented.custom_sections),
            hash,
            sent: sent.to_vec(),
        });
        SHARED.compiled.lock().insert(hash, compiled.clone());
        Ok(compiled)
    }

    fn load_or_compile(&self, wasm: &[u8]) -> Result<Module, CompileError> {
        let path = self.directory.as_ref().map(|directory| directory.join(cache_file_name(wasm)));
        if let Some(module) = path.as_deref().and_then(load) {
            return Ok(module);
        }
        let module =
            Module::new(&SHARED.engine, wasm).map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        if let Some(path) = path {
            store(&module, &path);
        }
        Ok(module)
    }
}

/// Names the file by the module and by everything that compiled code depends on.
fn cache_file_name(wasm: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut configuration = DefaultHasher::new();
    SHARED.engine.precompile_compatibility_hash().hash(&mut configuration);
    let mut hasher = Sha256::new();
    hasher.update(wasm);
    hasher.update(configuration.finish().to_be_bytes());
    format!("{}.cwasm", hex::encode(hasher.finalize()))
}

#[allow(unsafe_code)]
fn load(path: &Path) -> Option<Module> {
    if !path.exists() {
        return None;
    }
    // SAFETY: the cache directory belongs to the operator of this replica, and only `store`
    // writes files of this name there, atomically; wasmtime checks version and configuration.
    unsafe { Module::deserialize_file(&SHARED.engine, path) }.ok()
}

/// Writes the compiled module for the next process. A cache that cannot be written is no error:
/// it only costs compiling again.
fn store(module: &Module, path: &Path) {
    let Ok(bytes) = module.serialize() else {
        return;
    };
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&unfinished, bytes))
        .and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        // Nothing may be left if the disk is full; if even that fails there is nothing to do.
        let _ = std::fs::remove_file(&unfinished);
    }
}

fn decompress(sent: &[u8]) -> Result<Vec<u8>, CompileError> {
    if !sent.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Ok(sent.to_vec());
    }
    let mut wasm = Vec::new();
    flate2::read::GzDecoder::new(sent).take(MAX_MODULE_BYTES + 1).read_to_end(&mut wasm)?;
    if wasm.len() as u64 > MAX_MODULE_BYTES {
        return Err(CompileError::TooLarge);
    }
    Ok(wasm)
}

fn metadata(custom_sections: Vec<(String, Vec<u8>)>) -> BTreeMap<String, (MetadataVisibility, Vec<u8>)> {
    custom_sections
        .into_iter()
        .filter_map(|(section, content)| {
            if let Some(name) = section.strip_prefix("icp:public ") {
                Some((name.to_owned(), (MetadataVisibility::Public, content)))
            } else {
                section
                    .strip_prefix("icp:private ")
                    .map(|name| (name.to_owned(), (MetadataVisibility::Private, content)))
            }
        })
        .collect()
}
