//! What the interface specification asks of a module beyond being valid WebAssembly: which entry
//! points it may export and of which type, what it may import, and how large its parts may be.

use std::collections::BTreeSet;

use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

const SYSTEM_METHODS: [&str; 7] = [
    "canister_init",
    "canister_pre_upgrade",
    "canister_post_upgrade",
    "canister_inspect_message",
    "canister_heartbeat",
    "canister_global_timer",
    "canister_on_low_wasm_memory",
];
const METHOD_PREFIXES: [&str; 3] = ["canister_update ", "canister_query ", "canister_composite_query "];
/// Prefix of the custom sections that the network publishes.
const METADATA_PREFIX: &str = "icp:";

const MAX_FUNCTIONS: usize = 50_000;
const MAX_GLOBALS: usize = 1_000;
const MAX_METHODS: usize = 1_000;
const MAX_METHOD_NAMES_BYTES: usize = 20_000;
const MAX_CODE_SECTION_BYTES: usize = 12 * 1024 * 1024;
const MAX_FUNCTION_INSTRUCTIONS: usize = 1_000_000;
/// How many tables one module may have.
pub const MAX_TABLES: usize = 1;
/// Elements that a table may have at first, and may grow to.
pub const MAX_TABLE_ELEMENTS: usize = 1_000_000;
const MAX_METADATA_SECTIONS: usize = 16;
const MAX_METADATA_BYTES: usize = 1024 * 1024;

/// Why a module cannot be a canister.
#[derive(Debug, thiserror::Error)]
pub enum ModuleRuleError {
    #[error("not a WebAssembly module: {0}")]
    Malformed(#[from] wasmparser::BinaryReaderError),
    #[error("import {module}.{name}: only functions can be imported, not memories, tables or globals")]
    ImportKind { module: String, name: String },
    #[error(
        "export '{0}': names starting with `canister_` are reserved; known are canister_init, canister_update <name> and the other entry points of the interface specification"
    )]
    ReservedExport(String),
    #[error("export '{0}': an entry point must be a function of type () -> ()")]
    EntryPointType(String),
    #[error("method '{0}' is exported as more than one of update, query and composite query")]
    DuplicateMethod(String),
    #[error(
        "custom section '{0}': names starting with `icp:` are reserved; known are icp:public <name> and icp:private <name>"
    )]
    ReservedSection(String),
    #[error("custom section '{0}' is there both as icp:public and as icp:private")]
    DuplicateMetadata(String),
    #[error("{what}: found {found}; allowed are at most {limit}")]
    TooLarge { what: &'static str, found: usize, limit: usize },
}

/// What the rules speak of.
#[derive(Default)]
struct Facts<'a> {
    /// Of each type, whether it is `() -> ()`.
    types: Vec<bool>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    imported_functions: usize,
    globals: usize,
    exports: Vec<(&'a str, ExternalKind, u32)>,
    /// Names and sizes of the custom sections with the reserved prefix.
    metadata: Vec<(&'a str, usize)>,
}

/// Checks the rules for the module `wasm`, not compressed.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(wasm: &[u8]) -> Result<(), ModuleRuleError> {
    let facts = read(wasm)?;
    at_most("functions", facts.functions.len() - facts.imported_functions, MAX_FUNCTIONS)?;
    at_most("globals", facts.globals, MAX_GLOBALS)?;
    check_exports(&facts)?;
    check_metadata(&facts)
}

fn read(wasm: &[u8]) -> Result<Facts<'_>, ModuleRuleError> {
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(types) => {
                for function in types.into_iter_err_on_gc_types() {
                    let function = function?;
                    facts.types.push(function.params().is_empty() && function.results().is_empty());
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    let TypeRef::Func(function_type) = import.ty else {
                        return Err(ModuleRuleError::ImportKind {
                            module: import.module.to_owned(),
                            name: import.name.to_owned(),
                        });
                    };
                    facts.functions.push(function_type);
                    facts.imported_functions += 1;
                }
            }
            Payload::FunctionSection(functions) => {
                for function_type in functions {
                    facts.functions.push(function_type?);
                }
            }
            Payload::GlobalSection(globals) => facts.globals = globals.count() as usize,
            Payload::TableSection(tables) => {
                at_most("tables", tables.count() as usize, MAX_TABLES)?;
                for table in tables {
                    let elements = usize::try_from(table?.ty.initial).unwrap_or(usize::MAX);
                    at_most("elements of a table", elements, MAX_TABLE_ELEMENTS)?;
                }
            }
            Payload::CodeSectionStart { size, .. } => {
                at_most("bytes of the code section", size as usize, MAX_CODE_SECTION_BYTES)?;
            }
            // An instruction has at least one byte, so that most functions need not be counted.
            Payload::CodeSectionEntry(body) if body.range().len() > MAX_FUNCTION_INSTRUCTIONS => {
                let mut instructions = 0;
                for operator in body.get_operators_reader()? {
                    operator?;
                    instructions += 1;
                }
                at_most("instructions of a function", instructions, MAX_FUNCTION_INSTRUCTIONS)?;
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    facts.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::CustomSection(section) if section.name().starts_with(METADATA_PREFIX) => {
                facts.metadata.push((section.name(), section.data().len()));
            }
            _ => {}
        }
    }
    Ok(facts)
}

fn check_exports(facts: &Facts<'_>) -> Result<(), ModuleRuleError> {
    let mut methods = BTreeSet::new();
    for &(name, kind, index) in &facts.exports {
        if let Some(method) = METHOD_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
            if !methods.insert(method) {
                return Err(ModuleRuleError::DuplicateMethod(method.to_owned()));
            }
        } else if !name.starts_with("canister_") {
            continue;
        } else if !SYSTEM_METHODS.contains(&name) {
            return Err(ModuleRuleError::ReservedExport(name.to_owned()));
        }
        let is_no_entry_point = !matches!(kind, ExternalKind::Func | ExternalKind::FuncExact) || {
            let function_type = facts.functions.get(index as usize);
            function_type.and_then(|ty| facts.types.get(*ty as usize)) != Some(&true)
        };
        if is_no_entry_point {
            return Err(ModuleRuleError::EntryPointType(name.to_owned()));
        }
    }
    at_most("exported methods", methods.len(), MAX_METHODS)?;
    let names_bytes = methods.iter().map(|method| method.len()).sum();
    at_most("bytes of the names of exported methods", names_bytes, MAX_METHOD_NAMES_BYTES)
}

fn check_metadata(facts: &Facts<'_>) -> Result<(), ModuleRuleError> {
    let mut names = BTreeSet::new();
    let mut bytes = 0;
    for (section, size) in &facts.metadata {
        let name = section
            .strip_prefix("icp:public ")
            .or_else(|| section.strip_prefix("icp:private "))
            .ok_or_else(|| ModuleRuleError::ReservedSection((*section).to_owned()))?;
        if !names.insert(name) {
            return Err(ModuleRuleError::DuplicateMetadata(name.to_owned()));
        }
        bytes += name.len() + size;
    }
    at_most("custom sections icp:", facts.metadata.len(), MAX_METADATA_SECTIONS)?;
    at_most("bytes of the custom sections icp:", bytes, MAX_METADATA_BYTES)
}

fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), ModuleRuleError> {
    if found > limit { Err(ModuleRuleError::TooLarge { what, found, limit }) } else { Ok(()) }
}
